"""Purges that are killed after each call of a port and run again, and purges at once."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from phone_vault.domain.errors import Conflict
from phone_vault.domain.ports import Contended, RecordId
from phone_vault.domain.purge_run import RunState
from tests.fakes import Turns
from tests.unit.services.purge_world import MOST_CALLS, PurgeWorld, subject
from tests.unit.services.rights_world import NUMBERS

DELIVERY = timedelta(days=30)
DUE = 5
"""Numbers of the stock that are due."""


class Stock:
    """A vault with something of everything, on the day on which it is due."""

    def __init__(self, *, is_log_watched: bool = True) -> None:
        self.world = world = PurgeWorld(is_log_watched=is_log_watched)
        world.tables.page_rows = 2
        self.due = [world.stored(NUMBERS[at % 3], ("delivery",), subject(at)) for at in range(DUE)]
        self.leftover = world.stored(NUMBERS[0], ("delivery", "security"), "leftover")
        self.lives = world.stored(NUMBERS[1], ("security",), "lives")
        self.held = world.stored(NUMBERS[2], ("delivery",), "held")
        world.encrypted("delivery")
        world.hold(self.held)
        world.clock.advance(DELIVERY)
        # As a purge of yesterday has left it: each day more is 16 calls more to be killed after.
        world.runs.first_day = world.clock.now().date()

    @property
    def names(self) -> dict[str, str]:
        """Each token under a name that is the same in every stock."""
        kept = {self.leftover: "leftover", self.lives: "lives", self.held: "held"}
        return {token: f"due {at}" for at, token in enumerate(self.due)} | kept

    def end_state(self) -> dict[str, Any]:
        """What can be compared of two stocks: all but chance."""
        world, names = self.world, self.names
        return {
            "records": {
                names[record_id.token]: (record.grants, record.standing)
                for record_id, record in sorted(world.tables.records.items())
            },
            "message_keys": len(world.tables.message_keys),
            "messages": sorted(names[record_id.token] for record_id in world.tables.messages),
            "index": sorted(names[token] for token in world.tables.index.values()),
            "members": sorted(
                names.get(member[2:], member) for members in world.tables.members.values() for member in members
            ),
            "tombstones": sorted(
                (names.get(name, "message key"), each.is_swept, each.positions, each.purposes)
                for (_, name), each in world.tables.tombstones.items()
            ),
            "due": {
                names.get(record_id.token, "message key"): day[:10] for record_id, day in world.retained.due.items()
            },
            "low water": world.runs.first_day,
            "in receipts": {name: world.receipts_naming(token) for token, name in names.items()},
            "message keys in receipts": sum(receipt["counts"]["message_keys"] for receipt in self.receipts()),
            "by purpose": sum(receipt["by_purpose"].get("delivery", 0) for receipt in self.receipts()),
        }

    def receipts(self) -> Iterator[dict[str, Any]]:
        """All that were issued."""
        return (json.loads(text) for text in self.world.receipts.texts.values())


def undisturbed(**given: str) -> dict[str, Any]:
    stock = Stock()
    output = stock.world.purge(**(given and {"plan_id": stock.world.planned()}))
    assert (output["purged"], output["kept"], output["message_keys"]) == (DUE, 1, 1)
    return stock.end_state()


def test_the_undisturbed_end_state_is_what_a_purge_is_for() -> None:
    state = undisturbed()
    assert state["in receipts"] == {f"due {at}": 1 for at in range(DUE)} | {"held": 0, "leftover": 0, "lives": 0}
    assert (state["by purpose"], state["message keys in receipts"], state["message_keys"]) == (DUE, 1, 0)
    assert set(state["records"]) == {"held", "leftover", "lives"}
    assert state["due"] == {"held": "2026-01-31", "leftover": "2026-04-01", "lives": "2026-04-01"}


@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
def test_a_purge_that_nobody_planned_is_killed_after_each_call_and_run_again(times: int) -> None:
    expected = undisturbed()
    calls = 0
    while True:
        calls += 1
        stock = Stock()
        if not stock.world.killed_in_purge(calls):
            break
        if times == 2:
            stock.world.killed_in_purge(calls)
        stock.world.purge()
        assert stock.end_state() == expected, f"killed after {calls} calls"
    assert calls > 60


@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
def test_a_planned_purge_is_killed_after_each_call_and_run_again(times: int) -> None:
    expected = undisturbed(plan_id="one")
    calls = 0
    while True:
        calls += 1
        stock = Stock()
        plan = {"plan_id": stock.world.planned()}
        if not stock.world.killed_in_purge(calls, **plan):
            break
        if times == 2:
            stock.world.killed_in_purge(calls, **plan)
        stock.world.purge(**plan)
        assert stock.end_state() == expected, f"killed after {calls} calls"
    assert calls > 30


def test_a_purge_that_was_killed_is_told_as_one_with_the_next_however_late_that_is() -> None:
    for calls in range(30, 70, 3):
        stock = Stock()
        assert stock.world.killed_in_purge(calls)
        stock.world.clock.advance(timedelta(days=1, hours=7))
        world = stock.world
        late = world.stored(NUMBERS[0], ("delivery",), "late")
        output = world.purge()
        assert sum(world.receipts_naming(token) for token in stock.due) == DUE
        assert {world.receipts_naming(token) for token in stock.due} == {1}
        assert output["purged"] == DUE or len(world.receipts.texts) == 2
        assert world.lives(late)
        assert world.runs.first_day == world.clock.now().date()


def test_a_run_that_was_stopped_so_long_ago_that_its_plan_is_gone_is_told_all_the_same() -> None:
    stock = Stock()
    run = stock.world.begin()
    stock.world.page(run["scope"], run["run_id"], 0)
    stock.world.clock.advance(timedelta(days=31))
    output = stock.world.purge()
    assert output["purged"] == DUE
    assert {stock.world.receipts_naming(token) for token in stock.due} == {1}


def test_the_step_that_finishes_is_killed_after_each_call_and_done_by_the_next_purge() -> None:
    calls = 0
    while True:
        calls += 1
        stock = Stock()
        world = stock.world
        run = world.begin()
        for page in run["pages"]:
            world.page(run["scope"], run["run_id"], page)
        world.disturbances.kill_after(calls)
        try:
            world.advance("finish", scope=run["scope"], run_id=run["run_id"])
            break
        except BaseException:
            world.disturbances.end()
        world.clock.advance(timedelta(days=1))
        world.purge()
        assert {world.receipts_naming(token) for token in stock.due} == {1}
        assert world.runs.runs["unattended"].state is RunState.FINISHED
    assert calls > 5


# At once.


def machine(world: PurgeWorld, **given: str) -> None:
    """As the state machine does, retries included; another purge may have gone on with what it began."""
    with suppress(Conflict):
        plan = again(lambda: world.advance("plan", purge=given))
        while plan["next"] != "begin":
            if plan["next"] == "resume":
                carry_out(world, plan)
            plan = again(lambda: world.advance("plan", purge=given))
        run = again(lambda: world.advance("begin", purge=given, plan_id=plan["plan_id"]))
        carry_out(world, run)
        again(lambda: world.advance("finish", scope=run["scope"], run_id=run["run_id"]))


def carry_out(world: PurgeWorld, run: dict[str, Any]) -> None:
    for page in run["pages"]:
        again(lambda page=page: world.page(run["scope"], run["run_id"], page))  # type: ignore[misc]  # bound at once


def again(call: Callable[[], Any]) -> Any:
    for _ in range(MOST_CALLS):
        with suppress(Contended):
            return call()
    raise AssertionError("contended for ever")


def at_once(stock: Stock, seed: int, *machines: Callable[[], None]) -> None:
    turns = Turns(seed)
    stock.world.disturbances.take_turns = turns.take
    turns.run(*machines)
    stock.world.disturbances.take_turns = lambda: None


@pytest.mark.parametrize("seed", range(12))
def test_two_purges_at_once_destroy_and_name_each_number_once(seed: int) -> None:
    stock = Stock(is_log_watched=False)
    stock.world.counted_by_census(10)
    at_once(stock, seed, lambda: machine(stock.world), lambda: machine(stock.world))
    assert stock.end_state() == undisturbed()


@pytest.mark.parametrize("seed", range(12))
def test_one_plan_run_twice_at_once_destroys_and_names_each_number_once(seed: int) -> None:
    stock = Stock(is_log_watched=False)
    plan_id = stock.world.planned()
    run = lambda: machine(stock.world, plan_id=plan_id)  # noqa: E731  twice the same
    at_once(stock, seed, run, run)
    assert stock.end_state() == undisturbed()


@pytest.mark.parametrize("seed", range(12))
def test_a_planned_purge_and_another_at_once_destroy_each_number_and_name_all(seed: int) -> None:
    """One that the other has shredded and not yet counted may be named by both; none is named by neither."""
    stock = Stock(is_log_watched=False)
    stock.world.counted_by_census(10)
    plan_id = stock.world.planned()
    at_once(stock, seed, lambda: machine(stock.world, plan_id=plan_id), lambda: machine(stock.world))
    expected = undisturbed()
    state = stock.end_state()
    told = {name: state.pop(name) for name in ("in receipts", "message keys in receipts", "by purpose", "low water")}
    assert state == {name: expected[name] for name in state}
    assert all(told["in receipts"][f"due {at}"] >= 1 for at in range(DUE))
    assert told["message keys in receipts"] >= 1
    stock.world.purge()
    assert stock.world.runs.first_day == expected["low water"]


@pytest.mark.parametrize("seed", range(8))
def test_an_application_that_stores_numbers_meanwhile_loses_none(seed: int) -> None:
    stock = Stock(is_log_watched=False)
    world = stock.world
    stored: list[str] = []

    def protect() -> None:
        for at in range(DUE):
            answer = world.protected(NUMBERS[at % 3], subject(at), delivery={})
            stored.append(answer["token"])

    at_once(stock, seed, lambda: machine(world), protect)
    for token in stored:
        answer = world.call("Reveal", {"token": token, "purpose": "delivery"})
        assert "number" in answer, answer
        assert RecordId("default", token) in world.tables.records
        assert token in world.tables.index.values()
