"""Batches: order, references, common fields, and one bad item among good ones."""

from typing import Any

import pytest

from tests.integration.support.numbers import AMERICAN, BRITISH, variants
from tests.integration.support.vault import Vault, changed, problem

FUNCTIONS = ["Protect", "Reveal", "Lookup", "Verify"]
UNKNOWN = "tok_" + "0" * 25


def requests(vault: Vault, tenant: str) -> dict[str, dict[str, Any]]:
    """One good request of each function, the tenant left out."""
    token = vault.protect(tenant)["token"]
    return {
        "Protect": {"subject_id": "s", "number": AMERICAN, "purposes": {"account_security": {}}},
        "Reveal": {"token": token, "purpose": "account_security"},
        "Lookup": {"number": BRITISH, "purpose": "account_security"},
        "Verify": {"token": token, "number": BRITISH, "purpose": "account_security"},
    }


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    "items", [[], [{}] * 101, {}, "items", None, 7], ids=["0", "101", "object", "text", "null", "int"]
)
def test_items_must_be_a_list_of_1_to_100(vault: Vault, function: str, items: object) -> None:
    with vault.sending() as sent:
        answer = vault.invoke(function, {"items": items})
    assert problem(answer) == "invalid-request"
    assert "results" not in answer
    assert not changed(sent)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_answer_is_results_and_nothing_else(vault: Vault, tenant: str, function: str) -> None:
    request = requests(vault, tenant)[function]
    assert vault.invoke(function, {"tenant_id": tenant, "items": [request]}).keys() == {"results"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_item_is_answered_as_the_single_request(vault: Vault, tenant: str, function: str) -> None:
    request = requests(vault, tenant)[function]
    single = vault.invoke(function, {"tenant_id": tenant, **request})
    (item,) = vault.invoke(function, {"tenant_id": tenant, "items": [request]})["results"]
    assert item | {"created": None} == single | {"created": None}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_item_that_is_no_object_fails_alone(vault: Vault, tenant: str, function: str) -> None:
    good = requests(vault, tenant)[function]
    items: list[Any] = [None, good, [], "text", good, 7]
    results = vault.invoke(function, {"tenant_id": tenant, "items": items})["results"]
    assert [problem(each) is None for each in results] == [False, True, False, False, True, False]
    assert {problem(each) for each in results} == {"invalid-request", None}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_one_bad_item_never_fails_the_others(vault: Vault, tenant: str, function: str) -> None:
    good = requests(vault, tenant)[function]
    results = vault.invoke(function, {"tenant_id": tenant, "items": [good, {**good, "colour": "red"}, good]})["results"]
    assert [problem(each) for each in results] == [None, "invalid-request", None]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_reference_is_returned_as_it_came(vault: Vault, tenant: str, function: str) -> None:
    good = requests(vault, tenant)[function]
    references = ["row 1", "", "r\u00e9f\u00e9rence \U0001f4de", "row 1"]
    items = [{**good, "reference": reference} for reference in references]
    results = vault.invoke(function, {"tenant_id": tenant, "items": items})["results"]
    assert [each["reference"] for each in results] == references


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_reference_is_returned_with_a_problem_too(vault: Vault, tenant: str, function: str) -> None:
    good = requests(vault, tenant)[function]
    items = [{**good, "colour": "red", "reference": "row 1"}, {**good, "purpose": "astrology", "reference": "row 2"}]
    results = vault.invoke(function, {"tenant_id": tenant, "items": items})["results"]
    assert [each.get("reference") for each in results] == ["row 1", "row 2"]
    assert all("problem" in each for each in results)


def test_a_reference_with_the_number_in_it_is_refused_and_not_echoed(vault: Vault, tenant: str) -> None:
    good = requests(vault, tenant)["Verify"]
    items = [{**good, "reference": text} for text in ("07400 123456", "x7.4.0.0.1.2.3.4.5.6x", "+12015550123")]
    results = vault.invoke("Verify", {"tenant_id": tenant, "items": items})["results"]
    assert [problem(each) for each in results] == ["invalid-request"] * 3
    assert not any("reference" in each for each in results)


@pytest.mark.parametrize("reference", [7, None, {}, "r" * 501], ids=["int", "null", "object", "501"])
def test_a_reference_that_is_no_short_text_is_refused(vault: Vault, tenant: str, reference: object) -> None:
    good = requests(vault, tenant)["Lookup"]
    (result,) = vault.invoke("Lookup", {"tenant_id": tenant, "items": [{**good, "reference": reference}]})["results"]
    assert problem(result) == "invalid-request"
    assert "reference" not in result


def test_results_come_in_the_order_of_the_items(vault: Vault, tenant: str) -> None:
    numbers = variants("GB", 30)
    items = [{"subject_id": f"s-{at}", "number": number} for at, number in enumerate(numbers)]
    common = {"tenant_id": tenant, "purposes": {"account_security": {}}}
    stored = vault.invoke("Protect", {**common, "items": items})["results"]
    wanted = [{"token": each["token"]} for each in reversed(stored)]
    revealed = vault.invoke("Reveal", {"tenant_id": tenant, "purpose": "account_security", "items": wanted})["results"]
    assert [each["number"] for each in revealed] == numbers[::-1]


def test_items_act_in_order_so_that_a_repetition_merges(vault: Vault, tenant: str) -> None:
    item = {"subject_id": "s", "number": BRITISH}
    items = [{**item, "purposes": {"account_security": {}}}, {**item, "purposes": {"delivery": {}}}]
    first, second = vault.invoke("Protect", {"tenant_id": tenant, "items": items})["results"]
    assert (first["created"], second["created"], first["token"]) == (True, False, second["token"])
    assert second["purposes"].keys() == {"account_security", "delivery"}


def test_one_token_may_be_revealed_several_times_in_a_batch(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant, purposes={"account_security": {}, "delivery": {}})["token"]
    items = [{"token": token, "purpose": purpose} for purpose in ("account_security", "delivery")] * 30
    results = vault.invoke("Reveal", {"tenant_id": tenant, "items": items})["results"]
    assert {each["number"] for each in results} == {"+447400123456"}
    assert len(results) == 60


def test_fields_beside_items_hold_for_all(vault: Vault, tenant: str) -> None:
    common = {"tenant_id": tenant, "number": "07400 123456", "region": "GB", "purposes": {"delivery": {}}}
    results = vault.invoke("Protect", {**common, "items": [{"subject_id": "a"}, {"subject_id": "b"}]})["results"]
    assert [each["masked"] for each in results] == ["+44******3456"] * 2


def test_an_items_own_field_wins(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant, purposes={"account_security": {}, "delivery": {}})["token"]
    request = {"tenant_id": tenant, "token": token, "purpose": "delivery"}
    results = vault.invoke("Reveal", {**request, "items": [{}, {"purpose": "account_security"}]})["results"]
    assert [each["purpose"] for each in results] == ["delivery", "account_security"]


def test_an_items_own_region_goes_with_a_common_number(vault: Vault, tenant: str) -> None:
    common = {"tenant_id": tenant, "number": "201-555-0123", "purposes": {"delivery": {}}}
    results = vault.invoke("Protect", {**common, "items": [{"subject_id": "a", "region": "US"}]})["results"]
    assert results[0]["country"] == "US"


def test_an_items_own_tenant_wins(vault: Vault, tenant: str) -> None:
    other = vault.tenant()
    token = vault.protect(other)["token"]
    request = {"tenant_id": tenant, "token": token, "purpose": "account_security"}
    results = vault.invoke("Reveal", {**request, "items": [{}, {"tenant_id": other}]})["results"]
    assert [problem(each) for each in results] == ["not-found", None]


BAD_COMMON: dict[str, tuple[str, dict[str, Any], str]] = {
    "unknown": ("Protect", {"colour": "red"}, "invalid-request"),
    "tenant": ("Protect", {"tenant_id": "a#b"}, "invalid-request"),
    "purposes": ("Protect", {"purposes": {}}, "invalid-request"),
    "subject": ("Protect", {"subject_id": "a@b"}, "identifier-not-pseudonymous"),
    "subject alphabet": ("Protect", {"subject_id": "a b"}, "invalid-request"),
    "number": ("Protect", {"number": "+44 7400"}, "invalid-number"),
    "number of another region": ("Lookup", {"number": "1", "region": "GB"}, "invalid-number"),
    "token": ("Reveal", {"token": "x"}, "invalid-request"),
    "view": ("Reveal", {"view": "x"}, "invalid-request"),
    "reason": ("Verify", {"reason": 7}, "invalid-request"),
    "reference": ("Verify", {"reference": 7}, "invalid-request"),
}


@pytest.mark.parametrize(("function", "common", "name"), BAD_COMMON.values(), ids=BAD_COMMON.keys())
def test_a_bad_common_field_fails_the_request(
    vault: Vault, tenant: str, function: str, common: dict[str, Any], name: str
) -> None:
    """Even where each item has a good one of its own."""
    good = {"tenant_id": tenant, **requests(vault, tenant)[function]}
    answer = vault.invoke(function, {**common, "items": [good, good]})
    assert problem(answer) == name
    assert "results" not in answer


def test_a_batch_of_100_is_answered_whole(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    items = [{"token": token if at % 2 else UNKNOWN} for at in range(100)]
    results = vault.invoke("Reveal", {"tenant_id": tenant, "purpose": "account_security", "items": items})["results"]
    assert [problem(each) for each in results] == ["not-found", None] * 50


def test_items_within_items_are_no_batch(vault: Vault, tenant: str) -> None:
    good = requests(vault, tenant)["Lookup"]
    (result,) = vault.invoke("Lookup", {"tenant_id": tenant, "items": [{**good, "items": [good]}]})["results"]
    assert problem(result) == "invalid-request"
