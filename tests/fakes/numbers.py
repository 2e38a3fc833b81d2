"""The tables of stored numbers in memory, as applications see them."""

from collections.abc import Collection, Mapping, Sequence

from phone_vault.domain.audit import Entry
from phone_vault.domain.consent import ConsentEvent
from phone_vault.domain.message_key import MessageKey, MessageKeyId
from phone_vault.domain.ports import (
    AlreadyStored,
    Contended,
    IndexEntry,
    NewMessageKey,
    NewNumber,
    RecordId,
    TokenTaken,
)
from phone_vault.domain.stored_number import StoredNumber
from phone_vault.domain.subject import SubjectId
from phone_vault.domain.tombstone import Tombstone
from tests.fakes.audit_log import MemoryAuditLog
from tests.fakes.tables import MemoryTables, Place


class MemoryNumberStore:
    """With their audit entries in the given log."""

    def __init__(self, log: MemoryAuditLog, tables: MemoryTables | None = None) -> None:
        self._log = log
        self.tables = tables or MemoryTables()

    def add(self, number: NewNumber, entry: Entry) -> None:
        """The index decides who comes first."""
        record, tables = number.record, self.tables
        record_id = RecordId(record.tenant_id, record.token)
        with tables.lock:
            places = list(tables.places(record, record.index_positions))
            for place in places:
                if place in tables.index and tables.index[place] not in number.in_place_of:
                    raise AlreadyStored(tables.index[place])
            if tables.row_or_tombstone(*record_id) is not None:
                raise TokenTaken("a record has this token already")
            tables.check_subject(number.subject)
            self._log.append([entry])
            tables.consents.extend((number.subject.subject_id, each) for each in number.consents)
            tables.index.update(dict.fromkeys(places, record.token))
            tables.records[record_id] = record
            tables.join(record)
            tables.messages[record_id] = number.message

    def update(self, record: StoredNumber, due: str, entry: Entry, consents: Sequence[ConsentEvent] = ()) -> None:
        """The due bucket is of no use here."""
        del due
        changes = {"grants": record.grants, "jurisdictions": record.jurisdictions, "last_used": record.last_used}
        self._write([(record, changes)], [entry])
        self._note(SubjectId(record.tenant_id, record.subject_ref), consents)

    def message_keys(self, key_ids: Collection[MessageKeyId]) -> dict[MessageKeyId, MessageKey | Tombstone]:
        """Those that exist."""
        with self.tables.lock:
            rows = {each: self.tables.row_or_tombstone(each.tenant_id, each.name) for each in key_ids}
        return {each: row for each, row in rows.items() if isinstance(row, MessageKey | Tombstone)}

    def add_message_key(self, new: NewMessageKey, entry: Entry) -> None:
        """If there is none, or the tombstone that was read."""
        key_id = new.key.key_id
        with self.tables.lock:
            there = self.tables.row_or_tombstone(key_id.tenant_id, key_id.name)
            if there != new.in_place_of:
                raise Contended("the key was made by another caller")
            self.tables.check_subject(new.subject)
            self._log.append([entry])
            self.tables.bury(key_id.tenant_id, key_id.name, None)
            self.tables.message_keys[key_id] = new.key
            self.tables.join(new.key)
            self._note(new.subject.subject_id, new.consents)

    def update_message_key(
        self, key: MessageKey, due: str, entry: Entry, consents: Sequence[ConsentEvent] = ()
    ) -> None:
        """The due bucket is of no use here."""
        del due
        changes = {
            "grants": key.grants,
            "jurisdictions": key.jurisdictions,
            "last_used": key.last_used,
            "generation": key.generation,
            "wrapped_key": key.wrapped_key,
            "branch_key_version": key.branch_key_version,
            "kms_key": key.kms_key,
        }
        self._write([(key, changes)], [entry])
        self._note(SubjectId(key.tenant_id, key.key_id.subject_ref), consents)

    def _note(self, subject_id: SubjectId, consents: Sequence[ConsentEvent]) -> None:
        with self.tables.lock:
            self.tables.consents.extend((subject_id, each) for each in consents)

    def record_uses(self, records: Sequence[StoredNumber | MessageKey], entries: Sequence[Entry]) -> None:
        """If nothing has changed since it was read."""
        self._write([(record, {"last_used": record.last_used}) for record in records], entries)

    def _write(
        self, writes: Sequence[tuple[StoredNumber | MessageKey, Mapping[str, object]]], entries: Sequence[Entry]
    ) -> None:
        """These attributes alone: what a job has changed beside them stays."""
        with self.tables.lock:
            rows = [self.tables.unchanged(read.tenant_id, read.name, read.revision) for read, _ in writes]
            self._log.append(entries)
            for row, (_, changes) in zip(rows, writes, strict=True):
                self.tables.write(row, **changes)

    def records(self, record_ids: Collection[RecordId]) -> dict[RecordId, StoredNumber | Tombstone]:
        """Those that exist."""
        with self.tables.lock:
            rows = {each: self.tables.row_or_tombstone(each.tenant_id, each.token) for each in record_ids}
        return {each: row for each, row in rows.items() if isinstance(row, StoredNumber | Tombstone)}

    def records_and_messages(
        self, record_ids: Collection[RecordId]
    ) -> tuple[Mapping[RecordId, StoredNumber | Tombstone], Mapping[RecordId, bytes]]:
        """Those that exist."""
        with self.tables.lock:
            messages = {each: self.tables.messages[each] for each in record_ids if each in self.tables.messages}
            return self.records(record_ids), messages

    def token_at(self, tenant_id: str, blind_indexes: Mapping[int, bytes], subject_ref: str) -> str | None:
        """Under the first version that knows."""
        places = (Place(tenant_id, version, index, subject_ref) for version, index in blind_indexes.items())
        return next((self.tables.index[place] for place in places if place in self.tables.index), None)

    def index_entries(self, tenant_id: str, version: int, blind_index: bytes) -> list[IndexEntry]:
        """Of every subject."""
        with self.tables.lock:
            return [
                IndexEntry(token, place.subject_ref)
                for place, token in self.tables.index.items()
                if place[:3] == (tenant_id, version, blind_index)
            ]
