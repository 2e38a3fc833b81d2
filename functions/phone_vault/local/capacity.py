"""DynamoDB capacity units from item sizes; moto answers with constants.

Source: DynamoDB Developer Guide, "DynamoDB item sizes and formats", "Read and write operations" and "Managing global
secondary indexes: write costs". Items are wire items: `{"name": {"S": "text"}}`.
"""

import base64
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from math import ceil
from typing import Any

Item = Mapping[str, Mapping[str, Any]]

READ_UNIT_BYTES = 4096
WRITE_UNIT_BYTES = 1024

_CONTAINER_BYTES = 3
_ELEMENT_BYTES = 1


class Reading(Enum):
    """How many read units 4 KB cost."""

    EVENTUALLY_CONSISTENT = 0.5
    STRONGLY_CONSISTENT = 1.0
    TRANSACTIONAL = 2.0


class Writing(Enum):
    """How many write units 1 KB costs."""

    STANDARD = 1
    TRANSACTIONAL = 2


def item_size(item: Item) -> int:
    """In bytes: names and values."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def read_units(size: int, reading: Reading) -> float:
    """Of an item, or of a page of a Query or Scan, of so many bytes; what does not exist costs one step too."""
    return max(1, ceil(size / READ_UNIT_BYTES)) * reading.value


def write_units(before: Item | None, after: Item | None, writing: Writing) -> int:
    """Of one item in a table: the larger version counts, and a write that finds nothing costs one step."""
    size = max(item_size(version) if version else 0 for version in (before, after))
    return max(1, ceil(size / WRITE_UNIT_BYTES)) * writing.value


def index_write_units(before: Item | None, after: Item | None, keys: tuple[str, ...], writing: Writing) -> int:
    """Of one entry of a global secondary index, as projected; None where the item has no entry.

    An entry that stays as it is costs nothing; under another key it is deleted and put. AWS does not say whether
    entries cost double in a transaction; they are counted so here, which is the upper bound.
    """
    if before == after:
        return 0
    if before is None or after is None or any(before[key] != after[key] for key in keys):
        return sum(write_units(entry, None, writing) for entry in (before, after) if entry is not None)
    return write_units(before, after, writing)


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return _number_size(content)
        case "B":
            return len(content if isinstance(content, bytes) else base64.b64decode(content))
        case "BOOL" | "NULL":
            return 1
        case "SS" | "NS" | "BS":
            return sum(_value_size({kind[0]: element}) for element in content)
        case "L":
            return _CONTAINER_BYTES + sum(_ELEMENT_BYTES + _value_size(element) for element in content)
        case "M":
            return _CONTAINER_BYTES + item_size(content) + _ELEMENT_BYTES * len(content)
        case _:
            raise ValueError(f"no such DynamoDB type: {kind}")


def _number_size(text: str) -> int:
    """A byte for two significant digits and one more; another one for the sign, as measured by others."""
    number = Decimal(text)
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    return ceil(len(digits) / 2) + 1 + (1 if number < 0 else 0)
