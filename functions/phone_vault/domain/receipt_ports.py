"""What off-boarding and its receipts need of the world, beside the ports of all jobs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
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


class SealedOffBoarding(NamedTuple):
    """A row of Operations: how far an off-boarding has come, as text, and the MAC over it."""

    text: str
    seal: bytes
    revision: int
    """How often it was written; what the text says of it is sealed."""


class OffBoardingStore(Protocol):
    """Off-boardings in Operations. `StoreUnavailable` where it does not answer."""

    def read(self, tenant_id: str) -> SealedOffBoarding | None:
        """None before it was begun; `TamperedStore` for what does not read."""
        ...

    def write(self, tenant_id: str, row: SealedOffBoarding) -> None:
        """If the revision before the row's is the stored one, or the row is the first: else `Contended`."""
        ...


class KeyFate(StrEnum):
    """What becomes of the key in a row of RecordKeys when its tenant leaves."""

    STAYS = "stays"
    """It does not go with the tenant's branch keys, as far as the row tells: it must be destroyed."""
    GOES = "goes"
    """A branch key wraps it."""
    WENT = "went"
    """Off-boarding has destroyed it."""
    NONE = "none"
    """There was none when the tenant left: it was erased before."""


class TenantRecord(NamedTuple):
    """As much of a row of RecordKeys as off-boarding needs: no key, no subject."""

    record_id: RecordId
    kind: Kind
    fate: KeyFate
    is_held: bool = False
    """Whether it has a key and a legal hold is on it."""


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
        """Make the row a tombstone of off-boarding, whatever it has become; nothing if it has no key, or is gone."""
        ...
