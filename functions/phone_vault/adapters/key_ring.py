"""The KeyRing table."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from phone_vault.adapters.attribute_values import bytes_in
from phone_vault.adapters.audit_log import entry_put
from phone_vault.adapters.rows import reading
from phone_vault.adapters.tables import ConditionsFailed, TableNames, Tables, check, put
from phone_vault.domain import moments
from phone_vault.domain.audit import Entry
from phone_vault.domain.errors import StoreUnavailable
from phone_vault.domain.inventory import KeyVersion
from phone_vault.domain.keys import VAULT, KeyId, KeyState, KeyUse, RotationReason, TenantKeys, WrappedKey
from phone_vault.domain.ports import Contended, KeyChange

KEY_VERSION_IS_NEW = "attribute_not_exists(key_version)"
TENANT_IS_NOT_OFF_BOARDED = "attribute_not_exists(off_boarded_at)"
STATE_AND_KEY_ARE_AS_READ = "#state = :state_read AND wrapped_key = :wrapped_read"
STILL_UNMARKED = "attribute_not_exists(compromised)"
STILL_NOT_URGENT = "attribute_not_exists(made_for)"
"""Of a version that was read so: what was noted of a compromise meanwhile is not lost."""

KEY_VERSION_ATTRIBUTES = ("tenant_id", "key_version", "state", "created_at", "kms_key")
"""What `key_version_of` reads of a row."""

_OF_KEY_RING = "a row of KeyRing"
_VERSION_NAME = re.compile(r"([a-z]+)#([1-9][0-9]{0,5})")

TENANT_ROW = "tenant"
"""The sort key of the row that says of a tenant that it is off-boarded; no version has such a name."""


def tenant_row_key(tenant_id: str) -> dict[str, str]:
    """The key of that row."""
    return {"tenant_id": tenant_id, "key_version": TENANT_ROW}


def tenant_check(table: str, tenant_id: str) -> dict[str, Any]:
    """As part of a transaction that stores a key which does not go with the tenant's own: one that KMS itself wraps."""
    return check(table, tenant_row_key(tenant_id), TENANT_IS_NOT_OFF_BOARDED)


class DynamoKeyRingStore:
    """Wrapped keys on DynamoDB."""

    def __init__(self, tables: Tables, names: TableNames) -> None:
        self._tables = tables
        self._table = names.key_ring
        self._audit_trail = names.audit_trail

    def keys_of(self, tenant_id: str) -> TenantKeys:
        """By Query."""
        rows = self._tables.query(self._table, "tenant_id", tenant_id)
        off_boarded = [_moment_in(row["off_boarded_at"]) for row in rows if is_tenant_row(row)]
        keys = tuple(_key_of(row) for row in rows if not is_tenant_row(row))
        return TenantKeys(keys, off_boarded[0] if off_boarded else None)

    def add_keys(self, keys: Sequence[WrappedKey], entries: Sequence[Entry] = ()) -> None:
        """One transaction."""
        owner = keys[0].key_id.tenant_id
        checks = [] if owner == VAULT else [tenant_check(self._table, owner)]
        self._write([*checks, *(put(self._table, _row(key), KEY_VERSION_IS_NEW) for key in keys)], entries)

    def tenants(self) -> Iterator[str]:
        """By Scan: a tenant's rows come one after the other."""
        last = None
        for row in self._tables.scan(self._table, ("tenant_id",)):
            if row["tenant_id"] != last:
                last = str(row["tenant_id"])
                yield last

    def change(self, changes: Sequence[KeyChange], entries: Sequence[Entry]) -> None:
        """One transaction; each row must be as it was read."""
        self._write(
            [
                put(
                    self._table,
                    _row(change.after),
                    _as_read(change.before),
                    names={"#state": "state"},
                    values={":state_read": str(change.before.state), ":wrapped_read": change.before.wrapped},
                )
                for change in changes
            ],
            entries,
        )

    def off_board(self, tenant_id: str, now: datetime, entry: Entry) -> None:
        """One transaction, at most once."""
        row = {**tenant_row_key(tenant_id), "off_boarded_at": moments.to_text(now)}
        self._write([put(self._table, row, KEY_VERSION_IS_NEW)], [entry])

    def _write(self, writes: Sequence[dict[str, Any]], entries: Sequence[Entry]) -> None:
        try:
            self._tables.transact([*writes, *(entry_put(self._audit_trail, entry) for entry in entries)])
        except ConditionsFailed as failed:
            if any(index >= len(writes) for index in failed.rows):
                raise StoreUnavailable("a place in the audit trail is taken") from None
            raise Contended("the tenant's keys were changed by another caller") from None


def is_tenant_row(row: Mapping[str, Any]) -> bool:
    """Whether it is no version, but says of the tenant that it is off-boarded."""
    return row.get("key_version") == TENANT_ROW


def _as_read(key: WrappedKey) -> str:
    conditions = [STATE_AND_KEY_ARE_AS_READ]
    if not key.compromised:
        conditions.append(STILL_UNMARKED)
    if key.made_for is RotationReason.SCHEDULED:
        conditions.append(STILL_NOT_URGENT)
    return " AND ".join(conditions)


def _row(key: WrappedKey) -> dict[str, Any]:
    return {
        "tenant_id": key.key_id.tenant_id,
        "key_version": key.key_id.name,
        "wrapped_key": key.wrapped,
        "state": str(key.state),
        "created_at": moments.to_text(key.created_at),
        "kms_key": key.kms_key,
        "proof": key.proof or None,
        "changed_at": moments.to_text(key.changed_at) if key.changed_at else None,
        "compromised": "yes" if key.compromised else None,
        "made_for": str(key.made_for) if key.made_for is not RotationReason.SCHEDULED else None,
        "proven": "yes" if key.proven else None,
        "moved_at": moments.to_text(key.moved_at) if key.moved_at else None,
    }


def key_version_of(row: Mapping[str, Any]) -> KeyVersion:
    """The row but for the wrapped key; `TamperedStore` for anything that the vault does not write."""
    with reading(_OF_KEY_RING):
        name = _VERSION_NAME.fullmatch(row["key_version"])
        use, version = name.groups() if name else ("", "")  # which is no use, and no number
        return KeyVersion(
            KeyId(row["tenant_id"], KeyUse(use), int(version)),
            KeyState(row["state"]),
            moments.from_text(row["created_at"]),
            str(row["kms_key"]),
        )


def _key_of(row: Mapping[str, Any]) -> WrappedKey:
    version = key_version_of(row)
    with reading(_OF_KEY_RING):
        return WrappedKey(
            version.key_id,
            bytes_in(row["wrapped_key"]),
            version.state,
            version.created_at,
            version.kms_key,
            proof=bytes_in(row.get("proof", b"")),
            changed_at=moments.from_text(row["changed_at"]) if "changed_at" in row else None,
            moved_at=moments.from_text(row["moved_at"]) if "moved_at" in row else None,
            compromised="compromised" in row,
            made_for=RotationReason(row.get("made_for", RotationReason.SCHEDULED)),
            proven="proven" in row,
        )


def _moment_in(text: Any) -> datetime:
    with reading(_OF_KEY_RING):
        return moments.from_text(text)
