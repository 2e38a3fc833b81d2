"""The AuditTrail table in memory."""

import threading
from collections.abc import Sequence

from phone_vault.domain.audit import Entry
from phone_vault.domain.errors import StoreUnavailable
from tests.fakes.disturbances import Disturbances


class MemoryAuditLog:
    """`failure` is raised instead of the next writes, after them if `writes_anyway`; its call is `audit.append`."""

    def __init__(self, disturbances: Disturbances | None = None) -> None:
        self._disturbances = disturbances or Disturbances()
        self._lock = threading.RLock()
        self.entries: list[Entry] = []
        self._taken: set[tuple[str, int]] = set()
        self.failure: Exception | None = None
        self.writes_anyway = False

    def append(self, entries: Sequence[Entry]) -> None:
        """All or none; a place that is taken stays as it is."""
        with self._disturbances.around("audit.append"), self._lock:
            if self.failure is not None and not self.writes_anyway:
                raise self.failure
            places = {(entry.chain, entry.sequence) for entry in entries}
            if not self._taken.isdisjoint(places):
                raise StoreUnavailable("a place in the audit trail is taken")
            self._taken |= places
            self.entries.extend(entries)
            if self.failure is not None:
                raise self.failure
