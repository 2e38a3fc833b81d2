"""That the state machine Rotation goes the way that rotation needs."""

import pytest

from phone_vault.domain.rotation import Step
from tests.infrastructure.state_machines import MACHINES, next_states
from tests.infrastructure.templates import Template

ROTATION = MACHINES["Rotation"]
STATES = ROTATION.states
MAPS = ROTATION.of_kind("Map")
FINISHED = ROTATION.finished()

every_map = pytest.mark.parametrize("each", MAPS.values(), ids=MAPS)


def test_there_is_a_way_through_for_each_choice() -> None:
    """Whether to rotate (in two ways, of which one is a long answer), and four times whether to make a pass."""
    assert len(FINISHED) == 3 * 2**4


@pytest.mark.parametrize("earlier_and_later", [("RotateKeys", "Begin"), ("Rewrap", "LastCensus"), ("Close", "Sweep")])
def test_one_step_comes_before_another(earlier_and_later: tuple[str, str]) -> None:
    earlier, later = earlier_and_later
    with_both = [way for way in FINISHED if earlier in way and later in way]
    assert with_both
    assert all(way.index(earlier) < way.index(later) for way in with_both)


@pytest.mark.parametrize("after_caches", ["Rewrap", "ReEncrypt", "Reindex", "FirstCensus", "LastCensus"])
def test_what_must_not_be_added_to_afterwards_waits_for_caches(after_caches: str) -> None:
    through = [way for way in FINISHED if after_caches in way]
    assert through
    assert all(way.index("WaitForCaches") < way.index(after_caches) for way in through)


def test_an_index_version_is_written_until_nobody_reads_it_and_swept_when_nobody_writes_it() -> None:
    for way in FINISHED:
        if "Sweep" in way:
            swept = way[way.index("Settle") : way.index("Sweep") + 1]
            assert swept == ("Settle", "Sweep?", "WaitForReaders", "Close", "WaitForWriters", "Sweep")


def test_a_version_is_retired_by_a_census_that_is_the_last_thing_before() -> None:
    assert all(way[-2:] == ("LastCensus", "Finish") for way in FINISHED)


def test_the_whole_input_is_looked_at_before_anything_is_done() -> None:
    assert ROTATION.definition["StartAt"] == "Plan"
    assert STATES["Plan"]["Parameters"] == {"step": "plan", "rotation.$": "$"}


def test_every_wait_for_caches_says_what_for_and_is_as_long_as_the_run_says() -> None:
    waits = {name: wait for name, wait in ROTATION.of_kind("Wait").items() if name != "WaitToRotate"}
    assert len(waits) == 3
    assert all(wait["Comment"] and wait["SecondsPath"] == "$.run.wait_seconds" for wait in waits.values())


def test_there_is_one_pass_a_step() -> None:
    assert {each["ItemSelector"]["step"] for each in MAPS.values()} == set(Step)
    assert len(MAPS) == len(Step)


@every_map
def test_a_pass_is_over_the_shards(each: Template) -> None:
    assert each["ItemsPath"] == "$.run.shards"


@every_map
def test_a_part_of_a_pass_asks_its_worker_for_page_after_page_until_it_is_done(each: Template) -> None:
    part = each["ItemProcessor"]
    pages = part["StartAt"]
    (asked,) = next_states(part, pages)
    assert part["States"][asked]["Choices"] == [
        {"Variable": "$.done", "BooleanEquals": True, "Next": part["States"][asked]["Choices"][0]["Next"]}
    ]
    assert part["States"][asked]["Default"] == pages


def test_no_state_is_given_a_result_but_what_decides_about_the_next() -> None:
    kept = {name: state.get("ResultPath", "$") for name, state in STATES.items() if state["Type"] in ("Map", "Task")}
    assert {name for name, path in kept.items() if path is not None} == {
        "Plan",
        "RotateKeys",
        "Begin",
        "Settle",
        "Finish",
        *(f"{name}Pages" for name in MAPS),
    }


def test_it_ends_before_the_schedule_starts_the_next_one() -> None:
    assert ROTATION.definition["TimeoutSeconds"] < 7 * 86_400


def test_a_refusal_ends_the_execution_by_its_problems_name() -> None:
    failures = {name: each["Error"] for name, each in ROTATION.of_kind("Fail").items() if "Error" in each}
    assert failures == {"InvalidRequest": "invalid-request", "NotFound": "not-found", "Overtaken": "conflict"}


def test_every_decision_after_the_first_says_when_another_execution_has_overtaken_it() -> None:
    decisions = {
        name: task for name, task in ROTATION.of_kind("Task").items() if task["Resource"] == "${AdvanceRotation}"
    }
    assert decisions.keys() == {"Plan", "Begin", "Settle", "Close", "Finish"}
    for name in decisions.keys() - {"Plan"}:
        assert decisions[name]["Catch"] == [{"ErrorEquals": ["Conflict"], "Next": "Overtaken"}], name
