"""What the vault holds, in numbers: counted row by row in a single pass, with memory for the counts alone."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from phone_vault.domain.inventory import Gone, Holding, KeyVersion, Kind, OffBoarded, RingRow
from phone_vault.domain.keys import VAULT, KeyUse
from phone_vault.domain.policy import Tenant, VaultPolicy, Wrapping
from phone_vault.domain.retention import live_purposes
from phone_vault.domain.rotation import ROTATED, Census
from phone_vault.services.retention_counts import RetentionCounts

UNUSED_DAYS = 180
"""After which what nobody has used is told of, unless another number is asked for."""
BY_KMS = str(Wrapping.DIRECT)
"""Among the wrappings, beside `branch#1` and so on."""


class State(StrEnum):
    """Of a purpose of a record, or of a record: live as long as one of its purposes is."""

    LIVE = "live"
    ENDED = "ended"


@dataclass(slots=True)
class Counts:
    """The rows of one kind that a tenant has."""

    records: Counter[State] = field(default_factory=Counter)
    by_purpose: dict[str, Counter[State]] = field(default_factory=dict)
    """A record of several purposes counts for each of them."""
    by_wrapping: Counter[str] = field(default_factory=Counter)

    def add(self, holding: Holding, live: Iterable[str]) -> None:
        """Count one more."""
        live = frozenset(live)
        self.records[State.LIVE if live else State.ENDED] += 1
        for purpose in holding.grants:
            self.by_purpose.setdefault(purpose, Counter())[State.LIVE if purpose in live else State.ENDED] += 1
        version = holding.branch_key_version
        self.by_wrapping[BY_KMS if version is None else f"{KeyUse.BRANCH}#{version}"] += 1


@dataclass(frozen=True, slots=True)
class VaultKeys:
    """The ids of the vault's own KMS keys."""

    kek: str
    storage: str


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """A key version, and whether it is wrapped by the KMS key that the policy names now."""

    key: KeyVersion
    age: timedelta
    wrapped_by: str
    """`Kek`, `Storage`, or the ARN of another KMS key."""
    as_policy_says: bool
    records: int | None = None
    """Still on it as of the tenant's last census; None where none has counted it."""


@dataclass(slots=True)
class TenantStatus:
    """What one tenant has."""

    settings: Tenant
    counts: dict[Kind, Counts] = field(default_factory=lambda: {kind: Counts() for kind in Kind})
    keys: list[KeyStatus] = field(default_factory=list)
    off_boarded_at: datetime | None = None
    """Since when it is refused everywhere, for good."""
    census: Census | None = None
    """The last one."""
    retention: RetentionCounts = field(default_factory=RetentionCounts)

    def wants(self, wrapping: str) -> bool:
        """Whether the policy would have it so now; a branch key's version is none of its business."""
        return (wrapping == BY_KMS) == (self.settings.wrapping is Wrapping.DIRECT)

    def otherwise_wrapped(self, kind: Kind) -> int:
        """The rows that are wrapped as the policy does not want it any more."""
        return sum(number for wrapping, number in self.counts[kind].by_wrapping.items() if not self.wants(wrapping))


@dataclass(slots=True)
class Status:
    """The tenants by id; the vault itself, which has an audit key, is none of them."""

    tenants: dict[str, TenantStatus]
    vault_keys: list[KeyStatus] = field(default_factory=list)
    unreadable: Counter[str] = field(default_factory=Counter)
    """By table: rows that are not as the vault writes them."""


def take_stock(
    holdings: Iterable[Holding | Gone | None],
    ring: Iterable[RingRow | None],
    policy: VaultPolicy,
    vault_keys: VaultKeys,
    now: datetime,
    unused_days: int = UNUSED_DAYS,
) -> Status:
    """Every tenant that the policy names or that has a row. None in place of a row is one that does not read."""
    status = Status({tenant_id: TenantStatus(settings) for tenant_id, settings in policy.tenants.items()})

    def tenant(tenant_id: str) -> TenantStatus:
        return status.tenants.setdefault(tenant_id, TenantStatus(policy.tenant(tenant_id)))

    for key in ring:
        if key is None:
            status.unreadable["KeyRing"] += 1
            continue
        if isinstance(key, OffBoarded):
            tenant(key.tenant_id).off_boarded_at = key.since
            continue
        of_key = _key_status(key, policy, vault_keys, now)
        owner = key.key_id.tenant_id
        (status.vault_keys if owner == VAULT else tenant(owner).keys).append(of_key)
    for holding in holdings:
        if isinstance(holding, Gone):
            tenant(holding.tenant_id).retention.add_gone(holding)
            continue
        live = _live(holding, policy, now)
        if holding is None or live is None:
            status.unreadable["RecordKeys"] += 1
            continue
        tenant(holding.tenant_id).counts[holding.kind].add(holding, live)
        tenant(holding.tenant_id).retention.add(holding, live, now, unused_days)
    return status


def with_censuses(status: Status, censuses: Mapping[str, Census]) -> Status:
    """The same, with what the last census of each tenant has counted."""
    for tenant_id, tenant in status.tenants.items():
        census = censuses.get(tenant_id)
        if census is not None:
            tenant.census = census
            tenant.keys = [
                replace(each, records=census.records_on(each.key.key_id))
                if each.key.key_id.use in ROTATED and each.key.created_at <= census.begun_at
                else each
                for each in tenant.keys
            ]
    return status


def _live(holding: Holding | None, policy: VaultPolicy, now: datetime) -> Mapping[str, datetime] | None:
    if holding is None:
        return None
    try:
        return live_purposes(holding, policy, now)
    except (OverflowError, ValueError):  # a moment beyond the calendar, or no jurisdiction: not written by the vault
        return None


def _key_status(key: KeyVersion, policy: VaultPolicy, vault_keys: VaultKeys, now: datetime) -> KeyStatus:
    names = {vault_keys.kek: "Kek", vault_keys.storage: "Storage"}

    def name(kms_key: str) -> str:
        return names.get(kms_key.rpartition("/")[2], kms_key)

    own = policy.tenant(key.key_id.tenant_id).kms_key or vault_keys.kek
    wanted = name(vault_keys.storage if key.key_id.use is KeyUse.AUDIT else own)
    wrapped_by = name(key.kms_key)
    return KeyStatus(key, now - key.created_at, wrapped_by, wrapped_by == wanted)
