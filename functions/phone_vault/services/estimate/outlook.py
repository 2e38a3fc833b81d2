"""The key versions of each tenant as a Rotation will find and leave them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime

from phone_vault.domain.inventory import KeyVersion, OffBoarded, RingRow
from phone_vault.domain.keys import INDEXING, VAULT, KeyState, KeyUse
from phone_vault.domain.policy import RotationPeriods, VaultPolicy, Wrapping
from phone_vault.domain.rotation import ROTATED, is_due


@dataclass(frozen=True, slots=True)
class Wanted:
    """The Rotation that is reckoned."""

    makes_keys: bool = True
    """Whether RotateKeys is called at all."""
    use: KeyUse | None = None
    """Whose keys are made now; None for those that are due."""
    tenant_id: str | None = None
    is_compromised: bool = False
    re_encrypts: bool = False
    rotates_kms_keys: bool = False
    """New material for the KMS keys, and every row of KeyRing under it."""

    def makes(self, key: KeyVersion, periods: RotationPeriods, now: datetime) -> bool:
        """Whether a version is made after this active one."""
        use = key.key_id.use
        if not self.makes_keys or use not in ROTATED or self.tenant_id not in (None, key.key_id.tenant_id):
            return False
        if self.use is not None:
            return use is self.use
        return self.is_compromised or is_due(key, periods, now)


@dataclass(frozen=True, slots=True)
class Outlook:
    """One tenant, after RotateKeys."""

    tenant_id: str
    is_direct: bool
    kms_key: str
    """The ARN of the KMS key that wraps what is made for the tenant now."""
    ring_rows: int
    active_branch: int = 0
    leaving_branch: Set[int] = frozenset()
    """Versions that are retired once nothing is on them."""
    live_index: Set[int] = frozenset()
    pending_index: int | None = None
    dead_index: Set[int] = frozenset()
    """Versions from which records are taken, once the pending one is read."""
    leaving_index: Set[int] = frozenset()
    made: Set[KeyUse] = frozenset()
    """Of which uses RotateKeys makes a version."""
    found_pending: Set[KeyUse] = frozenset()
    """Of which uses it finds one pending, and makes none."""
    is_off_boarded: bool = False
    is_compromised: bool = False
    """Whether records are wrapped under a version that others may know."""

    @property
    def is_served(self) -> bool:
        """Whether a Rotation is about it."""
        return not self.is_off_boarded and self.tenant_id != VAULT


@dataclass(slots=True)
class _Rows:
    keys: list[KeyVersion] = field(default_factory=list)
    is_off_boarded: bool = False


def outlooks_of(
    ring: Iterable[RingRow | None], policy: VaultPolicy, kek_arn: str, wanted: Wanted, now: datetime
) -> dict[str, Outlook]:
    """Of every tenant with a row, and of the vault itself; rows that do not read are left out."""
    by_tenant: defaultdict[str, _Rows] = defaultdict(_Rows)
    for row in ring:
        if isinstance(row, OffBoarded):
            by_tenant[row.tenant_id].is_off_boarded = True
        elif row is not None:
            by_tenant[row.key_id.tenant_id].keys.append(row)
    return {tenant_id: _outlook(tenant_id, rows, policy, kek_arn, wanted, now) for tenant_id, rows in by_tenant.items()}


def _outlook(tenant_id: str, rows: _Rows, policy: VaultPolicy, kek_arn: str, wanted: Wanted, now: datetime) -> Outlook:
    settings = policy.tenant(tenant_id)
    found = Outlook(
        tenant_id=tenant_id,
        is_direct=settings.wrapping is Wrapping.DIRECT,
        kms_key=settings.kms_key or kek_arn,
        ring_rows=len(rows.keys) + rows.is_off_boarded,
        is_off_boarded=rows.is_off_boarded,
    )
    if not found.is_served:
        return found
    return _with_index(_with_branch(found, rows.keys, policy, wanted, now), rows.keys, policy, wanted, now)


def _with_branch(found: Outlook, keys: list[KeyVersion], policy: VaultPolicy, wanted: Wanted, now: datetime) -> Outlook:
    states = _states(keys, KeyUse.BRANCH)
    active = next((key for key in states.values() if key.state is KeyState.ACTIVE), None)
    if active is None:
        return found
    leaving = {version for version, key in states.items() if key.state is KeyState.DECRYPT_ONLY}
    exposed = any(states[version].compromised for version in leaving)
    if not wanted.makes(active, policy.rotation, now):
        return replace(
            found, active_branch=active.key_id.version, leaving_branch=frozenset(leaving), is_compromised=exposed
        )
    return replace(
        found,
        active_branch=active.key_id.version + 1,
        leaving_branch=frozenset(leaving | {active.key_id.version}),
        made=found.made | {KeyUse.BRANCH},
        ring_rows=found.ring_rows + 1,
        is_compromised=exposed or wanted.is_compromised,
    )


def _with_index(found: Outlook, keys: list[KeyVersion], policy: VaultPolicy, wanted: Wanted, now: datetime) -> Outlook:
    states = _states(keys, KeyUse.INDEX)
    active = next((key for key in states.values() if key.state is KeyState.ACTIVE), None)
    if active is None:
        return found
    live = {version for version, key in states.items() if key.state in INDEXING}
    pending = next((version for version, key in states.items() if key.state is KeyState.PENDING), None)
    if pending is not None and wanted.makes_keys and wanted.use in (None, KeyUse.INDEX):
        found = replace(found, found_pending=found.found_pending | {KeyUse.INDEX})
    elif pending is None and wanted.makes(active, policy.rotation, now):
        pending = active.key_id.version + 1
        live |= {pending}
        found = replace(found, made=found.made | {KeyUse.INDEX}, ring_rows=found.ring_rows + 1)
    read = pending or active.key_id.version
    superseded = {version for version in live if version != read}
    gone = {version for version, key in states.items() if key.state not in INDEXING}
    closed = {version for version, key in states.items() if key.state is KeyState.CLOSED}
    return replace(
        found,
        live_index=frozenset(live),
        pending_index=pending,
        dead_index=frozenset(superseded | gone),
        leaving_index=frozenset(superseded | closed),
    )


def _states(keys: list[KeyVersion], use: KeyUse) -> Mapping[int, KeyVersion]:
    return {key.key_id.version: key for key in keys if key.key_id.use is use}
