"""What is left of a row of RecordKeys whose key was destroyed: no key, and a day on which the row goes too."""

from collections.abc import Mapping
from typing import Any

ERASED_AT = "erased_at"


def is_tombstone(row: Mapping[str, Any]) -> bool:
    """Whether the row's key was destroyed."""
    return ERASED_AT in row
