"""What is done to the records of one page: each by itself, so that none that fails stops another."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import TypeVar

from phone_vault.domain.errors import KeyUnavailable, TamperedStore
from phone_vault.domain.job_ports import Cursor, Unreadable
from phone_vault.domain.ports import Contended
from phone_vault.domain.rotation import CURRENT, DONE, FAILED
from phone_vault.services.key_ring import KeyRing
from phone_vault.services.shard_worker import Passed

_LOG = logging.getLogger("phone-vault.records")
_ATTEMPTS = 5

T = TypeVar("T")


class PageWork:
    """Counts what becomes of records, and logs what failed by tenant and reason, never by record."""

    def __init__(self, key_ring: KeyRing) -> None:
        self.counts: Counter[str] = Counter()
        self._key_ring = key_ring
        self._failures: Counter[tuple[str | None, str]] = Counter()

    def stale(
        self,
        rows: Iterable[T | Unreadable],
        is_current: Callable[[T], bool],
        tenant_of: Callable[[T], str] = attrgetter("tenant_id"),
    ) -> list[T]:
        """The rows with which something is to be done; of off-boarded tenants none."""
        found = []
        for row in rows:
            if isinstance(row, Unreadable):
                self._fail(row.tenant_id, "a row does not read")
                continue
            tenant_id = tenant_of(row)
            with self.guarded(tenant_id):
                if self._key_ring.has_left(tenant_id):
                    continue
                if is_current(row):
                    self.counts[CURRENT] += 1
                else:
                    found.append(row)
        return found

    def act_on(
        self,
        tenant_id: str,
        record: T,
        act: Callable[[T], None],
        read: Callable[[T], T | None],
        is_current: Callable[[T], bool],
    ) -> None:
        """Act on the record as it is, until that succeeds, somebody else has done it, or it is gone."""
        with self.guarded(tenant_id):
            for _ in range(_ATTEMPTS):
                try:
                    act(record)
                except Contended:
                    again = read(record)
                    if again is None:
                        return
                    if is_current(again):
                        self.counts[CURRENT] += 1
                        return
                    record = again
                else:
                    self.counts[DONE] += 1
                    return
            self._fail(tenant_id, "a record changes too often")

    @contextmanager
    def guarded(self, tenant_id: str) -> Iterator[None]:
        """What fails for one record is counted; what the store or the audit trail refuses goes on."""
        try:
            yield
        except (TamperedStore, KeyUnavailable) as fault:
            self._fail(tenant_id, str(fault))

    def passed(self, next_cursor: Cursor | None) -> Passed:
        """The page, done with."""
        for (tenant_id, reason), count in self._failures.items():
            _LOG.warning(
                "records could not be moved on", extra={"tenant": tenant_id, "reason": reason, "records": count}
            )
        return Passed(self.counts, next_cursor)

    def _fail(self, tenant_id: str | None, reason: str) -> None:
        self.counts[FAILED] += 1
        self._failures[tenant_id, reason] += 1
