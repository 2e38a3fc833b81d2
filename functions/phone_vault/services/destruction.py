"""Destruction of records: shredded, cleared and closed, several at once, and each step as often as need be."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TypeVar

from phone_vault.domain.errors import StoreUnavailable
from phone_vault.domain.ports import Contended, RecordId
from phone_vault.domain.retention import Retained
from phone_vault.domain.rights_ports import CLOSED_AT_ONCE, Because, RetainedStore
from phone_vault.domain.tombstone import Tombstone

T = TypeVar("T")
U = TypeVar("U")

AT_ONCE = 8
"""Less than the connections that a client keeps open: what a record waits for is the way to DynamoDB and back."""
_ATTEMPTS = 10


class Destruction:
    """Whoever counts what was destroyed shreds and clears, writes the count down, and then closes.

    Until it is closed a tombstone has what a receipt needs, and its subject still names it: after a crash the same
    steps find the same records.

    Once each is promised for one who repeats his own steps, not for two who meet over the leavings of a crash: a
    tombstone does not say who has shredded it, nor whether he has counted it. A purge that was stopped after shredding
    leaves what an erasure of the subject then closes and does not count, so that the number is in no receipt. A purge
    that was stopped between count and closing leaves what an erasure of that token counts once more. To carry the
    run's name in the tombstone would not settle it alone: an erasure would have to leave open what is a purge's, and
    its subject with it, until a purge comes, and a purge could never close what an erasure has left that nobody
    repeats. What is destroyed is the same in all these cases; which receipt says so is not.
    """

    def __init__(self, retained: RetainedStore, *, tombstone_days: int, at_once: int = AT_ONCE) -> None:
        self._retained = retained
        self._tombstone_life = timedelta(days=tombstone_days)
        self._at_once = at_once

    def shred(
        self,
        record: Tombstone | Retained | None,
        because: Because,
        at: datetime,
        is_due: Callable[[Retained], bool] = lambda record: True,
    ) -> Tombstone | Retained | None:
        """The tombstone; the record as it is now if something forbids to destroy it; None if its row is gone.

        `is_due` is asked of whatever the record has become until nobody writes in between.
        """
        there = record
        for _ in range(_ATTEMPTS):
            if there is None or isinstance(there, Tombstone) or _is_kept(there, because) or not is_due(there):
                return there
            try:
                return self._retained.shred(there, because, at, at + self._tombstone_life)
            except Contended:
                there = self.read_again(there)
        raise StoreUnavailable("a record changes too often")

    def read_again(self, record: Retained) -> Tombstone | Retained | None:
        """As it is now."""
        record_id = RecordId(record.tenant_id, record.name)
        return self._retained.read([record_id]).get(record_id)

    def clear(self, tombstones: Iterable[Tombstone]) -> None:
        """Messages and index entries: what was made of the numbers is gone after this."""
        self.each(self._retained.clear, tombstones)

    def close(self, tombstones: Iterable[Tombstone]) -> None:
        """Everything that leads to what was destroyed, or from it."""
        listed = list(tombstones)
        portions = [listed[at : at + CLOSED_AT_ONCE] for at in range(0, len(listed), CLOSED_AT_ONCE)]
        self.each(lambda portion: self._retained.close(*portion), portions)

    def each(self, act: Callable[[T], U], things: Iterable[T]) -> list[U]:
        """What becomes of each, in their order; what fails first is raised when nothing is under way any more."""
        listed = list(things)
        if min(len(listed), self._at_once) <= 1:
            return [act(each) for each in listed]
        with ThreadPoolExecutor(self._at_once) as threads:
            return list(threads.map(act, listed))


def _is_kept(record: Retained, because: Because) -> bool:
    standing = record.standing
    return standing.is_held or (because is Because.PURGE and standing.is_restricted)
