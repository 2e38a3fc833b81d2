"""Purposes in time: expiry to the second, last use, consent, jurisdictions, and the state table's columns so far."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.integration.support.numbers import AMERICAN, BRITISH, example
from tests.integration.support.vault import Vault, problem

CALIFORNIAN = "+1 415 555 0123"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def consent(vault: Vault, **ago: int) -> dict[str, Any]:
    """For `marketing_sms`, given so long ago."""
    given_at = text(vault.clock.now() - timedelta(**ago))
    return {"marketing_sms": {"consent": {"given_at": given_at, "evidence": "form 12"}}}


def lasting(vault: Vault, answer: Any, purpose: str) -> timedelta:
    return moment(answer["purposes"][purpose]["expires_at"]) - vault.clock.now()


# A purpose ends at `expires_at`.


def test_a_purpose_is_live_one_second_before_its_end_and_ended_at_the_moment(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant, purposes={"delivery": {}})["token"]
    vault.clock.advance(days=30, seconds=-1)
    assert "number" in vault.reveal(tenant, token, "delivery")
    vault.clock.advance(seconds=1)
    assert problem(vault.reveal(tenant, token, "delivery")) == "purpose-not-permitted"


def test_verify_is_refused_at_the_moment_too(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant, purposes={"delivery": {}})["token"]
    vault.clock.advance(days=30, seconds=-1)
    assert vault.verify(tenant, token, purpose="delivery") == {"match": True}
    vault.clock.advance(seconds=1)
    assert problem(vault.verify(tenant, token, purpose="delivery")) == "purpose-not-permitted"


def test_lookup_does_not_find_it_from_the_moment_on(vault: Vault, tenant: str) -> None:
    vault.protect(tenant, purposes={"delivery": {}})
    vault.clock.advance(days=30, seconds=-1)
    assert len(vault.lookup(tenant, purpose="delivery")["matches"]) == 1
    vault.clock.advance(seconds=1)
    assert vault.lookup(tenant, purpose="delivery") == {"matches": []}


def test_one_purpose_ends_without_the_other(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant, purposes={"delivery": {}, "account_security": {}})["token"]
    vault.clock.advance(days=30)
    assert problem(vault.reveal(tenant, token, "delivery")) == "purpose-not-permitted"
    assert "number" in vault.reveal(tenant, token, "account_security")


# Last use.


def test_a_full_reveal_moves_the_expiry_and_answers_the_new_one(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    vault.clock.advance(days=10)
    answer = vault.reveal(tenant, token)
    assert moment(answer["expires_at"]) == vault.clock.now() + timedelta(days=90)


def test_the_moved_expiry_is_what_is_enforced(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    vault.clock.advance(days=89)
    vault.reveal(tenant, token)
    vault.clock.advance(days=90, seconds=-1)
    assert "masked" in vault.reveal(tenant, token, view="masked")
    vault.clock.advance(seconds=1)
    assert problem(vault.reveal(tenant, token, view="masked")) == "purpose-not-permitted"


def test_a_use_on_the_grants_own_day_is_stored_too(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    vault.clock.advance(seconds=1)
    answer = vault.reveal(tenant, token)
    assert moment(answer["expires_at"]) == vault.clock.now() + timedelta(days=90)


def to_the_next_utc_day(vault: Vault) -> None:
    now = vault.clock.now()
    tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    vault.clock.advance(seconds=(tomorrow - now).total_seconds())


def test_last_use_is_stored_at_most_once_per_utc_day(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    to_the_next_utc_day(vault)
    first = vault.reveal(tenant, token)["expires_at"]
    vault.clock.advance(hours=23, minutes=59, seconds=59)
    assert vault.reveal(tenant, token)["expires_at"] == first


def test_the_next_utc_day_begins_at_midnight(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    to_the_next_utc_day(vault)
    vault.clock.advance(hours=23, minutes=59, seconds=59)
    vault.reveal(tenant, token)
    vault.clock.advance(seconds=1)
    answer = vault.reveal(tenant, token)
    assert moment(answer["expires_at"]) == vault.clock.now() + timedelta(days=90)


def test_last_use_counts_for_its_own_purpose_alone(vault: Vault, tenant: str) -> None:
    stored = vault.protect(tenant, purposes={"account_security": {}, "delivery": {}})
    vault.clock.advance(days=2)
    vault.reveal(tenant, stored["token"], "delivery")
    answer = vault.reveal(tenant, stored["token"], "account_security", view="masked")
    assert answer["expires_at"] == stored["purposes"]["account_security"]["expires_at"]


def test_a_masked_reveal_is_no_use(vault: Vault, tenant: str) -> None:
    stored = vault.protect(tenant)
    vault.clock.advance(days=2)
    assert vault.reveal(tenant, stored["token"], view="masked")["expires_at"] == stored["expires_at"]


def test_a_refused_reveal_is_no_use(vault: Vault, tenant: str) -> None:
    stored = vault.protect(tenant)
    vault.clock.advance(days=2)
    with vault.denied("Reveal", "dynamodb:PutItem"):
        assert problem(vault.reveal(tenant, stored["token"])) == "audit-unavailable"
    assert vault.reveal(tenant, stored["token"], view="masked")["expires_at"] == stored["expires_at"]


def test_use_does_not_move_a_purpose_that_counts_from_its_creation(vault: Vault, tenant: str) -> None:
    stored = vault.protect(tenant, purposes={"delivery": {}})
    vault.clock.advance(days=3)
    assert vault.reveal(tenant, stored["token"], "delivery")["expires_at"] == stored["expires_at"]


# Protecting again.


def test_a_live_purpose_keeps_its_start(vault: Vault, tenant: str) -> None:
    stored = vault.protect(tenant, purposes={"delivery": {}})
    vault.clock.advance(days=5)
    assert vault.protect(tenant, purposes={"delivery": {}})["expires_at"] == stored["expires_at"]


def test_protecting_again_is_no_use(vault: Vault, tenant: str) -> None:
    stored = vault.protect(tenant)
    vault.clock.advance(days=5)
    assert vault.protect(tenant)["expires_at"] == stored["expires_at"]


def test_an_ended_purpose_is_granted_anew(vault: Vault, tenant: str) -> None:
    vault.protect(tenant, purposes={"delivery": {}, "account_security": {}})
    vault.clock.advance(days=30)
    assert lasting(vault, vault.protect(tenant, purposes={"delivery": {}}), "delivery") == timedelta(days=30)


def test_a_purpose_granted_anew_forgets_its_last_use(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    vault.reveal(tenant, token)
    vault.clock.advance(days=91)
    assert lasting(vault, vault.protect(tenant), "account_security") == timedelta(days=90)


def test_an_ended_purpose_is_not_listed_when_another_is_merged(vault: Vault, tenant: str) -> None:
    vault.protect(tenant, purposes={"delivery": {}})
    vault.clock.advance(days=30)
    assert vault.protect(tenant)["purposes"].keys() == {"account_security"}


def test_a_number_whose_purposes_all_ended_revives_with_the_same_token(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    vault.clock.advance(days=365)
    answer = vault.protect(tenant)
    assert (answer["token"], answer["created"]) == (token, False)
    assert "number" in vault.reveal(tenant, token)


def test_one_ended_purpose_revived_does_not_revive_the_other(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant, purposes={"delivery": {}, "account_security": {}})["token"]
    vault.clock.advance(days=365)
    vault.protect(tenant, purposes={"delivery": {}})
    assert problem(vault.reveal(tenant, token)) == "purpose-not-permitted"


# Consent.


def test_a_purpose_that_rests_on_consent_needs_one(vault: Vault, tenant: str) -> None:
    assert problem(vault.protect(tenant, purposes={"marketing_sms": {}})) == "consent-required"


def test_a_missing_consent_stores_none_of_the_purposes(vault: Vault, tenant: str) -> None:
    vault.protect(tenant, purposes={"marketing_sms": {}, "delivery": {}})
    assert vault.lookup(tenant, purpose="delivery") == {"matches": []}


def test_a_refusal_for_want_of_consent_changes_nothing_for_a_new_tenant(vault: Vault, tenant: str) -> None:
    vault.protect(tenant, purposes={"marketing_sms": {}})
    assert not any(vault.tables(tenant).values())


def test_retention_counts_from_the_consent(vault: Vault, tenant: str) -> None:
    answer = vault.protect(tenant, purposes=consent(vault, days=100))
    assert lasting(vault, answer, "marketing_sms") == timedelta(days=265)


def test_nothing_for_a_live_consent_purpose_changes_nothing(vault: Vault, tenant: str) -> None:
    stored = vault.protect(tenant, purposes=consent(vault, days=100))
    vault.clock.advance(days=5)
    assert vault.protect(tenant, purposes={"marketing_sms": {}})["purposes"] == stored["purposes"]


def test_nothing_for_an_ended_consent_purpose_is_refused(vault: Vault, tenant: str) -> None:
    vault.protect(tenant, purposes={**consent(vault, days=1), "account_security": {}})
    vault.clock.advance(days=364)
    assert problem(vault.protect(tenant, purposes={"marketing_sms": {}})) == "consent-required"


def test_nothing_is_refused_for_a_record_that_has_other_purposes_only(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    assert problem(vault.protect(tenant, purposes={"marketing_sms": {}})) == "consent-required"


def test_nothing_is_refused_when_another_subject_has_the_consent(vault: Vault, tenant: str) -> None:
    vault.protect(tenant, "consenting", purposes=consent(vault, days=1))
    assert problem(vault.protect(tenant, "silent", purposes={"marketing_sms": {}})) == "consent-required"


def test_nothing_is_refused_when_the_consent_is_for_another_number_of_the_subject(vault: Vault, tenant: str) -> None:
    """The contract: live for this record."""
    vault.protect(tenant, purposes=consent(vault, days=1))
    assert problem(vault.protect(tenant, number=AMERICAN, purposes={"marketing_sms": {}})) == "consent-required"


def test_a_newer_consent_moves_a_live_purpose(vault: Vault, tenant: str) -> None:
    vault.protect(tenant, purposes=consent(vault, days=100))
    vault.clock.advance(days=5)
    answer = vault.protect(tenant, purposes=consent(vault, days=1))
    assert lasting(vault, answer, "marketing_sms") == timedelta(days=364)


def test_an_older_consent_does_not_move_a_live_purpose(vault: Vault, tenant: str) -> None:
    stored = vault.protect(tenant, purposes=consent(vault, days=10))
    answer = vault.protect(tenant, purposes=consent(vault, days=50))
    assert answer["expires_at"] == stored["expires_at"]


def test_a_consent_older_than_its_retention_is_refused(vault: Vault, tenant: str) -> None:
    assert problem(vault.protect(tenant, purposes=consent(vault, days=365))) == "consent-required"


def test_a_consent_one_second_younger_than_its_retention_is_taken(vault: Vault, tenant: str) -> None:
    answer = vault.protect(tenant, purposes=consent(vault, days=365, seconds=-1))
    assert lasting(vault, answer, "marketing_sms") == timedelta(seconds=1)


def test_a_consent_older_than_its_retention_is_refused_while_a_newer_one_is_live(vault: Vault, tenant: str) -> None:
    """The ruling: `consent-required` with a consent older than its retention, live or not."""
    vault.protect(tenant, purposes=consent(vault, days=1))
    assert problem(vault.protect(tenant, purposes=consent(vault, days=366))) == "consent-required"


def test_a_consent_of_this_second_is_taken_and_one_second_later_refused(vault: Vault, tenant: str) -> None:
    assert "token" in vault.protect(tenant, purposes=consent(vault, seconds=0))
    assert problem(vault.protect(tenant, purposes=consent(vault, seconds=-1))) == "invalid-request"


def test_a_refused_consent_leaves_the_live_record_as_it_was(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    before = vault.tables(tenant)
    vault.protect(tenant, purposes={"delivery": {}, "marketing_sms": {}})
    assert vault.tables(tenant) == before
    assert problem(vault.reveal(tenant, token, "delivery")) == "purpose-not-permitted"


# Jurisdictions: fraud lasts 60 days, 40 under GDPR, 50 under UK_GDPR, 20 under CCPA.


@pytest.mark.parametrize(
    ("number", "declared", "days"),
    [
        (AMERICAN, "OTHER", 60),
        (AMERICAN, None, 40),
        (AMERICAN, "CCPA", 20),
        (BRITISH, "OTHER", 50),
        (BRITISH, None, 40),
        (BRITISH, "CCPA", 20),
        (CALIFORNIAN, "OTHER", 20),
        (CALIFORNIAN, "GDPR", 20),
        (example("DE"), "OTHER", 40),
        (example("RE"), "UK_GDPR", 40),
        (example("CH"), "OTHER", 60),
    ],
)
def test_a_numbers_region_only_tightens_what_is_declared(
    vault: Vault, tenant: str, number: str, declared: str | None, days: int
) -> None:
    more = {"jurisdiction": declared} if declared else {}
    answer = vault.protect(tenant, number=number, purposes={"fraud": {}}, **more)
    assert lasting(vault, answer, "fraud") == timedelta(days=days)


def test_a_second_jurisdiction_tightens_what_is_granted_already(vault: Vault, tenant: str) -> None:
    vault.protect(tenant, number=AMERICAN, purposes={"fraud": {}}, jurisdiction="OTHER")
    answer = vault.protect(tenant, number=AMERICAN, purposes={"delivery": {}}, jurisdiction="CCPA")
    assert lasting(vault, answer, "fraud") == timedelta(days=20)


def test_a_second_jurisdiction_never_loosens(vault: Vault, tenant: str) -> None:
    vault.protect(tenant, number=AMERICAN, purposes={"fraud": {}}, jurisdiction="CCPA")
    answer = vault.protect(tenant, number=AMERICAN, purposes={"fraud": {}}, jurisdiction="OTHER")
    assert lasting(vault, answer, "fraud") == timedelta(days=20)


def test_a_purpose_granted_later_falls_under_all_jurisdictions_declared(vault: Vault, tenant: str) -> None:
    vault.protect(tenant, number=AMERICAN, jurisdiction="CCPA")
    answer = vault.protect(tenant, number=AMERICAN, purposes={"fraud": {}}, jurisdiction="OTHER")
    assert lasting(vault, answer, "fraud") == timedelta(days=20)


def test_a_second_jurisdiction_may_end_a_purpose_at_once(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant, number=AMERICAN, purposes={"fraud": {}}, jurisdiction="OTHER")["token"]
    vault.clock.advance(days=25)
    vault.protect(tenant, number=AMERICAN, purposes={"delivery": {}}, jurisdiction="CCPA")
    assert problem(vault.reveal(tenant, token, "fraud")) == "purpose-not-permitted"
