"""The KeyRing table in memory."""

import threading
from collections.abc import Iterator, Sequence
from datetime import datetime

from phone_vault.domain.audit import Entry
from phone_vault.domain.errors import StoreUnavailable
from phone_vault.domain.keys import KeyId, KeyUse, TenantKeys, WrappedKey
from phone_vault.domain.ports import Contended, KeyChange
from tests.fakes.audit_log import MemoryAuditLog


class MemoryKeyRingStore:
    """The KeyRing table, with its audit entries in the given log."""

    def __init__(self, log: MemoryAuditLog | None = None) -> None:
        self.reads = 0
        self.is_reachable = True
        self._log = log or MemoryAuditLog()
        self._rows: dict[KeyId, WrappedKey] = {}
        self._off_boarded: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def keys_of(self, tenant_id: str) -> TenantKeys:
        """In the order of their making."""
        self._check()
        with self._lock:
            self.reads += 1
            rows = tuple(row for key_id, row in self._rows.items() if key_id.tenant_id == tenant_id)
            return TenantKeys(rows, self._off_boarded.get(tenant_id))

    def add_keys(self, keys: Sequence[WrappedKey], entries: Sequence[Entry] = ()) -> None:
        """All or none."""
        self._check()
        with self._lock:
            if any(key.key_id in self._rows or key.key_id.tenant_id in self._off_boarded for key in keys):
                raise Contended("the tenant's keys were changed by another caller")
            self._append(entries)
            self._rows |= {key.key_id: key for key in keys}

    def tenants(self) -> Iterator[str]:
        """In the order of their first use."""
        self._check()
        with self._lock:
            owners = [key_id.tenant_id for key_id in self._rows]
        return iter(dict.fromkeys((*owners, *self._off_boarded)))

    def change(self, changes: Sequence[KeyChange], entries: Sequence[Entry]) -> None:
        """If every row is as it was read."""
        self._check()
        with self._lock:
            for before, _ in changes:
                stored = self._rows.get(before.key_id)
                if stored is None or _as_read(stored) != _as_read(before):
                    raise Contended("the tenant's keys were changed by another caller")
            self._append(entries)
            self._rows |= {after.key_id: after for _, after in changes}

    def off_board(self, tenant_id: str, now: datetime, entry: Entry) -> None:
        """Once."""
        self._check()
        with self._lock:
            if tenant_id in self._off_boarded:
                raise Contended("the tenant's keys were changed by another caller")
            self._append([entry])
            self._off_boarded[tenant_id] = now

    def _append(self, entries: Sequence[Entry]) -> None:
        if entries:
            self._log.append(entries)

    def row(self, tenant_id: str, use: KeyUse) -> WrappedKey:
        """The first version, for a test to look at."""
        return self._rows[KeyId(tenant_id, use, 1)]

    def overwrite(self, row: WrappedKey) -> None:
        """What an attacker with write access does."""
        self._rows[row.key_id] = row

    def remove(self, key_id: KeyId) -> None:
        """The same."""
        del self._rows[key_id]

    def _check(self) -> None:
        if not self.is_reachable:
            raise StoreUnavailable("DynamoDB does not answer")


def _as_read(row: WrappedKey) -> tuple[object, ...]:
    """What a change is made on condition of."""
    return row.state, row.wrapped, row.compromised, row.made_for
