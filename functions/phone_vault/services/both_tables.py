"""A pass over two tables, RecordKeys and then LookupIndex, whose cursor names a place in the first of them alone.

An entry's key is the HMAC of a number: kept as a cursor, it would lie in Operations and its backups for longer than an
erasure may take to become final. So a shard's part of LookupIndex is passed over in one call.
"""

from collections.abc import Callable, Iterator
from typing import TypeVar

from phone_vault.domain.job_ports import Cursor, Page

T = TypeVar("T")

AT_THE_ENTRIES: Cursor = {"table": "entries"}


def after_records(next_cursor: Cursor | None) -> Cursor:
    """Where to go on after a page of RecordKeys: at the next one, or at the entries."""
    return AT_THE_ENTRIES if next_cursor is None else next_cursor


def pages_of(read: Callable[[Cursor | None], Page[T]]) -> Iterator[Page[T]]:
    """All pages, one after the other; no place among them is kept."""
    start = None
    while True:
        page = read(start)
        yield page
        start = page.next_cursor
        if start is None:
            return
