"""Lookup, to the letter of the contract."""

from typing import Any

import pytest

from tests.integration.support.numbers import AMERICAN, BRITISH
from tests.integration.support.vault import Vault, changed, problem


def test_the_answer_has_matches_and_nothing_else(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    assert vault.lookup(tenant).keys() == {"matches"}


def test_a_match_has_exactly_the_contracts_fields(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant, "cust-1")["token"]
    expected = {"token": token, "subject_id": "cust-1", "purposes": ["account_security"]}
    assert vault.lookup(tenant)["matches"] == [expected]


def test_every_spelling_finds_the_number(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    for number, region in (("+44 07400 123456", None), ("07400-123456", "GB"), ("tel:+447400123456", None)):
        more = {"region": region} if region else {}
        assert len(vault.lookup(tenant, number, **more)["matches"]) == 1


def test_a_shared_number_finds_all_its_subjects(vault: Vault, tenant: str) -> None:
    tokens = {vault.protect(tenant, f"s-{each}")["token"] for each in range(5)}
    matches = vault.lookup(tenant)["matches"]
    assert {each["token"] for each in matches} == tokens
    assert {each["subject_id"] for each in matches} == {f"s-{each}" for each in range(5)}


def test_another_number_is_not_found(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    assert vault.lookup(tenant, AMERICAN) == {"matches": []}


def test_another_tenants_number_is_not_found(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    other = vault.tenant()
    vault.protect(other, number=AMERICAN)
    assert vault.lookup(other) == {"matches": []}


def test_a_tenant_that_was_never_used_has_nothing(vault: Vault, tenant: str) -> None:
    assert vault.lookup(tenant) == {"matches": []}


def test_looking_up_makes_no_keys_for_a_tenant(vault: Vault, tenant: str) -> None:
    vault.lookup(tenant)
    assert not vault.rows("KeyRing", tenant)


def test_a_record_without_the_purpose_is_not_found(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    assert vault.lookup(tenant, purpose="delivery") == {"matches": []}


def test_a_match_lists_all_live_purposes_not_only_the_one_asked_for(vault: Vault, tenant: str) -> None:
    vault.protect(tenant, purposes={"account_security": {}, "delivery": {}})
    (match,) = vault.lookup(tenant, purpose="delivery")["matches"]
    assert match["purposes"] == ["account_security", "delivery"]


def test_an_ended_purpose_is_not_listed(vault: Vault, tenant: str) -> None:
    vault.protect(tenant, purposes={"account_security": {}, "delivery": {}})
    vault.clock.advance(days=30)
    (match,) = vault.lookup(tenant)["matches"]
    assert match["purposes"] == ["account_security"]


def test_a_number_shared_more_often_than_a_read_takes_is_found_whole(vault: Vault, tenant: str) -> None:
    items = [{"subject_id": f"member-{each}"} for each in range(60)]
    common = {"tenant_id": tenant, "number": BRITISH, "purposes": {"account_security": {}}}
    for half in ("a", "b"):
        batch = [{"subject_id": f"{each['subject_id']}-{half}"} for each in items]
        vault.invoke("Protect", {**common, "items": batch})
    assert len(vault.lookup(tenant)["matches"]) == 120


WRONG: dict[str, dict[str, Any]] = {
    "unknown field": {"colour": "red"},
    "reason": {"reason": ["no text"]},
    "view": {"view": "full"},
    "token": {"token": "tok_" + "0" * 25},
    "subject": {"subject_id": "s"},
    "purposes": {"purposes": {"account_security": {}}},
    "number int": {"number": 447400123456},
    "number null": {"number": None},
    "region": {"region": "gb"},
    "purpose int": {"purpose": 7},
    "purpose too long": {"purpose": "p" * 65},
    "tenant is the number": {"tenant_id": "07400123456"},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
def test_a_request_of_wrong_shape_is_refused(vault: Vault, tenant: str, change: dict[str, Any]) -> None:
    request = {"tenant_id": tenant, "number": BRITISH, "purpose": "account_security"}
    with vault.sending() as sent:
        answer = vault.invoke("Lookup", request | change)
    assert problem(answer) == "invalid-request"
    assert not changed(sent)


def test_an_invalid_number_is_refused(vault: Vault, tenant: str) -> None:
    assert problem(vault.lookup(tenant, "+44 7400")) == "invalid-number"
