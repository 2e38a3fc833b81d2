"""What holds for a data subject as such, and so for numbers that are stored later."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from phone_vault.domain.errors import Conflict, ConsentRequired, Restricted
from phone_vault.domain.standing import Ended, Ending, Erasure, Ground, Hold, Level, Standing


class SubjectId(NamedTuple):
    """What names a subject in the tables."""

    tenant_id: str
    subject_ref: str


@dataclass(frozen=True, slots=True)
class Subject:
    """The row `#subject`. Revision 0: there is none, because nothing special has ever been said of the subject."""

    subject_id: SubjectId
    revision: int = 0
    cases: frozenset[str] = frozenset()
    """Of holds."""
    releasing: frozenset[str] = frozenset()
    """Cases whose holds are being taken off the records; numbers that are stored now are not held for them."""
    grounds: frozenset[Ground] = frozenset()
    """Of restrictions."""
    withdrawn: Mapping[str, datetime] = field(default_factory=dict)
    """By purpose: when its consent was withdrawn last."""
    erasure: Erasure | None = None
    """Running, or waiting for holds to go."""

    def check_takes_numbers(self) -> None:
        """`Conflict` while it is erased, `Restricted` while it is restricted."""
        if self.erasure is not None:
            raise Conflict("the subject is being erased")
        if self.grounds:
            raise Restricted("the subject's numbers are restricted")

    def check_consent(self, purpose: str, given_at: datetime | None) -> None:
        """`ConsentRequired` for a consent that was given before the last one was withdrawn."""
        withdrawn_at = self.withdrawn.get(purpose)
        if given_at is not None and withdrawn_at is not None and given_at <= withdrawn_at:
            raise ConsentRequired("the consent was withdrawn after it was given")

    @property
    def standing(self) -> Standing:
        """Of a number that is stored now, whatever it may be granted later."""
        return Standing(
            holds=frozenset(Hold(case_id, Level.SUBJECT) for case_id in self.cases - self.releasing),
            ended={purpose: Ended(at, Ending.WITHDRAWN) for purpose, at in self.withdrawn.items()},
        )
