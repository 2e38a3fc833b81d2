"""What off-boarding needs of the world, in memory: as strict as the adapters, and disturbed on demand."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from phone_vault.domain.audit import Entry
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.inventory import Kind
from phone_vault.domain.job_ports import Cursor
from phone_vault.domain.keys import TenantKeys
from phone_vault.domain.ports import Contended, KeyChange, RecordId
from phone_vault.domain.receipt_ports import KeyFate, SealedOffBoarding, TenantRecord, TenantRecordPage
from phone_vault.domain.receipts import SaltedToken
from tests.fakes import MemoryAuditLog, MemoryKeyRingStore
from tests.fakes.disturbances import Disturbances


class DisturbedKeyRingStore(MemoryKeyRingStore):
    """The KeyRing table."""

    def __init__(self, log: MemoryAuditLog, disturbances: Disturbances) -> None:
        super().__init__(log)
        self._disturbances = disturbances

    def keys_of(self, tenant_id: str) -> TenantKeys:
        """Disturbed."""
        with self._disturbances.around("key_ring.keys_of"):
            return super().keys_of(tenant_id)

    def change(self, changes: Sequence[KeyChange], entries: Sequence[Entry]) -> None:
        """Disturbed."""
        with self._disturbances.around("key_ring.change"):
            super().change(changes, entries)

    def off_board(self, tenant_id: str, now: datetime, entry: Entry) -> None:
        """Disturbed."""
        with self._disturbances.around("key_ring.off_board"):
            super().off_board(tenant_id, now, entry)


@dataclass
class Row:
    """As much of a row of RecordKeys as off-boarding changes."""

    is_direct: bool
    has_key: bool = True
    erased_at: datetime | None = None
    expires_at: datetime | None = None
    is_off_boarded: bool = False
    is_held: bool = False


class MemoryTenantRecords:
    """The RecordKeys table, some rows a page."""

    def __init__(self, disturbances: Disturbances, page_rows: int = 3) -> None:
        self.rows: dict[RecordId, Row] = {}
        self._disturbances = disturbances
        self._page_rows = page_rows

    def page(self, tenant_id: str, cursor: Cursor | None) -> TenantRecordPage:
        """In the order of the tokens; a page of rows of all tenants, filtered."""
        with self._disturbances.around("records.page"):
            after = cursor["record_id"] if cursor else ""
            names = {"#".join(each): each for each in self.rows}
            following = sorted(name for name in names if name > after)
            page = following[: self._page_rows]
            found = tuple(_read(names[name], self.rows[names[name]]) for name in page if names[name][0] == tenant_id)
            return TenantRecordPage(found, {"record_id": page[-1]} if len(following) > len(page) else None)

    def destroy_key(self, record_id: RecordId, now: datetime, expires_at: datetime) -> None:
        """If it still has one."""
        with self._disturbances.around("records.destroy_key"):
            row = self.rows.get(record_id)
            if row is not None and row.has_key:
                self.rows[record_id] = replace(
                    row, has_key=False, erased_at=now, expires_at=expires_at, is_off_boarded=True
                )

    def with_own_keys(self, tenant_id: str) -> Iterator[RecordId]:
        """What outlives the tenant's branch keys."""
        return (
            each for each, row in self.rows.items() if each.tenant_id == tenant_id and row.is_direct and row.has_key
        )


def _read(record_id: RecordId, row: Row) -> TenantRecord:
    kind = Kind.MESSAGE_KEY if record_id.token.startswith("m#") else Kind.STORED_NUMBER
    return TenantRecord(record_id, kind, _fate_of_key(row), row.is_held and row.has_key)


def _fate_of_key(row: Row) -> KeyFate:
    if not row.has_key:
        return KeyFate.WENT if row.is_off_boarded else KeyFate.NONE
    return KeyFate.STAYS if row.is_direct or row.erased_at else KeyFate.GOES


class MemoryOffBoardingStore:
    """Off-boardings in Operations."""

    def __init__(self, disturbances: Disturbances) -> None:
        self.rows: dict[str, SealedOffBoarding] = {}
        self._disturbances = disturbances

    def read(self, tenant_id: str) -> SealedOffBoarding | None:
        """As it is."""
        with self._disturbances.around("off_boardings.read"):
            return self.rows.get(tenant_id)

    def write(self, tenant_id: str, row: SealedOffBoarding) -> None:
        """On the revision before."""
        with self._disturbances.around("off_boardings.write"):
            stored = self.rows.get(tenant_id)
            if (stored.revision if stored else 0) != row.revision - 1:
                raise Contended("another call has gone on with the off-boarding")
            self.rows[tenant_id] = row


class MemoryReceiptStore:
    """Receipts in Operations, with their audit entries in the given log."""

    def __init__(self, log: MemoryAuditLog, disturbances: Disturbances) -> None:
        self.texts: dict[str, str] = {}
        self.leaf_rows: dict[tuple[str, int], list[SaltedToken]] = {}
        self._log = log
        self._disturbances = disturbances

    def read(self, name: str) -> Mapping[str, Any] | None:
        """As it is stored."""
        with self._disturbances.around("receipts.read"):
            receipt: Mapping[str, Any] | None = json.loads(self.texts[name]) if name in self.texts else None
            return receipt

    def add(self, name: str, receipt: Mapping[str, Any], entry: Entry) -> None:
        """Once."""
        with self._disturbances.around("receipts.add"):
            if name in self.texts:
                raise Contended("there is a receipt of this name")
            self._log.append([entry])
            self.texts[name] = json.dumps(receipt)

    def add_leaves(self, under: str, row: int, leaves: Sequence[SaltedToken]) -> None:
        """In place of what is there."""
        with self._disturbances.around("receipts.add_leaves"):
            self.leaf_rows[under, row] = list(leaves)

    def leaves(self, under: str, row: int) -> list[SaltedToken]:
        """As they are stored."""
        with self._disturbances.around("receipts.leaves"):
            if (under, row) not in self.leaf_rows:
                raise TamperedStore("the leaves of a receipt do not read")
            return self.leaf_rows[under, row]
