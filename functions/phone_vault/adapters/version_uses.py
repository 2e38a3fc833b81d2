"""How many rows of RecordKeys are on one key version: counted by DynamoDB, none of them read."""

from phone_vault.adapters.scans import ScanPart, of_tenant, tenant_values
from phone_vault.adapters.tables import TableNames, Tables
from phone_vault.domain.keys import KeyId, KeyUse

MOST_PAGES = 50
"""Of 1 MB each: an answer within seconds, also where a census would take hours."""


class DynamoVersionUses:
    """By Scan with a count in place of rows."""

    def __init__(self, tables: Tables, names: TableNames) -> None:
        self._tables = tables
        self._table = names.record_keys

    def count(self, key_id: KeyId) -> int:
        """Page after page, 50 MB of the table at the most."""
        is_tenants, tenant = of_tenant("record_id"), tenant_values(key_id.tenant_id)
        if key_id.use is KeyUse.BRANCH:
            part = ScanPart(
                condition=f"{is_tenants} AND branch_key_version = :version",
                values={**tenant, ":version": key_id.version},
            )
        else:
            part = ScanPart(
                condition=f"{is_tenants} AND attribute_exists(index_positions.#version)",
                names={"#version": str(key_id.version)},
                values=tenant,
            )
        counted, start = 0, None
        for _ in range(MOST_PAGES):
            page = self._tables.scan_page(self._table, part, start)
            counted += page.count
            start = page.next_start
            if start is None:
                break
        return counted
