"""Reveal, to the letter of the contract."""

from typing import Any

import pytest

from tests.integration.support.numbers import AMERICAN
from tests.integration.support.vault import Vault, changed, problem

UNKNOWN = "tok_" + "0" * 25


def test_a_full_reveal_has_exactly_the_contracts_fields(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    assert vault.reveal(tenant, token).keys() == {"token", "number", "purpose", "expires_at"}


def test_a_masked_reveal_has_a_mask_and_no_number(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    answer = vault.reveal(tenant, token, view="masked")
    assert answer.keys() == {"token", "masked", "purpose", "expires_at"}
    assert answer["masked"] == "+44******3456"


def test_the_number_comes_in_e164(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant, number="07400 123-456", region="GB")["token"]
    assert vault.reveal(tenant, token)["number"] == "+447400123456"


def test_token_and_purpose_are_the_requests(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    answer = vault.reveal(tenant, token)
    assert (answer["token"], answer["purpose"]) == (token, "account_security")


def test_expires_at_is_of_that_purpose(vault: Vault, tenant: str) -> None:
    stored = vault.protect(tenant, purposes={"account_security": {}, "delivery": {}})
    answer = vault.reveal(tenant, stored["token"], "delivery")
    assert answer["expires_at"] == stored["purposes"]["delivery"]["expires_at"]


def test_each_token_reveals_its_own_number(vault: Vault, tenant: str) -> None:
    british, american = vault.protect(tenant)["token"], vault.protect(tenant, number=AMERICAN)["token"]
    numbers = [vault.reveal(tenant, token)["number"] for token in (british, american)]
    assert numbers == ["+447400123456", "+12015550123"]


def test_an_unknown_token_is_not_found(vault: Vault, tenant: str) -> None:
    assert problem(vault.reveal(tenant, UNKNOWN)) == "not-found"


def test_another_tenants_token_is_the_same_problem_as_an_unknown_one(vault: Vault, tenant: str) -> None:
    token, other = vault.protect(tenant)["token"], vault.tenant()
    vault.protect(other)
    assert vault.reveal(other, token) == vault.reveal(other, UNKNOWN)


def test_another_tenants_token_is_not_found_under_a_tenant_that_was_never_used(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    assert problem(vault.reveal(vault.tenant(), token)) == "not-found"


def test_a_purpose_that_was_never_granted_is_not_permitted(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    assert problem(vault.reveal(tenant, token, "delivery")) == "purpose-not-permitted"


def test_a_purpose_that_the_policy_does_not_know_is_not_registered(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    assert problem(vault.reveal(tenant, token, "astrology")) == "purpose-not-registered"


def test_an_unregistered_purposes_name_is_not_echoed(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    assert "astrology" not in str(vault.reveal(tenant, token, "astrology"))


def test_a_reason_of_500_characters_is_taken(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    assert "number" in vault.reveal(tenant, token, reason="r" * 500)


WRONG: dict[str, dict[str, Any]] = {
    "unknown field": {"colour": "red"},
    "number beside": {"number": "+44 7400 123456"},
    "request context": {"requestContext": {"authorizer": {"iam": {"userArn": "arn:aws:sts::1:assumed-role/x/y"}}}},
    "reference": {"reference": "row 1"},
    "token without prefix": {"token": "0" * 29},
    "token too short": {"token": "tok_" + "0" * 19},
    "token too long": {"token": "tok_" + "0" * 3000},
    "token upper case": {"token": "tok_" + "A" * 25},
    "token with hash": {"token": "tok_" + "0" * 20 + "#tok_" + "0" * 20},
    "token with newline": {"token": "tok_" + "0" * 25 + "\n"},
    "token null": {"token": None},
    "token list": {"token": [UNKNOWN]},
    "purpose null": {"purpose": None},
    "purpose list": {"purpose": ["account_security"]},
    "purpose upper case": {"purpose": "ACCOUNT_SECURITY"},
    "purpose empty": {"purpose": ""},
    "view unknown": {"view": "half"},
    "view null": {"view": None},
    "view object": {"view": {}},
    "reason too long": {"reason": "r" * 501},
    "reason number": {"reason": 7},
    "reason null": {"reason": None},
    "reason with a number": {"reason": "he called from +44 7400 123456 today"},
    "reason with half a character": {"reason": "\ud83d"},
    "tenant with hash": {"tenant_id": "a#b"},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
def test_a_request_of_wrong_shape_is_refused_and_changes_nothing(
    vault: Vault, tenant: str, change: dict[str, Any]
) -> None:
    token = vault.protect(tenant)["token"]
    request = {"tenant_id": tenant, "token": token, "purpose": "account_security"}
    with vault.sending() as sent:
        answer = vault.invoke("Reveal", request | change)
    assert problem(answer) == "invalid-request"
    assert not changed(sent)


@pytest.mark.parametrize("field", ["token", "purpose"])
def test_a_field_that_is_missing_is_named(vault: Vault, tenant: str, field: str) -> None:
    request = {"tenant_id": tenant, "token": UNKNOWN, "purpose": "account_security"}
    del request[field]
    answer = vault.invoke("Reveal", request)
    assert [each["pointer"] for each in answer["problem"]["errors"]] == [f"/{field}"]
