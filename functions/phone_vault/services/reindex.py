"""Reindex: every stored number in all live versions of the index; or, after a compromise, under a new record key."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple, TypeVar

from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.job_ports import Cursor, Indexed, IndexedRecords, RunStore
from phone_vault.domain.keys import KeyUse
from phone_vault.domain.ports import Contended, RecordId
from phone_vault.domain.rotation import DONE, Step
from phone_vault.domain.stored_number import StoredNumber
from phone_vault.services.job import Desk
from phone_vault.services.page_work import PageWork
from phone_vault.services.reindexing import Reindexing
from phone_vault.services.shard_worker import Passed, ShardWorker, Task

POSITIONS_AT_ONCE = 25

Made = TypeVar("Made")


class _Held(NamedTuple):
    """A record and its message, as they were read."""

    record: StoredNumber
    message: bytes | None


class Reindex(ShardWorker):
    """Reads a message, and decrypts it, only where there is something to be done."""

    name = "Reindex"
    mac_keys_from = KeyUse.INDEX
    steps = (Step.REINDEX, Step.RE_ENCRYPT)

    def __init__(self, desk: Desk, runs: RunStore, records: IndexedRecords, reindexing: Reindexing) -> None:
        super().__init__(desk, runs)
        self._records = records
        self._reindexing = reindexing

    def pass_over(self, task: Task, cursor: Cursor | None) -> Passed:
        """One page."""
        page = self._records.page(task.shard, cursor, task.run.tenant_id)
        work = PageWork(self.desk.key_ring)
        if task.step is Step.REINDEX:
            stale = work.stale(page.rows, self._reindexing.is_indexed)
            self._announce(task, "re-indexing", stale)
            self._index(work, stale)
        else:
            # What functions with an older cache made until then may have been wrapped by the version that is left.
            is_new = partial(_was_made_between, task.run.begun_at + self.desk.wait, task.now)
            stale = work.stale(page.rows, is_new)
            self._announce(task, "re-encrypting", stale)
            self._re_encrypt(work, stale, is_new, task.now)
        return work.passed(page.next_cursor)

    def _announce(self, task: Task, outcome: str, stale: Sequence[StoredNumber]) -> None:
        self.announce(task, outcome, (record.tenant_id for record in stale))

    def _index(self, work: PageWork, stale: Sequence[StoredNumber]) -> None:
        """Many in a transaction; one by one where that meets another write."""
        ready: list[tuple[_Held, Indexed]] = []
        for held in self._read(work, stale, self._reindexing.is_indexed):
            with work.guarded(held.record.tenant_id):
                try:
                    ready.append((held, self._made(held, self._reindexing.indexed)))
                except Contended:
                    self._index_alone(work, held)
        for batch in _batches(ready):
            try:
                self._records.index([change for _, change in batch])
            except Contended:
                for held, _ in batch:
                    self._index_alone(work, held)
            else:
                work.counts[DONE] += len(batch)

    def _index_alone(self, work: PageWork, held: _Held) -> None:
        def index(held: _Held) -> None:
            self._records.index([self._made(held, self._reindexing.indexed)])

        def is_indexed(held: _Held) -> bool:
            return self._reindexing.is_indexed(held.record)

        work.act_on(held.record.tenant_id, held, index, self._read_again, is_indexed)

    def _re_encrypt(
        self, work: PageWork, stale: Sequence[StoredNumber], is_new: Callable[[StoredNumber], bool], now: datetime
    ) -> None:
        def re_encrypt(held: _Held) -> None:
            self._records.re_encrypt(self._made(held, partial(self._reindexing.re_encrypted, now=now)))

        for held in self._read(work, stale, is_new):
            work.act_on(held.record.tenant_id, held, re_encrypt, self._read_again, lambda again: is_new(again.record))

    def _read(
        self, work: PageWork, stale: Sequence[StoredNumber], is_current: Callable[[StoredNumber], bool]
    ) -> list[_Held]:
        """Those with which there is still something to be done."""
        if not stale:
            return []
        found, messages = self._records.records_and_messages([_id_of(record) for record in stale])
        return [_Held(record, messages.get(_id_of(record))) for record in work.stale(found.values(), is_current)]

    def _read_again(self, held: _Held) -> _Held | None:
        record_id = _id_of(held.record)
        found, messages = self._records.records_and_messages([record_id])
        return _Held(found[record_id], messages.get(record_id)) if record_id in found else None

    def _made(self, held: _Held, make: Callable[[StoredNumber, bytes | None], Made]) -> Made:
        """What is to be written; `Contended` where record and message do not belong together only for the moment."""
        try:
            return make(held.record, held.message)
        except TamperedStore:
            # They were read in one request, but not as of one moment: a re-encryption may have come in between.
            again = self._read_again(held)
            if again is not None and again.record.revision == held.record.revision:
                raise
            raise Contended("a record has changed while it was read") from None


def _batches(ready: Sequence[tuple[_Held, Indexed]]) -> Iterator[list[tuple[_Held, Indexed]]]:
    """As many as a transaction takes, in their order."""
    batch: list[tuple[_Held, Indexed]] = []
    positions = 0
    for each in ready:
        positions += len(each[1].positions)
        if batch and positions > POSITIONS_AT_ONCE:
            yield batch
            batch, positions = [], len(each[1].positions)
        batch.append(each)
    if batch:
        yield batch


def _id_of(record: StoredNumber) -> RecordId:
    return RecordId(record.tenant_id, record.token)


def _was_made_between(moment: datetime, now: datetime, record: StoredNumber) -> bool:
    """Since that moment. What says that it was made in the future was not written by the vault, and is made anew."""
    return moment <= (record.key_made_at or record.created_at) <= now
