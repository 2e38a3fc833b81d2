"""The tables of stored numbers: RecordKeys, Numbers, LookupIndex and Subjects."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from phone_vault.adapters.attribute_values import serialized
from phone_vault.adapters.audit_log import entry_put
from phone_vault.adapters.consent_rows import consent_row
from phone_vault.adapters.index_rows import index_entry_key, index_position, token_in
from phone_vault.adapters.key_ring import tenant_check
from phone_vault.adapters.record_updates import UNCHANGED_SINCE_READ, record_update
from phone_vault.adapters.rows import (
    granted_attributes,
    keyed_attributes,
    last_used_map,
    message_in,
    message_key_key,
    message_key_of,
    message_key_row,
    message_row,
    record_id_of,
    record_key,
    record_of,
    record_row,
)
from phone_vault.adapters.subject_rows import as_read, partition_of, subject_key, subject_of
from phone_vault.adapters.tables import ConditionsFailed, TableNames, Tables, check, contended, put
from phone_vault.adapters.tombstones import is_tombstone, tombstone_of
from phone_vault.domain.audit import Entry
from phone_vault.domain.consent import ConsentEvent
from phone_vault.domain.errors import NotFound
from phone_vault.domain.message_key import MessageKey, MessageKeyId
from phone_vault.domain.ports import (
    AlreadyStored,
    Contended,
    IndexEntry,
    NewMessageKey,
    NewNumber,
    RecordId,
    SubjectSaid,
    TokenTaken,
)
from phone_vault.domain.retention import Retained
from phone_vault.domain.stored_number import IndexPosition, StoredNumber
from phone_vault.domain.subject import Subject, SubjectId
from phone_vault.domain.tombstone import Tombstone

RECORD_IS_NEW = "attribute_not_exists(record_id)"
SUBJECT_LACKS_THIS_NUMBER = "attribute_not_exists(index_position)"
MEMBERSHIP_IS_NEW = "attribute_not_exists(subject)"


class DynamoNumberStore:
    """Numbers on DynamoDB."""

    def __init__(self, tables: Tables, names: TableNames) -> None:
        self._tables = tables
        self._names = names

    def add(self, number: NewNumber, entry: Entry) -> None:
        """One transaction. The index entries decide: one record per subject and number, whoever comes at once."""
        record = number.record
        record_id = RecordId(record.tenant_id, record.token)
        entries = [self._index_put(number, version, position) for version, position in record.index_positions.items()]
        membership = {"subject": partition_of(number.subject.subject_id), "member": f"t#{record.token}"}
        actions = [
            *entries,
            put(self._names.record_keys, record_row(record, number.due), RECORD_IS_NEW),
            put(self._names.numbers, message_row(record_id, number.message), RECORD_IS_NEW),
            put(self._names.subjects, membership, MEMBERSHIP_IS_NEW),
            *self._consent_puts(number.subject.subject_id, number.consents),
            entry_put(self._names.audit_trail, entry),
        ]
        try:
            self._tables.transact([*actions, *self._checks(number.subject, record)])
        except ConditionsFailed as failed:
            taken = [failed.rows[index] for index in range(len(entries)) if index in failed.rows]
            if taken:
                raise AlreadyStored(token_in(taken[0])) from None
            if len(entries) in failed.rows:
                raise TokenTaken("a record has this token already") from None
            _refuse_by_checks(failed, len(actions), number.subject)
            raise Contended("a new row exists already") from None

    def _index_put(self, number: NewNumber, version: int, position: IndexPosition) -> dict[str, Any]:
        record = number.record
        key = index_entry_key(record.tenant_id, version, position.blind_index, record.subject_ref)
        row = {**key, "token": record.token}
        if not number.in_place_of:
            return put(self._names.lookup_index, row, SUBJECT_LACKS_THIS_NUMBER)
        dead = {f":dead{at}": token for at, token in enumerate(sorted(number.in_place_of))}
        condition = f"{SUBJECT_LACKS_THIS_NUMBER} OR #token IN ({', '.join(dead)})"
        return put(self._names.lookup_index, row, condition, names={"#token": "token"}, values=dead)

    def update(self, record: StoredNumber, due: str, entry: Entry, consents: Sequence[ConsentEvent] = ()) -> None:
        """One transaction; the record's revision is the one that was read."""
        attributes = {**granted_attributes(record), "last_used": last_used_map(record), "due": due}
        subject_id = SubjectId(record.tenant_id, record.subject_ref)
        history = self._consent_puts(subject_id, consents)
        self._write([_update(self._names.record_keys, record, attributes), *history], [entry])

    def message_keys(self, key_ids: Collection[MessageKeyId]) -> dict[MessageKeyId, MessageKey | Tombstone]:
        """By BatchGetItem."""
        wanted = {message_key_key(key_id)["record_id"]: key_id for key_id in key_ids}
        rows = self._tables.batch_get([(self._names.record_keys, message_key_key(each)) for each in key_ids])
        named = ((wanted[row["record_id"]], row) for _, row in rows)
        return {
            key_id: tombstone_of(row) if is_tombstone(row) else message_key_of(key_id, row) for key_id, row in named
        }

    def add_message_key(self, new: NewMessageKey, entry: Entry) -> None:
        """One transaction: the key, the subject's membership, the entry."""
        key = new.key
        membership = {"subject": partition_of(new.subject.subject_id), "member": f"m#{key.key_id.purpose}"}
        actions = [
            self._message_key_put(new),
            # Whether it is there already: a restore may have brought it back without its key.
            {"Put": {"TableName": self._names.subjects, "Item": serialized(membership)}},
            *self._consent_puts(new.subject.subject_id, new.consents),
            entry_put(self._names.audit_trail, entry),
        ]
        try:
            self._tables.transact([*actions, *self._checks(new.subject, key)])
        except ConditionsFailed as failed:
            _refuse_by_checks(failed, len(actions), new.subject)
            raise contended() from None

    def _message_key_put(self, new: NewMessageKey) -> dict[str, Any]:
        row = message_key_row(new.key, new.due)
        if new.in_place_of is None:
            return put(self._names.record_keys, row, RECORD_IS_NEW)
        read = {":expected_revision": new.in_place_of.revision}
        return put(self._names.record_keys, row, UNCHANGED_SINCE_READ, values=read)

    def update_message_key(
        self, key: MessageKey, due: str, entry: Entry, consents: Sequence[ConsentEvent] = ()
    ) -> None:
        """One transaction; the key's revision is the one that was read."""
        attributes = {**granted_attributes(key), **keyed_attributes(key), "last_used": last_used_map(key), "due": due}
        actions = [
            _update(self._names.record_keys, key, attributes),
            *self._consent_puts(SubjectId(key.tenant_id, key.key_id.subject_ref), consents),
            entry_put(self._names.audit_trail, entry),
        ]
        try:
            self._tables.transact([*actions, *self._tenant_checks(key)])
        except ConditionsFailed as failed:
            _refuse_off_boarded(failed, len(actions))
            raise contended() from None

    def record_uses(self, records: Sequence[Retained], entries: Sequence[Entry]) -> None:
        """One transaction; it writes no other attribute than `last_used` and the revision."""
        self._write(
            [_update(self._names.record_keys, each, {"last_used": last_used_map(each)}) for each in records],
            entries,
        )

    def _consent_puts(self, subject_id: SubjectId, consents: Sequence[ConsentEvent]) -> list[dict[str, Any]]:
        rows = (consent_row(subject_id, each) for each in consents)
        return [{"Put": {"TableName": self._names.subjects, "Item": serialized(row)}} for row in rows]

    def _checks(self, subject: Subject, record: Retained) -> list[dict[str, Any]]:
        """That what was said of the subject is what was read, and that the tenant has not left; in this order."""
        condition, values = as_read(subject)
        of_subject = check(self._names.subjects, subject_key(subject.subject_id), condition, values)
        return [of_subject, *self._tenant_checks(record)]

    def _tenant_checks(self, record: Retained) -> list[dict[str, Any]]:
        """A key that KMS itself wraps does not go with the tenant's own: nobody may store one for a tenant that left.

        Of the others no check is needed, which would cost 2 write units: what an older cache stores is unreadable.
        """
        if record.branch_key_version is not None:
            return []
        return [tenant_check(self._names.key_ring, record.tenant_id)]

    def _write(self, writes: Sequence[dict[str, Any]], entries: Sequence[Entry]) -> None:
        try:
            self._tables.transact([*writes, *(entry_put(self._names.audit_trail, entry) for entry in entries)])
        except ConditionsFailed:
            raise contended() from None

    def records(self, record_ids: Collection[RecordId]) -> dict[RecordId, StoredNumber | Tombstone]:
        """By BatchGetItem."""
        rows = self._tables.batch_get([(self._names.record_keys, record_key(each)) for each in record_ids])
        return {record_id_of(row): _record_or_tombstone(row) for _, row in rows}

    def records_and_messages(
        self, record_ids: Collection[RecordId]
    ) -> tuple[dict[RecordId, StoredNumber | Tombstone], dict[RecordId, bytes]]:
        """By BatchGetItem over both tables."""
        tables = (self._names.record_keys, self._names.numbers)
        rows = self._tables.batch_get([(table, record_key(each)) for each in record_ids for table in tables])
        keyed = (row for table, row in rows if table == self._names.record_keys)
        records = {record_id_of(row): _record_or_tombstone(row) for row in keyed}
        messages = {record_id_of(row): message_in(row) for table, row in rows if table == self._names.numbers}
        return records, messages

    def token_at(self, tenant_id: str, blind_indexes: Mapping[int, bytes], subject_ref: str) -> str | None:
        """By BatchGetItem over the versions."""
        keys = [index_entry_key(tenant_id, version, index, subject_ref) for version, index in blind_indexes.items()]
        rows = self._tables.batch_get([(self._names.lookup_index, key) for key in keys])
        return next((token_in(row) for _, row in rows), None)

    def index_entries(self, tenant_id: str, version: int, blind_index: bytes) -> list[IndexEntry]:
        """By Query."""
        position = index_position(tenant_id, version, blind_index)
        rows = self._tables.query(self._names.lookup_index, "index_position", position)
        return [IndexEntry(token_in(row), str(row["subject_ref"])) for row in rows]


def _record_or_tombstone(row: Mapping[str, Any]) -> StoredNumber | Tombstone:
    return tombstone_of(row) if is_tombstone(row) else record_of(row)


def _refuse_by_checks(failed: ConditionsFailed, checks_at: int, subject: Subject) -> None:
    _refuse_off_boarded(failed, checks_at + 1)
    if checks_at in failed.rows:
        raise SubjectSaid(subject_of(subject.subject_id, failed.rows[checks_at]))


def _refuse_off_boarded(failed: ConditionsFailed, check_at: int) -> None:
    if check_at in failed.rows:
        raise NotFound("there is no such tenant any more")


def _update(table: str, record: Retained, attributes: Mapping[str, Any]) -> dict[str, Any]:
    key = record_key(RecordId(record.tenant_id, record.name))
    return record_update(table, key, record.revision, attributes).action()
