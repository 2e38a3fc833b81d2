"""The rows that an estimate looks at, in the pages in which the workers of a Rotation will read them.

It brings no wrapped key, no blind index and no subject id: of a position in the index it asks for the release alone, of
LookupIndex for counts.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from phone_vault.adapters.attribute_values import deserialized
from phone_vault.adapters.operator_access import asking
from phone_vault.adapters.record_updates import STILL_HAS_ITS_KEY
from phone_vault.adapters.rows import (
    index_version_of,
    kind_of,
    kms_key_of,
    reading,
    record_id_of,
    tenant_of,
    version_of,
)
from phone_vault.adapters.shard_scans import PAGE_ROWS
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.inventory import Kind
from phone_vault.domain.reckoned_rows import PageRead, ReckonedRow

_STRONG_OVER_EVENTUAL = 2
_MOST_INDEX_VERSIONS = 40
"""Of which positions are asked for, the newest: a request's expressions have an end."""
_HMAC_BYTES = 32
_MAP_BYTES, _MEMBER_BYTES = 3, 1
"""What DynamoDB adds. Source: DynamoDB Developer Guide, "DynamoDB item sizes and formats"."""
_VERSION_BYTES = 2
"""Of a number of at most two significant digits."""

ADDED_POSITION_BYTES = (
    _MEMBER_BYTES
    + len("1")
    + _MAP_BYTES
    + (len("blind_index") + _HMAC_BYTES + _MEMBER_BYTES)
    + (len("binding") + _HMAC_BYTES + _MEMBER_BYTES)
    + (len("release") + len("9.0.43") + _MEMBER_BYTES)
)
"""By how much another position in the index makes a row longer."""
ADDED_MOMENT_BYTES = len("key_made_at") + len("2026-01-01T00:00:00Z")
"""The same of the moment at which a record key was made anew."""


class ReckonedRows:
    """`CannotAsk` where DynamoDB does not answer the operator."""

    def __init__(self, dynamodb: Any, *, record_keys: str, lookup_index: str, shards: int) -> None:
        self._dynamodb = dynamodb
        self._record_keys = record_keys
        self._lookup_index = lookup_index
        self._shards = shards

    def shards(self, index_versions: Collection[int]) -> Iterator[Iterator[PageRead]]:
        """Each shard's pages of RecordKeys; `index_versions`: those that a row may stand in."""
        versions = sorted(index_versions)[-_MOST_INDEX_VERSIONS:]
        places = [f"#positions.#v{version}.#release" for version in versions]
        names = {"#id": "record_id", "#branch": "branch_key_version", "#kms": "kms_key"}
        if versions:
            names |= {"#positions": "index_positions", "#release": "release"}
            names |= {f"#v{version}": str(version) for version in versions}
        request = {
            "Select": "SPECIFIC_ATTRIBUTES",
            "ProjectionExpression": ", ".join(["#id", "#branch", "#kms", *places]),
            "ExpressionAttributeNames": names,
            "FilterExpression": STILL_HAS_ITS_KEY,
        }
        for shard in range(self._shards):
            yield self._pages_of_records(shard, request)

    def entries(self) -> list[int]:
        """How many rows of LookupIndex each shard has."""
        return [
            sum(page["Count"] for page in self._pages(self._lookup_index, shard, {"Select": "COUNT"}))
            for shard in range(self._shards)
        ]

    def _pages_of_records(self, shard: int, request: Mapping[str, Any]) -> Iterator[PageRead]:
        for page in self._pages(self._record_keys, shard, {**request, "Limit": PAGE_ROWS}):
            rows = [row for row in map(_row_in, page["Items"]) if row is not None]
            yield PageRead(rows, page["ConsumedCapacity"]["CapacityUnits"] * _STRONG_OVER_EVENTUAL)

    def _pages(self, table: str, shard: int, request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Of one shard, eventually consistent, at half the price."""
        start: dict[str, Any] = {}
        while True:
            with asking(f"the table {table}"):
                page = self._dynamodb.scan(
                    TableName=table,
                    Segment=shard,
                    TotalSegments=self._shards,
                    ReturnConsumedCapacity="TOTAL",
                    **request,
                    **start,
                )
            yield page
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _row_in(item: Mapping[str, Any]) -> ReckonedRow | None:
    try:
        return reckoned_row_of(deserialized(item))
    except TamperedStore:
        return None


def reckoned_row_of(row: Mapping[str, Any]) -> ReckonedRow:
    """`TamperedStore` for anything that the vault does not write."""
    with reading("a row of RecordKeys"):
        tenant_id, name = record_id_of(row)
        kind, kms_key = kind_of(name), kms_key_of(row)
        positions = row.get("index_positions", {})
        known = len("record_id") + len(row["record_id"]) + len("branch_key_version") + _VERSION_BYTES
        known += len("kms_key") + len(kms_key) if kms_key else 0
        if kind is Kind.STORED_NUMBER:
            known += len("index_positions") + _MAP_BYTES + ADDED_POSITION_BYTES * len(positions)
        return ReckonedRow(
            tenant_id=tenant_of(tenant_id),
            kind=kind,
            branch_key_version=version_of(row["branch_key_version"]),
            kms_key=kms_key,
            index_versions=frozenset(index_version_of(each) for each in positions),
            known_bytes=known,
        )
