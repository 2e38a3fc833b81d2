"""What off-boarding and its receipts need of the world, beside the ports of all jobs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from phone_vault.domain.audit import Entry
from phone_vault.domain.inventory import Kind
from phone_vault.domain.job_ports import Cursor
from phone_vault.domain.ports import RecordId
from phone_vault.domain.receipts import SaltedToken


class Signer(Protocol):
    """The Receipt key. `KeyUnavailable` where KMS does not answer or refuses."""

    def sign(self, message: bytes) -> bytes:
        """ECDSA over P-256 and SHA-256, as DER."""
        ...

    def public_key(self) -> bytes:
        """As DER."""
        ...


class ReceiptStore(Protocol):
    """Receipts in Operations. `StoreUnavailable` where it does not answer."""

    def read(self, name: str) -> Mapping[str, Any] | None:
        """The receipt of this name, as it is stored: whether it is one of the vault's, its signature tells."""
        ...

    def add(self, name: str, receipt: Mapping[str, Any], entry: Entry) -> None:
        """Store it with its audit entry, both or neither: `Contended` if there is one of this name."""
        ...

    def add_leaves(self, under: str, row: int, leaves: Sequence[SaltedToken]) -> None:
        """Store a row of leaves, 1,000 at most, in place of one of the same name."""
        ...

    def leaves(self, under: str, row: int) -> Sequence[SaltedToken]:
        """Those of a row; `TamperedStore` where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class OffBoarding:
    """How far the pass over a tenant's records has come, and what it has found up to there."""

    tenant_id: str
    reason: str | None
    """As it was given first."""
    cursor: Cursor | None = None
    """Where the next page begins; None before the first and after the last."""
    done: bool = False
    counts: Mapping[Kind, int] = field(default_factory=dict)
    revision: int = 0
    """How often it was written."""


class OffBoardingStore(Protocol):
    """Off-boardings in Operations. `StoreUnavailable` where it does not answer."""

    def read(self, tenant_id: str) -> OffBoarding | None:
        """None before it was begun."""
        ...

    def save(self, off_boarding: OffBoarding) -> OffBoarding:
        """Write it with the next revision, if its revision is the stored one: else `Contended`."""
        ...


class TenantRecord(NamedTuple):
    """As much of a row of RecordKeys as off-boarding needs: no key, no subject."""

    record_id: RecordId
    kind: Kind
    has_own_key: bool
    """Whether it has a key that does not go with the tenant's branch keys."""
    erased_at: datetime | None
    """Since when it is a tombstone."""


class TenantRecordPage(NamedTuple):
    """Some of a tenant's records, strongly consistent, and where the next page begins; None after the last."""

    records: tuple[TenantRecord, ...]
    next_cursor: Cursor | None


class TenantRecords(Protocol):
    """The RecordKeys table, tenant by tenant. `StoreUnavailable` where it does not answer."""

    def page(self, tenant_id: str, cursor: Cursor | None) -> TenantRecordPage:
        """Stored numbers, message keys and tombstones; a page may be empty before the last."""
        ...

    def destroy_key(self, record_id: RecordId, now: datetime, expires_at: datetime) -> None:
        """Make the row a tombstone, whatever it has become since it was read; nothing if it is one, or is gone."""
        ...
