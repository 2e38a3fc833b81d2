"""The ports of the jobs that pass over all records, in memory, over the tables of the applications."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from phone_vault.domain.inventory import Kind
from phone_vault.domain.job_ports import (
    CountedEntry,
    CountedRecord,
    Cursor,
    Indexed,
    Page,
    ReEncrypted,
    Shard,
    SweptEntry,
    SweptRecord,
    Unreadable,
)
from phone_vault.domain.message_key import MessageKey
from phone_vault.domain.ports import Contended, RecordId
from phone_vault.domain.stored_number import StoredNumber
from phone_vault.domain.wrapped_record import WrappedRecord, WrappedRecordKey
from tests.fakes.disturbances import Disturbances
from tests.fakes.tables import MemoryTables, Place

_MOST_ACTIONS = 100
"""Of a transaction of DynamoDB."""


class _Pages:
    """Pages of RecordKeys and LookupIndex."""

    def __init__(self, tables: MemoryTables, disturbances: Disturbances | None = None) -> None:
        self.tables = tables
        self.disturbances = disturbances or Disturbances()

    def rows(
        self, shard: Shard, cursor: Cursor | None, tenant_id: str | None
    ) -> tuple[list[StoredNumber | MessageKey | Unreadable], Cursor | None]:
        """Rows of RecordKeys that have a key, or do not read."""
        by_key = {f"{owner}#{name}": (owner, name) for owner, name in self.tables.names()}
        keys, next_cursor = self.tables.page_of(by_key, shard, cursor)
        rows: list[StoredNumber | MessageKey | Unreadable] = []
        for owner, name in map(by_key.__getitem__, keys):
            row = self.tables.keyed(owner, name)
            if tenant_id not in (None, owner):
                continue
            if (owner, name) in self.tables.unreadable:
                rows.append(Unreadable(owner))
            elif row is not None:
                rows.append(row)
        return rows, next_cursor

    def entries(self, shard: Shard, cursor: Cursor | None, tenant_id: str | None) -> Page[SweptEntry]:
        """Rows of LookupIndex."""
        by_key = {place.text: place for place in self.tables.index}
        keys, next_cursor = self.tables.page_of(by_key, shard, cursor)
        places = [by_key[key] for key in keys if tenant_id in (None, by_key[key].tenant_id)]
        return Page([SweptEntry(each.tenant_id, each.version, {"key": each.text}) for each in places], next_cursor)


class MemoryWrappedRecords:
    """What re-wrapping sees; its calls are `wrapped.page` and so on."""

    def __init__(self, tables: MemoryTables, disturbances: Disturbances | None = None) -> None:
        self._pages = _Pages(tables, disturbances)
        self.written: list[str] = []
        """Names of the records that were written, in their order."""

    def page(self, shard: Shard, cursor: Cursor | None, tenant_id: str | None) -> Page[WrappedRecord]:
        """Of both kinds."""
        with self._pages.disturbances.around("wrapped.page"), self._pages.tables.lock:
            rows, next_cursor = self._pages.rows(shard, cursor, tenant_id)
            return Page([row if isinstance(row, Unreadable) else _wrapped(row) for row in rows], next_cursor)

    def read(self, record: WrappedRecord) -> WrappedRecord | None:
        """As it is now."""
        with self._pages.disturbances.around("wrapped.read"), self._pages.tables.lock:
            row = self._pages.tables.keyed(record.tenant_id, record.name)
            return None if row is None else _wrapped(row)

    def rewrap(self, record: WrappedRecord, wrapped: WrappedRecordKey) -> None:
        """One conditional update."""
        with self._pages.disturbances.around("wrapped.rewrap"), self._pages.tables.lock:
            row = self._pages.tables.unchanged(record.tenant_id, record.name, record.revision)
            _check_tenant(self._pages.tables, row, wrapped)
            self._pages.tables.write(row, **_wrapping(wrapped))
            self.written.append(record.name)


class MemoryIndexedRecords:
    """What re-indexing and re-encryption see; its calls are `indexed.page` and so on.

    `indexed.messages` stands between the two tables' parts of one read: DynamoDB does not read them as of one moment.
    """

    def __init__(self, tables: MemoryTables, disturbances: Disturbances | None = None) -> None:
        self._pages = _Pages(tables, disturbances)
        self.written: list[str] = []
        """Tokens of the records that were written, in their order."""

    def page(self, shard: Shard, cursor: Cursor | None, tenant_id: str | None) -> Page[StoredNumber]:
        """No message keys."""
        with self._pages.disturbances.around("indexed.page"), self._pages.tables.lock:
            rows, next_cursor = self._pages.rows(shard, cursor, tenant_id)
            return Page([row for row in rows if not isinstance(row, MessageKey)], next_cursor)

    def records_and_messages(
        self, record_ids: Collection[RecordId]
    ) -> tuple[Mapping[RecordId, StoredNumber], Mapping[RecordId, bytes]]:
        """As they are now."""
        tables = self._pages.tables
        with self._pages.disturbances.around("indexed.records"), tables.lock:
            found = {
                each: tables.records[each]
                for each in record_ids
                if each in tables.records and tuple(each) not in tables.keyless
            }
        with self._pages.disturbances.around("indexed.messages"), tables.lock:
            return found, {each: tables.messages[each] for each in record_ids if each in tables.messages}

    def index(self, changes: Sequence[Indexed]) -> None:
        """One transaction: an update for each record, a put for each position."""
        tables = self._pages.tables
        if sum(1 + len(change.positions) for change in changes) > _MOST_ACTIONS // 2:
            raise ValueError("more than 25 records with one position each")
        with self._pages.disturbances.around("indexed.index"), tables.lock:
            updates, taken = [], set[Place]()
            for record, positions in changes:
                row = tables.unchanged(record.tenant_id, record.name, record.revision)
                assert isinstance(row, StoredNumber)
                after = replace(row, index_positions={**row.index_positions, **positions})
                for place in tables.places(after, positions):
                    if place in taken or tables.index.get(place, record.token) != record.token:
                        raise Contended("an entry of another record stands in the place")
                    taken.add(place)
                updates.append((row, after, positions))
            for row, after, positions in updates:
                tables.index.update(dict.fromkeys(tables.places(after, positions), row.token))
                tables.write(row, index_positions=after.index_positions)
                self.written.append(row.token)

    def re_encrypt(self, change: ReEncrypted) -> None:
        """One transaction: an update and a put."""
        tables = self._pages.tables
        with self._pages.disturbances.around("indexed.re_encrypt"), tables.lock:
            row = tables.unchanged(change.record.tenant_id, change.record.name, change.record.revision)
            record_id = RecordId(row.tenant_id, row.name)
            if record_id not in tables.messages:
                raise Contended("a stored number has lost its message")
            _check_tenant(tables, row, change.wrapped)
            tables.write(row, key_made_at=change.key_made_at, **_wrapping(change.wrapped))
            tables.messages[record_id] = change.message
            self.written.append(row.name)


class MemorySweptIndex:
    """What the sweep sees; its calls are `swept.records` and so on."""

    def __init__(self, tables: MemoryTables, disturbances: Disturbances | None = None) -> None:
        self._pages = _Pages(tables, disturbances)

    def records(self, shard: Shard, cursor: Cursor | None, tenant_id: str | None) -> Page[SweptRecord]:
        """Those that stand in the index."""
        with self._pages.disturbances.around("swept.records"), self._pages.tables.lock:
            rows, next_cursor = self._pages.rows(shard, cursor, tenant_id)
            numbers = [row for row in rows if not isinstance(row, MessageKey)]
            return Page(
                [row if isinstance(row, Unreadable) else _swept(row) for row in numbers if _stands_in_index(row)],
                next_cursor,
            )

    def entries(self, shard: Shard, cursor: Cursor | None, tenant_id: str | None) -> Page[SweptEntry]:
        """All of them."""
        with self._pages.disturbances.around("swept.entries"), self._pages.tables.lock:
            return self._pages.entries(shard, cursor, tenant_id)

    def read(self, record_id: RecordId) -> SweptRecord | None:
        """As it is now."""
        with self._pages.disturbances.around("swept.read"), self._pages.tables.lock:
            row = self._pages.tables.keyed(record_id.tenant_id, record_id.token)
            return _swept(row) if isinstance(row, StoredNumber) else None

    def take_out(self, record: SweptRecord, versions: Collection[int]) -> None:
        """One transaction; an entry that is gone already is no hindrance."""
        tables = self._pages.tables
        with self._pages.disturbances.around("swept.take_out"), tables.lock:
            row = tables.unchanged(record.record_id.tenant_id, record.record_id.token, record.revision)
            assert isinstance(row, StoredNumber)
            places = list(tables.places(row, versions))
            if any(tables.index.get(place, row.token) != row.token for place in places):
                raise Contended("an entry of another record stands in the place")
            for place in places:
                tables.index.pop(place, None)
            kept = {version: each for version, each in row.index_positions.items() if version not in versions}
            tables.write(row, index_positions=kept)

    def delete_entries(self, entries: Sequence[SweptEntry]) -> None:
        """One by one."""
        tables = self._pages.tables
        with self._pages.disturbances.around("swept.delete_entries"), tables.lock:
            gone = {entry.key["key"] for entry in entries}
            for place in [place for place in tables.index if place.text in gone]:
                del tables.index[place]


class MemoryCountedTables:
    """What a census sees; its calls are `counted.records` and `counted.entries`."""

    def __init__(self, tables: MemoryTables, disturbances: Disturbances | None = None) -> None:
        self._pages = _Pages(tables, disturbances)

    def records(self, shard: Shard, cursor: Cursor | None, tenant_id: str | None) -> Page[CountedRecord]:
        """Of both kinds."""
        with self._pages.disturbances.around("counted.records"), self._pages.tables.lock:
            rows, next_cursor = self._pages.rows(shard, cursor, tenant_id)
            return Page([row if isinstance(row, Unreadable) else _counted(row) for row in rows], next_cursor)

    def entries(self, shard: Shard, cursor: Cursor | None, tenant_id: str | None) -> Page[CountedEntry]:
        """All of them."""
        with self._pages.disturbances.around("counted.entries"), self._pages.tables.lock:
            page = self._pages.entries(shard, cursor, tenant_id)
            rows = [
                row if isinstance(row, Unreadable) else CountedEntry(row.tenant_id, row.version) for row in page.rows
            ]
            return Page(rows, page.next_cursor)


def _wrapped(row: StoredNumber | MessageKey) -> WrappedRecord:
    return WrappedRecord(row.tenant_id, row.name, row.wrapped_key, row.branch_key_version, row.kms_key, row.revision)


def _wrapping(wrapped: WrappedRecordKey) -> dict[str, object]:
    return {
        "wrapped_key": wrapped.wrapped,
        "branch_key_version": wrapped.branch_key_version,
        "kms_key": wrapped.kms_key,
    }


def _check_tenant(tables: MemoryTables, row: StoredNumber | MessageKey, wrapped: WrappedRecordKey) -> None:
    if wrapped.branch_key_version is None and row.tenant_id in tables.left:
        raise Contended("there is no such tenant any more")


def _stands_in_index(row: StoredNumber | Unreadable) -> bool:
    return isinstance(row, Unreadable) or bool(row.index_positions)


def _swept(row: StoredNumber) -> SweptRecord:
    positions = {version: position.blind_index for version, position in row.index_positions.items()}
    return SweptRecord(RecordId(row.tenant_id, row.token), row.subject_ref, row.revision, positions)


def _counted(row: StoredNumber | MessageKey) -> CountedRecord:
    is_message_key = isinstance(row, MessageKey)
    return CountedRecord(
        tenant_id=row.tenant_id,
        kind=Kind.MESSAGE_KEY if is_message_key else Kind.STORED_NUMBER,
        branch_key_version=row.branch_key_version,
        index_versions=frozenset() if isinstance(row, MessageKey) else frozenset(row.index_positions),
        created_at=row.created_at,
    )
