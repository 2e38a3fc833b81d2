"""Scans go on where they stopped: a page costs what is on it. moto sorts and hashes the whole table for each page."""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from hashlib import sha256
from inspect import signature
from itertools import islice
from typing import Any
from unittest.mock import patch

from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

_HASHES = 1 << 64

_make = Table.__init__
_scan = Table.scan
_SCAN = signature(_scan)


@contextmanager
def repairs() -> Iterator[None]:
    """Tables that are made meanwhile keep their partitions in order."""
    with patch.object(Table, "__init__", _make_with_partitions), patch.object(Table, "scan", _scan_from_start):
        yield


class Partitions(defaultdict[DynamoType, Any]):
    """A table's items by partition key, in two orders: by the keys themselves, as moto scans, and by their hashes.

    Segments are ranges of hashes, as in AWS: whatever is written between two pages, no other item changes its place.
    """

    def __init__(self, *args: Any) -> None:
        self._by_key: list[DynamoType] = []
        self._by_hash: list[tuple[int, DynamoType]] = []
        super().__init__(*args)

    def __setitem__(self, key: DynamoType, value: Any) -> None:
        if key not in self:
            insort(self._by_key, key)
            insort(self._by_hash, (_hash(key), key))
        super().__setitem__(key, value)

    def __delitem__(self, key: DynamoType) -> None:
        super().__delitem__(key)
        del self._by_key[bisect_left(self._by_key, key)]
        del self._by_hash[bisect_left(self._by_hash, (_hash(key), key))]

    def pop(self, key: DynamoType, *default: Any) -> Any:
        """As a dictionary's."""
        if default and key not in self:
            return default[0]
        value = self[key] if key in self else super().pop(key)
        del self[key]
        return value

    def scanned(self, start: DynamoType | None, segment: int | None, segments: int | None) -> Iterator[DynamoType]:
        """The keys from `start` on, itself included if it is still there; of the segment, if one is given."""
        if segment is None or segments is None:
            yield from islice(self._by_key, bisect_left(self._by_key, start) if start else 0, None)
            return
        first, end = (-(-each * _HASHES // segments) for each in (segment, segment + 1))
        if start:
            if not first <= _hash(start) < end:
                raise MockValidationException(
                    "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey "
                    f"with correct Segment. TotalSegments: {segments} Segment: {segment}"
                )
            first = _hash(start)
        places = range(bisect_left(self._by_hash, (first,)), bisect_left(self._by_hash, (end,)))
        yield from (self._by_hash[place][1] for place in places)


def _hash(key: DynamoType) -> int:
    """64 bits, the same for 1 and 1.0."""
    value = Decimal(key.value).normalize() if key.type == "N" else key.value
    return int.from_bytes(sha256(f"{key.type}{value}".encode()).digest()[:8], "big")


def _make_with_partitions(table: Table, *args: Any, **kwargs: Any) -> None:
    _make(table, *args, **kwargs)
    table.items = Partitions(dict)


def _scan_from_start(table: Table, *args: Any, **kwargs: Any) -> Any:
    """Of the table itself; the few items of an index are left to moto."""
    call = _SCAN.bind(table, *args, **kwargs)
    call.apply_defaults()
    if call.arguments["index_name"] is None:
        items = _items_after(table, call.arguments["exclusive_start_key"], call.arguments["segments"])
        view = object.__new__(type(table))
        view.__dict__ = {**table.__dict__, "all_items": lambda: items}
        call.arguments.update({"self": view, "exclusive_start_key": None, "segments": (None, None)})
    return _scan(*call.args, **call.kwargs)


def _items_after(
    table: Table, start: dict[str, Any] | None, segments: tuple[None, None] | tuple[int, int]
) -> Iterator[Item]:
    """One by one, as they are asked for."""
    sort_key = table.range_key_attr
    started_at = DynamoType(start[table.hash_key_attr]) if start else None
    partitions: Partitions = table.items  # type: ignore[assignment]  # see above
    for key in partitions.scanned(started_at, *segments):
        after = start if start and key == started_at else None
        if sort_key is None:
            if after is None:
                yield partitions[key]
            continue
        last = DynamoType(after[sort_key]) if after else None
        yield from (partitions[key][each] for each in sorted(partitions[key]) if last is None or last < each)
