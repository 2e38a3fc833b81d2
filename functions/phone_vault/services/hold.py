"""Hold: numbers that must be kept for a case, whatever their purposes, consents and erasures say."""

from dataclasses import dataclass, replace
from typing import Any

from phone_vault.domain.errors import NotFound
from phone_vault.domain.ports import Contended
from phone_vault.domain.retention import Retained
from phone_vault.domain.right_requests import HoldAction, RightReader
from phone_vault.domain.standing import Hold as LegalHold
from phone_vault.domain.standing import Level
from phone_vault.domain.stored_number import StoredNumber
from phone_vault.domain.subject import Subject, SubjectId
from phone_vault.services.operation import ATTEMPTS
from phone_vault.services.right import Deed, Right, RightRequest, living_of
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
    by the next one.
    """

    name = "Hold"
    measure = Measure.HOLDS

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
        else:
            deed.note(deed.change(record, lambda each: _released(each, hold)))
        return deed.answer()

    def of_subject(self, deed: Deed, subject_id: SubjectId, request: HoldRequest) -> dict[str, Any]:
        """Again, if somebody has said the opposite meanwhile: who comes last has the last word."""
        hold = LegalHold(request.case_id, Level.SUBJECT)
        _name(deed, request, hold)
        act = self._place if request.action is HoldAction.PLACE else self._release
        for _ in range(ATTEMPTS):
            if act(deed, subject_id, hold):
                return deed.answer()
        raise Contended("the subject changes too often")

    def _place(self, deed: Deed, subject_id: SubjectId, hold: LegalHold) -> bool:
        case = {hold.case_id}

        def place(subject: Subject) -> Subject:
            return replace(subject, cases=subject.cases | case, releasing=subject.releasing - case)

        deed.say(subject_id, place)
        for record in living_of(self.stores, subject_id):
            deed.note(deed.change(record, lambda each: _placed(each, hold)))
        said = self.stores.subjects.read(subject_id)
        return place(said) == said

    def _release(self, deed: Deed, subject_id: SubjectId, hold: LegalHold) -> bool:
        case = {hold.case_id}

        def begin(subject: Subject) -> Subject:
            if hold.case_id not in subject.cases:
                raise NotFound(_NO_SUCH_CASE)
            return replace(subject, releasing=subject.releasing | case)

        def end(subject: Subject) -> Subject:
            is_released = hold.case_id in subject.releasing
            return (
                replace(subject, cases=subject.cases - case, releasing=subject.releasing - case)
                if is_released
                else subject
            )

        deed.say(subject_id, begin)
        for record in living_of(self.stores, subject_id):
            deed.note(deed.change(record, lambda each: replace(each, standing=each.standing.released(hold))))
        return hold.case_id not in deed.say(subject_id, end).cases


def _placed(record: Retained, hold: LegalHold) -> Retained:
    return replace(record, standing=record.standing.held(hold))


def _released(record: Retained, hold: LegalHold) -> Retained:
    if hold not in record.standing.holds:
        raise NotFound(_NO_SUCH_CASE)
    return replace(record, standing=record.standing.released(hold))


def _name(deed: Deed, request: HoldRequest, hold: LegalHold) -> None:
    outcome = "held" if request.action is HoldAction.PLACE else "released"
    deed.says(outcome, case_id=hold.case_id, level=hold.level)
