"""Stored numbers as rows of RecordKeys, and back. A row that does not read is `TamperedStore`."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from phone_vault.adapters.attribute_values import bytes_in, count_in, text_in
from phone_vault.adapters.standing_rows import STANDING_ATTRIBUTES, standing_attributes, standing_in
from phone_vault.domain import moments
from phone_vault.domain.consent import Consent
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.identifiers import PURPOSE, TENANT_ID, TOKEN
from phone_vault.domain.inventory import Holding, Kind
from phone_vault.domain.jurisdiction import Jurisdiction
from phone_vault.domain.message_key import MessageKey, MessageKeyId
from phone_vault.domain.policy import LONGEST_RETENTION_DAYS, RetentionRule, RetentionStart
from phone_vault.domain.ports import RecordId
from phone_vault.domain.retention import Retained
from phone_vault.domain.stored_number import Grant, IndexPosition, StoredNumber

_NAMES = {
    Kind.STORED_NUMBER: TOKEN,
    Kind.MESSAGE_KEY: re.compile(rf"m#[A-Za-z0-9_-]{{43}}#{PURPOSE.pattern}"),
}

_INDEX_VERSION = re.compile(r"[1-9][0-9]{0,8}")
_LAST_YEAR = 9000  # so that no retention, of 100 years at most, ends beyond the calendar
_WRAPPED_BY_KMS = 0
"""In place of a branch key's version, which counts from 1."""


def record_key(record_id: RecordId) -> dict[str, str]:
    """The key of a number's rows in RecordKeys and in Numbers."""
    return {"record_id": f"{record_id.tenant_id}#{record_id.token}"}


def message_key_key(key_id: MessageKeyId) -> dict[str, str]:
    """The key of a message key's row in RecordKeys."""
    return {"record_id": f"{key_id.tenant_id}#{key_id.name}"}


def record_id_of(row: Mapping[str, Any]) -> RecordId:
    """What the key names. A tenant id has no `#`."""
    tenant_id, _, token = str(row["record_id"]).partition("#")
    return RecordId(tenant_id, token)


def record_row(record: StoredNumber, due: str) -> dict[str, Any]:
    """The whole row."""
    return {
        **record_key(RecordId(record.tenant_id, record.token)),
        "subject_id": record.subject_id,
        "subject_ref": record.subject_ref,
        "created_at": moments.to_text(record.created_at),
        "revision": record.revision,
        "wrapped_key": record.wrapped_key,
        **wrapping_attributes(record.wrapped_key, record.branch_key_version, record.kms_key),
        "key_made_at": moments.to_text(record.key_made_at) if record.key_made_at else None,
        "index_positions": {
            str(version): index_position_map(position) for version, position in record.index_positions.items()
        },
        "last_used": last_used_map(record),
        "due": due,
        **granted_attributes(record),
        **standing_attributes(record.standing),
    }


def message_row(record_id: RecordId, message: bytes) -> dict[str, Any]:
    """The row of Numbers."""
    return {**record_key(record_id), "message": message}


def message_in(row: Mapping[str, Any]) -> bytes:
    """The message in a row of Numbers."""
    with reading("a row of Numbers"):
        return bytes_in(row["message"])


def message_key_row(key: MessageKey, due: str) -> dict[str, Any]:
    """The whole row."""
    return {
        **message_key_key(key.key_id),
        "subject_id": key.subject_id,
        "subject_ref": key.key_id.subject_ref,
        "created_at": moments.to_text(key.created_at),
        "revision": key.revision,
        "last_used": last_used_map(key),
        "due": due,
        **keyed_attributes(key),
        **granted_attributes(key),
        **standing_attributes(key.standing),
    }


def keyed_attributes(key: MessageKey) -> dict[str, Any]:
    """The attributes that a new generation of a message key changes."""
    return {
        "generation": key.generation,
        **wrapping_attributes(key.wrapped_key, key.branch_key_version, key.kms_key),
    }


def wrapping_attributes(wrapped_key: bytes, branch_key_version: int | None, kms_key: str | None) -> dict[str, Any]:
    """The attributes that re-wrapping changes."""
    return {
        "wrapped_key": wrapped_key,
        "branch_key_version": branch_key_version or _WRAPPED_BY_KMS,
        "kms_key": kms_key,
    }


def index_position_map(position: IndexPosition) -> dict[str, Any]:
    """One of `index_positions`."""
    return {
        "blind_index": position.blind_index,
        "binding": position.binding,
        "release": position.numbering_release,
    }


def granted_attributes(record: Retained) -> dict[str, Any]:
    """The attributes that protecting a number again may change."""
    return {
        "jurisdictions": [str(each) for each in record.jurisdictions],
        "purposes": {name: _grant_map(each) for name, each in record.grants.items()},
    }


def last_used_map(record: Retained) -> dict[str, str]:
    """By purpose, as text."""
    return {purpose: moments.to_text(moment) for purpose, moment in record.last_used.items()}


def record_of(row: Mapping[str, Any]) -> StoredNumber:
    """The record; `TamperedStore` for anything that `record_row` does not write."""
    with reading("a row of RecordKeys"):
        tenant_id, token = record_id_of(row)
        return StoredNumber(
            tenant_id=tenant_id,
            token=token,
            subject_id=text_in(row["subject_id"]),
            subject_ref=text_in(row["subject_ref"]),
            created_at=moment_in(row["created_at"]),
            revision=count_in(row["revision"]),
            wrapped_key=bytes_in(row["wrapped_key"]),
            branch_key_version=version_of(row["branch_key_version"]),
            kms_key=kms_key_of(row),
            key_made_at=moment_in(row["key_made_at"]) if "key_made_at" in row else None,
            **granted_in(row),
            index_positions={
                index_version_of(version): position_of(each) for version, each in row["index_positions"].items()
            },
            standing=standing_in(row),
        )


def message_key_of(key_id: MessageKeyId, row: Mapping[str, Any]) -> MessageKey:
    """The message key; `TamperedStore` for anything that `message_key_row` does not write for this very key."""
    with reading("a message key's row"):
        if row["subject_ref"] != key_id.subject_ref or key_id.purpose not in row["purposes"]:
            raise TamperedStore("a message key's row is that of another one")
        return MessageKey(
            key_id=key_id,
            generation=count_in(row["generation"]),
            subject_id=text_in(row["subject_id"]),
            created_at=moment_in(row["created_at"]),
            revision=count_in(row["revision"]),
            wrapped_key=bytes_in(row["wrapped_key"]),
            branch_key_version=version_of(row["branch_key_version"]),
            kms_key=kms_key_of(row),
            **granted_in(row),
            standing=standing_in(row),
        )


RECORD_ATTRIBUTES = (
    "record_id",
    "subject_id",
    "subject_ref",
    "created_at",
    "revision",
    "wrapped_key",
    "branch_key_version",
    "kms_key",
    "key_made_at",
    "jurisdictions",
    "purposes",
    "last_used",
    "index_positions",
)
"""What `record_of` reads of a row."""
HOLDING_ATTRIBUTES = ("record_id", "branch_key_version", "jurisdictions", "purposes", "last_used", *STANDING_ATTRIBUTES)
"""What `holding_of` reads of a row."""


def holding_of(row: Mapping[str, Any]) -> Holding:
    """As much as can be counted of a stored number or a message key; `TamperedStore` as for the whole row."""
    with reading("a row of RecordKeys"):
        tenant_id, name = record_id_of(row)
        return Holding(
            tenant_id=tenant_of(tenant_id),
            kind=kind_of(name),
            branch_key_version=version_of(row["branch_key_version"]),
            **granted_in(row),
            standing=standing_in(row),
        )


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Whatever goes wrong is `TamperedStore`."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError):
        raise TamperedStore(f"{what} does not read") from None


def granted_in(row: Mapping[str, Any]) -> dict[str, Any]:
    """What stored numbers and message keys have alike, and `granted_attributes` writes."""
    return {
        "jurisdictions": tuple(Jurisdiction(each) for each in _some(row["jurisdictions"])),
        "grants": {_purpose_of(name): _grant_of(each) for name, each in _some(row["purposes"]).items()},
        "last_used": {purpose: moment_in(moment) for purpose, moment in row["last_used"].items()},
    }


def tenant_of(text: str) -> str:
    """The tenant's id; `ValueError` for anything that is none."""
    if not TENANT_ID.fullmatch(text):
        raise ValueError
    return text


def _purpose_of(text: str) -> str:
    if not PURPOSE.fullmatch(text):
        raise ValueError
    return text


def kind_of(name: str) -> Kind:
    """What the key's second part names; `ValueError` for anything that the vault does not."""
    kind = next((kind for kind, form in _NAMES.items() if form.fullmatch(name)), None)
    if kind is None:
        raise ValueError
    return kind


def moment_in(text: Any) -> datetime:
    """A moment at which the vault may have written; `ValueError` for any other."""
    moment = moments.from_text(text)
    if moment.year > _LAST_YEAR:
        raise ValueError("no moment at which the vault wrote")
    return moment


def version_of(value: Any) -> int | None:
    """Of the branch key; None where KMS wraps."""
    version = count_in(value)
    return None if version == _WRAPPED_BY_KMS else version


def kms_key_of(row: Mapping[str, Any]) -> str | None:
    """The ARN, if the row names one."""
    return text_in(row["kms_key"]) if "kms_key" in row else None


def index_version_of(text: str) -> int:
    """One that a record stands in; `ValueError` for a version that the vault does not write so."""
    if not _INDEX_VERSION.fullmatch(text):
        raise ValueError("no version of an index key")
    return int(text)


def _grant_map(grant: Grant) -> dict[str, Any]:
    consent = grant.consent
    return {
        "granted_at": moments.to_text(grant.granted_at),
        "days": grant.rule.days,
        "from": str(grant.rule.start),
    } | ({"consent": {"given_at": moments.to_text(consent.given_at), "evidence": consent.evidence}} if consent else {})


def _grant_of(row: Mapping[str, Any]) -> Grant:
    consent = row.get("consent")
    return Grant(
        granted_at=moment_in(row["granted_at"]),
        rule=RetentionRule(_days_of(row["days"]), RetentionStart(row["from"])),
        consent=Consent(moment_in(consent["given_at"]), text_in(consent["evidence"])) if consent is not None else None,
    )


def _days_of(value: object) -> int:
    days = count_in(value)
    if not 0 < days <= LONGEST_RETENTION_DAYS:
        raise ValueError
    return days


def _some(value: Any) -> Any:
    if not value:
        raise ValueError
    return value


def position_of(row: Mapping[str, Any]) -> IndexPosition:
    """One of `index_positions`."""
    return IndexPosition(bytes_in(row["blind_index"]), bytes_in(row["binding"]), text_in(row["release"]))
