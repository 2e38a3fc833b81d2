"""Suppression digests: in Subjects, in a partition of their own for each tenant."""

from collections.abc import Mapping
from typing import Any

from phone_vault.adapters.attribute_values import Row, bytes_in, count_in, serialized
from phone_vault.adapters.rows import reading
from phone_vault.adapters.tables import ConditionsFailed, TableNames, Tables
from phone_vault.crypto.macs import as_text
from phone_vault.domain.ports import Contended
from phone_vault.domain.suppression import FIRST_LAYER, Suppression

DIGEST_IS_AS_READ = "layers = :layers_read"


class DynamoSuppressionStore:
    """A row for each; its sort key is the digest, so that a number is asked about by its key."""

    def __init__(self, tables: Tables, names: TableNames) -> None:
        self._tables = tables
        self._table = names.subjects

    def of_tenant(self, tenant_id: str) -> list[Suppression]:
        """By Query."""
        rows = self._tables.query(self._table, "subject", _partition(tenant_id))
        return [_suppression_of(tenant_id, row) for row in rows]

    def replace(self, before: Suppression, after: Suppression) -> None:
        """One transaction."""
        put = {"Put": {"TableName": self._table, "Item": serialized(_row(after))}}
        delete = {
            "Delete": {
                "TableName": self._table,
                "Key": serialized(_key(before)),
                "ConditionExpression": DIGEST_IS_AS_READ,
                "ExpressionAttributeValues": serialized({":layers_read": before.layers}),
            }
        }
        try:
            self._tables.transact([put, delete])
        except ConditionsFailed:
            raise Contended("another caller has put a layer over the digest") from None


def _partition(tenant_id: str) -> str:
    return f"{tenant_id}#suppressed"


def _key(suppression: Suppression) -> Row:
    return {"subject": _partition(suppression.tenant_id), "member": as_text(suppression.digest)}


def _row(suppression: Suppression) -> Row:
    return {**_key(suppression), "digest": suppression.digest, "layers": suppression.layers}


def _suppression_of(tenant_id: str, row: Mapping[str, Any]) -> Suppression:
    with reading("a suppression"):
        suppression = Suppression(tenant_id, bytes_in(row["digest"]), count_in(row["layers"]))
        if row["member"] != as_text(suppression.digest) or suppression.layers < FIRST_LAYER:
            raise ValueError("another row's digest, or none's")
        return suppression
