"""A cursor over two tables, RecordKeys and then LookupIndex: it says which of them beside where in it."""

from phone_vault.domain.job_ports import Cursor

RECORDS, ENTRIES = "records", "entries"

_TABLE = "table"


def opened(cursor: Cursor | None) -> tuple[str, Cursor | None]:
    """The table, and where the next page begins in it."""
    if cursor is None:
        return RECORDS, None
    return cursor[_TABLE], {name: value for name, value in cursor.items() if name != _TABLE} or None


def closed(table: str, next_cursor: Cursor | None) -> Cursor | None:
    """Where to go on after a page of this table."""
    if next_cursor is not None:
        return {_TABLE: table, **next_cursor}
    return {_TABLE: ENTRIES} if table == RECORDS else None
