"""The jobs of the key life cycle on fakes, as many instances as a test wants, and KMS keys that have material."""

import threading
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from phone_vault.domain.audit import Entry, Event
from phone_vault.domain.callers import direct_caller
from phone_vault.domain.errors import Conflict, TamperedStore
from phone_vault.domain.job_ports import RunStore, VersionUses
from phone_vault.domain.keys import UNWRAPPING, KeyId, KeyState, KeyUse, TenantKeys, WrappedKey
from phone_vault.domain.policy_file import parse
from phone_vault.domain.ports import KmsRotations
from phone_vault.domain.suppression import Suppression
from phone_vault.services.advance_rotation import AdvanceRotation
from phone_vault.services.audit_trail import AuditTrail
from phone_vault.services.job import Desk
from phone_vault.services.key_ring import KeyRing
from phone_vault.services.key_versions import KeyVersions
from phone_vault.services.retire_keys import RetireKeys
from phone_vault.services.rotate_keys import RotateKeys
from phone_vault.services.tally import Tally
from tests.fakes import (
    Disturbances,
    ManualClock,
    MemoryAuditLog,
    MemoryKeyRingStore,
    MemoryKeyWrapper,
    MemoryRunStore,
)
from tests.unit.samples import POLICY

OPERATOR = direct_caller("operator")
SHARDS = 2
WAITING_PERIOD = timedelta(days=42)


class MemoryKmsKeys:
    """On-demand rotations; a KMS key is listed as rotated after as many looks as `looks_until_listed` says."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.ahead = timedelta()
        self.on_demand: dict[str, list[datetime]] = {}
        self.yearly: dict[str, int] = {}
        self.looks_until_listed = 0
        self._looks_left = 0

    def rotations(self, kms_key: str) -> KmsRotations:
        """As listed."""
        listed = self.on_demand.get(kms_key, [])
        if self._looks_left:
            self._looks_left -= 1
            listed = listed[:-1]
        return KmsRotations(self.yearly.get(kms_key, 0) + len(listed), len(listed), max(listed, default=None))

    def rotate(self, kms_key: str) -> None:
        """As often as KMS allows."""
        if len(self.on_demand.get(kms_key, [])) >= 25:
            raise Conflict("KMS does not rotate the key")
        self.on_demand.setdefault(kms_key, []).append(self._clock.now() + self.ahead)
        self._looks_left = self.looks_until_listed


class MaterialKms(MemoryKeyWrapper):
    """KMS that knows under which material of a key each blob is."""

    def __init__(self, kms_keys: MemoryKmsKeys) -> None:
        super().__init__()
        self._kms_keys = kms_keys
        self.material: dict[bytes, int] = {}

    def _blob(self, kms_key: str, context: Any, plaintext: bytes) -> bytes:
        blob = super()._blob(kms_key, context, plaintext)
        self.material[blob] = len(self._kms_keys.on_demand.get(kms_key, ()))
        return blob


class OddKeyRingStore(MemoryKeyRingStore):
    """With rows that do not read, and two writers that both have read before either writes."""

    def __init__(self, log: MemoryAuditLog) -> None:
        super().__init__(log)
        self.unreadable: set[str] = set()
        self.meeting: threading.Barrier | None = None

    def keys_of(self, tenant_id: str) -> TenantKeys:
        """If they read."""
        if tenant_id in self.unreadable:
            raise TamperedStore("a row of KeyRing does not read")
        return super().keys_of(tenant_id)

    def add_keys(self, keys: Sequence[WrappedKey], entries: Sequence[Entry] = ()) -> None:
        """Once the other writer is about to."""
        if self.meeting is not None:
            self.meeting.wait()
        super().add_keys(keys, entries)


class NoSuppressions:
    """A tenant whose numbers nobody has objected to."""

    def of_tenant(self, tenant_id: str) -> list[Suppression]:
        """None."""
        del tenant_id
        return []

    def replace(self, before: Suppression, after: Suppression) -> None:
        """There is nothing to replace."""
        raise AssertionError((before, after))


class NoUses:
    """RecordKeys, of which a test says how many rows are on a version."""

    def __init__(self) -> None:
        self.records = 0

    def count(self, key_id: KeyId) -> int:
        """As told."""
        del key_id
        return self.records


class Watched:
    """A port each of whose calls is one that `Disturbances` knows of: `store.change`, and so on."""

    def __init__(self, port: object, name: str, disturbances: Disturbances) -> None:
        self._port, self._name, self._disturbances = port, name, disturbances

    def __getattr__(self, method: str) -> Callable[..., Any]:
        call = getattr(self._port, method)

        def watched(*args: Any, **kwargs: Any) -> Any:
            with self._disturbances.around(f"{self._name}.{method}"):
                return call(*args, **kwargs)

        return watched


@dataclass
class Jobs:
    """KMS, DynamoDB and a clock; every job that is made is an instance of its own."""

    clock: ManualClock = field(default_factory=ManualClock)
    log: MemoryAuditLog = field(default_factory=MemoryAuditLog)
    policy: Mapping[str, Any] = field(default_factory=lambda: POLICY)
    disturbances: Disturbances = field(default_factory=Disturbances)
    runs: RunStore = field(default_factory=MemoryRunStore)
    uses: NoUses = field(default_factory=NoUses)

    def __post_init__(self) -> None:
        self.store = OddKeyRingStore(self.log)
        self.kms_keys = MemoryKmsKeys(self.clock)
        self.kms = MaterialKms(self.kms_keys)

    def add_tenants(self, *tenants: str) -> None:
        """Their first keys, and the vault's own."""
        ring = self.key_ring()
        for tenant in tenants:
            ring.ensure(tenant)
        ring.audit_key(None)

    def key_ring(self, mac_keys_from: KeyUse = KeyUse.INDEX, unwrapping: Set[KeyState] = UNWRAPPING) -> KeyRing:
        """Of a cold function for applications, unless said otherwise."""
        return self._key_ring(self.store, self.kms, mac_keys_from, unwrapping)

    def rotate_keys(self, *, watched: bool = False) -> RotateKeys:
        """An instance; `watched`: its calls are those of `disturbances`."""
        desk, store, kms = self._parts("RotateKeys", watched=watched)
        kms_keys: Any = Watched(self.kms_keys, "kms_keys", self.disturbances) if watched else self.kms_keys
        return RotateKeys(desk, store, kms, kms_keys, NoSuppressions())

    def advance_rotation(self, *, watched: bool = False) -> AdvanceRotation:
        """The same."""
        desk, store, kms = self._parts("AdvanceRotation", watched=watched)
        runs: Any = Watched(self.runs, "runs", self.disturbances) if watched else self.runs
        versions = KeyVersions(store, kms, desk.trail, desk.clock, desk.tally)
        return AdvanceRotation(desk, versions, runs, shards=SHARDS)

    def retire_keys(self, *, watched: bool = False) -> RetireKeys:
        """The same."""
        desk, store, kms = self._parts("RetireKeys", watched=watched)
        uses: VersionUses = self.uses
        versions = KeyVersions(store, kms, desk.trail, desk.clock, desk.tally)
        return RetireKeys(desk, versions, self.runs, uses, waiting_period=WAITING_PERIOD)

    def rotate(self, **request: Any) -> dict[str, Any]:
        """What a cold RotateKeys answers."""
        return self.rotate_keys()(OPERATOR, request)

    def advance(self, step: str, **request: Any) -> dict[str, Any]:
        """What a cold AdvanceRotation answers."""
        return self.advance_rotation()(OPERATOR, {"step": step, **request})

    def retire(self, **request: Any) -> dict[str, Any]:
        """What a cold RetireKeys answers."""
        return self.retire_keys()(OPERATOR, request)

    def off_board(self, tenant: str) -> None:
        """As Offboard leaves it."""
        with self.rotate_keys().desk.trail.writing([Event("off-boarding", OPERATOR, tenant_id=tenant)]) as [entry]:
            self.store.off_board(tenant, self.clock.now(), entry)
        for row in self.store.keys_of(tenant).keys:
            self.store.overwrite(row.in_state(KeyState.DESTROYED, self.clock.now()))
        self.log.entries.clear()

    def version(self, tenant: str, use: KeyUse, version: int) -> WrappedKey:
        """A row."""
        found = self.store.keys_of(tenant).version(KeyId(tenant, use, version))
        assert found is not None
        return found

    def states(self, tenant: str, use: KeyUse) -> dict[int, KeyState]:
        """Of the versions of one use."""
        return {each.key_id.version: each.state for each in self.store.keys_of(tenant).of_use(use)}

    def end_state(self) -> dict[str, tuple[Any, ...]]:
        """What can be compared of two worlds: all but random bytes and moments."""
        rows = [row for tenant in self.store.tenants() for row in self.store.keys_of(tenant).keys]
        return {
            row.key_id.path: (row.state, row.compromised, row.kms_key, self.kms.material.get(row.wrapped))
            for row in sorted(rows, key=lambda each: each.key_id.path)
        }

    def outcomes(self) -> list[str]:
        """What the audit trail says, oldest first."""
        return [entry.text.partition('"outcome":"')[2].partition('"')[0] for entry in self.log.entries]

    def _parts(self, name: str, *, watched: bool) -> tuple[Desk, Any, Any]:
        store: Any = Watched(self.store, "store", self.disturbances) if watched else self.store
        kms: Any = _WatchedKms(self.kms, self.disturbances) if watched else self.kms
        log: Any = Watched(self.log, "log", self.disturbances) if watched else self.log
        ring = self._key_ring(store, kms, KeyUse.AUDIT)
        trail = AuditTrail(name, log, ring, self.clock)
        return Desk(parse(self.policy), ring, trail, self.clock, Tally()), store, kms

    def _key_ring(self, store: Any, kms: Any, mac_keys_from: KeyUse, unwrapping: Set[KeyState] = UNWRAPPING) -> KeyRing:
        return KeyRing(
            store,
            kms,
            self.clock,
            Tally(),
            max_age=timedelta(seconds=300),
            capacity=100,
            mac_keys_from=mac_keys_from,
            unwrapping=unwrapping,
        )


class _WatchedKms(Watched):
    """Of KMS, those calls that reach it: which KMS key is meant is the policy's word."""

    def __init__(self, kms: MemoryKeyWrapper, disturbances: Disturbances) -> None:
        super().__init__(kms, "kms", disturbances)
        self.kms_key_of = kms.kms_key_of
        self.kms_key_for = kms.kms_key_for


def problem(answer: Mapping[str, Any]) -> str:
    """The name of the problem, and nothing else is answered."""
    assert answer.keys() == {"problem"}
    name = answer["problem"]["type"]
    assert isinstance(name, str)
    return name.removeprefix("urn:phone-vault:problem:")
