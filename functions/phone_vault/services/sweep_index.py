"""SweepIndex: what stands in index versions that nobody reads or writes any more is taken away."""

from functools import cache
from operator import attrgetter

from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.job_ports import Cursor, RunStore, SweptEntry, SweptIndex, SweptRecord
from phone_vault.domain.keys import INDEXING, KeyUse
from phone_vault.domain.ports import KeyRingStore
from phone_vault.domain.rotation import Step
from phone_vault.services.both_tables import AT_THE_ENTRIES, after_records, pages_of
from phone_vault.services.censuses import Counted
from phone_vault.services.job import Desk
from phone_vault.services.page_work import PageWork
from phone_vault.services.shard_worker import Passed, ShardWorker, Task


class SweepIndex(ShardWorker):
    """First positions with their entries, record by record; then entries that no record knows of."""

    name = "SweepIndex"
    steps = (Step.SWEEP,)

    def __init__(self, desk: Desk, runs: RunStore, index: SweptIndex, key_ring_store: KeyRingStore) -> None:
        super().__init__(desk, runs)
        self._index = index
        self._key_ring_store = key_ring_store

    def pass_over(self, task: Task, cursor: Cursor | None) -> Passed:
        """One page of the records, or all entries."""
        if cursor == AT_THE_ENTRIES:
            return self._sweep_entries(task)
        passed = self._sweep_records(task, cursor)
        return passed._replace(next_cursor=after_records(passed.next_cursor))

    def _sweep_records(self, task: Task, start: Cursor | None) -> Passed:
        page = self._index.records(task.shard, start, task.run.tenant_id)
        work, versions = PageWork(self.desk.key_ring), _Versions(self._key_ring_store)
        stale = work.stale(page.rows, versions.are_live, attrgetter("record_id.tenant_id"))
        self.announce(task, "sweeping", (record.record_id.tenant_id for record in stale))

        def take_out(record: SweptRecord) -> None:
            self._index.take_out(record, versions.dead_ones_of(record))

        for record in stale:
            work.act_on(record.record_id.tenant_id, record, take_out, self._read, versions.are_live)
        return work.passed(page.next_cursor)

    def _read(self, record: SweptRecord) -> SweptRecord | None:
        return self._index.read(record.record_id)

    def _sweep_entries(self, task: Task) -> Passed:
        work, versions = PageWork(self.desk.key_ring), _Versions(self._key_ring_store)
        for page in pages_of(lambda start: self._index.entries(task.shard, start, task.run.tenant_id)):
            dead = work.stale(page.rows, versions.is_live)
            self.announce(task, "sweeping", (entry.tenant_id for entry in dead), Counted.ENTRIES)
            if dead:
                self._index.delete_entries(dead)
            work.counts[Counted.ENTRIES] += len(dead)
        return work.passed(None)


class _Versions:
    """Of the tenants' index keys, read once for a page: what is dead stays dead."""

    def __init__(self, store: KeyRingStore) -> None:
        self._keys_of = cache(store.keys_of)

    def dead(self, tenant_id: str) -> set[int]:
        """Closed, retired or destroyed; after a restore perhaps long ago."""
        keys = self._keys_of(tenant_id)
        return {key.key_id.version for key in keys.of_use(KeyUse.INDEX) if key.state not in INDEXING}

    def is_live(self, entry: SweptEntry) -> bool:
        """Whether the entry is not in a dead one."""
        return entry.version not in self.dead(entry.tenant_id)

    def are_live(self, record: SweptRecord) -> bool:
        """Whether none of the record's positions is in a dead one."""
        return self.dead(record.record_id.tenant_id).isdisjoint(record.positions)

    def dead_ones_of(self, record: SweptRecord) -> set[int]:
        """Those in which the record stands.

        `TamperedStore` if it stands in no other: without its last position it would be lost to the index unnoticed.
        """
        dead = self.dead(record.record_id.tenant_id) & record.positions.keys()
        if dead == record.positions.keys():
            raise TamperedStore("a record stands in no live version of the index")
        return dead
