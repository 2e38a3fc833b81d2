"""A data subject's consent, as the application received it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Consent:
    """When it was given, and the application's own reference to the proof (at most 500 characters)."""

    given_at: datetime
    evidence: str

    def is_newer_than(self, other: "Consent | None") -> bool:
        """Whether it was given after the other one."""
        return other is None or self.given_at > other.given_at
