"""RecordKeys and LookupIndex as a census sees them."""

from phone_vault.adapters.index_rows import INDEX_ENTRY_KEY, counted_entry_of
from phone_vault.adapters.record_extracts import COUNTED_ATTRIBUTES, counted_record_of
from phone_vault.adapters.shard_scans import ShardScan, scan_of_records
from phone_vault.adapters.tables import TableNames, Tables
from phone_vault.domain.job_ports import CountedEntry, CountedRecord, Cursor, Page, Shard


class DynamoCountedTables:
    """Both by Scan."""

    def __init__(self, tables: Tables, names: TableNames) -> None:
        self._tables = tables
        self._records = scan_of_records(names.record_keys, COUNTED_ATTRIBUTES, counted_record_of)
        self._entries = ShardScan(names.lookup_index, "index_position", INDEX_ENTRY_KEY, counted_entry_of)

    def records(self, shard: Shard, cursor: Cursor | None, tenant_id: str | None) -> Page[CountedRecord]:
        """Stored numbers and message keys."""
        return self._records.page(self._tables, shard, cursor, tenant_id)

    def entries(self, shard: Shard, cursor: Cursor | None, tenant_id: str | None) -> Page[CountedEntry]:
        """Whatever stands in the index."""
        return self._entries.page(self._tables, shard, cursor, tenant_id)
