"""DynamoDB's attribute values are a union of ten members; moto asks each value for all ten, level by level.

That is a third of the embedded AWS's time. Here a request's values stay as they came, an answer's are asked for the
members that they have, and an item is measured once: the same values.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from moto.core.model import StructureShape
from moto.core.request import Request
from moto.core.serialize import ResponseSerializer
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.responses import DynamoHandler

_UNION = "AttributeValue"
_LARGEST_ITEM = 405_000
"""Bytes, where moto draws the line."""

_serialize = ResponseSerializer._serialize_type_structure


@contextmanager
def handled_once() -> Iterator[None]:
    """As long as the context lasts."""
    with (
        patch.object(DynamoHandler, "parse_parameters", _parsed),
        patch.object(ResponseSerializer, "_serialize_type_structure", _serialized),
        patch.object(Item, "__init__", _made),
    ):
        yield


def _parsed(handler: DynamoHandler, _request: Request) -> None:
    """DynamoDB's parameters are its JSON: moto copies them member by member, and leaves binary values in base64."""
    handler.params = json.loads(handler.raw_body)


def _serialized(self: ResponseSerializer, serialized: Any, value: Any, shape: StructureShape, key: str) -> None:
    if shape.name != _UNION or not isinstance(value, dict) or not key:
        _serialize(self, serialized, value, shape, key)
        return
    wrapper: Any = self.MAP_TYPE()
    for name, member in value.items():
        member_shape = shape.members[name]
        member_shape.parent = shape  # type: ignore[attr-defined]  # as moto's own loop does
        if member is not None:
            self._serialize(wrapper, member, member_shape, name)
    self._default_serialize(serialized, wrapper, shape, key)


def _made(item: Item, hash_key: DynamoType, range_key: DynamoType | None, attrs: dict[str, Any]) -> None:
    """Measured once; moto adds the item up anew for each of its attributes."""
    item.hash_key, item.range_key = hash_key, range_key
    item.attrs = LimitedSizeDict()
    dict.update(item.attrs, {name: DynamoType(value) for name, value in attrs.items()})
    if item.size() > _LARGEST_ITEM:
        raise ItemSizeTooLarge
