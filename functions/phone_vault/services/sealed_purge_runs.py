"""Runs of purges and what their pages have come to: each row under a MAC of the vault's own audit key."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from phone_vault.crypto import macs
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.purge_ports import PurgeRunStore
from phone_vault.domain.purge_run import PageProgress, PurgeRun, progress_text, run_text
from phone_vault.services.key_ring import KeyRing


class SealedPurgeRuns:
    """The port, checked: the Receipt key signs what stands in these rows, so none may be of anybody else's.

    A row that was edited, put in another's place, or never sealed is `TamperedStore`. A row that was deleted, or put
    back as it was before, is not noticed: what it had counted is missing from the receipt, but nothing is added.
    The low-water day is not sealed. One before its time costs time, and one after today is none; a day in between that
    somebody else has written hides what is due before it, until the row is deleted.
    """

    def __init__(self, store: PurgeRunStore, key_ring: KeyRing) -> None:
        self._store = store
        self._key_ring = key_ring

    def read(self, scope: str) -> PurgeRun | None:
        """The last run of this scope."""
        run = self._store.read(scope)
        if run is not None and not macs.equal(run.seal, self._seal_of_run(run)):
            raise TamperedStore("a row of a purge is not what was written")
        return run

    def save(self, run: PurgeRun) -> PurgeRun:
        """Sealed as it will be stored."""
        seal = self._seal_of_run(replace(run, revision=run.revision + 1))
        return self._store.save(replace(run, seal=seal))

    def progress(self, run_id: str, page: int) -> PageProgress:
        """As it begins, if nobody has begun it."""
        return self._checked(self._store.progress(run_id, page))

    def all_progress(self, run_id: str, pages: int) -> Iterator[PageProgress]:
        """Of pages 0 to so many, in their order."""
        return map(self._checked, self._store.all_progress(run_id, pages))

    def save_progress(self, progress: PageProgress) -> PageProgress:
        """Sealed as it will be stored."""
        seal = self._seal_of_page(replace(progress, revision=progress.revision + 1))
        return self._store.save_progress(replace(progress, seal=seal))

    def low_water(self) -> date | None:
        """As it is stored."""
        return self._store.low_water()

    def raise_low_water(self, day: date, today: date) -> None:
        """Never down, but from a day after today."""
        self._store.raise_low_water(day, today)

    def _checked(self, progress: PageProgress) -> PageProgress:
        is_begun = progress != PageProgress(progress.run_id, progress.page)
        if is_begun and not macs.equal(progress.seal, self._seal_of_page(progress)):
            raise TamperedStore("what a page of a purge has come to is not what was written")
        return progress

    def _seal_of_run(self, run: PurgeRun) -> bytes:
        return self._seal(run.scope, run_text(run))

    def _seal_of_page(self, progress: PageProgress) -> bytes:
        return self._seal(f"{progress.run_id}#{progress.page}", progress_text(progress))

    def _seal(self, name: str, text: str) -> bytes:
        return macs.purge_run_seal(self._key_ring.audit_key(None).key, name, text)
