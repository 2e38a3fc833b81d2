"""All rows of RecordKeys and KeyRing, page after page, as far as they are counted."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from phone_vault.adapters.attribute_values import deserialized
from phone_vault.adapters.key_ring import KEY_VERSION_ATTRIBUTES, is_tenant_row, key_version_of
from phone_vault.adapters.operator_access import asking
from phone_vault.adapters.record_updates import STILL_HAS_ITS_KEY
from phone_vault.adapters.rows import HOLDING_ATTRIBUTES, holding_of, kind_of, reading, record_id_of, tenant_of
from phone_vault.adapters.tombstones import ERASED_AT
from phone_vault.domain import moments
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.inventory import Gone, Holding, OffBoarded, RingRow

T = TypeVar("T")

HAS_ITS_KEY_OR_HAD_IT = f"{STILL_HAS_ITS_KEY} OR attribute_exists({ERASED_AT})"
RING_ATTRIBUTES = (*KEY_VERSION_ATTRIBUTES, "changed_at", "compromised", "off_boarded_at")
"""What `ring_row_of` reads of a row."""


class Inventory:
    """Reads one page at a time and keeps none: a table may have any number of rows.

    It asks for the attributes that it needs and no others, so that IAM can hold an operator to them
    (`dynamodb:Attributes`): no wrapped key, no subject id, no blind index leaves DynamoDB. Reads are eventually
    consistent, at half the price.
    """

    def __init__(self, dynamodb: Any, *, record_keys: str, key_ring: str) -> None:
        self._dynamodb = dynamodb
        self._record_keys = record_keys
        self._key_ring = key_ring

    def holdings(self) -> Iterator[Holding | Gone | None]:
        """Stored numbers, message keys and tombstones; None for a row that the vault has not written so.

        What has neither a key nor a day on which it was erased is not counted at all.
        """
        has_or_had = {"FilterExpression": HAS_ITS_KEY_OR_HAD_IT}
        return self._scan(self._record_keys, (*HOLDING_ATTRIBUTES, ERASED_AT), _counted_of, has_or_had)

    def key_versions(self) -> Iterator[RingRow | None]:
        """The key ring, with what it says of tenants; None for a row that the vault has not written so."""
        return self._scan(self._key_ring, RING_ATTRIBUTES, ring_row_of, {})

    def _scan(
        self,
        table: str,
        attributes: Sequence[str],
        read: Callable[[Mapping[str, Any]], T],
        condition: Mapping[str, str],
    ) -> Iterator[T | None]:
        names = {f"#{name}": name for name in attributes}
        request = {
            "TableName": table,
            "Select": "SPECIFIC_ATTRIBUTES",
            "ProjectionExpression": ", ".join(names),
            "ExpressionAttributeNames": names,
            **condition,
        }
        pages = iter(self._dynamodb.get_paginator("scan").paginate(**request))
        while True:
            with asking(f"the table {table}"):
                page = next(pages, None)
            if page is None:
                return
            for item in page["Items"]:
                try:
                    yield read(deserialized(item))
                except TamperedStore:
                    yield None


def _counted_of(row: Mapping[str, Any]) -> Holding | Gone:
    if ERASED_AT not in row:
        return holding_of(row)
    with reading("a tombstone in RecordKeys"):
        tenant_id, name = record_id_of(row)
        return Gone(tenant_of(tenant_id), kind_of(name))


def ring_row_of(row: Mapping[str, Any]) -> RingRow:
    """Of KeyRing, without what it wraps; `TamperedStore` for anything that the vault does not write."""
    try:
        if is_tenant_row(row):
            return OffBoarded(str(row["tenant_id"]), moments.from_text(row["off_boarded_at"]))
        changed_at = moments.from_text(row["changed_at"]) if "changed_at" in row else None
    except (KeyError, TypeError, ValueError, AttributeError):
        raise TamperedStore("a row of KeyRing does not read") from None
    return replace(key_version_of(row), changed_at=changed_at, compromised="compromised" in row)
