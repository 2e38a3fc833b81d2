"""The counters of the Operations table in memory."""

from phone_vault.domain.errors import StoreUnavailable
from phone_vault.domain.ports import LimitReached
from phone_vault.domain.quotas import Counter


class MemoryCounterStore:
    """The Operations table, as far as it counts."""

    def __init__(self) -> None:
        self.totals: dict[str, int] = {}
        self.added: list[tuple[str, int]] = []
        self.is_reachable = True

    def add(self, counter: Counter, count: int) -> int:
        """While it is below its limit."""
        if not self.is_reachable:
            raise StoreUnavailable("DynamoDB does not answer")
        self.added.append((counter.name, count))
        total = self.totals.get(counter.name, 0)
        if total >= counter.limit:
            raise LimitReached("the counter has reached its limit")
        self.totals[counter.name] = total + count
        return total + count
