"""Restrict on fakes: levels, grounds, later numbers, crashes, and callers at once."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from phone_vault.domain.standing import Ground, Level, Restriction
from tests.unit.services.rights_world import NUMBERS, SUBJECT, RightsWorld, pointers

UNKNOWN = "tok_" + "0" * 25
PORT_CALLS = ("subjects.read", "subjects.write", "subjects.members", "retained.read", "retained.change")


@pytest.fixture
def world() -> RightsWorld:
    return RightsWorld()


def restrict(whom: str = SUBJECT, ground: str = "accuracy", **more: Any) -> dict[str, Any]:
    return {**named(whom), "action": "restrict", "ground": ground, **more}


def lift(whom: str = SUBJECT, **more: Any) -> dict[str, Any]:
    return {**named(whom), "action": "lift", **more}


def named(whom: str) -> dict[str, str]:
    return {"token" if whom.startswith("tok_") else "subject_id": whom}


def on(level: Level, *grounds: str) -> set[Restriction]:
    return {Restriction(Ground(ground), level) for ground in grounds}


# Levels and grounds.


@pytest.mark.parametrize("ground", Ground)
def test_a_token_is_restricted_on_each_ground(world: RightsWorld, ground: str) -> None:
    restricted, other = world.stored(NUMBERS[0]), world.stored(NUMBERS[1])
    assert world.call("Restrict", restrict(restricted, ground)) == {"updated": [restricted]}
    assert world.standing(restricted).restrictions == on(Level.TOKEN, ground)
    assert not world.standing(other).restrictions


def test_a_subject_is_restricted_with_all_that_is_stored_of_it(world: RightsWorld) -> None:
    tokens = [world.stored(number) for number in NUMBERS]
    world.encrypted()
    other = world.stored(subject="cust-2")
    assert sorted(world.call("Restrict", restrict())["updated"]) == sorted(tokens)
    (key,) = world.tables.message_keys.values()
    assert key.standing.restrictions == on(Level.SUBJECT, "accuracy")
    assert all(world.standing(token).restrictions == on(Level.SUBJECT, "accuracy") for token in tokens)
    assert not world.standing(other).restrictions


def test_a_restriction_that_is_there_changes_nothing(world: RightsWorld) -> None:
    token = world.stored()
    world.call("Restrict", restrict())
    assert world.call("Restrict", restrict()) == {"updated": []}
    assert world.call("Restrict", restrict(ground="claims")) == {"updated": [token]}


@pytest.mark.parametrize(("level", "other"), [(Level.TOKEN, Level.SUBJECT), (Level.SUBJECT, Level.TOKEN)])
def test_lift_clears_all_grounds_of_its_level_and_none_of_the_other(
    world: RightsWorld, level: Level, other: Level
) -> None:
    token = world.stored()
    whom = {Level.TOKEN: token, Level.SUBJECT: SUBJECT}
    for ground in ("accuracy", "claims", "unlawful"):
        world.call("Restrict", restrict(whom[level], ground))
    world.call("Restrict", restrict(whom[other], "objection"))
    world.clock.advance(timedelta(days=70))
    assert world.call("Restrict", lift(whom[level])) == {"updated": [token]}
    assert world.standing(token).restrictions == on(other, "objection")


@pytest.mark.parametrize("whom", ["token", "subject"])
def test_lifting_what_is_not_restricted_changes_nothing(world: RightsWorld, whom: str) -> None:
    token = world.stored()
    assert world.call("Restrict", lift(token if whom == "token" else SUBJECT)) == {"updated": []}
    assert not world.tables.subjects


def test_a_restricted_subject_takes_no_numbers_until_it_is_lifted(world: RightsWorld) -> None:
    world.stored(NUMBERS[0])
    world.call("Restrict", restrict())
    protect = {"subject_id": SUBJECT, "number": NUMBERS[1], "purposes": {"security": {}}}
    encrypt = {"subject_id": SUBJECT, "number": NUMBERS[1], "purpose": "security"}
    assert (world.problem("Protect", protect), world.problem("Encrypt", encrypt)) == ("restricted", "restricted")
    world.call("Restrict", lift())
    assert not world.standing(world.call("Protect", protect)["token"]).restrictions
    assert "message" in world.call("Encrypt", encrypt)


def test_a_number_stored_after_the_restriction_of_another_is_not_restricted(world: RightsWorld) -> None:
    world.call("Restrict", restrict(world.stored(NUMBERS[0])))
    assert not world.standing(world.stored(NUMBERS[1])).restrictions


def test_a_subject_with_nothing_stored_is_an_empty_success(world: RightsWorld) -> None:
    world.stored(subject="cust-2")
    assert world.call("Restrict", restrict()) == {"updated": []}
    assert world.call("Restrict", lift()) == {"updated": []}


# Refusals.


def test_an_unknown_token_is_not_found(world: RightsWorld) -> None:
    world.stored()
    assert world.problem("Restrict", restrict(UNKNOWN)) == "not-found"
    assert world.problem("Restrict", lift(UNKNOWN)) == "not-found"


FAULTS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing": ({}, ["", "/action"]),
    "no ground": ({**named(SUBJECT), "action": "restrict"}, ["/ground"]),
    "no such ground": (restrict(ground="because"), ["/ground"]),
    "a ground to lift": (lift(ground="accuracy"), ["/ground"]),
    "no such action": (restrict(action="unrestrict"), ["/action"]),
    "a number in the reason": (restrict(reason="call +1 201-555-0123"), ["/reason"]),
    "items": (restrict(items=[]), ["/items"]),
    "a case": (restrict(case_id="7"), ["/case_id"]),
}


@pytest.mark.parametrize(("payload", "where"), FAULTS.values(), ids=FAULTS)
def test_a_faulty_request_is_refused(world: RightsWorld, payload: dict[str, Any], where: list[str]) -> None:
    world.stored()
    assert pointers(world.call("Restrict", payload)) == where
    assert not world.tables.subjects


# The audit trail.


def test_entries_say_what_was_restricted_where_and_why(world: RightsWorld) -> None:
    token = world.stored()
    world.call("Restrict", restrict(reason="she says it is not hers"))
    world.call("Restrict", lift(token))
    of_subject, of_number, lifted = (json.loads(text) for text in world.last_events(3))
    assert (of_subject["outcome"], of_number["outcome"], lifted["outcome"]) == ("restricted", "restricted", "lifted")
    assert of_subject["details"] == {"ground": "accuracy", "level": "subject"}
    assert (of_number["token"], of_number["reason"]) == ([token], "she says it is not hers")
    assert lifted["details"] == {"level": "token"}


# Crashes, and several at once.


def prepared(action: str, level: Level) -> tuple[RightsWorld, list[str], dict[str, Any]]:
    world = RightsWorld()
    tokens = [world.stored(number) for number in NUMBERS]
    world.encrypted()
    whom = tokens[1] if level is Level.TOKEN else SUBJECT
    if action == "lift":
        world.call("Restrict", restrict(whom))
        world.call("Restrict", restrict(whom, "claims"))
    return world, tokens, lift(whom) if action == "lift" else restrict(whom)


@pytest.mark.parametrize("days", [0, 100])
@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("action", ["restrict", "lift"])
def test_a_call_that_dies_anywhere_and_comes_again_ends_as_if_it_had_not(action: str, level: Level, days: int) -> None:
    world, tokens, payload = prepared(action, level)
    world.call("Restrict", payload)
    undisturbed = world.state(tokens)
    deaths = 0
    while True:
        world, tokens, payload = prepared(action, level)
        if not world.killed_after(deaths + 1, "Restrict", payload):
            break
        deaths += 1
        world.clock.advance(timedelta(days=days))
        world.start()
        assert "updated" in world.call("Restrict", payload)
        assert {**world.state(tokens), "due": undisturbed["due"]} == undisturbed
    assert deaths >= (2 if level is Level.TOKEN else 8)


@pytest.mark.parametrize("call", PORT_CALLS)
@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("first", ["restrict", "lift"])
def test_of_two_that_say_the_opposite_at_once_one_wins_wholly(
    world: RightsWorld, call: str, at: int, first: str
) -> None:
    tokens = [world.stored(number) for number in NUMBERS]
    world.call("Restrict", restrict())
    asked = {"restrict": restrict(ground="claims"), "lift": lift()}
    other = asked["lift" if first == "restrict" else "restrict"]
    nothing: list[Callable[[], object]] = [lambda: None] * (at - 1)
    world.disturbances.before(call, *nothing, lambda: world.another().call("Restrict", other))
    world.call("Restrict", asked[first])
    grounds = {Restriction(ground, Level.SUBJECT) for ground in world.subject().grounds}
    assert [world.standing(token).restrictions for token in tokens] == [grounds] * 3


@pytest.mark.parametrize("call", ["subjects.read", "subjects.write", "subjects.members", "retained.change"])
def test_a_number_stored_meanwhile_is_restricted_or_refused(world: RightsWorld, call: str) -> None:
    world.stored(NUMBERS[0])
    protect = {"subject_id": SUBJECT, "number": NUMBERS[1], "purposes": {"security": {}}}
    world.disturbances.before(call, lambda: world.call("Protect", protect))
    world.call("Restrict", restrict())
    assert all(record.standing.is_restricted for record in world.tables.records.values())
