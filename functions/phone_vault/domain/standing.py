"""What the law has made of a record, beside its purposes: holds, restriction, withdrawals, a running erasure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

LEGAL_HOLD = "legal_hold"
"""The purpose for which whoever knows a hold's case reads what is held, whatever else has ended."""


class Level(StrEnum):
    """Where a hold or a restriction was placed, and where it has to be taken back."""

    TOKEN = "token"  # noqa: S105  not a secret
    SUBJECT = "subject"
    """All records of the subject, those stored later too."""


class Ground(StrEnum):
    """Why processing is restricted. Source: GDPR Art. 18(1), in its order."""

    ACCURACY = "accuracy"
    UNLAWFUL = "unlawful"
    CLAIMS = "claims"
    OBJECTION = "objection"


@dataclass(frozen=True, slots=True, order=True)
class Hold:
    """That a record must be kept for a case."""

    case_id: str
    level: Level


@dataclass(frozen=True, slots=True, order=True)
class Restriction:
    """That a record may be kept, and not be used."""

    ground: Ground
    level: Level


class Ending(StrEnum):
    """Why a purpose ended before its time."""

    WITHDRAWN = "withdrawn"
    OBJECTED = "objected"


@dataclass(frozen=True, slots=True)
class Ended:
    """When and why."""

    at: datetime
    why: Ending


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure that has begun: of which receipt it is, and since when."""

    erasure_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """Of a stored number or a message key. Nothing of it: it may be used as its purposes say."""

    holds: frozenset[Hold] = frozenset()
    restrictions: frozenset[Restriction] = frozenset()
    ended: Mapping[str, Ended] = field(default_factory=dict)
    """By purpose."""
    erasure: Erasure | None = None
    """Begun and not done, because a hold forbids it."""

    @property
    def is_held(self) -> bool:
        """Whether it must be kept."""
        return bool(self.holds)

    @property
    def is_restricted(self) -> bool:
        """Whether it must not be used."""
        return bool(self.restrictions)

    def is_held_for(self, case_id: str | None) -> bool:
        """Whether one of the holds is for this case."""
        return any(hold.case_id == case_id for hold in self.holds)

    def held(self, hold: Hold) -> "Standing":
        """With this hold."""
        return replace(self, holds=self.holds | {hold})

    def released(self, hold: Hold) -> "Standing":
        """Without it."""
        return replace(self, holds=self.holds - {hold})

    def restricted(self, restriction: Restriction) -> "Standing":
        """With this restriction."""
        return replace(self, restrictions=self.restrictions | {restriction})

    def lifted(self, level: Level) -> "Standing":
        """Without the restrictions that were placed there, whatever their grounds."""
        return replace(self, restrictions=frozenset(each for each in self.restrictions if each.level is not level))

    def ending(self, purpose: str, ended: Ended) -> "Standing":
        """With the purpose ended for all that was granted until then."""
        return replace(self, ended={**self.ended, purpose: ended})

    def ended_at(self, purpose: str, granted_at: datetime) -> datetime | None:
        """When a grant of this moment ended before its time; None where it did not."""
        ended = self.ended.get(purpose)
        moments = [ended.at] if ended is not None and granted_at <= ended.at else []
        if self.erasure is not None:
            moments.append(self.erasure.at)
        return min(moments, default=None)

    def erasing(self, erasure: Erasure) -> "Standing":
        """With an erasure that waits for the last hold to go; one that waits already stays."""
        return self if self.erasure else replace(self, erasure=erasure)


NOTHING_SAID = Standing()
