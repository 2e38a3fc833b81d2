"""That the state machine Purge destroys nothing that nobody has planned, and nothing that no receipt names."""

import pytest

from tests.infrastructure.state_machines import MACHINES

PURGE = MACHINES["Purge"]
STATES = PURGE.states
MAPS = PURGE.of_kind("Map")
FINISHED = PURGE.finished(most_rounds=3)
"""To plan may take several calls, and what was left undone is done first."""
DESTROYING = ("Resume", "Purge")


def test_the_input_is_looked_at_before_anything_is_done() -> None:
    assert PURGE.definition["StartAt"] == "Plan"
    assert STATES["Plan"]["Parameters"] == {"step": "plan", "purge.$": "$$.Execution.Input"}


@pytest.mark.parametrize("state", DESTROYING)
def test_there_are_ways_through_every_state_that_destroys(state: str) -> None:
    assert any(state in way for way in FINISHED)


def test_nothing_is_destroyed_but_by_a_plan_that_is_made_and_within_the_circuit_breaker() -> None:
    for way in FINISHED:
        if "Purge" in way:
            assert way[: way.index("Purge") + 1][-4:] == ("Planned?", "Begin", "Anything?", "Purge")


def test_what_a_stopped_purge_has_left_is_done_before_anything_is_planned_anew() -> None:
    for way in FINISHED:
        resumed = [at for at, name in enumerate(way) if name == "Resume"]
        assert all(way[at - 1] == "Planned?" and way[at + 1] == "Plan" for at in resumed)


def test_whatever_was_destroyed_comes_into_a_receipt() -> None:
    assert {way[-1] for way in FINISHED} == {"Finish"}
    assert {name for name, state in PURGE.definition["States"].items() if state.get("End")} == {"Finish"}


@pytest.mark.parametrize("name", DESTROYING)
def test_a_map_is_over_pages_and_gets_nothing_but_their_numbers(name: str) -> None:
    of = "$.plan" if name == "Resume" else "$.run"
    assert MAPS.keys() == set(DESTROYING)
    assert MAPS[name]["ItemsPath"] == f"{of}.pages"
    assert MAPS[name]["ItemSelector"] == {
        "scope.$": f"{of}.scope",
        "run_id.$": f"{of}.run_id",
        "page.$": "$$.Map.Item.Value",
    }


def test_no_state_is_given_a_result_but_what_decides_about_the_next() -> None:
    kept = {name: state.get("ResultPath", "$") for name, state in STATES.items() if state["Type"] in ("Map", "Task")}
    assert {name for name, path in kept.items() if path is not None} == {
        "Plan",
        "GoOnPlanning",
        "Begin",
        "Finish",
        *(each["ItemProcessor"]["StartAt"] for each in MAPS.values()),
    }


def test_it_ends_before_the_schedule_starts_the_next_one() -> None:
    assert PURGE.definition["TimeoutSeconds"] < 86_400


def test_a_refusal_ends_the_execution_by_its_problems_name() -> None:
    failures = {name: each["Error"] for name, each in PURGE.of_kind("Fail").items()}
    assert failures == {
        "InvalidRequest": "invalid-request",
        "NotFound": "not-found",
        "CircuitBreakerOpen": "circuit-breaker-open",
        "Conflict": "conflict",
    }
