"""What is left of a row of RecordKeys whose key was destroyed: no key, and a day on which the row goes too."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from phone_vault.adapters.attribute_values import count_in, text_in
from phone_vault.adapters.rows import (
    index_version_of,
    message_key_row,
    moment_in,
    position_of,
    reading,
    record_id_of,
    record_row,
)
from phone_vault.adapters.standing_rows import standing_in
from phone_vault.domain import moments
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.message_key import MessageKey
from phone_vault.domain.retention import Retained
from phone_vault.domain.tombstone import Tombstone

ERASED_AT = "erased_at"
OFF_BOARDED = "off_boarded"
"""Of a tombstone that off-boarding has made: no moment tells it from what was erased in the same second."""
_STAYS = {"record_id", "subject_ref", "revision", "generation"}
_STAYS_UNTIL_SWEPT = {"index_positions", "erasure", "due"}
_PURPOSES = "purpose_names"


def is_tombstone(row: Mapping[str, Any]) -> bool:
    """Whether the row's key was destroyed; `TamperedStore` for one that says so and has its key still."""
    if ERASED_AT in row and "wrapped_key" in row:
        raise TamperedStore("a row of RecordKeys says that its key was destroyed, and has it")
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
            purposes=tuple(text_in(each) for each in row.get(_PURPOSES, ())),
            erasure=standing_in({"erasure": row["erasure"]}).erasure if "erasure" in row else None,
            generation=count_in(row["generation"]) if "generation" in row else None,
            is_swept="swept" in row,
        )


def burial(record: Retained, at: datetime, expires_at: datetime) -> dict[str, Any]:
    """The changes that make a tombstone of a row: whatever else a row has goes, attributes of later releases too."""
    row = message_key_row(record, "") if isinstance(record, MessageKey) else record_row(record, "")
    return {
        **dict.fromkeys(row.keys() - _STAYS - _STAYS_UNTIL_SWEPT),
        _PURPOSES: sorted(record.grants),
        ERASED_AT: moments.to_text(at),
        "expires_ttl": int(expires_at.timestamp()),
    }


def closing(tombstone: Tombstone) -> dict[str, Any]:
    """The changes that leave it nothing that leads from it or to it."""
    return {**dict.fromkeys((*sorted(_STAYS_UNTIL_SWEPT), _PURPOSES)), "swept": 1}
