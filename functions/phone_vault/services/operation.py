"""What all functions for applications have in common: single or batch, who may, and an audit entry for each item."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Generic, TypedDict, TypeVar

from phone_vault.domain.audit import Event
from phone_vault.domain.callers import Caller
from phone_vault.domain.errors import (
    AuditUnavailable,
    Fault,
    InvalidRequest,
    QuotaExceeded,
    Refusal,
    ServiceFault,
    StoreUnavailable,
)
from phone_vault.domain.free_text import holds_digits_of
from phone_vault.domain.keys import KeyUse
from phone_vault.domain.moments import to_second
from phone_vault.domain.policy import Demand, VaultPolicy
from phone_vault.domain.ports import Clock, Contended, NumberStore
from phone_vault.domain.problems import PROBLEM_TYPES, problem_of
from phone_vault.domain.requests import RequestReader
from phone_vault.domain.retention import Retained
from phone_vault.domain.standing import LEGAL_HOLD
from phone_vault.domain.stored_number import StoredNumber
from phone_vault.domain.tombstone import Tombstone
from phone_vault.services.audit_trail import AuditTrail
from phone_vault.services.key_ring import KeyRing
from phone_vault.services.quotas import Quotas
from phone_vault.services.record_keys import RecordKeys
from phone_vault.services.tally import Measure, Tally

MOST_ITEMS = 100
_REASON, _REFERENCE = "/reason", "/reference"
ATTEMPTS = 10

Q = TypeVar("Q")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one item: its answer or its refusal, and what the audit trail says of it."""

    event: Event
    answer: Mapping[str, Any] | None = None
    refusal: Refusal | None = None

    def body(self) -> dict[str, Any]:
        """The response object, or the problem in its envelope."""
        return {"problem": problem_of(self.refusal)} if self.refusal else dict(self.answer or {})


@dataclass(frozen=True, slots=True)
class Item(Generic[Q]):
    """One request of a call, as far as it came: read, or refused."""

    event: Event
    """What the audit trail says of it so far."""
    request: Q | None = None
    """None once it is refused."""
    refusal: Refusal | None = None
    reference: str | None = None

    def declined(self, refusal: Refusal) -> "Item[Q]":
        """The item as refused before anything was done."""
        return replace(self, request=None, refusal=refusal)

    def about(self, record: StoredNumber | Tombstone | None) -> "Item[Q]":
        """The item with the record that it turned out to be about.

        Only then does the trail name the token: one that is not stored is nothing but the caller's words.
        """
        if record is None:
            return self
        event = replace(self.event, tokens=(record.token,), subject_ref=record.subject_ref)
        return replace(self, event=event)

    def of_subject(self, subject_ref: str) -> "Item[Q]":
        """The item with the subject that it is about, even if it is refused."""
        return replace(self, event=replace(self.event, subject_ref=subject_ref))

    def check_words(self, national: str) -> None:
        """`InvalidRequest` where the request's own words hold the number that it turned out to be about."""
        words = {_REASON: self.event.reason, _REFERENCE: self.reference}
        faults = [
            Fault(pointer, "must not contain the number")
            for pointer, text in words.items()
            if text is not None and holds_digits_of(text, national)
        ]
        if faults:
            raise InvalidRequest(faults)

    def answered(self, outcome: str, answer: Mapping[str, Any], **known: Any) -> Outcome:
        """It was done; `known` is what the audit trail says beyond the request."""
        return Outcome(replace(self.event, outcome=outcome, **known), answer=answer)

    def refused(self, refusal: Refusal) -> Outcome:
        """It was not. Words that are the fault are not kept."""
        problem = PROBLEM_TYPES[type(refusal)].name
        reason = None if _is_at_fault(_REASON, refusal) else self.event.reason
        return Outcome(replace(self.event, outcome="refused", problem=problem, reason=reason), refusal=refusal)


class Ports(TypedDict):
    """What every operation works with, by the names of its constructor."""

    policy: VaultPolicy
    key_ring: KeyRing
    record_keys: RecordKeys
    numbers: NumberStore
    trail: AuditTrail
    quotas: Quotas
    clock: Clock
    tally: Tally


class Operation(ABC, Generic[Q]):
    """A function for applications. A subclass reads its request, says what that demands, and does it."""

    name: ClassVar[str]
    measure: ClassVar[Measure]
    mac_keys_from: ClassVar[KeyUse] = KeyUse.INDEX
    """The row of KeyRing that brings the MAC keys which the function needs, and which its role may unwrap."""
    serves_legal_holds: ClassVar[bool] = False
    """Whether it takes the purpose `legal_hold`, which the policy need not register."""
    items_at_once: ClassVar[int] = MOST_ITEMS
    """How many items `perform` takes: as many as fit the same requests to DynamoDB."""
    takes_batches: ClassVar[bool] = True
    reader: ClassVar[type[RequestReader]] = RequestReader
    """What reads its requests."""

    def __init__(
        self,
        *,
        policy: VaultPolicy,
        key_ring: KeyRing,
        record_keys: RecordKeys,
        numbers: NumberStore,
        trail: AuditTrail,
        quotas: Quotas,
        clock: Clock,
        tally: Tally,
    ) -> None:
        self.policy = policy
        self.key_ring = key_ring
        self.record_keys = record_keys
        self.numbers = numbers
        self.trail = trail
        self.quotas = quotas
        self._clock = clock
        self._tally = tally

    @abstractmethod
    def read(self, reader: RequestReader) -> Q:
        """The request, or the refusal for its shape."""

    @abstractmethod
    def demand(self, request: Q) -> Demand:
        """What the caller must have a right to."""

    @abstractmethod
    def perform(self, items: Sequence[Item[Q]], now: datetime) -> list[Outcome]:
        """Do what was not refused yet and write an audit entry for every item, in their order.

        May raise `StoreUnavailable` and `AuditUnavailable` when nothing was done, `Contended` when it is to be tried
        again from the beginning.
        """

    def __call__(self, caller: Caller, payload: object) -> dict[str, Any]:
        """The answer to a payload, single or batch. Raises for faults of the service alone."""
        now = to_second(self._clock.now())
        if self.takes_batches and isinstance(payload, Mapping) and "items" in payload:
            try:
                items = self._batch(caller, payload, now)
            except Refusal as refusal:
                return self._answered(caller, [Item(self._event(caller), refusal=refusal)], now)[0].body()
            outcomes = self._answered(caller, items, now)
            return {"results": [_result(item, outcome) for item, outcome in zip(items, outcomes, strict=True)]}
        return self._answered(caller, [self._item(caller, payload, now, in_batch=False)], now)[0].body()

    def _event(self, caller: Caller) -> Event:
        principal = self.policy.principal_of(caller)
        return Event("refused", caller, break_glass=principal is not None and principal.break_glass)

    def _batch(self, caller: Caller, payload: Mapping[str, Any], now: datetime) -> list[Item[Q]]:
        raws = payload["items"]
        if not isinstance(raws, list) or not 1 <= len(raws) <= MOST_ITEMS:
            raise InvalidRequest([Fault("/items", f"must be a list of 1 to {MOST_ITEMS} requests")])
        common = {field: value for field, value in payload.items() if field != "items"}
        must_say_why = self._event(caller).break_glass
        self.read(self.reader(common, now, in_batch=True, partial=True, must_say_why=must_say_why))
        merged = [{**common, **raw} if isinstance(raw, Mapping) else raw for raw in raws]
        return [self._item(caller, raw, now, in_batch=True) for raw in merged]

    def _item(self, caller: Caller, raw: object, now: datetime, *, in_batch: bool) -> Item[Q]:
        event = self._event(caller)
        if not isinstance(raw, Mapping):
            return Item(event, refusal=InvalidRequest([Fault("", "must be an object")]))
        reader = self.reader(raw, now, in_batch=in_batch, must_say_why=event.break_glass)
        try:
            request = self.read(reader)
            demand = self.demand(request)
            registered = tuple(name for name in demand.purposes if self._knows(name))
            event = replace(event, tenant_id=demand.tenant_id, purposes=registered, reason=reader.reason())
            self.policy.authorize(caller, demand)
        except Refusal as refusal:
            return Item(event, refusal=refusal, reference=reader.reference())
        return Item(event, request, reference=reader.reference())

    def _answered(self, caller: Caller, items: Sequence[Item[Q]], now: datetime) -> list[Outcome]:
        for item in items:
            if item.event.break_glass:
                self._tally.count(Measure.BREAK_GLASS_USES)
        self.key_ring.begin_call()
        try:
            admitted = self._within_quota(caller, items, now)
        except Exception:
            self._note_fault(items)
            raise
        return self._perform([self._registered(item) for item in admitted], now)

    def _within_quota(self, caller: Caller, items: Sequence[Item[Q]], now: datetime) -> list[Item[Q]]:
        """Once in a call, so that what is tried again is not counted again."""
        principal = self.policy.principal_of(caller)
        asked = [at for at, item in enumerate(items) if item.request is not None]
        if principal is None or not asked:
            return list(items)
        refusal: Refusal = QuotaExceeded("the caller's quota for this function is used up until the next full hour")
        try:
            left = self.quotas.items_left(principal, self.name, len(asked), now)
        except StoreUnavailable as unavailable:
            left, refusal = 0, unavailable
        beyond = set(asked[left:])
        return [item.declined(refusal) if at in beyond else item for at, item in enumerate(items)]

    def _registered(self, item: Item[Q]) -> Item[Q]:
        if item.request is not None:
            try:
                for purpose in self.demand(item.request).purposes:
                    if not self._knows(purpose):
                        self.policy.purpose(purpose)
            except Refusal as refusal:
                return item.declined(refusal)
        return item

    def _knows(self, purpose: str) -> bool:
        return purpose in self.policy.purposes or (self.serves_legal_holds and purpose == LEGAL_HOLD)

    def _perform(self, items: Sequence[Item[Q]], now: datetime) -> list[Outcome]:
        portions = [items[at : at + self.items_at_once] for at in range(0, len(items), self.items_at_once)]
        outcomes = [outcome for portion in portions for outcome in self._portion(portion, now)]
        for outcome in outcomes:
            if outcome.refusal is None:
                self._tally.count(self.measure)
            else:
                self._tally.count_refusal(PROBLEM_TYPES[type(outcome.refusal)].name)
        return outcomes

    def _portion(self, items: Sequence[Item[Q]], now: datetime) -> list[Outcome]:
        try:
            for _ in range(ATTEMPTS):
                try:
                    return self.perform(items, now)
                except Contended:
                    continue  # what was read has changed: what was allowed may not be any more
            return self._refuse(items, StoreUnavailable("a record changes too often"))
        except StoreUnavailable as unavailable:
            return self._refuse(items, unavailable)
        except AuditUnavailable as unavailable:
            return [item.refused(unavailable) for item in items]
        except Exception:
            self._note_fault(items)
            raise

    def _note_fault(self, items: Sequence[Item[Q]]) -> None:
        faults = [replace(item.event, outcome="fault") for item in items]
        # The fault may be one of the tenant's own keys: then the vault's authenticates the entries.
        for events in (faults, [replace(each, tenant_id=None) for each in faults]):
            with suppress(AuditUnavailable, ServiceFault):  # the fault itself is raised, and logged, in any case
                self.trail.record(events)
                return

    def _refuse(self, items: Sequence[Item[Q]], refusal: Refusal) -> list[Outcome]:
        outcomes = [item.refused(item.refusal or refusal) for item in items]
        try:
            self.trail.record([outcome.event for outcome in outcomes])
        except AuditUnavailable as unavailable:
            return [item.refused(unavailable) for item in items]
        return outcomes

    def write(self, events: Sequence[Event], uses: Sequence[Retained]) -> None:
        """The entries of these events, and with them the records' new `last_used`, if there are any."""
        if not uses:
            self.trail.record(events)
            return
        with self.trail.writing(events) as entries:
            self.numbers.record_uses(uses, entries)

    def settle(self, item: Item[Q], decide: Callable[[Q], T]) -> T | Outcome:
        """A step for one item of several: what refuses the item alone becomes its outcome."""
        if item.request is None:
            return item.refused(item.refusal or InvalidRequest([]))
        try:
            return decide(item.request)
        except StoreUnavailable:
            raise
        except Refusal as refusal:
            return item.refused(refusal)


def _result(item: Item[Q], outcome: Outcome) -> dict[str, Any]:
    is_returned = item.reference is not None and not _is_at_fault(_REFERENCE, outcome.refusal)
    return outcome.body() | ({"reference": item.reference} if is_returned else {})


def _is_at_fault(pointer: str, refusal: Refusal | None) -> bool:
    return isinstance(refusal, InvalidRequest) and any(fault.pointer == pointer for fault in refusal.faults)
