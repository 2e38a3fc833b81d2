"""Workers over shards on fakes, beside the functions for applications over the same records."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from phone_vault.crypto.numbers import new_key
from phone_vault.domain.audit import Event
from phone_vault.domain.callers import direct_caller
from phone_vault.domain.keys import UNWRAPPING, KeyId, KeyState, KeyUse, RotationReason, WrappedKey
from phone_vault.domain.message_key import MessageKey
from phone_vault.domain.policy_file import parse
from phone_vault.domain.ports import KeyChange, RecordId
from phone_vault.domain.rotation import Progress, Run, Step, wait_of
from phone_vault.domain.stored_number import StoredNumber, new_token
from phone_vault.services.audit_trail import AuditTrail
from phone_vault.services.census import TakeCensus
from phone_vault.services.job import Desk
from phone_vault.services.key_ring import KeyRing
from phone_vault.services.key_versions import KeyVersions
from phone_vault.services.record_keys import RecordKeys
from phone_vault.services.reindex import Reindex
from phone_vault.services.reindexing import Reindexing
from phone_vault.services.rewrap import Rewrap
from phone_vault.services.rewrapping import Rewrapping
from phone_vault.services.shard_worker import ShardWorker
from phone_vault.services.sweep_index import SweepIndex
from phone_vault.services.tally import Tally
from tests.fakes import (
    Disturbances,
    MemoryAuditLog,
    MemoryCountedTables,
    MemoryIndexedRecords,
    MemoryRunStore,
    MemorySweptIndex,
    MemoryWrappedRecords,
    Turns,
)
from tests.unit.samples import AMERICAN, BRITISH, POLICY
from tests.unit.services.world import World

MACHINE = direct_caller(None)
WORKERS: tuple[type[ShardWorker], ...] = (Rewrap, Reindex, TakeCensus, SweepIndex)
MOST_CALLS = 1000


class JobWorld:
    """One KMS and one DynamoDB; each worker that it makes is a cold instance."""

    def __init__(self, *, page_rows: int = 3) -> None:
        self.disturbances = Disturbances()
        self.world = World(log=MemoryAuditLog(self.disturbances), policy=POLICY)
        self.tables = self.world.tables
        self.tables.page_rows = page_rows
        self.kms, self.clock, self.key_ring_store = self.world.kms, self.world.clock, self.world.key_ring_store
        self.runs = MemoryRunStore(self.disturbances)
        self.wrapped = MemoryWrappedRecords(self.tables, self.disturbances)
        self.indexed = MemoryIndexedRecords(self.tables, self.disturbances)
        self.swept = MemorySweptIndex(self.tables, self.disturbances)
        self.counted = MemoryCountedTables(self.tables, self.disturbances)
        self.run = Run("none", self.clock.now(), 1)

    # What applications do.

    def under(self, tenants: Mapping[str, Any]) -> None:
        """Deploy another policy: all functions anew."""
        self.world = replace(self.world, policy={**POLICY, "tenants": tenants})

    def protect(self, *subjects: str, tenant_id: str = "acme", purpose: str = "security") -> list[RecordId]:
        """One stored number for each subject, of two numbers in turn."""
        return [
            RecordId(
                tenant_id,
                self.world.call(
                    "Protect",
                    {
                        "tenant_id": tenant_id,
                        "subject_id": subject,
                        "number": (BRITISH, AMERICAN)[at % 2].disclose(),
                        "purposes": {purpose: {}},
                    },
                )["token"],
            )
            for at, subject in enumerate(subjects)
        ]

    def encrypt(self, subject: str, tenant_id: str = "acme", purpose: str = "delivery") -> str:
        """A message that the application keeps."""
        request = {"tenant_id": tenant_id, "subject_id": subject, "number": BRITISH.disclose(), "purpose": purpose}
        return str(self.world.call("Encrypt", request)["message"])

    def reveal(self, record_id: RecordId) -> str:
        """The number."""
        request = {"tenant_id": record_id.tenant_id, "token": record_id.token, "purpose": "security"}
        return str(self.world.call("Reveal", request)["number"])

    def lookup(self, tenant_id: str = "acme") -> set[str]:
        """The tokens of the British number."""
        request = {"tenant_id": tenant_id, "number": BRITISH.disclose(), "purpose": "security"}
        return {match["token"] for match in self.world.call("Lookup", request)["matches"]}

    def store_keys(self, count: int, tenant_id: str = "acme") -> None:
        """Many records without a message, faster than by Protect."""
        [pattern_id] = self.protect("pattern", tenant_id=tenant_id)
        pattern = self.tables.records[pattern_id]
        record_keys = self.record_keys()
        for _ in range(count - 1):
            token = new_token()
            wrapped = record_keys.wrap(new_key(), tenant_id, token)
            record = replace(pattern, token=token, wrapped_key=wrapped.wrapped, index_positions={})
            self.tables.records[RecordId(tenant_id, token)] = record

    # What becomes of keys.

    def rotate(self, tenant_id: str = "acme", reason: RotationReason = RotationReason.SCHEDULED) -> None:
        """A new branch version in place of the active one; every application's cache runs out after it."""
        self._make(self._active(tenant_id, KeyUse.BRANCH), reason)
        self._activate(tenant_id, KeyUse.BRANCH, reason)
        self.wait()

    def give_up_a_branch_version(self, tenant_id: str = "acme") -> None:
        """Make one that does not pass its proof."""
        active = self._active(tenant_id, KeyUse.BRANCH)
        self._versions().make(active.key_id.next(), active, RotationReason.SCHEDULED, MACHINE)
        self.move_on(KeyUse.BRANCH, active.key_id.version + 1, KeyState.DESTROYED, tenant_id=tenant_id)

    def add_index_version(self, tenant_id: str = "acme") -> None:
        """A pending one; every writer knows of it."""
        self._make(self._active(tenant_id, KeyUse.INDEX), RotationReason.SCHEDULED)
        self.wait()

    def read_newest_index(self, tenant_id: str = "acme") -> None:
        """Activate the pending version; every reader reads it."""
        self._activate(tenant_id, KeyUse.INDEX, RotationReason.SCHEDULED)
        self.wait()

    def move_on(self, use: KeyUse, version: int, *states: KeyState, tenant_id: str = "acme") -> None:
        """Through these states."""
        for state in states:
            before = self._row(KeyId(tenant_id, use, version))
            self.key_ring_store.change([KeyChange(before, before.in_state(state, self.clock.now()))], [])

    def off_board(self, tenant_id: str) -> None:
        """Refuse the tenant everywhere, once caches have run out."""
        ring, _ = self._key_ring_and_record_keys(KeyUse.AUDIT, Tally())
        trail = AuditTrail("Offboard", self.world.log, ring, self.clock)
        with trail.writing([Event("off-boarding", MACHINE, tenant_id=tenant_id)]) as [entry]:
            self.key_ring_store.off_board(tenant_id, self.clock.now(), entry)
        self.tables.left.add(tenant_id)
        self.wait()

    def wait(self) -> None:
        """Until all caches have run out."""
        self.clock.advance(wait_of(parse(self.world.policy)) + timedelta(seconds=1))

    # What workers do.

    def begin(self, *, shards: int = 1, tenant_id: str | None = None) -> Run:
        """A run, and wait as its machine does."""
        before = self.runs.latest()
        run_id = "run-1" if before is None else f"run-{int(before.run_id.removeprefix('run-')) + 1}"
        self.run = Run(run_id, self.clock.now(), shards, tenant_id)
        self.runs.save_run(self.run, before)
        self.wait()
        return self.run

    def worker(self, kind: type[ShardWorker]) -> ShardWorker:
        """A cold instance."""
        tally = Tally()
        ring, record_keys = self._key_ring_and_record_keys(kind.mac_keys_from, tally)
        trail = AuditTrail(kind.name, self.world.log, ring, self.clock)
        desk = Desk(parse(self.world.policy), ring, trail, self.clock, tally)
        makers: Mapping[type[ShardWorker], Callable[[], ShardWorker]] = {
            Rewrap: lambda: Rewrap(desk, self.runs, self.wrapped, Rewrapping(record_keys, ring, self.kms, tally)),
            Reindex: lambda: Reindex(desk, self.runs, self.indexed, Reindexing(record_keys, ring)),
            TakeCensus: lambda: TakeCensus(desk, self.runs, self.counted, self.key_ring_store),
            SweepIndex: lambda: SweepIndex(desk, self.runs, self.swept, self.key_ring_store),
        }
        return makers[kind]()

    def work(self, step: Step) -> dict[str, int]:
        """One cold worker does the step in all shards; what was counted."""
        self.finish(step, self.worker_for(step))
        return self.counts(step)

    def worker_for(self, step: Step) -> ShardWorker:
        """A cold instance of the worker whose step it is."""
        return self.worker(next(kind for kind in WORKERS if step in kind.steps))

    def finish(self, step: Step, worker: ShardWorker) -> None:
        """Call it until every shard is done."""
        for shard in range(self.run.shards):
            for _ in range(MOST_CALLS):
                if self.call(worker, step, shard)["done"]:
                    break
            else:
                raise AssertionError("the shard is never done")

    def call(self, worker: ShardWorker, step: Step, shard: int = 0) -> dict[str, Any]:
        """One call, as the state machine makes it."""
        return worker(MACHINE, {"run_id": self.run.run_id, "step": str(step), "shard": shard})

    def work_at_once(self, step: Step, workers: int, seed: int) -> None:
        """Several instances, each on all shards, taking turns at every call of a port."""
        turns = Turns(seed)
        self.disturbances.take_turns = turns.take
        instances = [self.worker_for(step) for _ in range(workers)]
        turns.run(*[lambda worker=each: self.finish(step, worker) for each in instances])

    def record_keys(self) -> RecordKeys:
        """To look into records with."""
        return self._key_ring_and_record_keys(KeyUse.INDEX, Tally())[1]

    def progress(self, step: Step, shard: int = 0) -> Progress:
        """As it is stored."""
        progress = self.runs.progress(self.run.run_id, step, shard)
        assert progress is not None
        return progress

    def counts(self, step: Step) -> dict[str, int]:
        """Of all shards, without the noughts."""
        total: dict[str, int] = {}
        for shard in range(self.run.shards):
            for name, count in self.progress(step, shard).counts.items():
                total[name] = total.get(name, 0) + count
        return {name: count for name, count in total.items() if count}

    def record(self, record_id: RecordId) -> StoredNumber:
        """As it is stored."""
        return self.tables.records[record_id]

    def message_key(self) -> MessageKey:
        """The only one."""
        [key] = self.tables.message_keys.values()
        return key

    def branch_versions(self) -> set[int | None]:
        """Of all records."""
        keyed = (self.tables.keyed(*each) for each in self.tables.names())
        return {row.branch_key_version for row in keyed if row is not None}

    def outcomes(self, outcome: str) -> list[str]:
        """The audit entries of this outcome, as text."""
        return [entry.text for entry in self.world.log.entries if f'"outcome":"{outcome}"' in entry.text]

    def _key_ring_and_record_keys(self, mac_keys_from: KeyUse, tally: Tally) -> tuple[KeyRing, RecordKeys]:
        ring = KeyRing(
            self.key_ring_store,
            self.kms,
            self.clock,
            tally,
            max_age=timedelta(seconds=300),
            capacity=100,
            mac_keys_from=mac_keys_from,
            unwrapping=UNWRAPPING | {KeyState.RETIRED},
        )
        return ring, RecordKeys(parse(self.world.policy), ring, self.kms, tally)

    def _versions(self) -> KeyVersions:
        ring, _ = self._key_ring_and_record_keys(KeyUse.AUDIT, Tally())
        trail = AuditTrail("RotateKeys", self.world.log, ring, self.clock)
        return KeyVersions(self.key_ring_store, self.kms, trail, self.clock, Tally())

    def _make(self, active: WrappedKey, reason: RotationReason) -> None:
        """And prove."""
        versions = self._versions()
        newest = self.key_ring_store.keys_of(active.key_id.tenant_id).newest(active.key_id.use)
        assert newest is not None
        versions.make(newest.key_id.next(), active, reason, MACHINE)
        versions.prove(self._row(newest.key_id.next()), MACHINE)

    def _activate(self, tenant_id: str, use: KeyUse, reason: RotationReason) -> None:
        keys = self.key_ring_store.keys_of(tenant_id)
        pending = keys.pending(use)
        assert pending is not None
        self._versions().activate(keys, pending, reason, MACHINE)

    def _active(self, tenant_id: str, use: KeyUse) -> WrappedKey:
        row = self.key_ring_store.keys_of(tenant_id).active(use)
        assert row is not None
        return row

    def _row(self, key_id: KeyId) -> WrappedKey:
        row = self.key_ring_store.keys_of(key_id.tenant_id).version(key_id)
        assert row is not None
        return row
