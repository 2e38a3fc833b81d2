"""Single and batch: what stands beside the items, and what comes back."""

from typing import Any

import pytest

from tests.unit.samples import cases
from tests.unit.services.world import SENDER, World

ITEM: dict[str, Any] = {"subject_id": "cust-1", "number": "+44 7400 123456", "purposes": {"delivery": {}}}
OTHER: dict[str, Any] = {"subject_id": "cust-2", "number": "+1 201 555 0123", "purposes": {"security": {}}}


@pytest.fixture
def world() -> World:
    return World()


def outcomes(answer: dict[str, Any]) -> list[str]:
    """`ok` or the problem's name, for each item."""
    return [
        each["problem"]["type"].removeprefix("urn:phone-vault:problem:") if "problem" in each else "ok"
        for each in answer["results"]
    ]


@pytest.mark.parametrize("payload", cases({"null": None, "text": "x", "number": 7, "list": [ITEM], "true": True}))
def test_what_is_not_an_object_is_an_invalid_request(world: World, payload: object) -> None:
    assert world.problem("Protect", payload) == "invalid-request"


@pytest.mark.parametrize(
    "items", cases({"none": [], "too-many": [ITEM] * 101, "null": None, "object": ITEM, "text": "x"})
)
def test_items_that_are_not_1_to_100_are_an_invalid_request(world: World, items: object) -> None:
    assert world.problem("Protect", {"items": items}) == "invalid-request"


def test_a_hundred_items_are_answered_in_order(world: World) -> None:
    items = [{**ITEM, "subject_id": f"cust-{index}", "reference": str(index)} for index in range(100)]
    results = world.call("Protect", {"items": items})["results"]
    assert [each["reference"] for each in results] == [str(index) for index in range(100)]


def test_one_bad_item_never_fails_the_others(world: World) -> None:
    answer = world.call("Protect", {"items": [ITEM, {**OTHER, "number": "+44 740"}, OTHER]})
    assert outcomes(answer) == ["ok", "invalid-number", "ok"]


@pytest.mark.parametrize("item", cases({"null": None, "text": "x", "list": [ITEM], "batch": {"items": [ITEM]}}))
def test_an_item_that_is_no_request_is_its_own_problem(world: World, item: object) -> None:
    assert outcomes(world.call("Protect", {"items": [item, ITEM]})) == ["invalid-request", "ok"]


def test_a_common_field_goes_for_every_item(world: World) -> None:
    items = [{key: value for key, value in each.items() if key != "purposes"} for each in (ITEM, OTHER)]
    results = world.call("Protect", {"purposes": {"security": {}}, "items": items})["results"]
    assert [list(each["purposes"]) for each in results] == [["security"], ["security"]]


def test_an_item_s_own_field_wins(world: World) -> None:
    results = world.call("Protect", {"purposes": {"security": {}}, "items": [ITEM, OTHER]})["results"]
    assert [list(each["purposes"]) for each in results] == [["delivery"], ["security"]]


def test_an_item_s_own_null_wins_too(world: World) -> None:
    answer = world.call("Protect", {"purposes": {"security": {}}, "items": [{**ITEM, "purposes": None}, ITEM]})
    assert outcomes(answer) == ["invalid-request", "ok"]


def test_a_common_region_goes_for_national_numbers(world: World) -> None:
    items = [{**ITEM, "number": "07400 123456"}, {**OTHER, "number": "(201) 555-0123", "region": "US"}]
    results = world.call("Protect", {"region": "GB", "items": items})["results"]
    assert [each["country"] for each in results] == ["GB", "US"]


def test_a_common_number_goes_with_each_item_s_region(world: World) -> None:
    items = [{"subject_id": "cust-1", "purposes": {"delivery": {}}, "region": "GB"}]
    assert outcomes(world.call("Protect", {"number": "07400 123456", "items": items})) == ["ok"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("tenant_id", "", id="tenant"),
        pytest.param("region", "gb", id="region"),
        pytest.param("purposes", {}, id="purposes"),
        pytest.param("jurisdiction", None, id="jurisdiction"),
        pytest.param("reference", 7, id="reference"),
        pytest.param("colour", "red", id="unknown"),
        pytest.param("token", "tok_" + "a" * 25, id="another-function-s"),
        pytest.param("subject_id", "a b", id="subject"),
    ],
)
def test_a_bad_common_field_fails_the_request_although_the_items_have_their_own(
    world: World, field: str, value: object
) -> None:
    own = {"tenant_id": "acme", "region": "GB", "jurisdiction": "GDPR", "reference": "x"}
    assert world.problem("Protect", {field: value, "items": [{**own, **ITEM}]}) == "invalid-request"


def test_a_bad_common_number_fails_the_request(world: World) -> None:
    assert world.problem("Protect", {"number": "+44 740", "items": [ITEM]}) == "invalid-number"


def test_a_common_subject_id_that_is_no_pseudonym_fails_the_request(world: World) -> None:
    payload = {"subject_id": "a@example.org", "items": [ITEM]}
    assert world.problem("Protect", payload) == "identifier-not-pseudonymous"


def test_a_request_with_a_bad_common_field_leaves_one_audit_entry(world: World) -> None:
    world.call("Protect", {"colour": "red", "items": [ITEM, OTHER]})
    assert len(world.log.entries) == 1


def test_every_item_leaves_an_audit_entry(world: World) -> None:
    world.call("Protect", {"items": [ITEM, {}, OTHER, None]})
    assert len(world.log.entries) == 4


def test_a_reference_comes_back_with_an_answer_and_with_a_problem(world: World) -> None:
    items = [{**ITEM, "reference": "first"}, {**ITEM, "reference": "second", "view": "full"}]
    results = world.call("Protect", {"items": items})["results"]
    assert [each["reference"] for each in results] == ["first", "second"]


def test_a_reference_comes_back_with_a_refused_caller_s_problem(world: World) -> None:
    results = world.call("Protect", {"items": [{**ITEM, "reference": "first"}]}, SENDER)["results"]
    assert results[0]["reference"] == "first"


def test_an_item_without_reference_has_none(world: World) -> None:
    assert "reference" not in world.call("Protect", {"items": [ITEM]})["results"][0]


def test_a_reference_outside_a_batch_is_an_invalid_request(world: World) -> None:
    assert world.problem("Protect", {**ITEM, "reference": "first"}) == "invalid-request"


def test_items_act_in_their_order(world: World) -> None:
    results = world.call("Protect", {"items": [ITEM, ITEM]})["results"]
    assert [each["created"] for each in results] == [True, False]


@pytest.mark.parametrize("function", ["Reveal", "Verify"])
def test_unknown_tokens_are_each_their_own_problem(world: World, function: str) -> None:
    token = world.call("Protect", ITEM)["token"]
    common: dict[str, Any] = {"purpose": "delivery"} | ({"number": ITEM["number"]} if function == "Verify" else {})
    answer = world.call(function, {**common, "items": [{"token": "tok_" + "0" * 25}, {"token": token}]})
    assert outcomes(answer) == ["not-found", "ok"]
