"""The policy as written: checked whole, every fault reported by its path."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from phone_vault.domain.callers import HTTP_ALIAS
from phone_vault.domain.identifiers import PURPOSE, TENANT_ID
from phone_vault.domain.jurisdiction import Jurisdiction
from phone_vault.domain.policy import (
    EVERYTHING,
    LONGEST_RETENTION_DAYS,
    LawfulBasis,
    Principal,
    Purpose,
    RetentionRule,
    RetentionStart,
    RotationPeriods,
    Tenant,
    VaultPolicy,
    View,
    Wrapping,
)

# fmt: off
FUNCTIONS = frozenset([
    "Protect", "Reveal", "Lookup", "Verify", "Encrypt", "Decrypt", "Consent", "Rectify", "Restrict",
    "Object", "Hold", "Erase", "Export", "Request",
])
# fmt: on
"""The functions that a principal can be given: the contract's, whichever of them a release has."""

RESERVED_PURPOSES = frozenset({"legal_hold"})

_PRINCIPAL = re.compile(
    r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@-]{1,64}|group:\S{1,128}|direct(:(?P<alias>(?![0-9]+$)[A-Za-z0-9_-]{1,128}))?"
)
_KMS_KEY = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+")

_Name = TypeVar("_Name", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class PolicyFault:
    """One fault: where it is and what is wrong."""

    path: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}"


class PolicyFaults(ValueError):
    """The policy cannot be used; all its faults."""

    def __init__(self, faults: Sequence[PolicyFault]) -> None:
        super().__init__("the vault policy has faults:\n" + "\n".join(map(str, faults)))
        self.faults = tuple(faults)


def parse(document: Mapping[str, Any]) -> VaultPolicy:
    """The policy of a parsed `policy.toml`; `PolicyFaults` with all that is wrong with it."""
    reader = _Reader()
    policy = _policy(reader, reader.table(document, ""))
    if reader.faults:
        raise PolicyFaults(reader.faults)
    return policy


class _Reader:
    """Takes values out of tables and collects the faults; a faulty value reads as its default."""

    def __init__(self) -> None:
        self.faults: list[PolicyFault] = []

    def fault(self, path: str, what: str) -> None:
        self.faults.append(PolicyFault(path or "policy", what))

    def table(self, value: object, path: str) -> "_Table":
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            self.fault(path, "must be a table")
            value = {}
        return _Table(self, dict(value), path)


class _Table:
    """One table of the document; `end` reports the keys that nobody asked for."""

    def __init__(self, reader: _Reader, values: dict[str, Any], path: str) -> None:
        self.reader = reader
        self.path = path
        self._values = values
        self._left = set(values)

    def at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def fault(self, key: str, what: str) -> None:
        self.reader.fault(self.at(key), what)

    def names_of_all(self) -> list[str]:
        return list(self._values)

    def take(self, key: str, default: Any = None) -> Any:
        self._left.discard(key)
        return self._values.get(key, default)

    def table(self, key: str) -> "_Table":
        return self.reader.table(self.take(key, {}), self.at(key))

    def integer(self, key: str, default: int, *, low: int, high: int) -> int:
        value = self.take(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.fault(key, f"must be a whole number from {low} to {high}")
            return default
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        value = self.take(key, default)
        if not isinstance(value, bool):
            self.fault(key, "must be true or false")
            return default
        return value

    def name(self, key: str, kind: type[_Name], default: _Name | None = None) -> _Name:
        value = self.take(key, default)
        if value in list(kind):
            return kind(value)
        self.fault(key, f"must be one of {', '.join(kind)}")
        return next(iter(kind))

    def names(self, key: str, accepts: Callable[[str], bool], what: str) -> frozenset[str]:
        value = self.take(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            self.fault(key, "must be a list of strings")
            return frozenset()
        for index, each in enumerate(value):
            if not accepts(each):
                self.fault(f"{key}[{index}]", what)
        return frozenset(value)

    def end(self) -> None:
        for key in sorted(self._left):
            self.fault(key, "is not a setting of the vault policy")


def _policy(reader: _Reader, root: _Table) -> VaultPolicy:
    root.integer("version", 1, low=1, high=1)
    mask = root.table("mask")
    visible_suffix = mask.integer("visible_suffix", 4, low=0, high=15)
    mask.end()
    rotation = root.table("rotation")
    periods = RotationPeriods(
        branch_days=rotation.integer("branch_days", 90, low=1, high=LONGEST_RETENTION_DAYS),
        index_days=rotation.integer("index_days", 365, low=1, high=LONGEST_RETENTION_DAYS),
    )
    rotation.end()
    purposes = _purposes(root.table("purposes"))
    policy = VaultPolicy(
        purposes=purposes,
        principals=_principals(reader, root, frozenset(purposes)),
        tenants=_tenants(root.table("tenants")),
        rotation=periods,
        visible_suffix=visible_suffix,
        tombstone_days=root.integer("tombstone_days", 90, low=1, high=LONGEST_RETENTION_DAYS),
        consent_proof_days=root.integer("consent_proof_days", 1095, low=0, high=LONGEST_RETENTION_DAYS),
        circuit_breaker=_share(root, "circuit_breaker", 0.2),
        branch_key_cache_seconds=root.integer("branch_key_cache_seconds", 300, low=0, high=86_400),
        verify_mismatches_per_token=root.integer("verify_mismatches_per_token", 20, low=1, high=1_000_000),
        default_jurisdiction=root.name("default_jurisdiction", Jurisdiction, Jurisdiction.GDPR),
    )
    root.end()
    return policy


def _share(table: _Table, key: str, default: float) -> float:
    value = table.take(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        table.fault(key, "must be a share above 0 and up to 1")
        return default
    return float(value)


def _purposes(table: _Table) -> dict[str, Purpose]:
    if not table.names_of_all():
        table.reader.fault(table.path, "must name at least one purpose")
    return {name: _purpose(name, table) for name in table.names_of_all()}


def _purpose(name: str, purposes: _Table) -> Purpose:
    if not PURPOSE.fullmatch(name) or name in RESERVED_PURPOSES:
        purposes.fault(name, "must be 1 to 64 of a-z, 0-9 and _, and not a reserved name")
    table = purposes.table(name)
    basis = table.name("lawful_basis", LawfulBasis)
    direct_marketing = table.flag("direct_marketing", default=False)
    retention = table.table("retention")
    rule = RetentionRule(
        days=retention.integer("days", 0, low=1, high=LONGEST_RETENTION_DAYS),
        start=retention.name("from", RetentionStart),
    )
    if rule.start is RetentionStart.CONSENT and basis is not LawfulBasis.CONSENT:
        retention.fault("from", "may be consent only where the lawful basis is consent")
    by_jurisdiction = retention.table("jurisdictions")
    days = {
        Jurisdiction(each): by_jurisdiction.integer(each, 1, low=1, high=LONGEST_RETENTION_DAYS)
        for each in by_jurisdiction.names_of_all()
        if each in list(Jurisdiction)
    }
    for ended in (by_jurisdiction, retention, table):
        ended.end()
    return Purpose(name, basis, rule, days, direct_marketing)


def _tenants(table: _Table) -> dict[str, Tenant]:
    return {name: _tenant(name, table) for name in table.names_of_all()}


def _is_kms_key(text: str) -> bool:
    return _KMS_KEY.fullmatch(text) is not None


def _tenant(name: str, tenants: _Table) -> Tenant:
    if not TENANT_ID.fullmatch(name):
        tenants.fault(name, "must be 1 to 64 of A-Z, a-z, 0-9, _ and -")
    table = tenants.table(name)
    wrapping = table.name("wrapping", Wrapping, Wrapping.BRANCH)
    kms_key = table.take("kms_key")
    if kms_key is not None and not (isinstance(kms_key, str) and _is_kms_key(kms_key)):
        table.fault("kms_key", "must be the ARN of a KMS key")
    former = table.names("former_kms_keys", _is_kms_key, "must be the ARN of a KMS key")
    tenant = Tenant(wrapping, kms_key, table.flag("index", default=True), former)
    table.end()
    return tenant


def _principals(reader: _Reader, root: _Table, purposes: frozenset[str]) -> tuple[Principal, ...]:
    entries = root.take("principals", [])
    if not isinstance(entries, list):
        root.fault("principals", "must be a list of tables")
        entries = []
    return tuple(
        _principal(reader.table(entry, f"principals[{index}]"), purposes) for index, entry in enumerate(entries)
    )


def _principal(table: _Table, purposes: frozenset[str]) -> Principal:
    match = table.take("match")
    matched = _PRINCIPAL.fullmatch(match) if isinstance(match, str) else None
    if matched is None or matched["alias"] == HTTP_ALIAS:
        table.fault("match", "must be a role's ARN without its path, group:NAME, direct:ALIAS (not http) or direct")
    recipient = table.take("recipient")
    if recipient is not None and not (isinstance(recipient, str) and 1 <= len(recipient) <= 100):
        table.fault("recipient", "must be a string of 1 to 100 characters")
    quotas = table.table("quotas")
    limits = {
        each: quotas.integer(each, 1, low=1, high=1_000_000_000) for each in quotas.names_of_all() if each in FUNCTIONS
    }
    principal = Principal(
        match=str(match),
        recipient=recipient,
        tenants=table.names("tenants", lambda each: _is_listed(each, TENANT_ID.fullmatch), "is not a tenant id"),
        functions=table.names("functions", lambda each: _is_listed(each, FUNCTIONS.__contains__), "is not a function"),
        purposes=table.names(
            "purposes", lambda each: _is_listed(each, purposes.__contains__), "is not a purpose of this policy"
        ),
        views=_views(table),
        quotas=limits,
        break_glass=table.flag("break_glass", default=False),
    )
    quotas.end()
    table.end()
    return principal


def _views(table: _Table) -> frozenset[View]:
    accepted = [*View, EVERYTHING]
    named = table.names("views", accepted.__contains__, f"must be one of {', '.join(accepted)}")
    return frozenset(view for view in View if view in named or EVERYTHING in named)


def _is_listed(name: str, accepts: Callable[[str], object]) -> bool:
    return name == EVERYTHING or bool(accepts(name))
