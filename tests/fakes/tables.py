"""The rows of RecordKeys, Numbers and LookupIndex in memory, for applications and jobs alike."""

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from heapq import nsmallest
from typing import Any, NamedTuple
from zlib import crc32

from phone_vault.domain.consent import ConsentEvent
from phone_vault.domain.job_ports import Cursor, Shard
from phone_vault.domain.message_key import MessageKey, MessageKeyId
from phone_vault.domain.ports import Contended, RecordId, SubjectSaid
from phone_vault.domain.stored_number import StoredNumber
from phone_vault.domain.subject import Subject, SubjectId
from phone_vault.domain.tombstone import Tombstone


class Place(NamedTuple):
    """The key of a row of LookupIndex."""

    tenant_id: str
    version: int
    blind_index: bytes
    subject_ref: str

    @property
    def text(self) -> str:
        """As a cursor has it."""
        return f"{self.tenant_id}#{self.version}#{self.blind_index.hex()}#{self.subject_ref}"


@dataclass
class MemoryTables:
    """The rows as they are; whoever changes them holds the lock."""

    page_rows: int = 100
    records: dict[RecordId, StoredNumber] = field(default_factory=dict)
    message_keys: dict[MessageKeyId, MessageKey] = field(default_factory=dict)
    messages: dict[RecordId, bytes] = field(default_factory=dict)
    index: dict[Place, str] = field(default_factory=dict)
    keyless: set[tuple[str, str]] = field(default_factory=set)
    """Tenant and name of what was shredded: rows without a wrapped key."""
    tombstones: dict[tuple[str, str], Tombstone] = field(default_factory=dict)
    """By tenant and name: what is left of rows whose key was destroyed."""
    subjects: dict[SubjectId, Subject] = field(default_factory=dict)
    """Of whom something was said."""
    members: dict[SubjectId, set[str]] = field(default_factory=dict)
    """What a subject has: `t#` and a token, `m#` and the purpose of a message key."""
    consents: list[tuple[SubjectId, ConsentEvent]] = field(default_factory=list)
    left: set[str] = field(default_factory=set)
    """Tenants that are off-boarded: nobody stores a key for them that KMS itself wraps."""
    unreadable: set[tuple[str, str]] = field(default_factory=set)
    """Tenant and name of rows that do not read."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def places(self, record: StoredNumber, versions: Iterable[int]) -> Iterator[Place]:
        """Where the record has its entries."""
        for version in versions:
            position = record.index_positions[version]
            yield Place(record.tenant_id, version, position.blind_index, record.subject_ref)

    def check_subject(self, read: Subject) -> None:
        """`SubjectSaid` unless the subject's row is as it was read."""
        now = self.subjects.get(read.subject_id, Subject(read.subject_id))
        if now.revision != read.revision:
            raise SubjectSaid(now)

    def join(self, row: StoredNumber | MessageKey) -> None:
        """Its subject has it from now on."""
        member = f"m#{row.key_id.purpose}" if isinstance(row, MessageKey) else f"t#{row.token}"
        self.members.setdefault(SubjectId(row.tenant_id, row.subject_ref), set()).add(member)

    def row_or_tombstone(self, tenant_id: str, name: str) -> StoredNumber | MessageKey | Tombstone | None:
        """What readers find."""
        return self.tombstones.get((tenant_id, name)) or self.keyed(tenant_id, name)

    def bury(self, tenant_id: str, name: str, tombstone: Tombstone | None) -> None:
        """Put a tombstone in a row's place; None takes it away."""
        if tombstone is None:
            self.tombstones.pop((tenant_id, name), None)
        else:
            self.tombstones[tenant_id, name] = tombstone

    def keyed(self, tenant_id: str, name: str) -> StoredNumber | MessageKey | None:
        """A row of RecordKeys that has a key."""
        row = self.row(tenant_id, name)
        return None if row is None or (tenant_id, name) in self.keyless else row

    def row(self, tenant_id: str, name: str) -> StoredNumber | MessageKey | None:
        """A row of RecordKeys."""
        if name.startswith("m#"):
            _, subject_ref, purpose = name.split("#")
            return self.message_keys.get(MessageKeyId(tenant_id, subject_ref, purpose))
        return self.records.get(RecordId(tenant_id, name))

    def unchanged(self, tenant_id: str, name: str, revision: int) -> StoredNumber | MessageKey:
        """The row if it has a key and was not written since it had this revision: else `Contended`."""
        row = self.keyed(tenant_id, name)
        if row is None or row.revision != revision:
            raise Contended("a record has changed since it was read")
        return row

    def write(self, row: StoredNumber | MessageKey, **changes: Any) -> None:
        """These attributes and the next revision."""
        after = replace(row, **changes, revision=row.revision + 1)
        if isinstance(after, MessageKey):
            self.message_keys[after.key_id] = after
        else:
            self.records[RecordId(after.tenant_id, after.token)] = after

    def names(self) -> list[tuple[str, str]]:
        """Tenant and name of every row of RecordKeys."""
        return [*self.records, *((each.tenant_id, each.name) for each in self.message_keys)]

    def page_of(self, keys: Iterable[str], shard: Shard, cursor: Cursor | None) -> tuple[list[str], Cursor | None]:
        """The keys that one page of a scan looks at. Like DynamoDB's, a full last page does not say that it is last."""
        after = cursor["key"] if cursor else ""
        rest = (key for key in keys if key > after and crc32(key.encode()) % shard.of == shard.number)
        page = nsmallest(self.page_rows, rest)
        return page, {"key": page[-1]} if len(page) == self.page_rows else None

    def erase(self, record_id: RecordId) -> None:
        """What an erasure does to a stored number in the end: every row is gone."""
        with self.lock:
            record = self.records.pop(record_id)
            del self.messages[record_id]
            for place in self.places(record, record.index_positions):
                self.index.pop(place, None)

    def shred(self, tenant_id: str, name: str) -> None:
        """What it does first: the row stays, without its key."""
        with self.lock:
            row = self.unchanged(tenant_id, name, self._present(tenant_id, name).revision)
            self.write(row, wrapped_key=b"")
            self.keyless.add((tenant_id, name))

    def _present(self, tenant_id: str, name: str) -> StoredNumber | MessageKey:
        row = self.keyed(tenant_id, name)
        assert row is not None
        return row
