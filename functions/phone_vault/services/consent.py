"""Consent: given for a purpose, or withdrawn, by a data subject as such or for one of its numbers (GDPR Art. 7)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from phone_vault.domain import consent as consents
from phone_vault.domain.consent import ConsentAction, ConsentEvent
from phone_vault.domain.errors import ConsentRequired, PurposeNotPermitted
from phone_vault.domain.message_key import MessageKey
from phone_vault.domain.moments import to_text
from phone_vault.domain.policy import Purpose
from phone_vault.domain.retention import AskedPurpose, Retained, check_takes_grants, is_live, live_purposes, merged
from phone_vault.domain.right_requests import RightReader
from phone_vault.domain.standing import Ended, Ending
from phone_vault.domain.stored_number import StoredNumber
from phone_vault.domain.subject import Subject, SubjectId
from phone_vault.services.consent_history import granted_consent, withdrawn_consent
from phone_vault.services.right import Change, Deed, Right, RightRequest, living_of
from phone_vault.services.tally import Measure

_Step = Callable[[Retained], Retained]


@dataclass(frozen=True, slots=True)
class ConsentRequest(RightRequest):
    """What a caller asks of `Consent`."""

    purpose: str
    consent: consents.Consent | None
    """None to withdraw."""


class Consent(Right[ConsentRequest]):
    """What is withdrawn of a subject is written to its row first, and so binds what is stored meanwhile."""

    name = "Consent"
    measure = Measure.CONSENTS

    def ask(self, reader: RightReader) -> ConsentRequest:
        """`subject_id` or `token`, `purpose`, `action`; `given_at` and `evidence` to grant; optional `tenant_id`."""
        whom, purpose = reader.whom(), reader.purpose()
        is_grant = reader.action(ConsentAction) is ConsentAction.GRANT
        request = ConsentRequest(whom, purpose, reader.given_consent() if is_grant else None)
        if self.policy.takes_no_consent(purpose):
            reader.refuse("/purpose", "does not rest on consent")
        reader.finish()
        return request

    def purposes(self, request: ConsentRequest) -> tuple[str, ...]:
        """The one."""
        return (request.purpose,)

    def check(self, request: ConsentRequest, now: datetime) -> None:
        """A consent that is older than every retention of the purpose renews nothing, wherever it is applied."""
        purpose = self.policy.purpose(request.purpose)
        longest = timedelta(days=max((purpose.retention.days, *purpose.retention_days_by_jurisdiction.values())))
        if request.consent is not None and request.consent.given_at + longest <= now:
            raise ConsentRequired("the consent is older than the purpose's retention")

    def of_number(self, deed: Deed, record: StoredNumber, request: ConsentRequest) -> dict[str, Any]:
        """Of this number alone; the subject's messages are left as they are."""
        purpose = self.policy.purpose(request.purpose)
        if request.consent is None:
            deed.says("withdrawn")
            line = withdrawn_consent(self.policy, purpose, record.token, deed.now)
            change = deed.change(record, _withdrawing(purpose, deed.now), [line])
        else:
            deed.says("granted", given_at=to_text(request.consent.given_at))
            line = granted_consent(self.policy, purpose, request.consent, record, deed.now)
            change = deed.change(record, self._granting(purpose, request.consent, deed.now), [line])
        return self._answer(deed, request, [change])

    def of_subject(self, deed: Deed, subject_id: SubjectId, request: ConsentRequest) -> dict[str, Any]:
        """Of all its stored numbers, and of its message key for the purpose."""
        purpose = self.policy.purpose(request.purpose)
        if request.consent is None:
            changes = self._withdraw(deed, subject_id, purpose)
        else:
            changes = self._grant(deed, subject_id, purpose, request.consent)
        return self._answer(deed, request, changes)

    def of_nobody(self, deed: Deed, request: ConsentRequest) -> dict[str, Any]:
        """A grant, which is written with the numbers that it reaches, and so nowhere."""
        if request.consent is not None:
            deed.says("granted", given_at=to_text(request.consent.given_at))
        return self._answer(deed, request, [])

    def binds_later_numbers(self, request: ConsentRequest) -> bool:
        """A withdrawal: what is stored later needs a newer consent."""
        return request.consent is None

    def _withdraw(self, deed: Deed, subject_id: SubjectId, purpose: Purpose) -> list[Change | None]:
        deed.says("withdrawn")

        def withdraw(subject: Subject) -> Subject:
            at = max(deed.now, subject.withdrawn.get(purpose.name, deed.now))
            return replace(subject, withdrawn={**subject.withdrawn, purpose.name: at})

        said = deed.say(subject_id, withdraw, [withdrawn_consent(self.policy, purpose, None, deed.now)])
        step = _withdrawing(purpose, said.withdrawn[purpose.name])
        return [deed.change(record, step) for record in living_of(self.stores, subject_id)]

    def _grant(
        self, deed: Deed, subject_id: SubjectId, purpose: Purpose, consent: consents.Consent
    ) -> list[Change | None]:
        deed.says("granted", given_at=to_text(consent.given_at))
        subject = self.stores.subjects.read(subject_id)
        subject.check_consent(purpose.name, consent.given_at)
        step = self._granting(purpose, consent, deed.now)
        records = list(living_of(self.stores, subject_id))
        for record in records:
            step(record)  # before anything is written: all is granted, or nothing
        subject.check_takes_numbers()
        line = granted_consent(self.policy, purpose, consent, None, deed.now)
        changes = []
        for record in records:
            # With the first that is written: one consent is one line, and a call that was stopped may have written it.
            lines = [] if deed.has_written or self._is_recorded(subject_id, line) else [line]
            changes.append(deed.change(record, step, lines))
        return changes

    def _is_recorded(self, subject_id: SubjectId, line: ConsentEvent) -> bool:
        said = (line.purpose, line.action, line.consent, line.token)
        history = self.stores.subjects.consents(subject_id)
        return any((each.purpose, each.action, each.consent, each.token) == said for each in history)

    def _granting(self, purpose: Purpose, consent: consents.Consent, now: datetime) -> _Step:
        asked = [AskedPurpose(purpose, consent)]

        def grant(record: Retained) -> Retained:
            if isinstance(record, StoredNumber):
                return merged(record, asked, self.policy, now)
            after = merged(record, asked, self.policy, now)
            if after == record or is_live(record, purpose.name, self.policy, now):
                return after
            return replace(after, generation=record.generation + 1)  # what was encrypted before stays unreadable

        def step(record: Retained) -> Retained:
            if _is_of_another_purpose(record, purpose):
                return record
            try:
                after = grant(record)
            except PurposeNotPermitted:
                check_takes_grants(record)
                raise
            check_takes_grants(record)
            return after

        return step

    def _answer(self, deed: Deed, request: ConsentRequest, changes: Iterable[Change | None]) -> dict[str, Any]:
        ends: dict[str, datetime] = {}
        for change in changes:
            if change is None:
                continue
            if request.consent is not None or is_live(change.before, request.purpose, self.policy, deed.now):
                deed.note(change)
            for purpose, end in live_purposes(change.after, self.policy, deed.now).items():
                ends[purpose] = max(end, ends.get(purpose, end))
        purposes = {purpose: {"expires_at": to_text(end)} for purpose, end in sorted(ends.items())}
        return {**deed.answer(), "purposes": purposes}


def _withdrawing(purpose: Purpose, at: datetime) -> _Step:
    """Also of a number that lacks the purpose: it is granted again by a newer consent alone."""

    def step(record: Retained) -> Retained:
        ended = record.standing.ended.get(purpose.name)
        if _is_of_another_purpose(record, purpose) or (ended is not None and ended.why is Ending.OBJECTED):
            return record
        ends_at = _end_of(record, purpose, at)
        if ended is not None and ended.at >= ends_at:
            return record
        return replace(record, standing=record.standing.ending(purpose.name, Ended(ends_at, Ending.WITHDRAWN)))

    return step


def _end_of(record: Retained, purpose: Purpose, at: datetime) -> datetime:
    """A consent of before, that somebody has brought in at the very time, is withdrawn as well."""
    grant = record.grants.get(purpose.name)
    if grant is None or (grant.consent is not None and grant.consent.given_at > at):
        return at
    return max(at, grant.granted_at)


def _is_of_another_purpose(record: Retained, purpose: Purpose) -> bool:
    return isinstance(record, MessageKey) and record.key_id.purpose != purpose.name
