"""Following a rotation, of which a clock and a store of cursors tell."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest

from phone_vault.adapters.state_machine import RUNNING, SUCCEEDED, Execution
from phone_vault.cli.console import Terminal
from phone_vault.cli.rotating.following import Following
from phone_vault.cli.rotating.steps import states_of
from phone_vault.domain.rotation import Progress, Run, Step

START = datetime(2026, 1, 1, tzinfo=UTC)
RUN = Run("run", START, shards=2)
Output = pytest.CaptureFixture[str]


class Store:
    """Operations, one state after the other."""

    def __init__(self, *states: tuple[Run | None, Sequence[Progress]]) -> None:
        self._states = list(states)

    def latest(self) -> Run | None:
        return self._states[0][0]

    def progress(self, run: Run) -> Sequence[Progress]:
        del run
        return self._states[0][1]

    def advance(self, _seconds: float) -> None:
        del self._states[0]

    def execution(self) -> Execution:
        return Execution("arn", "name", RUNNING if len(self._states) > 1 else SUCCEEDED, START)


def progress(
    shard: int, counts: Mapping[str, int], *, done: bool = False, step: Step = Step.REWRAP, run: str = "run"
) -> Progress:
    return Progress(run, step, shard, START, done=done, counts=dict(counts))


def followed(store: Store, records: int | None = 100) -> None:
    following = Following(store, Terminal(), records=records, wait_seconds=360)
    assert following.until_ended(store.execution, store.advance).has_succeeded


def lines(capsys: Output) -> list[str]:
    return [line.strip() for line in capsys.readouterr().out.splitlines()]


BEGUN = (RUN, [progress(0, {"done": 30, "current": 10})])
ENDED = (RUN, [progress(0, {"done": 50}, done=True), progress(1, {"done": 48, "failed": 2}, done=True)])


def test_a_step_is_told_of_when_it_is_done(capsys: Output) -> None:
    followed(Store((None, []), BEGUN, ENDED))
    assert lines(capsys)[-1] == "re-wrapping: 100 records, 98 changed, 2 FAILED, 2 shards"


def test_a_step_that_nobody_saw_begin_is_told_of_too(capsys: Output) -> None:
    followed(Store((None, []), ENDED))
    assert lines(capsys) == ["re-wrapping: 100 records, 98 changed, 2 FAILED, 2 shards"]


def test_how_far_a_step_is_is_told_by_records(capsys: Output) -> None:
    further = (RUN, [progress(0, {"done": 50}, done=True), progress(1, {"done": 10})])
    followed(Store((None, []), (RUN, [progress(0, {"done": 1})]), further, ENDED))
    assert lines(capsys)[0].startswith("re-wrapping: 60 of 100 records, 1 of 2 shards, ")


def test_where_nobody_knows_how_many_records_there_are_it_is_told_by_shards(capsys: Output) -> None:
    further = (RUN, [progress(0, {"done": 50}, done=True), progress(1, {"done": 10})])
    followed(Store((None, []), BEGUN, further, ENDED), records=None)
    assert lines(capsys)[0].startswith("re-wrapping: 1 of 2 shards, 60 records, ")


def test_the_rotation_of_before_is_not_told_of(capsys: Output) -> None:
    of_before = (Run("earlier", START, shards=2, finished=True), [progress(0, {"done": 7}, done=True, run="earlier")])
    followed(Store(of_before, of_before, BEGUN, ENDED))
    assert not [line for line in lines(capsys) if " 7 " in line]


def test_more_records_than_there_were_said_to_be_do_no_harm(capsys: Output) -> None:
    followed(Store((None, []), BEGUN, ENDED), records=5)
    assert lines(capsys)[-1].startswith("re-wrapping: 100 records")


def test_a_census_counts_numbers_and_message_keys_once_each() -> None:
    counts = {"acme/numbers": 3, "acme/messages": 2, "acme/branch/1": 5, "acme/entries/1": 3}
    (state,) = states_of(RUN, [progress(0, counts, step=Step.LAST_CENSUS)])
    assert (state.records, state.outcome) == (5, "")


def test_steps_stand_in_the_order_in_which_they_are_made() -> None:
    steps = [Step.LAST_CENSUS, Step.REWRAP, Step.SWEEP]
    found = states_of(RUN, [progress(0, {}, step=step) for step in steps])
    assert [state.step for state in found] == [Step.REWRAP, Step.SWEEP, Step.LAST_CENSUS]
