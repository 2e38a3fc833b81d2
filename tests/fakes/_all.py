"""The ports in memory: as strict as the adapters, and breakable on demand."""

import os
import threading
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from phone_vault.domain.audit import Entry
from phone_vault.domain.errors import KeyUnavailable, StoreUnavailable, TamperedStore
from phone_vault.domain.keys import KeyId, KeyUse, TenantKeys, WrappedKey
from phone_vault.domain.message_key import MessageKey, MessageKeyId
from phone_vault.domain.ports import (
    AlreadyStored,
    Contended,
    IndexEntry,
    KeyChange,
    LimitReached,
    NewNumber,
    RecordId,
    TokenTaken,
)
from phone_vault.domain.quotas import Counter
from phone_vault.domain.stored_number import StoredNumber

THE_KMS_KEY = "the KMS key"
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, start: datetime = NEW_YEAR) -> None:
        self._now = start

    def now(self) -> datetime:
        """The moment it was last set to."""
        return self._now

    def advance(self, step: timedelta) -> None:
        """Move it; a negative step sets it back."""
        self._now += step


class MemoryKeyWrapper:
    """KMS: hands out opaque blobs and gives the bytes back for the very key id that they were wrapped for."""

    def __init__(self) -> None:
        self.unwrapped: list[KeyId] = []
        self.wrapped: list[KeyId] = []
        self.rewrapped: list[KeyId] = []
        self.kms_keys: dict[str, str] = {}
        self.disabled: set[KeyUse] = set()
        self._plaintexts: dict[bytes, tuple[Hashable, bytes]] = {}

    def wrap(self, key_id: KeyId, plaintext: bytes) -> tuple[bytes, str]:
        """A blob that tells nothing."""
        self._check(key_id)
        self.wrapped.append(key_id)
        return self._blob(key_id, plaintext), self.kms_key_for(key_id)

    def unwrap(self, key: WrappedKey) -> bytes:
        """What was wrapped, for the same key id alone."""
        self._check(key.key_id)
        self.unwrapped.append(key.key_id)
        return self._plaintext(key.key_id, key.wrapped)

    def kms_key_of(self, tenant_id: str) -> str:
        """The tenant's own, if a test gave it one."""
        return self.kms_keys.get(tenant_id, THE_KMS_KEY)

    def kms_key_for(self, key_id: KeyId) -> str:
        """The same for all uses."""
        return self.kms_key_of(key_id.tenant_id)

    def rewrap(self, key: WrappedKey) -> tuple[bytes, str]:
        """Another blob of the same bytes."""
        self._check(key.key_id)
        self.rewrapped.append(key.key_id)
        return self._blob(key.key_id, self._plaintext(key.key_id, key.wrapped)), self.kms_key_for(key.key_id)

    def wrap_record_key(self, tenant_id: str, name: str, plaintext: bytes) -> tuple[bytes, str]:
        """The same for a record key."""
        return self._blob((tenant_id, name), plaintext), self.kms_key_of(tenant_id)

    def unwrap_record_key(self, tenant_id: str, name: str, wrapped: bytes, kms_key: str | None) -> bytes:
        """What was wrapped, for the same record alone."""
        del kms_key
        return self._plaintext((tenant_id, name), wrapped)

    def rewrap_record_key(self, tenant_id: str, name: str, wrapped: bytes, kms_key: str | None) -> tuple[bytes, str]:
        """Another blob of the same bytes."""
        return self.wrap_record_key(tenant_id, name, self.unwrap_record_key(tenant_id, name, wrapped, kms_key))

    def _blob(self, context: Hashable, plaintext: bytes) -> bytes:
        blob = os.urandom(16)
        self._plaintexts[blob] = (context, plaintext)
        return blob

    def _plaintext(self, context: Hashable, blob: bytes) -> bytes:
        wrapped_for, plaintext = self._plaintexts.get(blob, ((), b""))
        if wrapped_for != context:
            raise TamperedStore("a wrapped key is not what was written")
        return plaintext

    def _check(self, key_id: KeyId) -> None:
        if key_id.use in self.disabled:
            raise KeyUnavailable("KMS does not serve a key that the request needs")


class MemoryKeyRingStore:
    """The KeyRing table, with its audit entries in the given log."""

    def __init__(self, log: "MemoryAuditLog | None" = None) -> None:
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
                if stored is None or (stored.state, stored.wrapped) != (before.state, before.wrapped):
                    raise Contended("the tenant's keys were changed by another caller")
            self._append(entries)
            self._rows |= {after.key_id: after for _, after in changes}

    def off_board(self, tenant_id: str, now: datetime, entry: Entry) -> None:
        """Once."""
        self._check()
        with self._lock:
            if tenant_id not in self._off_boarded:
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


class MemoryAuditLog:
    """The AuditTrail table; `failure` is raised instead of the next writes, after them if `writes_anyway`."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.failure: Exception | None = None
        self.writes_anyway = False

    def append(self, entries: Sequence[Entry]) -> None:
        """All or none; a place that is taken stays as it is."""
        if self.failure is not None and not self.writes_anyway:
            raise self.failure
        taken = {(entry.chain, entry.sequence) for entry in self.entries}
        if any((entry.chain, entry.sequence) in taken for entry in entries):
            raise StoreUnavailable("a place in the audit trail is taken")
        self.entries.extend(entries)
        if self.failure is not None:
            raise self.failure


class MemoryCounterStore:
    """The Operations table, as far as it counts."""

    def __init__(self) -> None:
        self.totals: dict[str, int] = {}
        self.added: list[tuple[str, int]] = []
        self.is_reachable = True

    def add(self, counter: Counter, count: int) -> int:
        """While it is below its limit."""
        if not self.is_reachable:
            raise StoreUnavailable("DynamoDB does not answer")
        self.added.append((counter.name, count))
        total = self.totals.get(counter.name, 0)
        if total >= counter.limit:
            raise LimitReached("the counter has reached its limit")
        self.totals[counter.name] = total + count
        return total + count


class MemoryNumberStore:
    """The tables of stored numbers, with their audit entries in the given log."""

    def __init__(self, log: MemoryAuditLog) -> None:
        self._log = log
        self._records: dict[RecordId, StoredNumber] = {}
        self._message_keys: dict[MessageKeyId, MessageKey] = {}
        self._messages: dict[RecordId, bytes] = {}
        self._index: dict[tuple[str, int, bytes, str], str] = {}

    def add(self, number: NewNumber, entry: Entry) -> None:
        """The index decides who comes first."""
        record = number.record
        places = {
            (record.tenant_id, version, position.blind_index, record.subject_ref): record.token
            for version, position in record.index_positions.items()
        }
        for place in places:
            if place in self._index:
                raise AlreadyStored(self._index[place])
        record_id = RecordId(record.tenant_id, record.token)
        if record_id in self._records:
            raise TokenTaken("a record has this token already")
        self._log.append([entry])
        self._index |= places
        self._records[record_id] = record
        self._messages[record_id] = number.message

    def update(self, record: StoredNumber, due: str, entry: Entry) -> None:
        """The due bucket is of no use here."""
        del due
        self.record_uses([record], [entry])

    def message_keys(self, key_ids: Collection[MessageKeyId]) -> dict[MessageKeyId, MessageKey]:
        """Those that exist."""
        return {each: self._message_keys[each] for each in key_ids if each in self._message_keys}

    def add_message_key(self, key: MessageKey, due: str, entry: Entry) -> None:
        """If there is none; the due bucket is of no use here."""
        del due
        if key.key_id in self._message_keys:
            raise Contended("the key was made by another caller")
        self._log.append([entry])
        self._message_keys[key.key_id] = key

    def update_message_key(self, key: MessageKey, due: str, entry: Entry) -> None:
        """The due bucket is of no use here."""
        del due
        self.record_uses([key], [entry])

    def record_uses(self, records: Sequence[StoredNumber | MessageKey], entries: Sequence[Entry]) -> None:
        """If nothing has changed since it was read."""
        if any(self._stored(record).revision != record.revision for record in records):
            raise Contended("a record has changed since it was read")
        self._log.append(entries)
        for record in records:
            if isinstance(record, MessageKey):
                self._message_keys[record.key_id] = replace(record, revision=record.revision + 1)
            else:
                record_id = RecordId(record.tenant_id, record.token)
                self._records[record_id] = replace(record, revision=record.revision + 1)

    def _stored(self, record: StoredNumber | MessageKey) -> StoredNumber | MessageKey:
        if isinstance(record, MessageKey):
            return self._message_keys[record.key_id]
        return self._records[RecordId(record.tenant_id, record.token)]

    def records(self, record_ids: Collection[RecordId]) -> dict[RecordId, StoredNumber]:
        """Those that exist."""
        return {each: self._records[each] for each in record_ids if each in self._records}

    def records_and_messages(
        self, record_ids: Collection[RecordId]
    ) -> tuple[Mapping[RecordId, StoredNumber], Mapping[RecordId, bytes]]:
        """Those that exist."""
        messages = {each: self._messages[each] for each in record_ids if each in self._messages}
        return self.records(record_ids), messages

    def token_at(self, tenant_id: str, blind_indexes: Mapping[int, bytes], subject_ref: str) -> str | None:
        """Under the first version that knows."""
        places = ((tenant_id, version, index, subject_ref) for version, index in blind_indexes.items())
        return next((self._index[place] for place in places if place in self._index), None)

    def index_entries(self, tenant_id: str, version: int, blind_index: bytes) -> list[IndexEntry]:
        """Of every subject."""
        return [
            IndexEntry(token, subject_ref)
            for (*place, subject_ref), token in self._index.items()
            if place == [tenant_id, version, blind_index]
        ]
