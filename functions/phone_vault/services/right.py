"""What the functions for privacy teams have in common: one request, about one stored number or a whole subject."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple, TypeVar, Unpack, cast

from phone_vault.domain.audit import Event
from phone_vault.domain.consent import ConsentEvent
from phone_vault.domain.errors import NotFound, TamperedStore
from phone_vault.domain.keys import KeyUse
from phone_vault.domain.message_key import MessageKey, MessageKeyId
from phone_vault.domain.policy import Demand
from phone_vault.domain.ports import Contended, RecordId
from phone_vault.domain.requests import RequestReader
from phone_vault.domain.retention import Retained, due_bucket_from
from phone_vault.domain.right_requests import RightReader, Whom
from phone_vault.domain.rights_ports import RetainedStore, SubjectStore, record_id_of
from phone_vault.domain.stored_number import StoredNumber
from phone_vault.domain.subject import Subject, SubjectId
from phone_vault.domain.tombstone import Tombstone
from phone_vault.services.audit_trail import AuditTrail
from phone_vault.services.finding import NO_SUCH_TOKEN, found
from phone_vault.services.operation import ATTEMPTS, Item, Operation, Outcome, Ports

_RECORDS_A_READ = 100


@dataclass(frozen=True, slots=True)
class RightRequest:
    """What every request of a privacy team says."""

    whom: Whom


W = TypeVar("W", bound=RightRequest)
_Target = SubjectId | StoredNumber | Tombstone | None
"""None for a subject of a tenant without keys."""


@dataclass(frozen=True, slots=True)
class RightStores:
    """What the rights of data subjects work with beside what every operation does."""

    subjects: SubjectStore
    retained: RetainedStore


class Change(NamedTuple):
    """A record as it was read last, and as it is now; equal where nothing had to be written."""

    before: Retained
    after: Retained


@dataclass
class Deed:
    """One call: whatever it writes takes an audit entry of its own along, of which `event` is the common part."""

    stores: RightStores
    trail: AuditTrail
    due: Callable[[Retained], str]
    event: Event
    now: datetime
    updated: list[str] = field(default_factory=list)
    """Tokens, in the order of their updates."""
    receipts: list[Mapping[str, Any]] = field(default_factory=list)
    """Of what the call has destroyed beside what it was asked for."""
    has_written: bool = False

    def says(self, outcome: str, **details: str) -> None:
        """What the entries call it."""
        self.event = replace(self.event, outcome=outcome, details=details)

    def say(
        self, subject_id: SubjectId, change: Callable[[Subject], Subject], consents: Sequence[ConsentEvent] = ()
    ) -> Subject:
        """The subject's row as the change makes it, written with the history if it changes anything."""
        for _ in range(ATTEMPTS):
            before = self.stores.subjects.read(subject_id)
            after = change(before)
            if after == before:
                return before
            try:
                with self.trail.writing([replace(self.event, subject_ref=subject_id.subject_ref)]) as entries:
                    written = self.stores.subjects.write(after, entries, consents)
            except Contended:
                continue
            self.has_written = True
            return written
        raise Contended("the subject changes too often")

    def change(
        self,
        record: Retained,
        change: Callable[[Retained], Retained],
        consents: Sequence[ConsentEvent] = (),
    ) -> Change | None:
        """The record as the change makes it, whoever writes at the same time; None if it is gone meanwhile."""
        for _ in range(ATTEMPTS):
            after = change(record)
            if after == record:
                return Change(record, record)
            try:
                with self.trail.writing([self._event_of(record)]) as entries:
                    self.stores.retained.change(record, after, self.due(after), entries, consents)
            except Contended:
                record_id = RecordId(record.tenant_id, record.name)
                there = self.stores.retained.read([record_id]).get(record_id)
                if there is None or isinstance(there, Tombstone):
                    return None
                record = there
                continue
            self.has_written = True
            return Change(record, replace(after, revision=record.revision + 1))
        raise Contended("a record changes too often")

    def note(self, change: Change | None) -> None:
        """Its token as updated, if it is a stored number that has changed."""
        if change is not None and change.after != change.before and isinstance(change.after, StoredNumber):
            self.updated.append(change.after.token)

    def answer(self) -> dict[str, Any]:
        """What has changed by it, each once."""
        receipts = {"receipts": [dict(each) for each in self.receipts]} if self.receipts else {}
        return {"updated": list(dict.fromkeys(self.updated)), **receipts}

    def _event_of(self, record: Retained) -> Event:
        if isinstance(record, MessageKey):
            return replace(self.event, subject_ref=record.subject_ref, purposes=(record.key_id.purpose,))
        return replace(self.event, subject_ref=record.subject_ref, tokens=(record.token,))


class Right(Operation[W]):
    """A function for privacy teams. It holds no key that decrypts; a call that was stopped is finished by the next."""

    mac_keys_from = KeyUse.SUBJECT
    items_at_once = 1
    takes_batches = False
    reader = RightReader

    def __init__(self, stores: RightStores, **ports: Unpack[Ports]) -> None:
        super().__init__(**ports)
        self.stores = stores

    @abstractmethod
    def ask(self, reader: RightReader) -> W:
        """The request, or the refusal for its shape."""

    @abstractmethod
    def of_number(self, deed: Deed, record: StoredNumber, request: W) -> dict[str, Any]:
        """Do it to one stored number, and answer."""

    @abstractmethod
    def of_subject(self, deed: Deed, subject_id: SubjectId, request: W) -> dict[str, Any]:
        """Do it to a subject with all that is stored of it now and later, and answer."""

    @abstractmethod
    def of_nobody(self, deed: Deed, request: W) -> dict[str, Any]:
        """Answer for a subject of a tenant without keys: nothing is stored of it, and nothing was said."""

    def binds_later_numbers(self, request: W) -> bool:
        """Whether the subject's row says it even where nothing is stored; the tenant's first keys are made for it."""
        del request
        return False

    def purposes(self, request: W) -> tuple[str, ...]:
        """The purposes that the request is about. The policy must know them; no principal is bound to some here."""
        del request
        return ()

    def check(self, request: W, now: datetime) -> None:
        """Refuse what no record could make right."""

    def of_tombstone(self, deed: Deed, tombstone: Tombstone, request: W) -> dict[str, Any]:
        """Refused, unless there is something to be done there still."""
        return self.of_number(deed, found(tombstone, NO_SUCH_TOKEN, self.policy, deed.now), request)

    def read(self, reader: RequestReader) -> W:
        """By the reader that is made for it."""
        return self.ask(cast(RightReader, reader))

    def demand(self, request: W) -> Demand:
        """The function and the tenant."""
        return Demand(self.name, request.whom.tenant_id, ())

    def perform(self, items: Sequence[Item[W]], now: datetime) -> list[Outcome]:
        """One item."""
        (item,) = items
        registered = self.settle(item, self._registered_purposes)
        if isinstance(registered, Outcome):
            return [self._told(registered)]
        item = replace(item, event=replace(item.event, purposes=registered))
        target = self.settle(item, partial(self._target, now))
        if isinstance(target, Outcome):
            return [self._told(target)]
        if isinstance(target, SubjectId):
            item = item.of_subject(target.subject_ref)
        elif target is not None:
            item = item.about(target)
        return [self._told(self.settle(item, partial(self._done, item, target, now)))]

    def _told(self, outcome: Outcome) -> Outcome:
        if outcome.refusal is not None:
            self.trail.record([outcome.event])
        return outcome

    def _registered_purposes(self, request: W) -> tuple[str, ...]:
        return tuple(self.policy.purpose(name).name for name in self.purposes(request))

    def _target(self, now: datetime, request: W) -> _Target:
        self.check(request, now)
        whom = request.whom
        if not isinstance(whom, RecordId):
            if self.binds_later_numbers(request):
                self.key_ring.ensure(whom.tenant_id)
            elif not self.key_ring.knows(whom.tenant_id):
                self.key_ring.refuse_off_boarded(whom.tenant_id)
                return None
            return SubjectId(whom.tenant_id, self.key_ring.subject_ref(whom.tenant_id, whom.subject_id))
        if not self.key_ring.knows(whom.tenant_id):
            raise NotFound("there is no such tenant")
        there = self.stores.retained.read([whom]).get(whom)
        if there is None or isinstance(there, MessageKey):
            raise NotFound(NO_SUCH_TOKEN)
        return there

    def _done(self, item: Item[W], target: _Target, now: datetime, request: W) -> Outcome:
        deed = Deed(self.stores, self.trail, partial(due_bucket_from, policy=self.policy, now=now), item.event, now)
        if target is None:
            answer = self.of_nobody(deed, request)
        elif isinstance(target, SubjectId):
            answer = self.of_subject(deed, target, request)
        elif isinstance(target, Tombstone):
            answer = self.of_tombstone(deed, target, request)
        else:
            answer = self.of_number(deed, target, request)
        if not deed.has_written:
            self.trail.record([deed.event])
        return Outcome(deed.event, answer)


def everything_of(stores: RightStores, subject_id: SubjectId) -> Iterator[Retained | Tombstone]:
    """All that is stored of the subject: stored numbers and message keys, also such as are being destroyed."""
    tenant_id, subject_ref = subject_id
    members = stores.subjects.members(subject_id)
    record_ids = [
        *(RecordId(tenant_id, token) for token in members.tokens),
        *(record_id_of(MessageKeyId(tenant_id, subject_ref, each)) for each in members.message_purposes),
    ]
    for at in range(0, len(record_ids), _RECORDS_A_READ):
        portion = record_ids[at : at + _RECORDS_A_READ]
        there = stores.retained.read(portion)
        for record_id in portion:
            if record_id in there:
                yield _of(subject_id, there[record_id])


def living_of(stores: RightStores, subject_id: SubjectId) -> Iterator[Retained]:
    """Those that still have their keys."""
    return (each for each in everything_of(stores, subject_id) if not isinstance(each, Tombstone))


def _of(subject_id: SubjectId, record: Retained | Tombstone) -> Retained | Tombstone:
    if record.subject_ref != subject_id.subject_ref:
        raise TamperedStore("a subject's membership names a record of another one")
    return record
