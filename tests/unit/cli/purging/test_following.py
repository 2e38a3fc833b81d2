"""Following a purge, of which a clock and a store of pages tell."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from phone_vault.adapters.state_machine import RUNNING, SUCCEEDED, Execution
from phone_vault.cli.console import Terminal
from phone_vault.cli.purging.following import Following
from phone_vault.domain.purge_run import KEPT, PURGED, UNATTENDED, PageProgress, PageState, PurgeRun, RunState

START = datetime(2026, 1, 1, tzinfo=UTC)
RUN = PurgeRun(UNATTENDED, "run", "plan", START, pages=10)
Output = pytest.CaptureFixture[str]
State = tuple[PurgeRun | None, int]
"""A run, and how many of its pages are done."""


class Store:
    """Operations, one state after the other."""

    def __init__(self, *states: State) -> None:
        self._states = list(states)
        self.pages_read = 0

    def run(self, scope: str) -> PurgeRun | None:
        assert scope == UNATTENDED
        return self._states[0][0]

    def pages(self, run_id: str, numbers: Sequence[int]) -> list[PageProgress]:
        self.pages_read += len(numbers)
        done = self._states[0][1]
        counts = {PURGED: 90, KEPT: 10}
        return [
            PageProgress(run_id, each, PageState.DONE, counts) if each < done else PageProgress(run_id, each)
            for each in numbers
        ]

    def advance(self, _seconds: float) -> None:
        del self._states[0]

    def execution(self) -> Execution:
        return Execution("arn", "name", RUNNING if len(self._states) > 1 else SUCCEEDED, START)


def followed(store: Store, capsys: Output) -> list[str]:
    assert Following(store, Terminal(), UNATTENDED).until_ended(store.execution, store.advance).has_succeeded
    return [line.strip() for line in capsys.readouterr().out.splitlines()]


def test_a_run_is_told_of_when_its_pages_are_done(capsys: Output) -> None:
    assert followed(Store((None, 0), (RUN, 10)), capsys) == ["purging: 10 pages, 900 purged, 100 kept"]


def test_how_far_it_is_is_told_with_the_time_left(capsys: Output) -> None:
    first = followed(Store((None, 0), (RUN, 0), (RUN, 5), (RUN, 10)), capsys)[0]
    assert first.startswith("purging: 5 of 10 pages, 450 purged, 50 kept, ")
    assert first.endswith("left")


def test_what_was_stopped_goes_on_where_it_was(capsys: Output) -> None:
    lines = followed(Store((RUN, 4), (RUN, 4), (RUN, 8), (RUN, 10)), capsys)
    assert lines[-1] == "purging: 10 pages, 900 purged, 100 kept"


def test_a_stopped_run_and_the_one_that_goes_on_are_told_of_one_after_the_other(capsys: Output) -> None:
    further = replace(RUN, run_id="further", pages=2)
    lines = followed(Store((RUN, 4), (RUN, 10), (further, 2)), capsys)
    assert lines == ["purging: 10 pages, 900 purged, 100 kept", "purging: 2 pages, 180 purged, 20 kept"]


def test_the_purge_of_before_is_not_told_of(capsys: Output) -> None:
    of_before = replace(RUN, state=RunState.FINISHED)
    assert followed(Store((of_before, 10), (of_before, 10)), capsys) == []


def test_pages_that_are_done_are_not_read_again(capsys: Output) -> None:
    many = replace(RUN, pages=1000)
    store = Store((None, 0), (many, 900), (many, 1000))
    followed(store, capsys)
    assert store.pages_read == 1000 + 100
