"""Census: how many records and entries each key version of each tenant has."""

from collections import Counter
from datetime import datetime
from functools import cache

from phone_vault.domain.audit import Event
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.inventory import Kind
from phone_vault.domain.job_ports import CountedEntry, CountedRecord, CountedTables, Cursor, RunStore, Unreadable
from phone_vault.domain.keys import KeyUse
from phone_vault.domain.ports import KeyRingStore
from phone_vault.domain.rotation import Step
from phone_vault.services.both_tables import AT_THE_ENTRIES, after_records, pages_of
from phone_vault.services.censuses import Counted
from phone_vault.services.job import Desk
from phone_vault.services.shard_worker import Passed, ShardWorker, Task

UNKNOWN_TENANT = "?"


class TakeCensus(ShardWorker):
    """Reads neither keys nor subjects; what it counts is put together when all shards are."""

    name = "Census"
    steps = (Step.FIRST_CENSUS, Step.LAST_CENSUS)

    def __init__(self, desk: Desk, runs: RunStore, tables: CountedTables, key_ring_store: KeyRingStore) -> None:
        super().__init__(desk, runs)
        self._tables = tables
        self._key_ring_store = key_ring_store

    def begin(self, task: Task) -> None:
        """One audit entry a call."""
        details: dict[str, str | int] = {"run": task.run.run_id, "step": str(task.step), "shard": task.shard.number}
        self.desk.trail.record([Event("counting", task.caller, details=details)])

    def pass_over(self, task: Task, cursor: Cursor | None) -> Passed:
        """One page of the records, or all entries."""
        counted = _Counted(self._key_ring_store, self.desk)
        if cursor == AT_THE_ENTRIES:
            for entries in pages_of(lambda start: self._tables.entries(task.shard, start, task.run.tenant_id)):
                for entry in entries.rows:
                    counted.add_entry(entry)
            return Passed(counted.counts, None)
        records = self._tables.records(task.shard, cursor, task.run.tenant_id)
        for record in records.rows:
            counted.add_record(record)
        return Passed(counted.counts, after_records(records.next_cursor))


class _Counted:
    """The counts of one page, by `tenant/what`."""

    def __init__(self, key_ring_store: KeyRingStore, desk: Desk) -> None:
        self.counts: Counter[str] = Counter()
        self._key_ring_store = key_ring_store
        self._wait = desk.wait
        self._exposed_until = cache(self._read_exposed_until)

    def add_record(self, record: CountedRecord | Unreadable) -> None:
        """One row of RecordKeys."""
        if isinstance(record, Unreadable):
            self._count(record.tenant_id, Counted.UNREADABLE)
            return
        if record.branch_key_version is None:
            self._count(record.tenant_id, Counted.DIRECT)
        else:
            self._count(record.tenant_id, Counted.BRANCH, record.branch_key_version)
        if record.kind is Kind.MESSAGE_KEY:
            self._count(record.tenant_id, Counted.MESSAGES)
            self._add_exposure(record)
            return
        self._count(record.tenant_id, Counted.NUMBERS)
        if record.index_versions:
            self._count(record.tenant_id, Counted.INDEXED)
        for version in record.index_versions:
            self._count(record.tenant_id, Counted.INDEX, version)

    def add_entry(self, entry: CountedEntry | Unreadable) -> None:
        """One row of LookupIndex."""
        if isinstance(entry, Unreadable):
            self._count(entry.tenant_id, Counted.UNREADABLE)
        else:
            self._count(entry.tenant_id, Counted.ENTRIES, entry.version)

    def _count(self, tenant_id: str | None, *what: str | int) -> None:
        self.counts["/".join(map(str, (tenant_id or UNKNOWN_TENANT, *what)))] += 1

    def _add_exposure(self, record: CountedRecord) -> None:
        try:
            until = self._exposed_until(record.tenant_id)
        except TamperedStore:
            self._count(record.tenant_id, Counted.UNREADABLE)
            return
        if until is not None and record.created_at < until:
            self._count(record.tenant_id, Counted.OLD_MESSAGES)

    def _read_exposed_until(self, tenant_id: str) -> datetime | None:
        """Until when message keys of the tenant may have been wrapped by a version that others may know.

        That is when it was superseded, and a cache's age later. Its row tells while it is decrypt-only, that of its
        successor while that is active; after both the earlier of the two is late, if anything.
        """
        rows = self._key_ring_store.keys_of(tenant_id).of_use(KeyUse.BRANCH)
        superseded = []
        for at, key in enumerate(rows):
            if key.compromised:
                # A version that failed its proof and was given up has taken no other's place.
                successor = next((each for each in rows[at + 1 :] if each.proven), key)
                superseded.append(min(each.changed_at for each in (key, successor) if each.changed_at is not None))
        return max(superseded) + self._wait if superseded else None
