"""Rights of data subjects before anything is stored: what is said then counts for what is stored later."""

from datetime import timedelta
from typing import Any

import pytest

from tests.integration.support.vault import Vault, problem

SUBJECT = {"subject_id": "subject-a"}
CASE = {"case_id": "case-7"}
UNKNOWN = "tok_" + "0" * 25
CONSENT = {"purpose": "marketing_sms"}
HOLD: dict[str, Any] = {**CASE, "action": "place", "reason": "court order"}
ERASE: dict[str, Any] = {"reason": "asked for by letter"}


def ask(vault: Vault, function: str, tenant: str, **asked: Any) -> Any:
    return vault.invoke(function, {"tenant_id": tenant, **asked})


def given(vault: Vault, **ago: int) -> dict[str, Any]:
    given_at = vault.clock.now() - timedelta(**ago)
    return {"given_at": f"{given_at:%Y-%m-%dT%H:%M:%SZ}", "evidence": "form 12"}


def test_a_hold_covers_the_first_number_that_is_stored_later(vault: Vault, tenant: str) -> None:
    assert ask(vault, "Hold", tenant, **SUBJECT, **HOLD) == {"updated": []}
    token = vault.protect(tenant)["token"]
    answer = ask(vault, "Erase", tenant, **SUBJECT, **ERASE)
    assert answer["blocked"] == [{"token": token, "reason": "under-legal-hold"}]
    assert ask(vault, "Hold", tenant, **SUBJECT, **CASE, action="release")["updated"] == [token]


def test_a_restriction_counts_for_the_first_number_until_it_is_lifted(vault: Vault, tenant: str) -> None:
    assert ask(vault, "Restrict", tenant, **SUBJECT, action="restrict", ground="claims") == {"updated": []}
    assert problem(vault.protect(tenant)) == "restricted"
    assert ask(vault, "Restrict", tenant, **SUBJECT, action="lift") == {"updated": []}
    assert problem(vault.protect(tenant)) is None


def test_after_a_withdrawal_the_first_number_needs_a_newer_consent(vault: Vault, tenant: str) -> None:
    answer = ask(vault, "Consent", tenant, **SUBJECT, **CONSENT, action="withdraw")
    assert answer == {"updated": [], "purposes": {}}
    older = {"marketing_sms": {"consent": given(vault, hours=1)}}
    assert problem(vault.protect(tenant, purposes=older)) == "consent-required"
    vault.clock.advance(hours=1)
    newer = {"marketing_sms": {"consent": given(vault)}}
    assert problem(vault.protect(tenant, purposes=newer)) is None


def test_what_has_nothing_to_act_on_is_an_empty_success_and_makes_no_keys(vault: Vault, tenant: str) -> None:
    assert ask(vault, "Restrict", tenant, **SUBJECT, action="lift") == {"updated": []}
    granted = ask(vault, "Consent", tenant, **SUBJECT, **CONSENT, action="grant", **given(vault))
    assert granted == {"updated": [], "purposes": {}}
    receipt = ask(vault, "Erase", tenant, **SUBJECT, **ERASE)["receipt"]
    assert (receipt["erased"], receipt["message_keys"], receipt["blocked"]) == (0, 0, [])
    assert vault.rows("KeyRing", tenant) == []


def test_a_case_that_was_never_placed_is_not_found(vault: Vault, tenant: str) -> None:
    assert problem(ask(vault, "Hold", tenant, **SUBJECT, **CASE, action="release")) == "not-found"


@pytest.mark.parametrize(
    ("function", "request_"),
    [
        ("Hold", HOLD),
        ("Restrict", {"action": "restrict", "ground": "claims"}),
        ("Consent", {**CONSENT, "action": "withdraw"}),
        ("Erase", ERASE),
    ],
)
def test_a_token_is_not_found_and_makes_no_keys(
    vault: Vault, tenant: str, function: str, request_: dict[str, Any]
) -> None:
    assert problem(ask(vault, function, tenant, token=UNKNOWN, **request_)) == "not-found"
    assert vault.rows("KeyRing", tenant) == []


def test_a_plan_of_a_tenant_of_which_nothing_was_ever_stored_is_of_nothing(vault: Vault, tenant: str) -> None:
    plan = ask(vault, "PlanPurge", tenant)
    assert (plan["due"], plan["held"], plan["restricted"], plan["message_keys"]) == (0, 0, 0, 0)
    assert (plan["by_purpose"], plan["by_tenant"]) == ({}, {})


def test_an_off_boarded_tenant_is_not_found(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    vault.invoke("Offboard", {"tenant_id": tenant, "confirm": tenant})
    vault.cloud.restart()
    assert problem(ask(vault, "Hold", tenant, **SUBJECT, **HOLD)) == "not-found"
    assert problem(ask(vault, "Restrict", tenant, **SUBJECT, action="lift")) == "not-found"
    assert problem(ask(vault, "Erase", tenant, **SUBJECT, **ERASE)) == "not-found"
    assert problem(ask(vault, "PlanPurge", tenant)) == "not-found"
