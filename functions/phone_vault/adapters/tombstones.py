"""What is left of a row of RecordKeys whose key was destroyed: no key, and a day on which the row goes too."""

from collections.abc import Mapping
from typing import Any

from phone_vault.adapters.attribute_values import count_in, text_in
from phone_vault.adapters.rows import index_version_of, moment_in, position_of, reading, record_id_of
from phone_vault.domain.tombstone import Tombstone

ERASED_AT = "erased_at"


def is_tombstone(row: Mapping[str, Any]) -> bool:
    """Whether the row's key was destroyed."""
    return ERASED_AT in row


def tombstone_of(row: Mapping[str, Any]) -> Tombstone:
    """As much as is left; `TamperedStore` for what the vault does not write."""
    with reading("a tombstone in RecordKeys"):
        tenant_id, name = record_id_of(row)
        return Tombstone(
            tenant_id=tenant_id,
            name=name,
            subject_ref=text_in(row["subject_ref"]),
            erased_at=moment_in(row[ERASED_AT]),
            revision=count_in(row["revision"]),
            positions={
                index_version_of(version): position_of(each).blind_index
                for version, each in row.get("index_positions", {}).items()
            },
            generation=count_in(row["generation"]) if "generation" in row else None,
            is_swept="swept" in row,
        )
