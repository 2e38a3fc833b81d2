"""RecordKeys as re-wrapping sees it."""

from phone_vault.adapters.key_ring import tenant_check
from phone_vault.adapters.record_extracts import WRAPPED_ATTRIBUTES, wrapped_record_of
from phone_vault.adapters.record_updates import MAY_GET_A_KEY, record_update
from phone_vault.adapters.rows import record_key, wrapping_attributes
from phone_vault.adapters.shard_scans import scan_of_records
from phone_vault.adapters.tables import ConditionsFailed, TableNames, Tables, contended
from phone_vault.domain.job_ports import Cursor, Page, Shard
from phone_vault.domain.ports import RecordId
from phone_vault.domain.wrapped_record import WrappedRecord, WrappedRecordKey


class DynamoWrappedRecords:
    """Wrapped keys on DynamoDB; no other attribute of a row is read or written."""

    def __init__(self, tables: Tables, names: TableNames) -> None:
        self._tables = tables
        self._table = names.record_keys
        self._key_ring = names.key_ring
        self._scan = scan_of_records(names.record_keys, WRAPPED_ATTRIBUTES, wrapped_record_of)

    def page(self, shard: Shard, cursor: Cursor | None, tenant_id: str | None) -> Page[WrappedRecord]:
        """By Scan."""
        return self._scan.page(self._tables, shard, cursor, tenant_id)

    def read(self, record: WrappedRecord) -> WrappedRecord | None:
        """By GetItem; `TamperedStore` for a row that does not read."""
        row = self._tables.get(self._table, _key(record), WRAPPED_ATTRIBUTES)
        return None if row is None or "wrapped_key" not in row else wrapped_record_of(row)

    def rewrap(self, record: WrappedRecord, wrapped: WrappedRecordKey) -> None:
        """By UpdateItem; for direct wrapping in a transaction that asks whether the tenant is still one."""
        changes = wrapping_attributes(wrapped.wrapped, wrapped.branch_key_version, wrapped.kms_key)
        if wrapped.kms_key is None and record.kms_key is None:
            del changes["kms_key"]  # there is none to be removed
        update = record_update(self._table, _key(record), record.revision, changes, MAY_GET_A_KEY)
        try:
            if wrapped.branch_key_version is None:
                self._tables.transact([update.action(), tenant_check(self._key_ring, record.tenant_id)])
            else:
                self._tables.apply(update)
        except ConditionsFailed:
            raise contended() from None


def _key(record: WrappedRecord) -> dict[str, str]:
    return record_key(RecordId(record.tenant_id, record.name))
