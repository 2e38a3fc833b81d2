"""One KMS and one DynamoDB in memory, and as many instances of each function as a test wants."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from phone_vault.domain.keys import UNWRAPPING, KeyId, KeyState, KeyUse, WrappedKey
from phone_vault.domain.policy_file import parse
from phone_vault.domain.rotation import Census, Run, Step
from phone_vault.domain.wrapped_record import Wrapped
from phone_vault.services.advance_rotation import AdvanceRotation
from phone_vault.services.audit_trail import AuditTrail
from phone_vault.services.census import TakeCensus
from phone_vault.services.job import Desk, Job
from phone_vault.services.key_ring import KeyRing
from phone_vault.services.key_versions import KeyVersions
from phone_vault.services.operation import Operation
from phone_vault.services.quotas import Quotas
from phone_vault.services.record_keys import RecordKeys
from phone_vault.services.reindex import Reindex
from phone_vault.services.reindexing import Reindexing
from phone_vault.services.retire_keys import RetireKeys
from phone_vault.services.rewrap import Rewrap
from phone_vault.services.rewrapping import Rewrapping
from phone_vault.services.rotate_keys import RotateKeys
from phone_vault.services.sweep_index import SweepIndex
from phone_vault.services.tally import Tally
from tests.fakes import (
    ManualClock,
    MemoryAuditLog,
    MemoryCountedTables,
    MemoryCounterStore,
    MemoryIndexedRecords,
    MemoryKeyRingStore,
    MemoryKeyWrapper,
    MemoryNumberStore,
    MemoryRunStore,
    MemorySweptIndex,
    MemoryTables,
    MemoryWrappedRecords,
)
from tests.property.life.stage import Stage
from tests.unit.services.jobs import MemoryKmsKeys, NoSuppressions, Watched
from tests.unit.services.world import VERBS

TENANT = "acme"
SHARDS = 2
PAGE_ROWS = 3
WAITING_PERIOD = timedelta(days=7)
"""From retiring a version to destroying it."""
_RULE = {"lawful_basis": "contract", "retention": {"days": 36_000, "from": "created"}}
POLICY = parse(
    {
        "verify_mismatches_per_token": 1_000_000,
        "purposes": {"security": _RULE, "delivery": _RULE},
        "principals": [{"match": "direct", "tenants": ["*"], "functions": ["*"], "purposes": ["*"], "views": ["*"]}],
    }
)
MAX_AGE = timedelta(seconds=POLICY.branch_key_cache_seconds)

Functions = dict[str, Operation[Any]]
"""One instance of each function for applications, by name."""


class _Kms(MemoryKeyWrapper):
    """That tells of its calls."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage

    def wrap(self, key_id: KeyId, plaintext: bytes) -> tuple[bytes, str]:
        """A call."""
        with self._stage.around("kms.wrap"):
            return super().wrap(key_id, plaintext)

    def unwrap(self, key: WrappedKey) -> bytes:
        """A call."""
        with self._stage.around("kms.unwrap"):
            return super().unwrap(key)


class _Uses:
    """How many rows are on a version."""

    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables

    def count(self, key_id: KeyId) -> int:
        """As they are now."""
        if key_id.use is KeyUse.INDEX:
            return sum(key_id.version in row.index_positions for row in self._tables.records.values())
        wrapped: list[Wrapped] = [*self._tables.records.values(), *self._tables.message_keys.values()]
        return sum(row.branch_key_version == key_id.version for row in wrapped)


class LifeVault:
    """Every port tells the stage of its calls: there invocations stop, fail and are killed."""

    def __init__(self) -> None:
        self.clock, self.stage = ManualClock(), Stage()
        self.tables = MemoryTables(page_rows=PAGE_ROWS)
        self.kms = _Kms(self.stage)
        # Not by itself: it is written within the calls of others, as a part of their transactions.
        self.log = MemoryAuditLog()
        self.rows = MemoryKeyRingStore(self.log)
        self.runs = MemoryRunStore(self.stage)
        self._kms_keys = MemoryKmsKeys(self.clock)
        self._store: Any = Watched(self.rows, "store", self.stage)
        self._numbers: Any = Watched(MemoryNumberStore(self.log, self.tables), "numbers", self.stage)
        self._counters = MemoryCounterStore()
        self._watched_log: Any = Watched(self.log, "audit", self.stage)

    def functions(self) -> Functions:
        """Cold ones."""
        return {verb.name: self.function(verb) for verb in VERBS}

    def function(self, verb: type[Operation[Any]]) -> Operation[Any]:
        """A cold one."""
        tally = Tally()
        ring = self._key_ring(verb.mac_keys_from, tally)
        return verb(
            policy=POLICY,
            key_ring=ring,
            record_keys=RecordKeys(POLICY, ring, self.kms, tally),
            numbers=self._numbers,
            trail=AuditTrail(verb.name, self._watched_log, ring, self.clock),
            quotas=Quotas(POLICY, self._counters),
            clock=self.clock,
            tally=tally,
        )

    def job(self, kind: type[Job]) -> Job:
        """A cold one."""
        tally = Tally()
        ring = self._key_ring(kind.mac_keys_from, tally, rescuing=True)
        trail = AuditTrail(kind.name, self._watched_log, ring, self.clock)
        desk = Desk(POLICY, ring, trail, self.clock, tally)
        record_keys = RecordKeys(POLICY, ring, self.kms, tally)
        versions = KeyVersions(self._store, self.kms, trail, self.clock, tally)
        uses = _Uses(self.tables)
        makers: Mapping[type[Job], Callable[[], Job]] = {
            RotateKeys: lambda: RotateKeys(desk, self._store, self.kms, self._kms_keys, NoSuppressions()),
            AdvanceRotation: lambda: AdvanceRotation(desk, versions, self.runs, shards=SHARDS),
            RetireKeys: lambda: RetireKeys(desk, versions, self.runs, uses, waiting_period=WAITING_PERIOD),
            Rewrap: lambda: Rewrap(
                desk,
                self.runs,
                MemoryWrappedRecords(self.tables, self.stage),
                Rewrapping(record_keys, ring, self.kms, tally),
            ),
            Reindex: lambda: Reindex(
                desk, self.runs, MemoryIndexedRecords(self.tables, self.stage), Reindexing(record_keys, ring)
            ),
            TakeCensus: lambda: TakeCensus(desk, self.runs, MemoryCountedTables(self.tables, self.stage), self._store),
            SweepIndex: lambda: SweepIndex(desk, self.runs, MemorySweptIndex(self.tables, self.stage), self._store),
        }
        return makers[kind]()

    def versions(self, use: KeyUse) -> list[WrappedKey]:
        """The tenant's, as they are now."""
        return self.rows.keys_of(TENANT).of_use(use)

    def states(self, use: KeyUse) -> dict[int, KeyState]:
        """Of these."""
        return {key.key_id.version: key.state for key in self.versions(use)}

    def census(self) -> Census | None:
        """The tenant's last one."""
        with self.stage.unwatched():
            return self.runs.census(TENANT)

    def run(self) -> Run | None:
        """The one that was begun last."""
        with self.stage.unwatched():
            return self.runs.latest()

    def _key_ring(self, mac_keys_from: KeyUse, tally: Tally, *, rescuing: bool = False) -> KeyRing:
        return KeyRing(
            self._store,
            self.kms,
            self.clock,
            tally,
            max_age=MAX_AGE,
            capacity=100,
            mac_keys_from=mac_keys_from,
            unwrapping=UNWRAPPING | {KeyState.RETIRED} if rescuing else UNWRAPPING,
        )


def worker_of(step: Step) -> type[Job]:
    """Whose step it is."""
    return next(kind for kind in (Rewrap, Reindex, TakeCensus, SweepIndex) if step in kind.steps)
