"""DynamoDB's attribute values are a union of ten members; moto's answers ask each value for all ten, level by level.

That is a third of the embedded AWS's time. Here a value is asked for the members that it has: the same answers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from moto.core.model import StructureShape
from moto.core.serialize import ResponseSerializer


@contextmanager
def written_once() -> Iterator[None]:
    """As long as the context lasts."""
    original = ResponseSerializer._serialize_type_structure

    def serialize(self: ResponseSerializer, serialized: Any, value: Any, shape: StructureShape, key: str) -> None:
        if shape.name != "AttributeValue" or not isinstance(value, dict) or not key:
            original(self, serialized, value, shape, key)
            return
        wrapper: Any = self.MAP_TYPE()
        for name, member in value.items():
            member_shape = shape.members[name]
            member_shape.parent = shape  # type: ignore[attr-defined]  # as moto's own loop does
            if member is not None:
                self._serialize(wrapper, member, member_shape, name)
        self._default_serialize(serialized, wrapper, shape, key)

    with patch.object(ResponseSerializer, "_serialize_type_structure", serialize):
        yield
