"""Off-boardings in the Operations table."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from phone_vault.adapters.attribute_values import count_in, text_in
from phone_vault.adapters.operations import OPERATION_IS_NEW
from phone_vault.adapters.tables import ConditionsFailed, TableNames, Tables
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.inventory import Kind
from phone_vault.domain.ports import Contended
from phone_vault.domain.receipt_ports import OffBoarding

UNCHANGED_SINCE_READ = "revision = :expected_revision"


class DynamoOffBoardingStore:
    """One row for each tenant that left; what it counted and where it stands are written together."""

    def __init__(self, tables: Tables, names: TableNames) -> None:
        self._tables = tables
        self._table = names.operations

    def read(self, tenant_id: str) -> OffBoarding | None:
        """By BatchGetItem, strongly consistent."""
        rows = self._tables.batch_get([(self._table, _key(tenant_id))])
        return _off_boarding_of(tenant_id, rows[0][1]) if rows else None

    def save(self, off_boarding: OffBoarding) -> OffBoarding:
        """One conditional put."""
        before = off_boarding.revision
        after = replace(off_boarding, revision=before + 1)
        condition = UNCHANGED_SINCE_READ if before else OPERATION_IS_NEW
        values = {":expected_revision": before} if before else None
        try:
            self._tables.put(self._table, _row(after), condition, values)
        except ConditionsFailed:
            raise Contended("another call has gone on with the off-boarding") from None
        return after


def _key(tenant_id: str) -> dict[str, str]:
    return {"operation_id": f"offboard#{tenant_id}"}


def _row(off_boarding: OffBoarding) -> dict[str, Any]:
    return {
        **_key(off_boarding.tenant_id),
        "reason": off_boarding.reason,
        "cursor": dict(off_boarding.cursor) if off_boarding.cursor else None,
        "state": "done" if off_boarding.done else "destroying",
        "counts": {str(kind): count for kind, count in off_boarding.counts.items()},
        "revision": off_boarding.revision,
    }


def _off_boarding_of(tenant_id: str, row: Mapping[str, Any]) -> OffBoarding:
    try:
        cursor = row.get("cursor")
        return OffBoarding(
            tenant_id,
            text_in(row["reason"]) if "reason" in row else None,
            {name: text_in(value) for name, value in cursor.items()} if cursor is not None else None,
            done=row["state"] == "done",
            counts={Kind(kind): count_in(count) for kind, count in row["counts"].items()},
            revision=count_in(row["revision"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise TamperedStore("a row of an off-boarding does not read") from None
