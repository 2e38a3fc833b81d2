"""A caller's own words may turn out to hold the very number that is revealed: they are neither kept nor returned."""

from typing import Any

import pytest

from tests.integration.support.messages import decrypt, encrypt
from tests.integration.support.vault import Vault, problem

WORDS = ["called 07400 123456, no answer", "7400123456", "(0)7400/123-456", "\N{FULLWIDTH DIGIT SEVEN}400123456"]


def entries_of(vault: Vault, tenant: str) -> str:
    return repr([row["entry"]["S"] for row in vault.rows("AuditTrail") if tenant in row["entry"]["S"]])


@pytest.mark.parametrize("reason", WORDS)
def test_a_reason_with_the_revealed_number_is_refused_and_not_kept(vault: Vault, tenant: str, reason: str) -> None:
    token = vault.protect(tenant)["token"]
    assert problem(vault.reveal(tenant, token, reason=reason)) == "invalid-request"
    assert reason not in entries_of(vault, tenant)


@pytest.mark.parametrize("reason", WORDS)
def test_a_reason_with_the_decrypted_number_is_refused_and_not_kept(vault: Vault, tenant: str, reason: str) -> None:
    message = encrypt(vault, tenant)["message"]
    assert problem(decrypt(vault, tenant, message, reason=reason)) == "invalid-request"
    assert reason not in entries_of(vault, tenant)


def test_a_reference_with_the_revealed_number_is_refused_and_not_returned(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    item: dict[str, Any] = {"tenant_id": tenant, "token": token, "purpose": "account_security"}
    items = [{**item, "reference": "07400 123456"}, {**item, "reference": "row 7"}]
    refused, answered = vault.invoke("Reveal", {"items": items})["results"]
    assert problem(refused) == "invalid-request"
    assert "reference" not in refused
    assert answered["reference"] == "row 7"


def test_digits_that_are_not_the_number_are_taken(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    assert "number" in vault.reveal(tenant, token, reason="case 7400, call 12")


def test_a_caller_who_sees_masks_alone_has_no_guess_confirmed(vault: Vault, tenant: str) -> None:
    """Else 100 guesses could be tried in a call, past the limit of `Verify`."""
    token = vault.protect(tenant)["token"]
    answers = [
        vault.reveal(tenant, token, view="masked", reason=f"case {digits}") for digits in ("7400123456", "7400123457")
    ]
    assert [answer["masked"] for answer in answers] == ["+44******3456"] * 2
