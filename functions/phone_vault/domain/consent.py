"""A data subject's consent, as the application received it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Consent:
    """When it was given, and the application's own reference to the proof (at most 500 characters)."""

    given_at: datetime
    evidence: str

    def is_newer_than(self, other: "Consent | None") -> bool:
        """Whether it was given after the other one."""
        return other is None or self.given_at > other.given_at


class ConsentAction(StrEnum):
    """What a data subject did."""

    GRANT = "grant"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class ConsentEvent:
    """One line of a subject's history of consents, kept as proof beyond the numbers (GDPR Art. 7(1))."""

    purpose: str
    action: ConsentAction
    at: datetime
    """When the vault learned of it."""
    kept_until: datetime
    consent: Consent | None = None
    """None of a withdrawal."""
    token: str | None = None
    """Of the one number that it was said of; None for the subject as such."""
