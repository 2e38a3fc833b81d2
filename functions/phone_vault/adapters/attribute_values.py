"""Rows as Python values, and DynamoDB's typed form of them.

boto3 has this, but importing boto3 brings its S3 transfer manager, a sixth of a bare client's cold start. Only what
rows hold: text, whole numbers from 0, bytes, maps and lists.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from phone_vault.domain.errors import TamperedStore

_T = TypeVar("_T", str, bytes, int)

Row = Mapping[str, Any]
"""An item or a key as Python values."""


def serialized(row: Row) -> dict[str, Any]:
    """The row in DynamoDB's typed form; attributes that are None are left out, negative numbers do not occur."""
    return {name: _typed(value) for name, value in row.items() if value is not None}


def deserialized(item: Mapping[str, Any]) -> dict[str, Any]:
    """The item as Python values; `TamperedStore` for a type of value that rows do not hold."""
    return {name: _untyped(value) for name, value in item.items()}


def text_in(value: object) -> str:
    """The text; `TypeError` for a value of another type."""
    return _of(str, value)


def bytes_in(value: object) -> bytes:
    """The bytes; `TypeError` for a value of another type, of which Python would make bytes as well."""
    return _of(bytes, value)


def count_in(value: object) -> int:
    """The whole number; `TypeError` for a value of another type."""
    return _of(int, value)


def _of(kind: type[_T], value: object) -> _T:
    if not isinstance(value, kind):
        raise TypeError(f"not {kind.__name__}")
    return value


def _typed(value: Any) -> dict[str, Any]:
    match value:
        case str():
            return {"S": value}
        case bytes():
            return {"B": value}
        case int() if not isinstance(value, bool):
            return {"N": str(value)}
        case Mapping():
            return {"M": serialized(value)}
        case list():
            return {"L": [_typed(each) for each in value]}
    raise TypeError(f"a row does not hold values of type {type(value).__name__}")


def _untyped(attribute: Mapping[str, Any]) -> Any:
    match attribute:
        case {"S": str(text)}:
            return text
        case {"B": bytes(content)}:
            return content
        case {"N": str(number)} if number.isascii() and number.isdigit():
            return int(number)
        case {"M": Mapping() as members}:
            return deserialized(members)
        case {"L": list(elements)}:
            return [_untyped(each) for each in elements]
    raise TamperedStore("a row holds a type of value that the vault does not write")
