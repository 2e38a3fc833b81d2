"""How far the import is: a moving bar where somebody watches, else a line now and then; on stderr."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from phone_vault.cli.importing.journal import Progress

_MILESTONES = 10


class ProgressBar(Protocol):
    """What it is told."""

    def show(self, progress: Progress) -> None:
        """So far."""


@contextmanager
def progress_bar(size: int, start: Progress, *, silent: bool) -> Iterator[ProgressBar]:
    """By bytes of the file, whose number is known; that of its rows is not."""
    if silent:
        yield _Silence()
        return
    if not sys.stderr.isatty():
        yield _Milestones(size, start)
        return
    try:
        from tqdm import tqdm  # of the extra `local`
    except ModuleNotFoundError:
        yield _Milestones(size, start)
        return
    with tqdm(total=size, initial=start.offset, unit="B", unit_scale=True, desc="import", leave=False) as bar:

        class _Bar:
            def show(self, progress: Progress) -> None:
                bar.set_postfix_str(_rows(progress), refresh=False)
                bar.update(progress.offset - bar.n)

        yield _Bar()


class _Silence:
    def show(self, progress: Progress) -> None:
        """Nothing."""


class _Milestones:
    def __init__(self, size: int, start: Progress) -> None:
        self._size = size
        self._told = start.offset * _MILESTONES // size

    def show(self, progress: Progress) -> None:
        milestone = progress.offset * _MILESTONES // self._size
        if milestone > self._told:
            self._told = milestone
            print(f"import: {milestone * 100 // _MILESTONES} % of the file, {_rows(progress)}", file=sys.stderr)


def _rows(progress: Progress) -> str:
    rejected = sum(progress.counts.rejected.values())
    return f"{progress.counts.rows:,} rows" + (f", {rejected:,} rejected" if rejected else "")
