"""Pages of a shard of a table, for jobs that pass over all records."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from phone_vault.adapters.attribute_values import deserialized
from phone_vault.adapters.record_updates import STILL_HAS_ITS_KEY
from phone_vault.adapters.scans import ScanPart, of_tenant, tenant_values
from phone_vault.adapters.tables import Tables
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.identifiers import TENANT_ID
from phone_vault.domain.job_ports import Cursor, Page, Shard, Unreadable

T = TypeVar("T")

PAGE_ROWS = 100
"""How many rows DynamoDB looks at for a page of records, whatever becomes of them: after each the cursor is saved."""


@dataclass(frozen=True, slots=True)
class ShardScan(Generic[T]):
    """What a job reads of the rows of a table whose partition keys begin with `tenant#`."""

    table: str
    key: str
    """The partition key, one of the attributes."""
    attributes: tuple[str, ...]
    read: Callable[[Mapping[str, Any]], T | None]
    """None for a row that is not the job's business, `TamperedStore` for one that does not read."""
    condition: str | None = None
    page_rows: int | None = None
    """How many rows a page looks at; else 1 MB of them, for what is passed over in one call."""

    def page(self, tables: Tables, shard: Shard, cursor: Cursor | None, tenant_id: str | None) -> Page[T]:
        """One page, of one tenant if one is named."""
        is_tenants = None if tenant_id is None else of_tenant(f"#{self.key}")
        part = ScanPart(
            attributes=self.attributes,
            segment=shard.number,
            segments=shard.of,
            page_rows=self.page_rows,
            condition=" AND ".join(each for each in (is_tenants, self.condition) if each) or None,
            values={} if tenant_id is None else tenant_values(tenant_id),
        )
        page = tables.scan_page(self.table, part, cursor)
        found = (self._read(item) for item in page.items)
        return Page([each for each in found if each is not None], page.next_start)

    def _read(self, item: Mapping[str, Any]) -> T | Unreadable | None:
        try:
            return self.read(deserialized(item))
        except TamperedStore:
            return Unreadable(_tenant_in(item[self.key]["S"]))


def scan_of_records(
    table: str, attributes: tuple[str, ...], read: Callable[[Mapping[str, Any]], T | None]
) -> ShardScan[T]:
    """Of RecordKeys, those rows that have a key: what has lost it is erased."""
    return ShardScan(table, "record_id", attributes, read, STILL_HAS_ITS_KEY, PAGE_ROWS)


def _tenant_in(key: str) -> str | None:
    tenant_id, separator, _ = key.partition("#")
    return tenant_id if separator and TENANT_ID.fullmatch(tenant_id) else None
