"""The ports of planning and carrying out purges, in memory, over the tables of the applications."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime

from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.job_ports import Cursor, Page, Shard, Unreadable
from phone_vault.domain.policy import VaultPolicy
from phone_vault.domain.ports import Contended, RecordId
from phone_vault.domain.purge_ports import DuePage, KeptNumber, SealedText
from phone_vault.domain.purge_run import PageProgress, PurgeRun
from phone_vault.domain.retention import Retained, due_bucket
from phone_vault.domain.rights_ports import Because
from phone_vault.domain.stored_number import StoredNumber
from phone_vault.domain.subject import SubjectId
from phone_vault.domain.tombstone import Tombstone
from tests.fakes.audit_log import MemoryAuditLog
from tests.fakes.disturbances import Disturbances
from tests.fakes.key_ring import MemoryKeyRingStore
from tests.fakes.retained import MemoryRetainedStore
from tests.fakes.tables import MemoryTables

_WHOLE_TABLE = Shard(0, 1)


class Buckets(dict[RecordId, str]):
    """Where each record stands among what is due, and who stands where."""

    def __init__(self) -> None:
        super().__init__()
        self._members: defaultdict[str, set[RecordId]] = defaultdict(set)
        self._sorted: dict[str, list[RecordId]] = {}

    def __setitem__(self, record_id: RecordId, bucket: str) -> None:
        self._leave(record_id)
        super().__setitem__(record_id, bucket)
        self._members[bucket].add(record_id)
        self._sorted.pop(bucket, None)

    def __delitem__(self, record_id: RecordId) -> None:
        self._leave(record_id)
        super().__delitem__(record_id)

    def pop(self, record_id: RecordId, default: str | None = None) -> str | None:  # type: ignore[override]  # one form
        """As a dict's."""
        self._leave(record_id)
        return super().pop(record_id, default)

    def page(self, bucket: str, after: RecordId | None, rows: int) -> list[RecordId]:
        """Some who stand there, in an order."""
        if bucket not in self._sorted:
            self._sorted[bucket] = sorted(self._members.get(bucket, ()))
        found = self._sorted[bucket]
        begin = 0 if after is None else next((at for at, each in enumerate(found) if each > after), len(found))
        return found[begin : begin + rows]

    def _leave(self, record_id: RecordId) -> None:
        bucket = self.get(record_id)
        if bucket is not None:
            self._members[bucket].discard(record_id)
            self._sorted.pop(bucket, None)


class MemoryPurgedStore(MemoryRetainedStore):
    """With rows that do not read, and every row where it stands among what is due."""

    def __init__(self, log: MemoryAuditLog, tables: MemoryTables, disturbances: Disturbances | None = None) -> None:
        super().__init__(log, tables, disturbances)
        self.due: Buckets = Buckets()
        self.shredded: list[tuple[RecordId, Because]] = []
        """In their order."""

    def read(self, record_ids: Sequence[RecordId]) -> dict[RecordId, Retained | Tombstone]:
        """If all of them read."""
        found = super().read(record_ids)
        if not self.tables.unreadable.isdisjoint(record_ids):
            raise TamperedStore("a row of RecordKeys does not read")
        return found

    def shred(self, record: Retained, because: Because, at: datetime, expires_at: datetime) -> Tombstone:
        """And remember it."""
        tombstone = super().shred(record, because, at, expires_at)
        self.shredded.append((RecordId(record.tenant_id, record.name), because))
        return tombstone


class MemoryDueIndex:
    """What is stored stands where its purposes have put it; its calls are `due.page` and so on.

    Rows are looked for when their number has changed: whoever puts one by hand in another's place tells where.
    """

    def __init__(
        self, retained: MemoryPurgedStore, policy: Callable[[], VaultPolicy], disturbances: Disturbances | None = None
    ) -> None:
        self._retained = retained
        self._tables = retained.tables
        self._policy = policy
        self._disturbances = disturbances or Disturbances()
        self._rows = 0

    def page(self, day: date, shard: int, cursor: Cursor | None) -> DuePage:
        """In the order of their ids."""
        with self._disturbances.around("due.page"), self._tables.lock:
            self._place_new_rows()
            after = RecordId(cursor["tenant"], cursor["name"]) if cursor else None
            page = self._retained.due.page(f"{day}#{shard:02d}", after, self._tables.page_rows)
            is_full = len(page) == self._tables.page_rows
            return DuePage(tuple(page), {"tenant": page[-1].tenant_id, "name": page[-1].token} if is_full else None)

    def move(self, record: Retained, bucket: str) -> None:
        """If nobody has written it since."""
        with self._disturbances.around("due.move"), self._tables.lock:
            row = self._tables.unchanged(record.tenant_id, record.name, record.revision)
            self._tables.write(row)
            self._retained.due[RecordId(row.tenant_id, row.name)] = bucket

    def move_unread(self, record_id: RecordId, bucket: str) -> None:
        """If it has a key."""
        with self._disturbances.around("due.move_unread"), self._tables.lock:
            if self._tables.keyed(*record_id) is not None:
                self._retained.due[record_id] = bucket

    def close(self, tombstone: Tombstone) -> None:
        """Two writes, of which the second may never come."""
        assert tombstone.message_purpose is None, "a message key made anew would lose its membership"
        record_id = RecordId(tombstone.tenant_id, tombstone.name)
        with self._disturbances.around("due.leave"), self._tables.lock:
            subject_id = SubjectId(tombstone.tenant_id, tombstone.subject_ref)
            self._tables.members[subject_id].discard(f"t#{tombstone.name}")
        with self._disturbances.around("due.close"), self._tables.lock:
            if self._tables.tombstones.get((tombstone.tenant_id, tombstone.name)) != tombstone:
                return
            closed = replace(tombstone, positions={}, purposes=(), erasure=None, is_swept=True)
            self._tables.bury(*record_id, replace(closed, revision=tombstone.revision + 1))
            self._retained.due.pop(record_id, None)

    def _place_new_rows(self) -> None:
        rows = len(self._tables.records) + len(self._tables.message_keys)
        if rows == self._rows:
            return
        self._rows = rows
        for tenant_id, name in self._tables.names():
            row = self._tables.keyed(tenant_id, name)
            if row is not None and RecordId(tenant_id, name) not in self._retained.due:
                self._retained.due[RecordId(tenant_id, name)] = due_bucket(row, self._policy())


class MemoryKeptNumbers:
    """Its call is `kept.page`."""

    def __init__(self, tables: MemoryTables, disturbances: Disturbances | None = None) -> None:
        self._tables = tables
        self._disturbances = disturbances or Disturbances()

    def page(self, cursor: Cursor | None, tenant_id: str | None) -> Page[KeptNumber]:
        """No message keys."""
        with self._disturbances.around("kept.page"), self._tables.lock:
            by_key = {f"{owner}#{name}": (owner, name) for owner, name in self._tables.names()}
            keys, next_cursor = self._tables.page_of(by_key, _WHOLE_TABLE, cursor)
            rows: list[KeptNumber | Unreadable] = []
            for owner, name in map(by_key.__getitem__, keys):
                row = self._tables.keyed(owner, name)
                if tenant_id not in (None, owner):
                    continue
                if (owner, name) in self._tables.unreadable:
                    rows.append(Unreadable(owner))
                elif isinstance(row, StoredNumber):
                    record_id = RecordId(owner, name)
                    rows.append(KeptNumber(record_id, row.jurisdictions, row.grants, row.last_used, row.standing))
            return Page(rows, next_cursor)


class MemoryVaultAge:
    """Of the keys in a key ring; its call is `age.first_day`."""

    def __init__(self, key_ring: MemoryKeyRingStore, disturbances: Disturbances | None = None) -> None:
        self._key_ring = key_ring
        self._disturbances = disturbances or Disturbances()

    def first_day(self) -> date | None:
        """That of the oldest."""
        with self._disturbances.around("age.first_day"):
            tenants = list(self._key_ring.tenants())
            keys = (key for tenant_id in tenants for key in self._key_ring.keys_of(tenant_id).keys)
            return min((key.created_at.date() for key in keys), default=None)


class MemoryPlanStore:
    """Its calls are `plans.read` and so on."""

    def __init__(self, disturbances: Disturbances | None = None) -> None:
        self._disturbances = disturbances or Disturbances()
        self._lock = threading.Lock()
        self.rows: dict[str, tuple[SealedText, int]] = {}
        """With their revisions."""

    def read(self, name: str) -> SealedText | None:
        """As it is."""
        with self._disturbances.around("plans.read"), self._lock:
            return self.rows[name][0] if name in self.rows else None

    def write(self, name: str, row: SealedText, revision: int) -> None:
        """On its revision."""
        with self._disturbances.around("plans.write"), self._lock:
            if (self.rows[name][1] if name in self.rows else 0) != revision:
                raise Contended("another call has gone on with the plan")
            self.rows[name] = (row, revision + 1)

    def write_page(self, name: str, row: SealedText, revision: int) -> None:
        """Unless a later call has written it."""
        with self._disturbances.around("plans.write_page"), self._lock:
            if name in self.rows and self.rows[name][1] > revision:
                raise Contended("another call has gone on with the plan")
            self.rows[name] = (row, revision)


class MemoryPurgeRunStore:
    """Its calls are `purges.read` and so on."""

    def __init__(self, disturbances: Disturbances | None = None) -> None:
        self._disturbances = disturbances or Disturbances()
        self._lock = threading.Lock()
        self.runs: dict[str, PurgeRun] = {}
        self.pages: dict[tuple[str, int], PageProgress] = {}
        self.first_day: date | None = None

    def read(self, scope: str) -> PurgeRun | None:
        """As it is."""
        with self._disturbances.around("purges.read"), self._lock:
            return self.runs.get(scope)

    def save(self, run: PurgeRun) -> PurgeRun:
        """On its revision."""
        with self._disturbances.around("purges.save"), self._lock:
            stored = self.runs.get(run.scope)
            if (stored.revision if stored else 0) != run.revision:
                raise Contended("another purge has begun")
            self.runs[run.scope] = replace(run, revision=run.revision + 1)
            return self.runs[run.scope]

    def progress(self, run_id: str, page: int) -> PageProgress:
        """As it is."""
        with self._disturbances.around("purges.progress"), self._lock:
            return self.pages.get((run_id, page), PageProgress(run_id, page))

    def all_progress(self, run_id: str, pages: int) -> Iterator[PageProgress]:
        """In their order."""
        with self._disturbances.around("purges.all_progress"), self._lock:
            found = [self.pages.get((run_id, page), PageProgress(run_id, page)) for page in range(pages)]
        return iter(found)

    def save_progress(self, progress: PageProgress) -> PageProgress:
        """On its revision."""
        place = (progress.run_id, progress.page)
        with self._disturbances.around("purges.save_progress"), self._lock:
            stored = self.pages.get(place)
            if (stored.revision if stored else 0) != progress.revision:
                raise Contended("another worker is at the page")
            self.pages[place] = replace(progress, revision=progress.revision + 1)
            return self.pages[place]

    def low_water(self) -> date | None:
        """As it is."""
        with self._disturbances.around("purges.low_water"), self._lock:
            return self.first_day

    def raise_low_water(self, day: date, today: date) -> None:
        """Never down, but from a day to come."""
        with self._disturbances.around("purges.raise_low_water"), self._lock:
            if self.first_day is None or self.first_day < day or self.first_day > today:
                self.first_day = day
