"""Verify, to the letter of the contract."""

from typing import Any

import pytest

from tests.integration.support.numbers import AMERICAN, BRITISH, variants
from tests.integration.support.vault import Vault, changed, problem

UNKNOWN = "tok_" + "0" * 25


def test_the_right_number_matches(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    assert vault.verify(tenant, token) == {"match": True}


@pytest.mark.parametrize("number", [AMERICAN, *variants("GB", 2)], ids=["other", "close", "closer"])
def test_another_number_does_not_match(vault: Vault, tenant: str, number: str) -> None:
    token = vault.protect(tenant)["token"]
    assert vault.verify(tenant, token, number) == {"match": False}


def test_every_spelling_matches(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    assert vault.verify(tenant, token, "(0)7400.123.456", region="GB") == {"match": True}


def test_a_number_of_the_same_subject_does_not_match_under_its_other_token(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    token = vault.protect(tenant, number=AMERICAN)["token"]
    assert vault.verify(tenant, token) == {"match": False}


def test_an_unknown_token_is_not_found(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    assert problem(vault.verify(tenant, UNKNOWN)) == "not-found"


def test_another_tenants_token_is_the_same_problem_as_an_unknown_one(vault: Vault, tenant: str) -> None:
    token, other = vault.protect(tenant)["token"], vault.tenant()
    vault.protect(other)
    assert vault.verify(other, token) == vault.verify(other, UNKNOWN)


def test_a_purpose_that_was_never_granted_is_not_permitted(vault: Vault, tenant: str) -> None:
    """Also with a number that does not match: the problem says nothing about the number."""
    token = vault.protect(tenant)["token"]
    right, wrong = (vault.verify(tenant, token, number, "delivery") for number in (BRITISH, AMERICAN))
    assert problem(right) == "purpose-not-permitted"
    assert right == wrong


def test_verifying_moves_no_last_use(vault: Vault, tenant: str) -> None:
    stored = vault.protect(tenant)
    vault.clock.advance(days=1)
    vault.verify(tenant, stored["token"])
    answer = vault.reveal(tenant, stored["token"], view="masked")
    assert answer["expires_at"] == stored["expires_at"]


WRONG: dict[str, dict[str, Any]] = {
    "unknown field": {"colour": "red"},
    "view": {"view": "full"},
    "token": {"token": "7400"},
    "number int": {"number": 447400123456},
    "region null": {"region": None},
    "reason with the number": {"reason": "is it 07400 123456?"},
    "reason too long": {"reason": "r" * 501},
    "reference": {"reference": "row"},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
def test_a_request_of_wrong_shape_is_refused(vault: Vault, tenant: str, change: dict[str, Any]) -> None:
    token = vault.protect(tenant)["token"]
    request = {"tenant_id": tenant, "token": token, "number": BRITISH, "purpose": "account_security"}
    with vault.sending() as sent:
        answer = vault.invoke("Verify", request | change)
    assert problem(answer) == "invalid-request"
    assert not changed(sent)
