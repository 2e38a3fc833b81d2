"""Where a command tells what it does: a terminal, a file or pipe, or nowhere."""

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Protocol, TypeVar

from phone_vault.cli.meter import Measured, meter

_WIDEST = 110

_Step = TypeVar("_Step", bound=Sized)


class Console(Protocol):
    """What a command can say."""

    def section(self, title: str, why: str) -> None:
        """A heading and a sentence or two under it."""

    def say(self, line: str = "") -> None:
        """One line."""

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Columns, each as wide as its widest cell."""

    def progress(self, label: str, steps: Sequence[_Step]) -> Iterator[_Step]:
        """The steps, one after the other, while their sizes are counted as done."""


class Silence:
    """Says nothing: for machines, which read the JSON."""

    def section(self, title: str, why: str) -> None:
        """Nothing."""

    def say(self, line: str = "") -> None:
        """Nothing."""

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Nothing."""

    def progress(self, label: str, steps: Sequence[_Step]) -> Iterator[_Step]:
        """The steps."""
        return iter(steps)


class Terminal:
    """Text on stdout; a moving bar on stderr where somebody watches, else a line now and then on stdout."""

    def __init__(self) -> None:
        self._bold, self._plain = ("\033[1m", "\033[0m") if _takes_colour() else ("", "")
        self._width = min(shutil.get_terminal_size((_WIDEST, 24)).columns, _WIDEST)

    def section(self, title: str, why: str) -> None:
        """After an empty line."""
        print(f"\n{self._bold}{title}{self._plain}")
        print(textwrap.fill(why, self._width), end="\n\n", flush=True)

    def say(self, line: str = "") -> None:
        """Indented; not wrapped, so that what is cut and pasted stays whole."""
        print(f"  {line}".rstrip(), flush=True)

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Indented like `say`."""
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            self.say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))

    def progress(self, label: str, steps: Sequence[_Step]) -> Iterator[_Step]:
        """With rate and time left."""
        done = 0
        with meter(Measured(label, _size(steps)), self.say) as shown:
            for step in steps:
                yield step
                done += len(step)
                shown.show(done)


def _size(steps: Iterable[Sized]) -> int:
    return sum(map(len, steps))


def _takes_colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
