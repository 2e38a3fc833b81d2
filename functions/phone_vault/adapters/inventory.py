"""All rows of RecordKeys and KeyRing, page after page, as far as they are counted."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from phone_vault.adapters.attribute_values import deserialized
from phone_vault.adapters.key_ring import KEY_VERSION_ATTRIBUTES, key_version_of
from phone_vault.adapters.operator_access import asking
from phone_vault.adapters.rows import HOLDING_ATTRIBUTES, holding_of
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.inventory import Holding, KeyVersion

T = TypeVar("T")


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

    def holdings(self) -> Iterator[Holding | None]:
        """Stored numbers and message keys; None for a row that the vault has not written so."""
        return self._scan(self._record_keys, HOLDING_ATTRIBUTES, holding_of)

    def key_versions(self) -> Iterator[KeyVersion | None]:
        """The key ring; None for a row that the vault has not written so."""
        return self._scan(self._key_ring, KEY_VERSION_ATTRIBUTES, key_version_of)

    def _scan(
        self, table: str, attributes: Sequence[str], read: Callable[[Mapping[str, Any]], T]
    ) -> Iterator[T | None]:
        names = {f"#{name}": name for name in attributes}
        request = {
            "TableName": table,
            "Select": "SPECIFIC_ATTRIBUTES",
            "ProjectionExpression": ", ".join(names),
            "ExpressionAttributeNames": names,
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
