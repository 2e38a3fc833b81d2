"""Lines for a subject's history of consents, with how long each is kept."""

from datetime import datetime, timedelta

from phone_vault.domain.consent import Consent, ConsentAction, ConsentEvent
from phone_vault.domain.policy import Purpose, VaultPolicy
from phone_vault.domain.retention import Retained
from phone_vault.domain.stored_number import StoredNumber


def granted_consent(
    policy: VaultPolicy, purpose: Purpose, consent: Consent, record: Retained | None, now: datetime
) -> ConsentEvent:
    """That a consent was received; of one number, or of the subject as such."""
    token = record.token if isinstance(record, StoredNumber) else None
    return ConsentEvent(purpose.name, ConsentAction.GRANT, now, _kept_until(policy, purpose, now), consent, token)


def withdrawn_consent(policy: VaultPolicy, purpose: Purpose, token: str | None, now: datetime) -> ConsentEvent:
    """That it was withdrawn."""
    return ConsentEvent(purpose.name, ConsentAction.WITHDRAW, now, _kept_until(policy, purpose, now), token=token)


def _kept_until(policy: VaultPolicy, purpose: Purpose, now: datetime) -> datetime:
    """The longest that the purpose may be used, and the time in which somebody may still ask for the proof."""
    longest = max((purpose.retention.days, *purpose.retention_days_by_jurisdiction.values()))
    return now + timedelta(days=longest + policy.consent_proof_days)
