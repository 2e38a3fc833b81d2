"""Hold: numbers that must be kept for a case, whatever their purposes, consents and erasures say."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Unpack

from phone_vault.domain.errors import NotFound
from phone_vault.domain.ports import Contended
from phone_vault.domain.retention import Retained
from phone_vault.domain.right_requests import HoldAction, RightReader
from phone_vault.domain.standing import Hold as LegalHold
from phone_vault.domain.standing import Level
from phone_vault.domain.stored_number import StoredNumber
from phone_vault.domain.subject import Subject, SubjectId
from phone_vault.domain.tombstone import Tombstone
from phone_vault.services.erasures import Erasures
from phone_vault.services.operation import ATTEMPTS, Ports
from phone_vault.services.right import Deed, Right, RightRequest, RightStores, everything_of, living_of
from phone_vault.services.tally import Measure

_NO_SUCH_CASE = "there is no hold for this case, placed at this level"


@dataclass(frozen=True, slots=True)
class HoldRequest(RightRequest):
    """What a caller asks of `Hold`."""

    action: HoldAction
    case_id: str


class Hold(Right[HoldRequest]):
    """A hold is placed on a subject's row before its records, and goes from there after them.

    While it goes the row says so, and what is stored then is not held: a call that was stopped anywhere is finished
    by the next one. An erasure that has waited for the last hold to go is carried out there and then.
    """

    name = "Hold"
    measure = Measure.HOLDS

    def __init__(self, stores: RightStores, erasures: Erasures, **ports: Unpack[Ports]) -> None:
        super().__init__(stores, **ports)
        self._erasures = erasures

    def ask(self, reader: RightReader) -> HoldRequest:
        """`subject_id` or `token`, `action`, `case_id`; `reason` to place; optional `tenant_id`."""
        request = HoldRequest(reader.whom(), reader.action(HoldAction), reader.case_id())
        if request.action is HoldAction.PLACE:
            reader.require_reason()
        reader.finish()
        return request

    def of_number(self, deed: Deed, record: StoredNumber, request: HoldRequest) -> dict[str, Any]:
        """Its own hold, whatever the subject's are."""
        hold = LegalHold(request.case_id, Level.TOKEN)
        _name(deed, request, hold)
        if request.action is HoldAction.PLACE:
            deed.note(deed.change(record, lambda each: _placed(each, hold)))
            return deed.answer()
        change = deed.change(record, lambda each: _released(each, hold))
        deed.note(change)
        self._erasures.finish(deed, [change.after] if change else [])
        return deed.answer()

    def of_tombstone(self, deed: Deed, tombstone: Tombstone, request: HoldRequest) -> dict[str, Any]:
        """Refused; but the release of its last hold may have been stopped before all was gone."""
        _name(deed, request, LegalHold(request.case_id, Level.TOKEN))
        if request.action is HoldAction.RELEASE:
            self._erasures.finish(deed, [tombstone])
            self._erasures.end(deed, SubjectId(tombstone.tenant_id, tombstone.subject_ref))
        return super().of_tombstone(deed, tombstone, request)

    def of_subject(self, deed: Deed, subject_id: SubjectId, request: HoldRequest) -> dict[str, Any]:
        """Again, if somebody has said the opposite meanwhile: who comes last has the last word."""
        hold = LegalHold(request.case_id, Level.SUBJECT)
        _name(deed, request, hold)
        if request.action is HoldAction.RELEASE:
            return self._release(deed, subject_id, hold)
        case = {hold.case_id}

        def place(subject: Subject) -> Subject:
            return replace(subject, cases=subject.cases | case, releasing=subject.releasing - case)

        for _ in range(ATTEMPTS):
            deed.say(subject_id, place)
            for record in living_of(self.stores, subject_id):
                deed.note(deed.change(record, lambda each: _placed(each, hold)))
            said = self.stores.subjects.read(subject_id)
            if place(said) == said:
                return deed.answer()
        raise Contended("the subject changes too often")

    def of_nobody(self, deed: Deed, request: HoldRequest) -> dict[str, Any]:
        """A release, and so of a case that nobody has placed."""
        raise NotFound(_NO_SUCH_CASE)

    def binds_later_numbers(self, request: HoldRequest) -> bool:
        """A hold; a release finds one or fails."""
        return request.action is HoldAction.PLACE

    def _release(self, deed: Deed, subject_id: SubjectId, hold: LegalHold) -> dict[str, Any]:
        case = {hold.case_id}

        def begin(subject: Subject) -> Subject:
            if hold.case_id not in subject.cases:
                raise NotFound(_NO_SUCH_CASE)
            return replace(subject, releasing=subject.releasing | case)

        def end(subject: Subject) -> Subject:
            if hold.case_id not in subject.releasing:
                return subject  # another release has ended, or the case was placed anew
            return replace(subject, cases=subject.cases - case, releasing=subject.releasing - case)

        for _ in range(ATTEMPTS):
            deed.say(subject_id, begin)
            self._erasures.finish(deed, self._released_of(deed, subject_id, hold))
            said = deed.say(subject_id, end)
            if hold.case_id not in said.cases:
                if said.erasure is not None:
                    self._erasures.end(deed, subject_id)
                return deed.answer()
        raise Contended("the subject changes too often")

    def _released_of(self, deed: Deed, subject_id: SubjectId, hold: LegalHold) -> Iterator[Retained | Tombstone]:
        for record in everything_of(self.stores, subject_id):
            if isinstance(record, Tombstone):
                yield record
                continue
            change = deed.change(record, lambda each: replace(each, standing=each.standing.released(hold)))
            deed.note(change)
            if change is not None:
                yield change.after


def _placed(record: Retained, hold: LegalHold) -> Retained:
    return replace(record, standing=record.standing.held(hold))


def _released(record: Retained, hold: LegalHold) -> Retained:
    standing = record.standing
    if hold not in standing.holds and standing.erasure is not None and not standing.is_held:
        return record  # a release was stopped before it could carry out the erasure
    if hold not in standing.holds:
        raise NotFound(_NO_SUCH_CASE)
    return replace(record, standing=record.standing.released(hold))


def _name(deed: Deed, request: HoldRequest, hold: LegalHold) -> None:
    outcome = "held" if request.action is HoldAction.PLACE else "released"
    deed.says(outcome, case_id=hold.case_id, level=hold.level)
