"""Receipts in the Operations table."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from phone_vault.adapters.audit_log import entry_put
from phone_vault.adapters.operations import OPERATION_IS_NEW
from phone_vault.adapters.tables import ConditionsFailed, TableNames, Tables, put
from phone_vault.domain.audit import Entry
from phone_vault.domain.errors import StoreUnavailable, TamperedStore
from phone_vault.domain.ports import Contended
from phone_vault.domain.receipts import SALT_BYTES, SaltedToken

ROW_IS_NEW_OR_LEAVES = "attribute_not_exists(receipt)"
"""No receipt is ever overwritten."""
_LEAF_BYTES = SALT_BYTES + 32


class DynamoReceiptStore:
    """A row for each receipt, which is never overwritten and never goes."""

    def __init__(self, tables: Tables, names: TableNames) -> None:
        self._tables = tables
        self._operations = names.operations
        self._audit_trail = names.audit_trail

    def read(self, name: str) -> Mapping[str, Any] | None:
        """By BatchGetItem, strongly consistent."""
        rows = self._tables.batch_get([(self._operations, _key(name))])
        if not rows:
            return None
        try:
            receipt = json.loads(rows[0][1]["receipt"])
        except (KeyError, TypeError, ValueError, RecursionError):
            receipt = None
        if not isinstance(receipt, dict):
            raise TamperedStore("a stored receipt does not read")
        return receipt

    def add(self, name: str, receipt: Mapping[str, Any], entry: Entry) -> None:
        """One transaction."""
        row = {**_key(name), "receipt": json.dumps(receipt, ensure_ascii=False)}
        try:
            self._tables.transact([put(self._operations, row, OPERATION_IS_NEW), entry_put(self._audit_trail, entry)])
        except ConditionsFailed as failed:
            if 1 in failed.rows:
                raise StoreUnavailable("a place in the audit trail is taken") from None
            raise Contended("there is a receipt of this name") from None

    def add_leaves(self, under: str, row: int, leaves: Sequence[SaltedToken]) -> None:
        """One put. Nobody writes a row's name twice but to repeat what was not answered."""
        content = b"".join(leaf.salt + leaf.hash for leaf in leaves)
        row_key = {"operation_id": leaves_name(under, row)}
        self._tables.put(self._operations, {**row_key, "leaves": content}, ROW_IS_NEW_OR_LEAVES)

    def leaves(self, under: str, row: int) -> list[SaltedToken]:
        """By BatchGetItem."""
        rows = self._tables.batch_get([(self._operations, {"operation_id": leaves_name(under, row)})])
        return leaves_in(rows[0][1] if rows else {})


def leaves_name(under: str, row: int) -> str:
    """Of a row of the leaves that a receipt does not carry itself."""
    return f"receipt#{under}#leaves#{row}"


def leaves_in(row: Mapping[str, Any]) -> list[SaltedToken]:
    """Those of such a row; `TamperedStore` for what the vault does not write."""
    content = row.get("leaves")
    if not isinstance(content, bytes) or len(content) % _LEAF_BYTES:
        raise TamperedStore("the leaves of a receipt do not read")
    parts = (content[at : at + _LEAF_BYTES] for at in range(0, len(content), _LEAF_BYTES))
    return [SaltedToken(part[:SALT_BYTES], part[SALT_BYTES:]) for part in parts]


def _key(name: str) -> dict[str, str]:
    return {"operation_id": f"receipt#{name}"}
