"""The sparse index Due of RecordKeys: which records a purge has to look at, day by day."""

from contextlib import suppress
from datetime import date
from functools import partial

from phone_vault.adapters.record_updates import (
    MAY_GET_A_KEY,
    STILL_HAS_ITS_KEY,
    UNCHANGED_SINCE_READ,
    Update,
    record_update,
)
from phone_vault.adapters.retained import insist
from phone_vault.adapters.rows import record_id_of, record_key
from phone_vault.adapters.subject_rows import partition_of
from phone_vault.adapters.tables import ConditionsFailed, TableNames, Tables, contended
from phone_vault.adapters.tombstones import closing
from phone_vault.domain.job_ports import Cursor
from phone_vault.domain.ports import RecordId
from phone_vault.domain.purge_ports import DuePage
from phone_vault.domain.retention import Retained
from phone_vault.domain.subject import SubjectId
from phone_vault.domain.tombstone import Tombstone

DUE_INDEX = "Due"
PAGE_ROWS = 100
"""How many records a page has: as many as one read of the table takes."""


class DynamoDueIndex:
    """Named by its keys alone: what they lead to is read from the table."""

    def __init__(self, tables: Tables, names: TableNames) -> None:
        self._tables = tables
        self._table = names.record_keys
        self._subjects = names.subjects

    def page(self, day: date, shard: int, cursor: Cursor | None) -> DuePage:
        """By Query."""
        bucket = f"{day:%Y-%m-%d}#{shard:02d}"
        page = self._tables.query_page(self._table, DUE_INDEX, ("due", bucket), cursor, PAGE_ROWS)
        return DuePage(tuple(record_id_of(row) for row in page.rows), page.next_start)

    def move(self, record: Retained, bucket: str) -> None:
        """By UpdateItem."""
        key = record_key(RecordId(record.tenant_id, record.name))
        try:
            self._tables.apply(record_update(self._table, key, record.revision, {"due": bucket}, MAY_GET_A_KEY))
        except ConditionsFailed:
            raise contended() from None

    def move_unread(self, record_id: RecordId, bucket: str) -> None:
        """By UpdateItem. The revision stays: it may be what does not read."""
        with suppress(ConditionsFailed):
            self._tables.apply(Update(self._table, record_key(record_id), {"due": bucket}, STILL_HAS_ITS_KEY))

    def close(self, tombstone: Tombstone) -> None:
        """By DeleteItem and UpdateItem: what leads to the dead row goes before what leads from it."""
        subject = partition_of(SubjectId(tombstone.tenant_id, tombstone.subject_ref))
        membership = {"subject": subject, "member": f"t#{tombstone.name}"}
        insist(partial(self._tables.delete, self._subjects, membership))
        key = record_key(RecordId(tombstone.tenant_id, tombstone.name))
        update = record_update(self._table, key, tombstone.revision, closing(tombstone), UNCHANGED_SINCE_READ)
        with suppress(ConditionsFailed):  # closed by somebody else
            insist(partial(self._tables.apply, update))
