"""Stored numbers as rows of RecordKeys, and back. A row that does not read is `TamperedStore`."""

from collections.abc import Mapping
from typing import Any

from phone_vault.adapters.attribute_values import bytes_in, count_in, text_in
from phone_vault.domain import moments
from phone_vault.domain.consent import Consent
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.jurisdiction import Jurisdiction
from phone_vault.domain.policy import LONGEST_RETENTION_DAYS, RetentionRule, RetentionStart
from phone_vault.domain.ports import RecordId
from phone_vault.domain.stored_number import Grant, IndexPosition, StoredNumber


def record_key(record_id: RecordId) -> dict[str, str]:
    """The key of a number's rows in RecordKeys and in Numbers."""
    return {"record_id": f"{record_id.tenant_id}#{record_id.token}"}


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
        "branch_key_version": record.branch_key_version,
        "index_positions": {
            str(version): {
                "blind_index": position.blind_index,
                "binding": position.binding,
                "release": position.numbering_release,
            }
            for version, position in record.index_positions.items()
        },
        "last_used": last_used_map(record),
        "due": due,
        **granted_attributes(record),
    }


def granted_attributes(record: StoredNumber) -> dict[str, Any]:
    """The attributes that protecting a number again may change."""
    return {
        "jurisdictions": [str(each) for each in record.jurisdictions],
        "purposes": {name: _grant_map(each) for name, each in record.grants.items()},
    }


def last_used_map(record: StoredNumber) -> dict[str, str]:
    """By purpose, as text."""
    return {purpose: moments.to_text(moment) for purpose, moment in record.last_used.items()}


def record_of(row: Mapping[str, Any]) -> StoredNumber:
    """The record; `TamperedStore` for anything that `record_row` does not write."""
    try:
        tenant_id, token = record_id_of(row)
        return StoredNumber(
            tenant_id=tenant_id,
            token=token,
            subject_id=text_in(row["subject_id"]),
            subject_ref=text_in(row["subject_ref"]),
            created_at=moments.from_text(row["created_at"]),
            revision=count_in(row["revision"]),
            wrapped_key=bytes_in(row["wrapped_key"]),
            branch_key_version=count_in(row["branch_key_version"]),
            jurisdictions=tuple(Jurisdiction(each) for each in _some(row["jurisdictions"])),
            grants={name: _grant_of(each) for name, each in _some(row["purposes"]).items()},
            last_used={purpose: moments.from_text(moment) for purpose, moment in row["last_used"].items()},
            index_positions={int(version): _position_of(each) for version, each in row["index_positions"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError):
        raise TamperedStore("a row of RecordKeys does not read") from None


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
        granted_at=moments.from_text(row["granted_at"]),
        rule=RetentionRule(_days_of(row["days"]), RetentionStart(row["from"])),
        consent=Consent(moments.from_text(consent["given_at"]), text_in(consent["evidence"]))
        if consent is not None
        else None,
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


def _position_of(row: Mapping[str, Any]) -> IndexPosition:
    return IndexPosition(bytes_in(row["blind_index"]), bytes_in(row["binding"]), text_in(row["release"]))
