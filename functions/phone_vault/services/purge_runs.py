"""Runs of plans: which one is under way, what its pages have come to, and how many of them are left."""

from collections import Counter
from collections.abc import Iterator
from datetime import date

from phone_vault.domain.errors import Conflict
from phone_vault.domain.ports import Contended
from phone_vault.domain.purge_ports import PurgeRunStore
from phone_vault.domain.purge_run import FAILED, KEPT, MESSAGE_KEYS_FAILED, PageState, PurgeRun, Totals
from phone_vault.domain.receipts import MOST_LEAVES, SaltedToken

OVERTAKEN = "another Purge has begun since"
_OF_THE_LAST_PART = (KEPT, FAILED, MESSAGE_KEYS_FAILED)
"""What a stopped run has kept is found once more by the one that goes on."""


class PurgeRuns:
    """Reads page after page and holds none: a purge may have any number of them."""

    def __init__(self, store: PurgeRunStore) -> None:
        self.store = store

    def current(self, scope: str, run_id: str) -> PurgeRun:
        """`Conflict` unless the run is the last one of its scope."""
        run = self.store.read(scope)
        if run is None or run.run_id != run_id:
            raise Conflict(OVERTAKEN)
        return run

    def save(self, run: PurgeRun) -> PurgeRun:
        """`Conflict` if somebody else has written it."""
        try:
            return self.store.save(run)
        except Contended:
            raise Conflict(OVERTAKEN) from None

    def pages_left(self, run: PurgeRun) -> list[int]:
        """Those that are not done."""
        return [
            each.page for each in self.store.all_progress(run.run_id, run.pages) if each.state is not PageState.DONE
        ]

    def totals(self, run: PurgeRun) -> Totals:
        """What was destroyed in all its parts, and what the last one has kept; `Conflict` unless all is done."""
        counts, by_purpose = Counter[str](), Counter[str]()
        leaves, left_from = 0, None
        for part in run.parts:
            is_last = part.run_id == run.run_id
            for page in self.store.all_progress(*part):
                if is_last:
                    if page.state is not PageState.DONE:
                        raise Conflict("the plan has not been carried out to its end")
                    left_from = _earlier(left_from, page.left_from)
                counts.update({name: n for name, n in page.counts.items() if is_last or name not in _OF_THE_LAST_PART})
                by_purpose.update(page.by_purpose)
                leaves += len(page.leaves)
        return Totals(counts, by_purpose, leaves, left_from)

    def leaves(self, run: PurgeRun) -> Iterator[list[SaltedToken]]:
        """Those of all its parts, in rows of 1,000; sorted in each, so that the order tells nothing of the tokens."""
        row: list[SaltedToken] = []
        for part in run.parts:
            for page in self.store.all_progress(*part):
                row += page.leaves
                while len(row) >= MOST_LEAVES:
                    yield _sorted(row[:MOST_LEAVES])
                    row = row[MOST_LEAVES:]
        if row:
            yield _sorted(row)


def _sorted(leaves: list[SaltedToken]) -> list[SaltedToken]:
    return sorted(leaves, key=lambda leaf: leaf.hash)


def _earlier(one: date | None, other: date | None) -> date | None:
    return min((each for each in (one, other) if each is not None), default=None)
