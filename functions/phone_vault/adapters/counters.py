"""The Operations table, as far as it counts."""

from phone_vault.adapters.attribute_values import count_in
from phone_vault.adapters.tables import ConditionsFailed, Tables
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.ports import LimitReached
from phone_vault.domain.quotas import Counter

LIMIT_NOT_REACHED = "attribute_not_exists(used) OR used < :limit"


class DynamoCounterStore:
    """A row for each counter; one update counts, compares and tells, so instances need no agreement."""

    def __init__(self, tables: Tables, table: str) -> None:
        self._tables = tables
        self._table = table

    def add(self, counter: Counter, count: int) -> int:
        """By UpdateItem."""
        try:
            row = self._tables.update(
                self._table,
                {"operation_id": counter.name},
                "SET expires_ttl = :ends_at ADD used :count",
                LIMIT_NOT_REACHED,
                {":count": count, ":limit": counter.limit, ":ends_at": int(counter.ends_at.timestamp())},
            )
        except ConditionsFailed:
            raise LimitReached("the counter has reached its limit") from None
        try:
            return count_in(row["used"])
        except (KeyError, TypeError):
            raise TamperedStore("a counter does not read") from None
