"""RecordKeys as a purge of what nobody uses sees it."""

from collections.abc import Mapping
from typing import Any

from phone_vault.adapters.rows import granted_in, kind_of, reading, record_id_of, tenant_of
from phone_vault.adapters.shard_scans import scan_of_records
from phone_vault.adapters.standing_rows import STANDING_ATTRIBUTES, standing_in
from phone_vault.adapters.tables import TableNames, Tables
from phone_vault.domain.inventory import Kind
from phone_vault.domain.job_ports import Cursor, Page, Shard
from phone_vault.domain.purge_ports import KeptNumber

KEPT_NUMBER_ATTRIBUTES = ("record_id", "jurisdictions", "purposes", "last_used", *STANDING_ATTRIBUTES)
"""What `kept_number_of` reads of a row."""
_WHOLE_TABLE = Shard(0, 1)


class DynamoKeptNumbers:
    """No key, no subject and no blind index is read."""

    def __init__(self, tables: Tables, names: TableNames) -> None:
        self._tables = tables
        self._scan = scan_of_records(names.record_keys, KEPT_NUMBER_ATTRIBUTES, kept_number_of)

    def page(self, cursor: Cursor | None, tenant_id: str | None) -> Page[KeptNumber]:
        """By Scan."""
        return self._scan.page(self._tables, _WHOLE_TABLE, cursor, tenant_id)


def kept_number_of(row: Mapping[str, Any]) -> KeptNumber | None:
    """Of a stored number; None of a message key."""
    with reading("a row of RecordKeys"):
        record_id = record_id_of(row)
        tenant_of(record_id.tenant_id)
        if kind_of(record_id.token) is not Kind.STORED_NUMBER:
            return None
        return KeptNumber(record_id, **granted_in(row), standing=standing_in(row))
