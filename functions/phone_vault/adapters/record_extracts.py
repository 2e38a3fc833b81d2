"""As much of a row of RecordKeys as each of the jobs reads."""

from collections.abc import Mapping
from typing import Any

from phone_vault.adapters.attribute_values import bytes_in, count_in, text_in
from phone_vault.adapters.rows import (
    index_version_of,
    kind_of,
    kms_key_of,
    moment_in,
    position_of,
    reading,
    record_id_of,
    record_of,
    tenant_of,
    version_of,
)
from phone_vault.domain.inventory import Kind
from phone_vault.domain.job_ports import CountedRecord, SweptRecord
from phone_vault.domain.ports import RecordId
from phone_vault.domain.stored_number import StoredNumber
from phone_vault.domain.wrapped_record import WrappedRecord

WRAPPED_ATTRIBUTES = ("record_id", "wrapped_key", "branch_key_version", "kms_key", "revision")
"""What `wrapped_record_of` reads of a row."""
SWEPT_ATTRIBUTES = ("record_id", "subject_ref", "index_positions", "revision")
"""What `swept_record_of` reads."""
COUNTED_ATTRIBUTES = ("record_id", "branch_key_version", "index_positions", "created_at")
"""What `counted_record_of` reads."""


def wrapped_record_of(row: Mapping[str, Any]) -> WrappedRecord:
    """Of a stored number or a message key."""
    with reading("a row of RecordKeys"):
        (tenant_id, name), _ = _named(row)
        return WrappedRecord(
            tenant_id=tenant_id,
            name=name,
            wrapped_key=bytes_in(row["wrapped_key"]),
            branch_key_version=version_of(row["branch_key_version"]),
            kms_key=kms_key_of(row),
            revision=count_in(row["revision"]),
        )


def stored_number_of(row: Mapping[str, Any]) -> StoredNumber | None:
    """The whole record; None of a message key."""
    with reading("a row of RecordKeys"):
        _, kind = _named(row)
        return record_of(row) if kind is Kind.STORED_NUMBER else None


def swept_record_of(row: Mapping[str, Any]) -> SweptRecord | None:
    """Of a stored number that stands in the index; else None."""
    with reading("a row of RecordKeys"):
        record_id, kind = _named(row)
        if kind is not Kind.STORED_NUMBER or not row["index_positions"]:
            return None
        return SweptRecord(
            record_id=record_id,
            subject_ref=text_in(row["subject_ref"]),
            revision=count_in(row["revision"]),
            positions={
                index_version_of(version): position_of(each).blind_index
                for version, each in row["index_positions"].items()
            },
        )


def counted_record_of(row: Mapping[str, Any]) -> CountedRecord:
    """Of a stored number or a message key, which stands in no index."""
    with reading("a row of RecordKeys"):
        (tenant_id, _), kind = _named(row)
        positions = row["index_positions"] if kind is Kind.STORED_NUMBER else {}
        return CountedRecord(
            tenant_id=tenant_id,
            kind=kind,
            branch_key_version=version_of(row["branch_key_version"]),
            index_versions=frozenset(index_version_of(each) for each in positions),
            created_at=moment_in(row["created_at"]),
        )


def _named(row: Mapping[str, Any]) -> tuple[RecordId, Kind]:
    record_id = record_id_of(row)
    tenant_of(record_id.tenant_id)
    return record_id, kind_of(record_id.token)
