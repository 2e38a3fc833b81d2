"""The KeyRing table."""

from collections.abc import Mapping, Sequence
from typing import Any

from phone_vault.adapters.attribute_values import bytes_in
from phone_vault.adapters.tables import ConditionsFailed, Tables, put
from phone_vault.domain import moments
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.inventory import KeyVersion
from phone_vault.domain.keys import KeyId, KeyState, KeyUse, WrappedKey
from phone_vault.domain.ports import Contended

KEY_VERSION_IS_NEW = "attribute_not_exists(key_version)"

KEY_VERSION_ATTRIBUTES = ("tenant_id", "key_version", "state", "created_at", "kms_key")
"""What `key_version_of` reads of a row."""


class DynamoKeyRingStore:
    """Wrapped keys on DynamoDB."""

    def __init__(self, tables: Tables, table: str) -> None:
        self._tables = tables
        self._table = table

    def keys_of(self, tenant_id: str) -> list[WrappedKey]:
        """By Query."""
        return [_key_of(row) for row in self._tables.query(self._table, "tenant_id", tenant_id)]

    def add_keys(self, keys: Sequence[WrappedKey]) -> None:
        """One transaction."""
        try:
            self._tables.transact([put(self._table, _row(key), KEY_VERSION_IS_NEW) for key in keys])
        except ConditionsFailed:
            raise Contended("the tenant's keys were made by another caller") from None


def _row(key: WrappedKey) -> dict[str, Any]:
    return {
        "tenant_id": key.key_id.tenant_id,
        "key_version": key.key_id.name,
        "wrapped_key": key.wrapped,
        "state": str(key.state),
        "created_at": moments.to_text(key.created_at),
        "kms_key": key.kms_key,
    }


def key_version_of(row: Mapping[str, Any]) -> KeyVersion:
    """The row but for the wrapped key; `TamperedStore` for anything that the vault does not write."""
    try:
        use, _, version = row["key_version"].partition("#")
        return KeyVersion(
            KeyId(row["tenant_id"], KeyUse(use), int(version)),
            KeyState(row["state"]),
            moments.from_text(row["created_at"]),
            str(row["kms_key"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise TamperedStore("a row of KeyRing does not read") from None


def _key_of(row: Mapping[str, Any]) -> WrappedKey:
    version = key_version_of(row)
    try:
        wrapped = bytes_in(row["wrapped_key"])
    except (KeyError, TypeError, ValueError):
        raise TamperedStore("a row of KeyRing does not read") from None
    return WrappedKey(version.key_id, wrapped, version.state, version.created_at, version.kms_key)
