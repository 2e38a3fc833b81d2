"""Hold on fakes: levels, later numbers, order, crashes, and callers at once."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from phone_vault.domain.audit import Entry
from phone_vault.domain.errors import StoreUnavailable
from phone_vault.domain.ports import NewNumber
from phone_vault.domain.standing import Hold, Level
from tests.unit.samples import cases
from tests.unit.services.rights_world import NUMBERS, SUBJECT, RightsWorld, pointers, problem_of
from tests.unit.services.world import SENDER

CASE = "case 7/2026"
ON_SUBJECT = Hold(CASE, Level.SUBJECT)
ON_TOKEN = Hold(CASE, Level.TOKEN)
UNKNOWN = "tok_" + "0" * 25


@pytest.fixture
def world() -> RightsWorld:
    return RightsWorld()


def place(whom: str = SUBJECT, case: str = CASE, **more: Any) -> dict[str, Any]:
    return {**named(whom), "action": "place", "case_id": case, "reason": "order of a court", **more}


def release(whom: str = SUBJECT, case: str = CASE, **more: Any) -> dict[str, Any]:
    return {**named(whom), "action": "release", "case_id": case, **more}


def named(whom: str) -> dict[str, str]:
    return {"token" if whom.startswith("tok_") else "subject_id": whom}


# On a token.


def test_a_hold_on_a_token_holds_that_number_alone(world: RightsWorld) -> None:
    held, other = world.stored(NUMBERS[0]), world.stored(NUMBERS[1])
    assert world.call("Hold", place(held)) == {"updated": [held]}
    assert world.standing(held).holds == {ON_TOKEN}
    assert not world.standing(other).holds


def test_a_hold_that_is_placed_twice_changes_nothing_more(world: RightsWorld) -> None:
    token = world.stored()
    world.call("Hold", place(token))
    assert world.call("Hold", place(token)) == {"updated": []}


def test_a_hold_on_a_token_is_released_there(world: RightsWorld) -> None:
    token = world.stored()
    world.call("Hold", place(token))
    assert world.call("Hold", release(token)) == {"updated": [token]}
    assert not world.standing(token).holds


def test_two_cases_hold_a_number_until_both_are_released(world: RightsWorld) -> None:
    token = world.stored()
    world.call("Hold", place(token))
    world.call("Hold", place(token, "another case"))
    world.call("Hold", release(token))
    assert world.standing(token).holds == {Hold("another case", Level.TOKEN)}


# On a subject.


def test_a_hold_on_a_subject_holds_all_that_is_stored_of_it(world: RightsWorld) -> None:
    tokens = [world.stored(number) for number in NUMBERS]
    world.encrypted()
    other = world.stored(subject="cust-2")
    assert sorted(world.call("Hold", place())["updated"]) == sorted(tokens)
    (key,) = world.tables.message_keys.values()
    assert key.standing.holds == {ON_SUBJECT}
    assert all(world.standing(token).holds == {ON_SUBJECT} for token in tokens)
    assert not world.standing(other).holds


def test_a_number_stored_later_is_held(world: RightsWorld) -> None:
    world.call("Protect", {"subject_id": "cust-2", "number": NUMBERS[1], "purposes": {"security": {}}})
    assert world.call("Hold", place()) == {"updated": []}
    assert world.standing(world.stored()).holds == {ON_SUBJECT}


def test_a_message_key_made_later_is_held(world: RightsWorld) -> None:
    world.stored()
    world.call("Hold", place())
    world.encrypted()
    (key,) = world.tables.message_keys.values()
    assert key.standing.holds == {ON_SUBJECT}


def test_a_number_stored_after_the_release_is_not_held(world: RightsWorld) -> None:
    world.stored(NUMBERS[0])
    world.call("Hold", place())
    world.call("Hold", release())
    assert not world.standing(world.stored(NUMBERS[1])).holds


def test_a_release_of_a_subject_releases_what_was_stored_meanwhile_too(world: RightsWorld) -> None:
    world.stored(NUMBERS[0])
    world.call("Hold", place())
    later = world.stored(NUMBERS[1])
    world.clock.advance(timedelta(days=200))
    assert later in world.call("Hold", release())["updated"]
    assert not world.standing(later).holds


def test_a_case_that_was_released_can_be_placed_again(world: RightsWorld) -> None:
    token = world.stored()
    for _ in range(2):
        assert world.call("Hold", place()) == {"updated": [token]}
        assert world.call("Hold", release()) == {"updated": [token]}
    assert not world.standing(token).holds


def test_each_level_is_released_by_itself(world: RightsWorld) -> None:
    token = world.stored()
    world.call("Hold", place(token))
    world.call("Hold", place())
    world.call("Hold", release())
    assert world.standing(token).holds == {ON_TOKEN}


def test_a_subject_with_nothing_stored_is_an_empty_success(world: RightsWorld) -> None:
    world.stored(subject="cust-2")
    assert world.call("Hold", place()) == {"updated": []}
    assert world.call("Hold", release()) == {"updated": []}


# Refusals.


@pytest.mark.parametrize("level", ["token", "subject"])
def test_releasing_an_unknown_case_is_not_found(world: RightsWorld, level: str) -> None:
    token = world.stored()
    world.call("Hold", place(token if level == "subject" else SUBJECT))  # the same case, at the other level
    assert world.problem("Hold", release(token if level == "token" else SUBJECT)) == "not-found"
    assert world.standing(token).is_held


def test_an_unknown_token_is_not_found(world: RightsWorld) -> None:
    world.stored()
    assert world.problem("Hold", place(UNKNOWN)) == "not-found"


def test_another_tenants_token_is_not_found(world: RightsWorld) -> None:
    token = world.stored()
    payload = {"tenant_id": "acme", "subject_id": SUBJECT, "number": NUMBERS[0], "purposes": {"security": {}}}
    world.call("Protect", payload)
    assert world.problem("Hold", place(token, tenant_id="acme")) == "not-found"


FAULTS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing": ({}, ["", "/action", "/case_id"]),
    "both": (place() | {"token": UNKNOWN}, [""]),
    "items": ({"items": [place()]}, ["", "/action", "/case_id"]),
    "items too": (place(items=[]), ["/items"]),
    "no such action": (place(action="keep"), ["/action"]),
    "a list for an action": (place(action=["place"]), ["/action"]),
    "no reason": ({**named(SUBJECT), "action": "place", "case_id": CASE}, ["/reason"]),
    "a blank reason": (place(reason=" "), ["/reason"]),
    "a reason of another type": (place(reason=7), ["/reason"]),
    "a blank case": (place(case=" "), ["/case_id"]),
    "a case of another type": (place(case_id=7), ["/case_id"]),
    "a long case": (place(case="x" * 501), ["/case_id"]),
    "a number in the case": (place(case="about +44 7400 123456"), ["/case_id"]),
    "a number in the reason": (place(reason="call +1 201-555-0123"), ["/reason"]),
    "a number in the case to release": (release(case="about +44 7400 123456"), ["/case_id"]),
    "an unknown field": (place(ground="claims"), ["/ground"]),
    "no token": (place("tok_x"), ["/token"]),
    "a reference": (place(reference="7"), ["/reference"]),
}


@pytest.mark.parametrize(("payload", "where"), FAULTS.values(), ids=FAULTS)
def test_a_faulty_request_is_refused(world: RightsWorld, payload: dict[str, Any], where: list[str]) -> None:
    world.stored()
    assert pointers(world.call("Hold", payload)) == where
    assert not world.tables.subjects


def test_an_email_address_names_no_subject(world: RightsWorld) -> None:
    assert world.problem("Hold", place("a@example.org")) == "identifier-not-pseudonymous"


def test_shape_comes_before_rights_and_rights_before_the_tenant(world: RightsWorld) -> None:
    assert world.problem("Hold", place(action="keep"), SENDER) == "invalid-request"
    assert world.problem("Hold", place(tenant_id="nobody"), SENDER) == "principal-not-permitted"


# The audit trail.


def entries(world: RightsWorld, outcome: str) -> list[dict[str, Any]]:
    found = [json.loads(entry.text) for entry in world.log.entries]
    return [each for each in found if each["outcome"] == outcome]


def test_a_hold_on_a_subject_leaves_an_entry_for_the_subject_and_each_number(world: RightsWorld) -> None:
    token = world.stored()
    world.call("Hold", place())
    of_subject, of_number = entries(world, "held")
    assert of_subject["details"] == of_number["details"] == {"case_id": CASE, "level": "subject"}
    assert ("token" in of_subject, of_number["token"]) == (False, [token])
    assert of_subject["reason"] == "order of a court"
    assert of_subject["subject_ref"] == of_number["subject_ref"]


def test_a_call_that_changes_nothing_leaves_one_entry(world: RightsWorld) -> None:
    world.stored()
    world.call("Hold", place())
    before = len(world.log.entries)
    world.call("Hold", place())
    assert len(world.log.entries) == before + 1


def test_a_refusal_leaves_an_entry_with_what_it_is_about(world: RightsWorld) -> None:
    token = world.stored()
    world.call("Hold", release(token))
    (refused,) = entries(world, "refused")
    assert (refused["problem"], refused["token"]) == ("not-found", [token])


def test_an_unknown_token_is_nothing_but_the_callers_words(world: RightsWorld) -> None:
    world.stored()
    world.call("Hold", place(UNKNOWN))
    (refused,) = entries(world, "refused")
    assert "token" not in refused


def test_no_entry_names_the_subject_by_its_id(world: RightsWorld) -> None:
    world.stored()
    world.call("Hold", place())
    world.call("Hold", release())
    assert not any(SUBJECT in entry.text for entry in world.log.entries)


def test_where_no_entry_can_be_written_nothing_is_held(world: RightsWorld) -> None:
    token = world.stored()
    world.log.failure = StoreUnavailable("DynamoDB does not answer")
    assert "problem" in world.call("Hold", place())
    assert not world.standing(token).holds
    assert not world.tables.subjects


# What is due.


def test_what_was_kept_past_its_end_is_due_on_the_day_of_the_release(world: RightsWorld) -> None:
    """A purge never looks again at days that it has left behind."""
    token = world.stored()
    world.call("Hold", place())
    world.clock.advance(timedelta(days=400))
    world.call("Hold", release())
    (due,) = (due for record_id, due in world.retained.due.items() if record_id.token == token)
    assert due[:10] == f"{world.clock.now():%Y-%m-%d}"


# Crashes.


def prepared(action: str, level: Level) -> tuple[RightsWorld, list[str], dict[str, Any]]:
    world = RightsWorld()
    tokens = [world.stored(number) for number in NUMBERS]
    world.encrypted()
    whom = tokens[1] if level is Level.TOKEN else SUBJECT
    if action == "release":
        world.call("Hold", place(whom))
    return world, tokens, place(whom) if action == "place" else release(whom)


@pytest.mark.parametrize("days", [0, 100])
@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("action", ["place", "release"])
def test_a_call_that_dies_anywhere_and_comes_again_ends_as_if_it_had_not(action: str, level: Level, days: int) -> None:
    world, tokens, payload = prepared(action, level)
    world.call("Hold", payload)
    undisturbed = world.state(tokens)
    deaths = 0
    while True:
        world, tokens, payload = prepared(action, level)
        if not world.killed_after(deaths + 1, "Hold", payload):
            break
        deaths += 1
        world.clock.advance(timedelta(days=days))
        world.start()
        again = world.call("Hold", payload)
        assert problem_of(again) in (None, "not-found")  # of a case that the dead call has released already
        assert without_due(world.state(tokens)) == without_due(undisturbed)
    assert deaths >= (2 if level is Level.TOKEN else 8)


def without_due(state: dict[str, Any]) -> dict[str, Any]:
    """The day is that of the write."""
    return {name: each for name, each in state.items() if name != "due"}


# Several at once.


def test_two_releases_at_once_both_end_with_the_case_gone(world: RightsWorld) -> None:
    tokens = [world.stored(number) for number in NUMBERS]
    world.call("Hold", place())
    second = world.another()
    for call in ("subjects.read", "subjects.write", "subjects.members", "retained.read", "retained.change"):
        world.call("Hold", place())
        world.disturbances.before(call, lambda: second.call("Hold", release()))
        answer = world.call("Hold", release())
        world.disturbances.end()
        assert problem_of(answer) in (None, "not-found")  # when the other one had ended before this one began
        assert not any(world.standing(token).holds for token in tokens)
        assert not world.subject().cases
        assert not world.subject().releasing


@pytest.mark.parametrize(
    "call", ["subjects.read", "subjects.write", "subjects.members", "retained.read", "retained.change"]
)
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_case_placed_while_it_is_released_is_whole_or_gone(world: RightsWorld, call: str, at: int) -> None:
    tokens = [world.stored(number) for number in NUMBERS]
    world.call("Hold", place())
    nothing: list[Callable[[], object]] = [lambda: None] * (at - 1)
    world.disturbances.before(call, *nothing, lambda: world.another().call("Hold", place()))
    world.call("Hold", release())
    is_placed = world.subject().cases == {CASE}
    assert not world.subject().releasing
    assert [bool(world.standing(token).holds) for token in tokens] == [is_placed] * 3


@pytest.mark.parametrize(
    "call", ["subjects.read", "subjects.write", "subjects.members", "retained.read", "retained.change"]
)
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_case_released_while_it_is_placed_is_whole_or_gone(world: RightsWorld, call: str, at: int) -> None:
    tokens = [world.stored(number) for number in NUMBERS]
    world.call("Hold", place(tokens[0], "another"))
    nothing: list[Callable[[], object]] = [lambda: None] * (at - 1)
    world.disturbances.before(call, *nothing, lambda: world.another().call("Hold", release()))
    world.call("Hold", place())
    is_placed = world.subject().cases == {CASE}
    assert not world.subject().releasing
    assert [ON_SUBJECT in world.standing(token).holds for token in tokens] == [is_placed] * 3


@pytest.mark.parametrize("call", ["subjects.read", "subjects.write", "subjects.members", "retained.change"])
def test_a_number_stored_while_its_subject_comes_under_a_hold_is_held(world: RightsWorld, call: str) -> None:
    world.stored(NUMBERS[0])
    world.disturbances.before(call, lambda: world.stored(NUMBERS[1]))
    world.call("Hold", place())
    world.stored(NUMBERS[2])
    assert all(record.standing.holds == {ON_SUBJECT} for record in world.tables.records.values())
    assert len(world.tables.records) == 3


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_hold_placed_in_the_midst_of_a_batch_holds_all_of_it(
    world: RightsWorld, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    world.stored(NUMBERS[0], subject="cust-2")
    add, begun = world.numbers.add, []

    def adding(number: NewNumber, entry: Entry) -> None:
        begun.append(number)
        if len(begun) == at:
            world.call("Hold", place())
        add(number, entry)

    monkeypatch.setattr(world.numbers, "add", adding)
    items = [{"number": number} for number in NUMBERS]
    answer = world.call("Protect", {"subject_id": SUBJECT, "purposes": {"security": {}}, "items": items})
    tokens = [result["token"] for result in answer["results"]]
    assert all(world.standing(token).holds == {ON_SUBJECT} for token in tokens)


def test_what_an_application_writes_at_the_same_time_is_not_lost(world: RightsWorld) -> None:
    token = world.stored()
    world.disturbances.before("retained.change", lambda: world.stored(purposes=("security", "delivery")))
    world.call("Hold", place())
    assert world.record(token).grants.keys() == {"security", "delivery"}
    assert world.standing(token).holds == {ON_SUBJECT}


@pytest.mark.parametrize("case", cases({"unicode": "Fall § 7, Ä", "long": "x" * 500}))
def test_a_case_may_be_called_anything(world: RightsWorld, case: str) -> None:
    token = world.stored()
    world.call("Hold", place(case=case))
    assert world.standing(token).is_held_for(case)


# An erasure that waits for the last hold.


def blocked(level: Level) -> tuple[RightsWorld, list[str], dict[str, Any]]:
    """A subject whose erasure is blocked by one hold, which is about to be released."""
    world = RightsWorld()
    tokens = [world.stored(number) for number in NUMBERS]
    world.encrypted()
    whom = tokens[1] if level is Level.TOKEN else SUBJECT
    world.call("Hold", place(whom))
    world.call("Erase", {"subject_id": SUBJECT, "reason": "asked for by letter"})
    world.clock.advance(timedelta(days=50))
    return world, tokens, release(whom)


@pytest.mark.parametrize("level", Level)
def test_a_release_that_dies_while_it_carries_out_an_erasure_is_finished_by_the_next(level: Level) -> None:
    deaths = 0
    while True:
        world, _, payload = blocked(level)
        if not world.killed_after(deaths + 1, "Hold", payload):
            break
        deaths += 1
        world.clock.advance(timedelta(days=1))
        world.start()
        assert problem_of(world.call("Hold", payload)) in (None, "not-found", "erased")
        assert not world.tables.records
        assert not world.tables.messages
        assert not world.tables.index
        assert all(tombstone.is_swept for tombstone in world.tables.tombstones.values())
        assert (world.subject().erasure, world.subject().cases) == (None, frozenset())
    assert deaths >= 8


@pytest.mark.parametrize("level", Level)
def test_after_the_release_the_subject_takes_numbers_again(level: Level) -> None:
    world, tokens, payload = blocked(level)
    protect = {"subject_id": SUBJECT, "number": NUMBERS[1], "purposes": {"security": {}}}
    assert world.problem("Protect", protect) == "conflict"
    assert tokens[1] in world.call("Hold", payload)["updated"]
    assert world.call("Protect", protect)["created"]


def test_another_case_keeps_what_is_to_be_erased() -> None:
    world, tokens, payload = blocked(Level.SUBJECT)
    world.call("Hold", place(tokens[1], "another case"))
    world.call("Hold", payload)
    assert [record_id.token for record_id in world.tables.records] == [tokens[1]]
    assert world.subject().erasure is not None
