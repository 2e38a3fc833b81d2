"""The vault policy: purposes and their retention, tenants, principals and what each may do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from phone_vault.domain.callers import Caller
from phone_vault.domain.errors import PrincipalNotPermitted, PurposeNotRegistered
from phone_vault.domain.jurisdiction import Jurisdiction

EVERYTHING = "*"

LONGEST_RETENTION_DAYS = 36_500


class LawfulBasis(StrEnum):
    """GDPR Art. 6(1), in its order."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"
    VITAL_INTERESTS = "vital_interests"
    PUBLIC_TASK = "public_task"
    LEGITIMATE_INTERESTS = "legitimate_interests"


class RetentionStart(StrEnum):
    """What a purpose's retention counts from."""

    CREATED = "created"
    LAST_USED = "last_used"
    CONSENT = "consent"


class View(StrEnum):
    """How much of a number an answer shows."""

    FULL = "full"
    MASKED = "masked"


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """How long, in days of 86,400 s, and from when."""

    days: int
    start: RetentionStart

    @property
    def period(self) -> timedelta:
        """The days as a duration."""
        return timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class Purpose:
    """Why numbers are kept: its lawful basis and its retention by jurisdiction."""

    name: str
    lawful_basis: LawfulBasis
    retention: RetentionRule
    retention_days_by_jurisdiction: Mapping[Jurisdiction, int] = field(default_factory=dict)
    direct_marketing: bool = False

    @property
    def rests_on_consent(self) -> bool:
        """Whether the number may be kept for this purpose only while a consent holds."""
        return self.lawful_basis is LawfulBasis.CONSENT

    def rule_under(self, jurisdictions: Iterable[Jurisdiction]) -> RetentionRule:
        """The strictest rule of the jurisdictions that may apply; at least one."""
        days = min(self.retention_days_by_jurisdiction.get(each, self.retention.days) for each in jurisdictions)
        return RetentionRule(days, self.retention.start)


@dataclass(frozen=True, slots=True)
class Demand:
    """What a request asks of its caller's rights."""

    function: str
    tenant_id: str
    purposes: tuple[str, ...]
    view: View | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """One entry of the policy's list: who it matches, and what they may do. What is not named is not permitted."""

    match: str
    tenants: frozenset[str]
    functions: frozenset[str]
    purposes: frozenset[str]
    views: frozenset[View]
    recipient: str | None = None
    quotas: Mapping[str, int] = field(default_factory=dict)
    """Items in an hour, by function."""
    break_glass: bool = False
    """Whether these rights are for emergencies: a reason is demanded, and each use is reported."""

    def check(self, demand: Demand) -> None:
        """Refuse with the first right that is missing: function, tenant, purpose, view."""
        if not _covers(self.functions, demand.function):
            raise PrincipalNotPermitted("the caller may not call this function")
        if not _covers(self.tenants, demand.tenant_id):
            raise PrincipalNotPermitted("the caller has no right to this tenant")
        if not all(_covers(self.purposes, purpose) for purpose in demand.purposes):
            raise PrincipalNotPermitted("the caller has no right to this purpose")
        if demand.view is not None and demand.view not in self.views:
            raise PrincipalNotPermitted("the caller has no right to this view")


class Wrapping(StrEnum):
    """What wraps a tenant's record keys."""

    BRANCH = "branch"
    DIRECT = "direct"
    """KMS itself: each reveal is a KMS call, and a line in CloudTrail that names tenant and token."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant's own settings."""

    wrapping: Wrapping = Wrapping.BRANCH
    kms_key: str | None = None
    index: bool = True
    former_kms_keys: frozenset[str] = frozenset()
    """KMS keys of before that are other tenants' now, and may still wrap something of this one."""


_DEFAULT_TENANT = Tenant()


@dataclass(frozen=True, slots=True)
class RotationPeriods:
    """Age, in days, at which a key version is due for rotation."""

    branch_days: int = 90
    index_days: int = 365


@dataclass(frozen=True, slots=True)
class VaultPolicy:
    """The whole policy; made by `policy_file.parse`, which has checked it."""

    purposes: Mapping[str, Purpose]
    principals: tuple[Principal, ...]
    tenants: Mapping[str, Tenant]
    rotation: RotationPeriods
    visible_suffix: int = 4
    tombstone_days: int = 90
    consent_proof_days: int = 1095
    """For how long the history of consents is kept after a purpose has ended, as proof of them."""
    circuit_breaker: float = 0.2
    branch_key_cache_seconds: int = 300
    verify_mismatches_per_token: int = 20
    default_jurisdiction: Jurisdiction = Jurisdiction.GDPR
    digest: str = field(default="", compare=False)
    """SHA-256 of the file that it was read from, in hex: by which receipts name it; empty for one of no file."""

    def purpose(self, name: str) -> Purpose:
        """The registered purpose; `PurposeNotRegistered` otherwise, without echoing the name."""
        try:
            return self.purposes[name]
        except KeyError:
            raise PurposeNotRegistered("the vault's policy does not register this purpose") from None

    def takes_no_consent(self, name: str) -> bool:
        """Whether this purpose is registered and rests on something else than consent."""
        purpose = self.purposes.get(name)
        return purpose is not None and not purpose.rests_on_consent

    def tenant(self, tenant_id: str) -> Tenant:
        """The tenant's settings; the defaults for one that the policy does not name."""
        return self.tenants.get(tenant_id, _DEFAULT_TENANT)

    def principal_of(self, caller: Caller) -> Principal | None:
        """The first entry that matches the caller; it alone counts."""
        return next((each for each in self.principals if each.match in caller.names), None)

    def authorize(self, caller: Caller, demand: Demand) -> Principal:
        """The caller's entry, if it covers the demand."""
        principal = self.principal_of(caller)
        if principal is None:
            raise PrincipalNotPermitted("the policy has no entry for the caller")
        principal.check(demand)
        return principal


def _covers(granted: frozenset[str], wanted: str) -> bool:
    return EVERYTHING in granted or wanted in granted
