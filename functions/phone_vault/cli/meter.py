"""How far a command is, with rate and time left: a bar on stderr where somebody watches, else a line now and then."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol


class Meter(Protocol):
    """What it is told."""

    def show(self, done: int, note: str = "") -> None:
        """So many of the total so far; `note` says more of it."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What there is to do, and how far it is at the start."""

    label: str
    total: int
    done: int = 0
    unit: str = ""


@contextmanager
def meter(measured: Measured, tell: Callable[[str], object]) -> Iterator[Meter]:
    """`tell` takes the lines."""
    if not sys.stderr.isatty():
        yield Milestones(measured, tell)
        return
    try:
        from tqdm import tqdm  # of the extra `local`
    except ModuleNotFoundError:
        yield Milestones(measured, tell)
        return
    with tqdm(
        total=measured.total,
        initial=measured.done,
        unit=measured.unit,
        unit_scale=bool(measured.unit),
        desc=f"  {measured.label}",
        dynamic_ncols=True,
        leave=False,
    ) as bar:

        class _Bar:
            def show(self, done: int, note: str = "") -> None:
                bar.set_postfix_str(note, refresh=False)
                bar.update(done - bar.n)

        yield _Bar()


class Milestones:
    """Five lines at most."""

    _MOST = 5

    def __init__(
        self, measured: Measured, tell: Callable[[str], object], seconds: Callable[[], float] = time.perf_counter
    ) -> None:
        self._measured = measured
        self._tell = tell
        self._seconds = seconds
        self._started = seconds()
        self._told = self._milestone(measured.done)

    def show(self, done: int, note: str = "") -> None:
        """Told when it is a fifth further."""
        milestone = self._milestone(done)
        if milestone > self._told:
            self._told = milestone
            self._tell(", ".join(filter(None, [self._so_far(done), note, self._pace(done)])))

    def _milestone(self, done: int) -> int:
        return done * self._MOST // self._measured.total

    def _so_far(self, done: int) -> str:
        what = self._measured
        return f"{what.label}: {done:,} of {what.total:,} {what.unit}".rstrip()

    def _pace(self, done: int) -> str:
        what, seconds = self._measured, self._seconds() - self._started
        if seconds <= 0 or done <= what.done:
            return ""
        rate = (done - what.done) / seconds
        left = timedelta(seconds=round((what.total - done) / rate))
        return f"{rate:,.0f} {what.unit}/s, {left} left".replace(" /s", "/s")


class NoMeter:
    """Shows nothing: for machines."""

    def show(self, done: int, note: str = "") -> None:
        """Nothing."""
