"""Quotas: how many of the things that are asked at once the hour still has room for."""

from datetime import datetime

from phone_vault.domain import quotas
from phone_vault.domain.policy import Principal, VaultPolicy
from phone_vault.domain.ports import CounterStore, LimitReached, RecordId
from phone_vault.domain.quotas import Counter


class Quotas:
    """The policy's limits and the counters that all instances share.

    What counts is counted before it happens, and stays counted whatever becomes of it.
    """

    def __init__(self, policy: VaultPolicy, counters: CounterStore) -> None:
        self._policy = policy
        self._counters = counters

    def items_left(self, principal: Principal, function: str, items: int, now: datetime) -> int:
        """How many of these items, the first ones, the principal's quota covers; asks nobody where it has none."""
        limit = principal.quotas.get(function)
        if limit is None or not items:
            return items
        return min(items, self._left(quotas.calls(function, principal.match, limit, now), items))

    def mismatches_left(self, record_id: RecordId, mismatches: int, now: datetime) -> int:
        """How many mismatches the token had left before these; 0 when it takes no question any more.

        The same request whether there are mismatches or not, so that its time tells nothing.
        """
        limit = self._policy.verify_mismatches_per_token
        return self._left(quotas.mismatches(*record_id, limit, now), mismatches)

    def _left(self, counter: Counter, count: int) -> int:
        try:
            total = self._counters.add(counter, count)
        except LimitReached:
            return 0
        return counter.limit - (total - count)  # at least 1: it was below its limit
