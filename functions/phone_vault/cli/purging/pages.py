"""How far the pages of a run are, looked up as cheaply as may be."""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from phone_vault.domain.purge_run import FAILED, KEPT, PURGED, PageProgress, PageState, PurgeRun

_AT_ONCE = 100
"""Pages that one look reads. They are done about in their order, some of them side by side."""


class Reading(Protocol):
    """Runs and pages in Operations."""

    def run(self, scope: str) -> PurgeRun | None:
        """The last one of this scope."""

    def pages(self, run_id: str, numbers: Sequence[int]) -> list[PageProgress]:
        """What became of these pages, in their order."""


class Pages:
    """Of one run. What is done is not read again."""

    def __init__(self, run: PurgeRun) -> None:
        self.run = run
        self.counts = Counter[str]()
        self._left = list(range(run.pages))

    @property
    def done(self) -> int:
        """So many are done."""
        return self.run.pages - len(self._left)

    def look(self, reading: Reading) -> None:
        """At the next ones that are not done."""
        while self._left:
            looked_at = self._left[:_AT_ONCE]
            done = [page for page in reading.pages(self.run.run_id, looked_at) if page.state is PageState.DONE]
            for page in done:
                self.counts.update(page.counts)
            numbers = {page.page for page in done}
            self._left = [number for number in self._left if number not in numbers]
            if len(done) < len(looked_at):
                return

    @property
    def outcome(self) -> str:
        """In words: what became of stored numbers."""
        failed = self.counts[FAILED]
        told = [f"{self.counts[PURGED]:,} purged", f"{self.counts[KEPT]:,} kept"]
        return ", ".join([*told, f"{failed:,} FAILED"] if failed else told)
