"""Runs, cursors and censuses of the Operations table in memory."""

import threading
from dataclasses import replace
from datetime import timedelta

from phone_vault.domain.ports import Contended
from phone_vault.domain.rotation import Census, Progress, Run, Step
from tests.fakes.disturbances import Disturbances


class MemoryRunStore:
    """Its calls are `runs.latest` and so on."""

    def __init__(self, disturbances: Disturbances | None = None) -> None:
        self._disturbances = disturbances or Disturbances()
        self._lock = threading.Lock()
        self._latest: Run | None = None
        self._progress: dict[tuple[str, Step, int], Progress] = {}
        self._censuses: dict[str, Census] = {}

    def latest(self) -> Run | None:
        """The one that was begun last."""
        with self._disturbances.around("runs.latest"), self._lock:
            return self._latest

    def save_run(self, run: Run, before: Run | None) -> None:
        """If the latest is still that."""
        with self._disturbances.around("runs.save_run"), self._lock:
            if self._latest != before:
                raise Contended("another rotation was begun")
            self._latest = run

    def progress(self, run_id: str, step: Step, shard: int) -> Progress | None:
        """None before it was begun."""
        with self._disturbances.around("runs.progress"), self._lock:
            return self._progress.get((run_id, step, shard))

    def save_progress(self, progress: Progress) -> Progress:
        """If its revision is the stored one, 0 for none."""
        place = (progress.run_id, progress.step, progress.shard)
        with self._disturbances.around("runs.save_progress"), self._lock:
            stored = self._progress.get(place)
            if progress.revision != (stored.revision if stored else 0):
                raise Contended("another worker has gone on")
            self._progress[place] = replace(progress, revision=progress.revision + 1)
            return self._progress[place]

    def census(self, tenant_id: str) -> Census | None:
        """The last one."""
        with self._disturbances.around("runs.census"), self._lock:
            return self._censuses.get(tenant_id)

    def save_census(self, census: Census) -> None:
        """Unless the stored one began later."""
        with self._disturbances.around("runs.save_census"), self._lock:
            stored = self._censuses.get(census.tenant_id)
            if stored is None or not census.begun_at < stored.begun_at <= census.begun_at + timedelta(days=2):
                self._censuses[census.tenant_id] = census
