"""Rights for emergencies: a reason, a count, and a mark in the audit trail."""

import copy
import json
from typing import Any

import pytest

from phone_vault.domain.errors import StoreUnavailable
from phone_vault.services.tally import Measure
from tests.unit.samples import POLICY, cases
from tests.unit.services.world import SENDER, VERBS, World

WHY = {"reason": "incident 12"}
MESSAGE = "AAAA"
REQUESTS: dict[str, dict[str, Any]] = {
    "Protect": {"subject_id": "cust-1", "number": "+44 7400 123456", "purposes": {"security": {}}},
    "Reveal": {"token": "tok_" + "0" * 25, "purpose": "security"},
    "Lookup": {"number": "+44 7400 123456", "purpose": "security"},
    "Verify": {"token": "tok_" + "0" * 25, "number": "+44 7400 123456", "purpose": "security"},
    "Encrypt": {"subject_id": "cust-1", "number": "+44 7400 123456", "purpose": "security"},
    "Decrypt": {"subject_id": "cust-1", "message": MESSAGE, "purpose": "security"},
}
EVERY_FUNCTION = pytest.mark.parametrize("function", [verb.name for verb in VERBS])


@pytest.fixture
def world() -> World:
    """Whoever invokes directly has rights for emergencies; `sender` has rights of every day."""
    policy: dict[str, Any] = copy.deepcopy(dict(POLICY))
    policy["principals"][0]["break_glass"] = True
    return World(policy=policy)


def pointers(answer: dict[str, Any]) -> list[str]:
    return [fault["pointer"] for fault in answer["problem"].get("errors", [])]


def last_entry(world: World) -> dict[str, Any]:
    entry: dict[str, Any] = json.loads(world.log.entries[-1].text)
    return entry


def uses(world: World, function: str) -> int:
    """Since they were last asked for."""
    counts, _ = world.tallies[function].take()
    return counts[Measure.BREAK_GLASS_USES]


@EVERY_FUNCTION
def test_every_function_demands_a_reason(world: World, function: str) -> None:
    assert pointers(world.call(function, REQUESTS[function])) == ["/reason"]


@EVERY_FUNCTION
@pytest.mark.parametrize("reason", cases({"empty": "", "blank": "  \n", "null": None, "number": 7, "list": ["x"]}))
def test_what_says_nothing_is_no_reason(world: World, function: str, reason: object) -> None:
    assert pointers(world.call(function, REQUESTS[function] | {"reason": reason})) == ["/reason"]


@EVERY_FUNCTION
def test_with_a_reason_the_request_is_looked_at(world: World, function: str) -> None:
    assert "/reason" not in str(world.call(function, REQUESTS[function] | WHY))


@EVERY_FUNCTION
def test_every_function_takes_a_reason_from_everybody(function: str) -> None:
    world = World()
    world.call(function, REQUESTS[function] | WHY)
    assert "/reason" not in str(world.call(function, REQUESTS[function] | WHY))


@pytest.mark.parametrize("function", ["Protect", "Lookup", "Encrypt"])
def test_a_reason_is_kept_in_the_entry(function: str) -> None:
    world = World()
    world.call(function, REQUESTS[function] | WHY)
    assert last_entry(world)["reason"] == WHY["reason"]


@pytest.mark.parametrize("function", ["Protect", "Lookup", "Verify", "Encrypt"])
def test_a_reason_with_the_request_s_number_is_refused(world: World, function: str) -> None:
    answer = world.call(function, REQUESTS[function] | {"reason": "it is 07400 123456"})
    assert pointers(answer) == ["/reason"]


def test_of_a_batch_the_common_reason_is_each_item_s(world: World) -> None:
    answer = world.call("Lookup", {**WHY, "items": [REQUESTS["Lookup"]] * 2})
    assert answer == {"results": [{"matches": []}] * 2}


def test_of_a_batch_each_item_needs_a_reason(world: World) -> None:
    results = world.call("Lookup", {"items": [REQUESTS["Lookup"] | WHY, REQUESTS["Lookup"]]})["results"]
    assert results[0] == {"matches": []}
    assert pointers(results[1]) == ["/reason"]


def test_rights_of_every_day_demand_no_reason(world: World) -> None:
    request = REQUESTS["Reveal"] | {"tenant_id": "acme", "view": "masked"}
    assert world.problem("Reveal", request, SENDER) == "not-found"


def test_a_use_is_marked_in_its_entry(world: World) -> None:
    world.call("Lookup", REQUESTS["Lookup"] | WHY)
    assert last_entry(world)["break_glass"] is True


def test_a_refused_use_is_marked_in_its_entry(world: World) -> None:
    world.call("Lookup", REQUESTS["Lookup"])
    assert last_entry(world)["break_glass"] is True


def test_an_entry_of_every_day_has_no_mark(world: World) -> None:
    world.call("Reveal", REQUESTS["Reveal"] | {"tenant_id": "acme", "view": "masked"}, SENDER)
    assert "break_glass" not in last_entry(world)


USES: dict[str, tuple[object, int]] = {
    "one": (REQUESTS["Lookup"] | WHY, 1),
    "batch": ({**WHY, "items": [REQUESTS["Lookup"]] * 3}, 3),
    "without reason": (REQUESTS["Lookup"], 1),
    "no purpose of the policy": (REQUESTS["Lookup"] | WHY | {"purpose": "party"}, 1),
    "no request": (None, 1),
    "no batch": ({"items": []}, 1),
}


@pytest.mark.parametrize(("payload", "count"), USES.values(), ids=USES)
def test_each_use_counts_refused_or_not(world: World, payload: object, count: int) -> None:
    world.call("Lookup", payload)
    assert uses(world, "Lookup") == count


def test_a_use_counts_where_nothing_answers(world: World) -> None:
    world.log.failure = StoreUnavailable("DynamoDB does not answer")
    world.call("Lookup", REQUESTS["Lookup"] | WHY)
    assert uses(world, "Lookup") == 1


def test_rights_of_every_day_do_not_count(world: World) -> None:
    world.call("Reveal", REQUESTS["Reveal"] | {"tenant_id": "acme", "view": "masked"}, SENDER)
    assert uses(world, "Reveal") == 0
