"""The KeyRing table."""

from collections.abc import Mapping, Sequence
from typing import Any

from phone_vault.adapters.attribute_values import bytes_in
from phone_vault.adapters.tables import ConditionsFailed, Tables, put
from phone_vault.domain import moments
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.keys import KeyId, KeyState, KeyUse, WrappedKey
from phone_vault.domain.ports import Contended

KEY_VERSION_IS_NEW = "attribute_not_exists(key_version)"


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
    }


def _key_of(row: Mapping[str, Any]) -> WrappedKey:
    try:
        use, _, version = row["key_version"].partition("#")
        return WrappedKey(
            KeyId(row["tenant_id"], KeyUse(use), int(version)),
            bytes_in(row["wrapped_key"]),
            KeyState(row["state"]),
            moments.from_text(row["created_at"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise TamperedStore("a row of KeyRing does not read") from None
