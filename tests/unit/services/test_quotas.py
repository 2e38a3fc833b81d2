"""What counts for a quota, when it is counted, and what is refused beyond it."""

import copy
from datetime import timedelta
from typing import Any

import pytest

from phone_vault.domain.callers import Authentication, Caller, direct_caller
from phone_vault.domain.errors import StoreUnavailable
from phone_vault.domain.ports import Contended
from tests.unit.samples import POLICY
from tests.unit.services.world import SENDER, World

LIMIT = 3
STORED: dict[str, Any] = {"subject_id": "cust-1", "number": "+44 7400 123456", "purposes": {"security": {}}}
LOOKUP: dict[str, Any] = {"number": "+44 7400 123456", "purpose": "security"}
UNKNOWN = "tok_" + "0" * 25
RIGHT, WRONG = "+44 7400 123456", "+1 201 555 0123"


def limited(**quotas: int) -> World:
    """A vault in which whoever invokes directly has these quotas."""
    policy: dict[str, Any] = copy.deepcopy(dict(POLICY))
    policy["principals"][0]["quotas"] = quotas
    return World(policy=policy)


@pytest.fixture
def world() -> World:
    return limited(Lookup=LIMIT)


def names(answer: dict[str, Any]) -> list[str]:
    """`ok` or the problem's name, for each item."""
    return [
        each["problem"]["type"].removeprefix("urn:phone-vault:problem:") if "problem" in each else "ok"
        for each in answer["results"]
    ]


def counted(world: World) -> int:
    return sum(world.counters.totals.values())


def test_as_many_calls_as_the_quota_are_answered(world: World) -> None:
    assert [world.call("Lookup", LOOKUP) for _ in range(LIMIT)] == [{"matches": []}] * LIMIT


def test_one_more_is_refused(world: World) -> None:
    for _ in range(LIMIT):
        world.call("Lookup", LOOKUP)
    assert world.problem("Lookup", LOOKUP) == "quota-exceeded"


def test_of_a_batch_the_first_items_are_answered(world: World) -> None:
    world.call("Lookup", LOOKUP)
    assert names(world.call("Lookup", {**LOOKUP, "items": [{}] * 4})) == ["ok", "ok", *["quota-exceeded"] * 2]


def test_a_batch_is_counted_once(world: World) -> None:
    world.call("Lookup", {**LOOKUP, "items": [{}] * LIMIT})
    assert [count for _, count in world.counters.added] == [LIMIT]


def test_a_function_without_quota_asks_no_counter(world: World) -> None:
    world.call("Protect", STORED)
    assert not world.counters.added


def test_a_caller_without_quota_asks_no_counter(world: World) -> None:
    world.call("Reveal", {"tenant_id": "acme", "token": UNKNOWN, "purpose": "security", "view": "masked"}, SENDER)
    assert not world.counters.added


def test_functions_have_counters_of_their_own() -> None:
    world = limited(Lookup=1, Reveal=1)
    world.call("Lookup", LOOKUP)
    assert world.problem("Reveal", {"token": UNKNOWN, "purpose": "security"}) == "not-found"


def test_what_is_not_found_counts() -> None:
    world = limited(Reveal=1)
    world.call("Reveal", {"token": UNKNOWN, "purpose": "security"})
    assert world.problem("Reveal", {"token": UNKNOWN, "purpose": "security"}) == "quota-exceeded"


def test_what_is_not_registered_counts(world: World) -> None:
    world.call("Lookup", LOOKUP | {"purpose": "party"})
    assert counted(world) == 1


def test_the_quota_comes_before_an_unregistered_purpose() -> None:
    world = limited(Lookup=1)
    world.call("Lookup", LOOKUP)
    assert world.problem("Lookup", LOOKUP | {"purpose": "party"}) == "quota-exceeded"


@pytest.mark.parametrize(
    "payload",
    [{**LOOKUP, "colour": "red"}, {**LOOKUP, "number": "+44 740"}, {}, None, {"items": []}],
    ids=["unknown-field", "number", "empty", "null", "no-items"],
)
def test_what_has_no_shape_counts_nothing(world: World, payload: object) -> None:
    world.call("Lookup", payload)
    assert not world.counters.added


def test_what_is_not_permitted_counts_nothing() -> None:
    policy: dict[str, Any] = copy.deepcopy(dict(POLICY))
    policy["principals"][1]["quotas"] = {"Reveal": 1, "Lookup": 1}
    world = World(policy=policy)
    world.call("Lookup", LOOKUP, SENDER)
    world.call("Reveal", {"tenant_id": "other", "token": UNKNOWN, "purpose": "security"}, SENDER)
    world.call("Lookup", LOOKUP, direct_caller("nobody"))
    assert not world.counters.added


def test_of_a_batch_what_has_no_shape_counts_nothing(world: World) -> None:
    items = [{"colour": "red"}, {}, {"number": "+44 740"}, {}, {}]
    answer = world.call("Lookup", {**LOOKUP, "items": items})
    assert names(answer) == ["invalid-request", "ok", "invalid-number", "ok", "ok"]
    assert counted(world) == LIMIT


def test_the_next_hour_begins_anew(world: World) -> None:
    for _ in range(LIMIT):
        world.call("Lookup", LOOKUP)
    world.clock.advance(timedelta(hours=1))
    assert world.call("Lookup", LOOKUP) == {"matches": []}


def test_a_clock_that_is_set_forward_and_back_gives_nothing_anew(world: World) -> None:
    for _ in range(LIMIT):
        world.call("Lookup", LOOKUP)
    for step in (timedelta(hours=5), timedelta(hours=-5)):
        world.clock.advance(step)
    assert world.problem("Lookup", LOOKUP) == "quota-exceeded"


def test_all_who_match_an_entry_share_its_quota() -> None:
    policy: dict[str, Any] = copy.deepcopy(dict(POLICY))
    policy["principals"][0] |= {"match": "group:support", "quotas": {"Lookup": LIMIT}}
    world = World(policy=policy)
    one, other = (Caller(names, Authentication.JWT) for names in (("group:support",), ("group:cooks", "group:support")))
    for _ in range(LIMIT):
        world.call("Lookup", LOOKUP, one)
    assert world.problem("Lookup", LOOKUP, other) == "quota-exceeded"


def test_a_call_that_is_tried_again_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    world = limited(Reveal=5)
    token = world.call("Protect", STORED)["token"]
    record_uses, failures = world.numbers.record_uses, [Contended("another write"), Contended("another write")]

    def contended(*args: Any) -> None:
        if failures:
            raise failures.pop()
        record_uses(*args)

    monkeypatch.setattr(world.numbers, "record_uses", contended)
    assert "number" in world.call("Reveal", {"token": token, "purpose": "security"})
    assert counted(world) == 1


def test_counters_out_of_reach_refuse_everything(world: World) -> None:
    world.counters.is_reachable = False
    assert names(world.call("Lookup", {**LOOKUP, "items": [{}, {"number": "+44 740"}]})) == [
        "store-unavailable",
        "invalid-number",
    ]


def test_counters_out_of_reach_leave_entries(world: World) -> None:
    world.counters.is_reachable = False
    world.call("Lookup", {**LOOKUP, "items": [{}] * 2})
    assert ['"problem":"store-unavailable"' in entry.text for entry in world.log.entries] == [True, True]


def test_a_refusal_for_its_quota_leaves_an_entry(world: World) -> None:
    world.call("Lookup", {**LOOKUP, "items": [{}] * (LIMIT + 1)})
    assert ['"problem":"quota-exceeded"' in entry.text for entry in world.log.entries] == [False] * LIMIT + [True]


def test_a_refusal_for_its_quota_touches_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    world = limited(Protect=1)
    world.call("Protect", STORED)
    monkeypatch.setattr(world.numbers, "add", lambda *_: pytest.fail("a number was stored"))
    assert world.problem("Protect", STORED | {"subject_id": "cust-2"}) == "quota-exceeded"


# Mismatches of Verify.

MOST = 20


def protected(world: World) -> str:
    return str(world.call("Protect", STORED)["token"])


def verify(token: str, number: str = WRONG, **more: Any) -> dict[str, Any]:
    return {"token": token, "number": number, "purpose": "security", **more}


def guess(world: World, token: str, times: int) -> list[str]:
    """What comes of so many wrong numbers, one by one."""
    return [str(world.call("Verify", verify(token)).get("match", "refused")) for _ in range(times)]


def test_twenty_mismatches_are_answered_and_no_more() -> None:
    world = World()
    assert guess(world, protected(world), MOST + 2) == ["False"] * MOST + ["refused"] * 2


def test_the_policy_sets_how_many_mismatches_are_answered() -> None:
    world = World(policy={**POLICY, "verify_mismatches_per_token": 2})
    assert guess(world, protected(world), 3) == ["False", "False", "refused"]


def test_after_the_last_mismatch_a_match_is_not_told_either() -> None:
    world = World()
    token = protected(world)
    guess(world, token, MOST)
    assert world.problem("Verify", verify(token, RIGHT)) == "quota-exceeded"


def test_matches_are_not_counted() -> None:
    world = World()
    token = protected(world)
    assert [world.call("Verify", verify(token, RIGHT)) for _ in range(MOST + 5)] == [{"match": True}] * (MOST + 5)


def test_another_token_has_mismatches_of_its_own() -> None:
    world = World()
    guess(world, protected(world), MOST)
    other = world.call("Protect", STORED | {"subject_id": "cust-2"})["token"]
    assert world.call("Verify", verify(other)) == {"match": False}


def test_the_next_hour_tells_again() -> None:
    world = World()
    token = protected(world)
    guess(world, token, MOST)
    world.clock.advance(timedelta(hours=1))
    assert world.call("Verify", verify(token, RIGHT)) == {"match": True}


def test_a_match_and_a_mismatch_ask_the_counter_alike() -> None:
    world = World()
    token = protected(world)
    for number in (RIGHT, WRONG):
        world.call("Verify", verify(token, number))
    assert [(name.partition("#")[0], count) for name, count in world.counters.added] == [
        ("mismatches", 0),
        ("mismatches", 1),
    ]


def test_of_a_batch_the_items_after_the_last_mismatch_are_refused() -> None:
    world = World(policy={**POLICY, "verify_mismatches_per_token": 2})
    token = protected(world)
    numbers = [RIGHT, WRONG, RIGHT, WRONG, RIGHT, WRONG]
    answer = world.call("Verify", {"items": [verify(token, number) for number in numbers]})
    assert [each.get("match", "refused") for each in answer["results"]] == [True, False, True, False, *["refused"] * 2]


def test_a_batch_counts_once_for_each_token() -> None:
    world = World()
    token = protected(world)
    other = world.call("Protect", STORED | {"subject_id": "cust-2"})["token"]
    world.call("Verify", {"items": [verify(each) for each in (token, other, token, token, UNKNOWN)]})
    assert [count for _, count in world.counters.added] == [3, 1]


def test_too_many_mismatches_come_before_a_purpose_that_is_not_permitted() -> None:
    world = World()
    token = protected(world)
    guess(world, token, MOST)
    assert world.problem("Verify", verify(token, purpose="delivery")) == "quota-exceeded"


def test_a_purpose_that_is_not_permitted_is_no_mismatch() -> None:
    world = World()
    token = protected(world)
    world.call("Verify", verify(token, purpose="delivery"))
    assert counted(world) == 0


def test_a_token_that_does_not_exist_has_no_counter() -> None:
    world = World()
    protected(world)
    world.call("Verify", verify(UNKNOWN))
    assert not world.counters.added


def test_a_mismatch_is_counted_before_it_is_told() -> None:
    world = World()
    token = protected(world)
    world.log.failure = StoreUnavailable("DynamoDB does not answer")
    assert world.problem("Verify", verify(token)) == "audit-unavailable"
    assert counted(world) == 1


def test_verify_tells_nothing_while_mismatches_cannot_be_counted() -> None:
    world = World()
    token = protected(world)
    world.counters.is_reachable = False
    assert world.problem("Verify", verify(token, RIGHT)) == "store-unavailable"


def test_an_entry_names_the_token_that_was_guessed_at_too_often() -> None:
    world = World(policy={**POLICY, "verify_mismatches_per_token": 1})
    token = protected(world)
    guess(world, token, 2)
    assert token in world.log.entries[-1].text
