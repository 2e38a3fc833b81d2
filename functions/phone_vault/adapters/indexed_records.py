"""RecordKeys, Numbers and LookupIndex as re-indexing and re-encryption see them."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from phone_vault.adapters.attribute_values import deserialized
from phone_vault.adapters.index_rows import IS_FREE_OR_OWN, index_entry_key, owned_by
from phone_vault.adapters.key_ring import tenant_check
from phone_vault.adapters.record_extracts import stored_number_of
from phone_vault.adapters.record_updates import MAY_GET_A_KEY, record_update
from phone_vault.adapters.rows import (
    RECORD_ATTRIBUTES,
    index_position_map,
    message_in,
    message_row,
    record_id_of,
    record_key,
    wrapping_attributes,
)
from phone_vault.adapters.shard_scans import scan_of_records
from phone_vault.adapters.tables import ConditionsFailed, TableNames, Tables, contended, put
from phone_vault.domain import moments
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.job_ports import Cursor, Indexed, Page, ReEncrypted, Shard
from phone_vault.domain.ports import RecordId
from phone_vault.domain.stored_number import StoredNumber

T = TypeVar("T")

MESSAGE_IS_THERE = "attribute_exists(record_id)"


class DynamoIndexedRecords:
    """Stored numbers on DynamoDB; it deletes nothing."""

    def __init__(self, tables: Tables, names: TableNames) -> None:
        self._tables = tables
        self._record_keys = names.record_keys
        self._key_ring = names.key_ring
        self._numbers = names.numbers
        self._lookup_index = names.lookup_index
        self._scan = scan_of_records(names.record_keys, RECORD_ATTRIBUTES, stored_number_of)

    def page(self, shard: Shard, cursor: Cursor | None, tenant_id: str | None) -> Page[StoredNumber]:
        """By Scan."""
        return self._scan.page(self._tables, shard, cursor, tenant_id)

    def records_and_messages(
        self, record_ids: Collection[RecordId]
    ) -> tuple[dict[RecordId, StoredNumber], dict[RecordId, bytes]]:
        """By BatchGetItem over both tables. Those that do not read are left out, lest they stop the others."""
        tables = (self._record_keys, self._numbers)
        items = self._tables.batch_get_items([(table, record_key(each)) for each in record_ids for table in tables])
        records = _readable((item for table, item in items if table == self._record_keys), _keyed_record_of)
        return records, _readable((item for table, item in items if table == self._numbers), message_in)

    def index(self, changes: Sequence[Indexed]) -> None:
        """One transaction."""
        places = [
            (record, index_entry_key(record.tenant_id, version, position.blind_index, record.subject_ref))
            for record, positions in changes
            for version, position in positions.items()
        ]
        if not places:
            return
        if len({tuple(key.values()) for _, key in places}) < len(places):
            # DynamoDB refuses such a transaction for its form: one by one, the second meets the first's entry.
            raise contended()
        entries = [
            put(self._lookup_index, {**key, "token": record.token}, IS_FREE_OR_OWN, **owned_by(record.token))
            for record, key in places
        ]
        self._write(
            [
                *entries,
                *(
                    self._update(
                        record,
                        {f"index_positions.{version}": index_position_map(each) for version, each in positions.items()},
                    )
                    for record, positions in changes
                    if positions
                ),
            ]
        )

    def re_encrypt(self, change: ReEncrypted) -> None:
        """One transaction."""
        record, wrapped = change.record, change.wrapped
        record_id = RecordId(record.tenant_id, record.token)
        changes = {
            **wrapping_attributes(wrapped.wrapped, wrapped.branch_key_version, wrapped.kms_key),
            "key_made_at": moments.to_text(change.key_made_at),
        }
        message = put(self._numbers, message_row(record_id, change.message), MESSAGE_IS_THERE)
        checks = [tenant_check(self._key_ring, record.tenant_id)] if wrapped.branch_key_version is None else []
        self._write([message, self._update(record, changes), *checks])

    def _update(self, record: StoredNumber, changes: Mapping[str, Any]) -> dict[str, Any]:
        key = record_key(RecordId(record.tenant_id, record.token))
        return record_update(self._record_keys, key, record.revision, changes, MAY_GET_A_KEY).action()

    def _write(self, actions: Sequence[Mapping[str, Any]]) -> None:
        try:
            self._tables.transact(actions)
        except (ConditionsFailed, TamperedStore):  # what stands in the place may not even read
            raise contended() from None


def _readable(items: Iterable[Mapping[str, Any]], read: Callable[[Mapping[str, Any]], T | None]) -> dict[RecordId, T]:
    found = {}
    for item in items:
        with suppress(TamperedStore):
            row = deserialized(item)
            content = read(row)
            if content is not None:
                found[record_id_of(row)] = content
    return found


def _keyed_record_of(row: Mapping[str, Any]) -> StoredNumber | None:
    return stored_number_of(row) if "wrapped_key" in row else None
