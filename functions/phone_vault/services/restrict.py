"""Restrict: numbers that are kept, and not used, until the restriction is lifted (GDPR Art. 18)."""

from dataclasses import dataclass, replace
from typing import Any

from phone_vault.domain.ports import Contended
from phone_vault.domain.retention import Retained
from phone_vault.domain.right_requests import RestrictAction, RightReader
from phone_vault.domain.standing import Ground, Level, Restriction
from phone_vault.domain.stored_number import StoredNumber
from phone_vault.domain.subject import Subject, SubjectId
from phone_vault.services.operation import ATTEMPTS
from phone_vault.services.right import Deed, Right, RightRequest, living_of
from phone_vault.services.tally import Measure


@dataclass(frozen=True, slots=True)
class RestrictRequest(RightRequest):
    """What a caller asks of `Restrict`."""

    ground: Ground | None
    """None to lift all of them."""

    def of_record(self, record: Retained, level: Level) -> Retained:
        """The record, restricted or not."""
        standing = record.standing
        if self.ground is None:
            return replace(record, standing=standing.lifted(level))
        return replace(record, standing=standing.restricted(Restriction(self.ground, level)))

    def of_subject(self, subject: Subject) -> Subject:
        """The subject, restricted or not."""
        return replace(subject, grounds=frozenset() if self.ground is None else subject.grounds | {self.ground})


class Restrict(Right[RestrictRequest]):
    """Of a subject its row comes first, then its records; so none is missed that is stored meanwhile."""

    name = "Restrict"
    measure = Measure.RESTRICTIONS

    def ask(self, reader: RightReader) -> RestrictRequest:
        """`subject_id` or `token`, `action`; `ground` to restrict; optional `tenant_id`."""
        whom = reader.whom()
        is_restricting = reader.action(RestrictAction) is RestrictAction.RESTRICT
        request = RestrictRequest(whom, reader.ground() if is_restricting else None)
        reader.finish()
        return request

    def of_number(self, deed: Deed, record: StoredNumber, request: RestrictRequest) -> dict[str, Any]:
        """Its own restriction, whatever the subject's is."""
        _name(deed, request, Level.TOKEN)
        deed.note(deed.change(record, lambda each: request.of_record(each, Level.TOKEN)))
        return deed.answer()

    def of_subject(self, deed: Deed, subject_id: SubjectId, request: RestrictRequest) -> dict[str, Any]:
        """Again, if somebody has said the opposite meanwhile: who comes last has the last word."""
        _name(deed, request, Level.SUBJECT)
        for _ in range(ATTEMPTS):
            deed.say(subject_id, request.of_subject)
            for record in living_of(self.stores, subject_id):
                deed.note(deed.change(record, lambda each: request.of_record(each, Level.SUBJECT)))
            said = self.stores.subjects.read(subject_id)
            if request.of_subject(said) == said:
                return deed.answer()
        raise Contended("the subject changes too often")

    def of_nobody(self, deed: Deed, request: RestrictRequest) -> dict[str, Any]:
        """Nothing is there to be lifted."""
        _name(deed, request, Level.SUBJECT)
        return deed.answer()

    def binds_later_numbers(self, request: RestrictRequest) -> bool:
        """A restriction; what is lifted leaves nothing to be said."""
        return request.ground is not None


def _name(deed: Deed, request: RestrictRequest, level: Level) -> None:
    if request.ground is None:
        deed.says("lifted", level=level)
    else:
        deed.says("restricted", level=level, ground=request.ground)
