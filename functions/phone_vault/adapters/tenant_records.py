"""RecordKeys as off-boarding sees it: which records a tenant has, and no key of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from phone_vault.adapters.record_updates import STILL_HAS_ITS_KEY
from phone_vault.adapters.rows import reading, record_id_of, record_key, version_of
from phone_vault.adapters.scans import ScanPart, of_tenant, tenant_values
from phone_vault.adapters.tables import ConditionsFailed, TableNames, Tables
from phone_vault.adapters.tombstones import ERASED_AT, OFF_BOARDED
from phone_vault.domain import moments
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.inventory import Kind
from phone_vault.domain.job_ports import Cursor
from phone_vault.domain.ports import RecordId
from phone_vault.domain.receipt_ports import KeyFate, TenantRecord, TenantRecordPage

DESTROY = (
    "REMOVE wrapped_key, kms_key SET erased_at = :now, off_boarded = :one, expires_ttl = :expires_at ADD revision :one"
)
"""The next revision, so that a write of whoever has read the row before fails."""

_HELD = "legal_holds"
_ATTRIBUTES = ("record_id", "branch_key_version", "wrapped_key", ERASED_AT, OFF_BOARDED, _HELD)
_MESSAGE_KEY = "m#"


class DynamoTenantRecords:
    """By Scan: neither the table nor an index of it is sorted by tenant."""

    def __init__(self, tables: Tables, names: TableNames) -> None:
        self._tables = tables
        self._table = names.record_keys

    def page(self, tenant_id: str, cursor: Cursor | None) -> TenantRecordPage:
        """Of 1 MB of the table, filtered."""
        part = ScanPart(_ATTRIBUTES, condition=of_tenant("#record_id"), values=tenant_values(tenant_id))
        page = self._tables.scan_page(self._table, part, cursor)
        return TenantRecordPage(tuple(_record_of(row) for row in page.rows), page.next_start)

    def destroy_key(self, record_id: RecordId, now: datetime, expires_at: datetime) -> None:
        """By UpdateItem. On no revision: what has become of the row since it was read saves no key of it."""
        values = {":now": moments.to_text(now), ":expires_at": int(expires_at.timestamp()), ":one": 1}
        try:
            self._tables.update(self._table, record_key(record_id), DESTROY, STILL_HAS_ITS_KEY, values)
        except ConditionsFailed:
            return


def _record_of(row: Mapping[str, Any]) -> TenantRecord:
    record_id = record_id_of(row)
    # Of a row that no function would read, too: it may have a key all the same.
    kind = Kind.MESSAGE_KEY if record_id.token.startswith(_MESSAGE_KEY) else Kind.STORED_NUMBER
    return TenantRecord(record_id, kind, _fate_of_key(row), _HELD in row and "wrapped_key" in row)


def _fate_of_key(row: Mapping[str, Any]) -> KeyFate:
    if "wrapped_key" not in row:
        return KeyFate.WENT if OFF_BOARDED in row else KeyFate.NONE
    if ERASED_AT in row:
        return KeyFate.STAYS  # no row of the vault's: to readers it is `TamperedStore`, but its key may open something
    try:
        with reading("a row of RecordKeys"):
            return KeyFate.STAYS if version_of(row["branch_key_version"]) is None else KeyFate.GOES
    except TamperedStore:
        return KeyFate.STAYS
