"""KeyRing, as far as it tells since when there is a vault."""

from datetime import date

from phone_vault.adapters.rows import moment_in, reading
from phone_vault.adapters.tables import TableNames, Tables


class DynamoVaultAge:
    """Looked at until the first purge has ended."""

    def __init__(self, tables: Tables, names: TableNames) -> None:
        self._tables = tables
        self._table = names.key_ring

    def first_day(self) -> date | None:
        """By Scan. A tenant's own row, which says that it is off-boarded, is of no such moment."""
        rows = self._tables.scan(self._table, ("created_at",))
        with reading("a row of KeyRing"):
            return min((moment_in(row["created_at"]).date() for row in rows if row), default=None)
