"""RecordKeys and LookupIndex as the sweep of closed index versions sees them."""

from collections.abc import Collection, Sequence

from phone_vault.adapters.index_rows import INDEX_ENTRY_KEY, IS_FREE_OR_OWN, index_entry_key, owned_by, swept_entry_of
from phone_vault.adapters.record_extracts import SWEPT_ATTRIBUTES, swept_record_of
from phone_vault.adapters.record_updates import record_update
from phone_vault.adapters.rows import record_key
from phone_vault.adapters.shard_scans import ShardScan, scan_of_records
from phone_vault.adapters.tables import ConditionsFailed, TableNames, Tables, contended, delete
from phone_vault.domain.errors import StoreUnavailable
from phone_vault.domain.job_ports import Cursor, Page, Shard, SweptEntry, SweptRecord
from phone_vault.domain.ports import Contended, RecordId

_DELETE_ATTEMPTS = 5


class DynamoSweptIndex:
    """Positions and entries on DynamoDB. It writes no key: what was erased has had its revision changed."""

    def __init__(self, tables: Tables, names: TableNames) -> None:
        self._tables = tables
        self._record_keys = names.record_keys
        self._lookup_index = names.lookup_index
        self._records = scan_of_records(names.record_keys, SWEPT_ATTRIBUTES, swept_record_of)
        self._entries = ShardScan(names.lookup_index, "index_position", INDEX_ENTRY_KEY, swept_entry_of)

    def records(self, shard: Shard, cursor: Cursor | None, tenant_id: str | None) -> Page[SweptRecord]:
        """By Scan."""
        return self._records.page(self._tables, shard, cursor, tenant_id)

    def entries(self, shard: Shard, cursor: Cursor | None, tenant_id: str | None) -> Page[SweptEntry]:
        """By Scan."""
        return self._entries.page(self._tables, shard, cursor, tenant_id)

    def read(self, record_id: RecordId) -> SweptRecord | None:
        """By GetItem; None as well when it has no key or stands in no index; `TamperedStore`."""
        row = self._tables.get(self._record_keys, record_key(record_id), (*SWEPT_ATTRIBUTES, "wrapped_key"))
        return None if row is None or "wrapped_key" not in row else swept_record_of(row)

    def take_out(self, record: SweptRecord, versions: Collection[int]) -> None:
        """One transaction; none if the record has no position of these versions."""
        taken = [version for version in versions if version in record.positions]
        if not taken:
            return
        tenant_id, token = record.record_id
        deletions = [
            delete(
                self._lookup_index,
                index_entry_key(tenant_id, version, record.positions[version], record.subject_ref),
                IS_FREE_OR_OWN,
                **owned_by(token),
            )
            for version in taken
        ]
        changes = {f"index_positions.{version}": None for version in taken}
        update = record_update(self._record_keys, record_key(record.record_id), record.revision, changes)
        try:
            self._tables.transact([*deletions, update.action()])
        except ConditionsFailed:
            raise contended() from None

    def delete_entries(self, entries: Sequence[SweptEntry]) -> None:
        """One DeleteItem each: whoever may write in batches may put entries as well."""
        for entry in entries:
            self._delete(entry)

    def _delete(self, entry: SweptEntry) -> None:
        for _ in range(_DELETE_ATTEMPTS):
            try:
                return self._tables.delete(self._lookup_index, entry.key)
            except Contended:
                continue
        raise StoreUnavailable("a transaction holds an entry of the index")
