"""The tables of stored numbers: RecordKeys, Numbers, LookupIndex and Subjects."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from phone_vault.adapters.attribute_values import serialized
from phone_vault.adapters.audit_log import entry_put
from phone_vault.adapters.index_rows import index_entry_key, index_position, token_in
from phone_vault.adapters.key_ring import TENANT_IS_NOT_OFF_BOARDED, tenant_row_key
from phone_vault.adapters.record_updates import record_update
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
from phone_vault.adapters.tables import ConditionsFailed, TableNames, Tables, check, contended, put
from phone_vault.adapters.tombstones import is_tombstone
from phone_vault.domain.audit import Entry
from phone_vault.domain.errors import NotFound
from phone_vault.domain.message_key import MessageKey, MessageKeyId
from phone_vault.domain.ports import AlreadyStored, Contended, IndexEntry, NewNumber, RecordId, TokenTaken
from phone_vault.domain.retention import Retained
from phone_vault.domain.stored_number import StoredNumber

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
        entries = [
            put(
                self._names.lookup_index,
                {
                    **index_entry_key(record.tenant_id, version, position.blind_index, record.subject_ref),
                    "token": record.token,
                },
                SUBJECT_LACKS_THIS_NUMBER,
            )
            for version, position in record.index_positions.items()
        ]
        membership = {"subject": f"{record.tenant_id}#{record.subject_ref}", "member": f"t#{record.token}"}
        actions = [
            *entries,
            put(self._names.record_keys, record_row(record, number.due), RECORD_IS_NEW),
            put(self._names.numbers, message_row(record_id, number.message), RECORD_IS_NEW),
            put(self._names.subjects, membership, MEMBERSHIP_IS_NEW),
            entry_put(self._names.audit_trail, entry),
        ]
        try:
            self._tables.transact([*actions, *self._tenant_checks(record)])
        except ConditionsFailed as failed:
            taken = [failed.rows[index] for index in range(len(entries)) if index in failed.rows]
            if taken:
                raise AlreadyStored(token_in(taken[0])) from None
            if len(entries) in failed.rows:
                raise TokenTaken("a record has this token already") from None
            _refuse_off_boarded(failed, len(actions))
            raise Contended("a new row exists already") from None

    def update(self, record: StoredNumber, due: str, entry: Entry) -> None:
        """One transaction; the record's revision is the one that was read."""
        attributes = {**granted_attributes(record), "last_used": last_used_map(record), "due": due}
        self._write([_update(self._names.record_keys, record, attributes)], [entry])

    def message_keys(self, key_ids: Collection[MessageKeyId]) -> dict[MessageKeyId, MessageKey]:
        """By BatchGetItem."""
        wanted = {message_key_key(key_id)["record_id"]: key_id for key_id in key_ids}
        rows = self._tables.batch_get([(self._names.record_keys, message_key_key(each)) for each in key_ids])
        named = ((wanted[row["record_id"]], row) for _, row in rows if not is_tombstone(row))
        return {key_id: message_key_of(key_id, row) for key_id, row in named}

    def add_message_key(self, key: MessageKey, due: str, entry: Entry) -> None:
        """One transaction: the key, the subject's membership, the entry."""
        membership = {
            "subject": f"{key.tenant_id}#{key.key_id.subject_ref}",
            "member": f"m#{key.key_id.purpose}",
        }
        self._write(
            [
                put(self._names.record_keys, message_key_row(key, due), RECORD_IS_NEW),
                # Whether it is there already: a restore may have brought it back without its key.
                {"Put": {"TableName": self._names.subjects, "Item": serialized(membership)}},
            ],
            [entry],
            self._tenant_checks(key),
        )

    def update_message_key(self, key: MessageKey, due: str, entry: Entry) -> None:
        """One transaction; the key's revision is the one that was read."""
        attributes = {**granted_attributes(key), **keyed_attributes(key), "last_used": last_used_map(key), "due": due}
        self._write([_update(self._names.record_keys, key, attributes)], [entry], self._tenant_checks(key))

    def record_uses(self, records: Sequence[Retained], entries: Sequence[Entry]) -> None:
        """One transaction; it writes no other attribute than `last_used` and the revision."""
        self._write(
            [_update(self._names.record_keys, each, {"last_used": last_used_map(each)}) for each in records],
            entries,
        )

    def _tenant_checks(self, record: Retained) -> list[dict[str, Any]]:
        """A key that KMS itself wraps does not go with the tenant's own: nobody may store one for a tenant that left.

        Of the others no check is needed, which would cost 2 write units: what an older cache stores is unreadable.
        """
        if record.branch_key_version is not None:
            return []
        return [check(self._names.key_ring, tenant_row_key(record.tenant_id), TENANT_IS_NOT_OFF_BOARDED)]

    def _write(
        self, writes: Sequence[dict[str, Any]], entries: Sequence[Entry], checks: Sequence[dict[str, Any]] = ()
    ) -> None:
        actions = [*writes, *(entry_put(self._names.audit_trail, entry) for entry in entries)]
        try:
            self._tables.transact([*actions, *checks])
        except ConditionsFailed as failed:
            _refuse_off_boarded(failed, len(actions))
            raise contended() from None

    def records(self, record_ids: Collection[RecordId]) -> dict[RecordId, StoredNumber]:
        """By BatchGetItem."""
        rows = self._tables.batch_get([(self._names.record_keys, record_key(each)) for each in record_ids])
        return {record_id_of(row): record_of(row) for _, row in rows if not is_tombstone(row)}

    def records_and_messages(
        self, record_ids: Collection[RecordId]
    ) -> tuple[dict[RecordId, StoredNumber], dict[RecordId, bytes]]:
        """By BatchGetItem over both tables."""
        tables = (self._names.record_keys, self._names.numbers)
        rows = self._tables.batch_get([(table, record_key(each)) for each in record_ids for table in tables])
        keyed = (row for table, row in rows if table == self._names.record_keys and not is_tombstone(row))
        records = {record_id_of(row): record_of(row) for row in keyed}
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


def _refuse_off_boarded(failed: ConditionsFailed, check_at: int) -> None:
    if check_at in failed.rows:
        raise NotFound("there is no such tenant any more")


def _update(table: str, record: Retained, attributes: Mapping[str, Any]) -> dict[str, Any]:
    key = record_key(RecordId(record.tenant_id, record.name))
    return record_update(table, key, record.revision, attributes).action()
