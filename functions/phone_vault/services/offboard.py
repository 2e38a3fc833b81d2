"""Offboard: a tenant leaves for good. Its keys are destroyed, and a receipt says when that is final."""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from phone_vault.domain.audit import Event
from phone_vault.domain.callers import Caller
from phone_vault.domain.errors import NotFound, StoreUnavailable, UnderLegalHold
from phone_vault.domain.inventory import Kind
from phone_vault.domain.job_requests import JobReader
from phone_vault.domain.keys import KeyState, KeyUse
from phone_vault.domain.moments import to_second
from phone_vault.domain.off_boarding import OffBoarding
from phone_vault.domain.policy import Wrapping
from phone_vault.domain.ports import Contended
from phone_vault.domain.receipt_ports import KeyFate, TenantRecord, TenantRecords
from phone_vault.domain.receipts import Destroyed, ReceiptKind
from phone_vault.services.job import Desk, Job
from phone_vault.services.key_versions import KeyVersions
from phone_vault.services.receipts import Receipts
from phone_vault.services.sealed_off_boardings import SealedOffBoardings

KEY_RING_RECOVERY = timedelta(days=35)
"""For how long a destroyed key of KeyRing can be restored from a backup; a test holds the template to it."""
_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class OffBoardingParts:
    """What off-boarding works with beside what every job does."""

    versions: KeyVersions
    records: TenantRecords
    off_boardings: SealedOffBoardings
    receipts: Receipts


@dataclass(frozen=True, slots=True)
class _Order:
    """What is asked for."""

    tenant_id: str
    reason: str | None
    caller: Caller
    now: datetime

    @property
    def receipt_name(self) -> str:
        """Of the one receipt that there is ever."""
        return f"offboard#{self.tenant_id}"

    def event(self, outcome: str, **details: str | int) -> Event:
        """An entry's content."""
        return Event(outcome, self.caller, tenant_id=self.tenant_id, reason=self.reason, details=details)


class Offboard(Job):
    """Four steps, each repeatable; a call that was stopped is called again, and does what is left.

    Their order is what makes them complete: first nobody makes keys for the tenant any more, then those that there
    are go, the few that open nearly everything before the many that open one record each; the receipt is last, and
    says what was done.

    A tenant of which anything is under a legal hold stays: before the first step all records are looked through. A
    hold that is placed on one after the look has passed it is not seen.

    Nothing calls it again by itself. A call that ends before the last record answers the state `checking`, and once
    every record was looked through `destroying`: whoever called it calls it again until it answers `destroyed`, with
    the receipt.

    How far it has come is sealed. A forged row is `TamperedStore`: when it is deleted, the next call begins anew.
    """

    name = "Offboard"
    pages_a_call = 200
    """Of 1 MB each."""
    keys_a_call = 2_000
    """Record keys after which a call ends with its page."""

    def __init__(self, desk: Desk, parts: OffBoardingParts) -> None:
        super().__init__(desk)
        self._parts = parts
        self._store = parts.versions.store

    def perform(self, caller: Caller, reader: JobReader, now: datetime) -> dict[str, Any]:
        """`tenant_id`, `confirm`: the same; optional `reason`."""
        tenant_id, confirmed = reader.required_tenant_id(), reader.required_tenant_id("confirm")
        order = _Order(tenant_id, reader.reason(), caller, now)
        if confirmed and confirmed != tenant_id:
            reader.refuse("/confirm", "must be the tenant's id once more")
        reader.finish()
        if not self._refuse_from_now_on(order):
            return {"tenant_id": tenant_id, "state": "checking"}
        self._destroy_key_ring(order)
        off_boarding = self._destroy_record_keys(order)
        if not off_boarding.done:
            return {"tenant_id": tenant_id, "state": "destroying"}
        receipt = self._receipt(order) or self._issue(order, off_boarding)
        return {"tenant_id": tenant_id, "state": "destroyed", "receipt": receipt}

    def _refuse_from_now_on(self, order: _Order) -> bool:
        """Before any key goes: a rotation, or an instance that stores a number, would make new ones meanwhile.

        False if there are records left to look through before.
        """
        for _ in range(_ATTEMPTS):
            keys = self._store.keys_of(order.tenant_id)
            if keys.off_boarded_at is not None:
                self.desk.trail.record([order.event("off-boarding")])
                return True
            if not keys.keys:
                raise NotFound("there is no such tenant")
            with suppress(Contended):
                if not self._have_seen_all(order):
                    return False
                with self.desk.trail.writing([order.event("off-boarding")]) as [entry]:
                    self._store.off_board(order.tenant_id, order.now, entry)
                return True
        raise StoreUnavailable("the tenant's keys change too often")

    def _have_seen_all(self, order: _Order) -> bool:
        """Whether the look for legal holds has come to the last record; if not, the next call goes on with it."""
        look = self._parts.off_boardings.read(order.tenant_id) or OffBoarding(
            order.tenant_id, order.reason, is_look=True
        )
        if not look.is_look:
            raise Contended("another call has begun to destroy")
        for _ in range(self.pages_a_call):
            page = self._parts.records.page(order.tenant_id, look.cursor)
            if any(record.is_held for record in page.records):
                if look.cursor is not None:
                    self._parts.off_boardings.save(replace(look, cursor=None))
                raise UnderLegalHold("there are records of the tenant under a legal hold: release them first")
            if page.next_cursor is None:
                return True
            look = self._parts.off_boardings.save(replace(look, cursor=page.next_cursor))
        return False

    def _destroy_key_ring(self, order: _Order) -> None:
        """All but the audit key, which opens nothing, and without which nobody could verify the trail."""
        for _ in range(_ATTEMPTS):
            # Read after the tenant was noted as off-boarded: what a rotation has made before that is among them.
            left = [
                key
                for key in self._store.keys_of(order.tenant_id).keys
                if key.key_id.use is not KeyUse.AUDIT and key.state is not KeyState.DESTROYED
            ]
            if not left:
                return
            for key in left:
                with suppress(Contended):  # a rotation has moved it on since it was read
                    self._parts.versions.move_on(key, KeyState.DESTROYED, order.caller)
        raise StoreUnavailable("the tenant's keys change too often")

    def _destroy_record_keys(self, order: _Order) -> OffBoarding:
        """Keys that KMS itself wraps do not go with those of the key ring: each must.

        A page is counted as it is found, tombstones of this off-boarding included, and its counts are written together
        with where the next one begins: whatever stops a call, no record is counted twice or missed.
        """
        pages = keys = 0
        for _ in range(_ATTEMPTS):
            off_boarding = self._parts.off_boardings.read(order.tenant_id) or OffBoarding(order.tenant_id, order.reason)
            if off_boarding.is_look:
                off_boarding = replace(off_boarding, is_look=False, cursor=None)
            try:
                while not off_boarding.done and pages < self.pages_a_call and keys < self.keys_a_call:
                    page = self._parts.records.page(order.tenant_id, off_boarding.cursor)
                    pages += 1
                    keys += self._destroy_those_of(page.records, order)
                    counts = Counter(off_boarding.counts)
                    counts.update(each.kind for each in page.records if each.fate is not KeyFate.NONE)
                    off_boarding = self._parts.off_boardings.save(
                        replace(off_boarding, cursor=page.next_cursor, done=page.next_cursor is None, counts=counts)
                    )
            except Contended:  # another call goes through the same records: on from where it has come to
                continue
            return off_boarding
        raise StoreUnavailable("the tenant is being off-boarded by others")

    def _destroy_those_of(self, records: tuple[TenantRecord, ...], order: _Order) -> int:
        # Of a tenant of direct wrapping all: a pass that moves it there may be about to give any of them one.
        is_direct = self.desk.policy.tenant(order.tenant_id).wrapping is Wrapping.DIRECT
        doomed = {KeyFate.STAYS, KeyFate.GOES} if is_direct else {KeyFate.STAYS}
        having = [each for each in records if each.fate in doomed]
        if having:
            self.desk.trail.record([order.event("record-keys-destroyed", records=len(having))])
        expires_at = order.now + timedelta(days=self.desk.policy.tombstone_days)
        for each in having:
            self._parts.records.destroy_key(each.record_id, order.now, expires_at)
        return len(having)

    def _receipt(self, order: _Order) -> Mapping[str, Any] | None:
        """The one that was issued before."""
        return self._parts.receipts.stored(order.receipt_name, ReceiptKind.OFF_BOARDING, order.tenant_id)

    def _issue(self, order: _Order, off_boarding: OffBoarding) -> Mapping[str, Any]:
        at = to_second(self.desk.clock.now())
        destroyed = Destroyed(
            kind=ReceiptKind.OFF_BOARDING,
            at=at,
            final_at=at + max(KEY_RING_RECOVERY, self._parts.receipts.key_recovery),
            policy=self.desk.policy.digest,
            counts={str(kind): off_boarding.counts.get(kind, 0) for kind in Kind},
            tenant_id=order.tenant_id,
            reason=off_boarding.reason,
        )
        return self._parts.receipts.issue(order.receipt_name, destroyed, order.event("off-boarded"))
