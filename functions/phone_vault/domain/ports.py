"""What the services need of the world; `phone_vault.adapters` provides it on AWS."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from phone_vault.domain.audit import Entry
from phone_vault.domain.consent import ConsentEvent
from phone_vault.domain.keys import KeyId, TenantKeys, WrappedKey
from phone_vault.domain.message_key import MessageKey, MessageKeyId
from phone_vault.domain.quotas import Counter
from phone_vault.domain.stored_number import StoredNumber
from phone_vault.domain.subject import Subject
from phone_vault.domain.suppression import Suppression
from phone_vault.domain.tombstone import Tombstone


class RecordId(NamedTuple):
    """What names a stored number."""

    tenant_id: str
    token: str


class IndexEntry(NamedTuple):
    """One record that has a number: its token and its subject."""

    token: str
    subject_ref: str


@dataclass(frozen=True, slots=True)
class NewNumber:
    """All rows of a number that is stored for the first time."""

    record: StoredNumber
    message: bytes
    due: str
    subject: Subject
    """What was read of the subject; nothing, where nobody has looked yet."""
    in_place_of: frozenset[str] = frozenset()
    """Tokens of destroyed records whose index entries may still stand in the number's places."""
    consents: tuple[ConsentEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class NewMessageKey:
    """All rows of a message key that is stored for the first time, or for the first time after its destruction."""

    key: MessageKey
    due: str
    subject: Subject
    in_place_of: Tombstone | None = None
    consents: tuple[ConsentEvent, ...] = ()


class KeyChange(NamedTuple):
    """A key version as it was read, and as it is to be."""

    before: WrappedKey
    after: WrappedKey


class NotWritten(Exception):
    """A conditional write did not happen, none of its parts, because the store is not as it was read."""


class AlreadyStored(NotWritten):
    """The subject has this number already, under this token."""

    def __init__(self, token: str) -> None:
        super().__init__("the subject already has this number")
        self.token = token


class TokenTaken(NotWritten):
    """A record has the new one's token already: an earlier attempt with the same idempotency key has stored it."""


class SubjectSaid(NotWritten):
    """The subject's row says something else than was read: this."""

    def __init__(self, subject: Subject) -> None:
        super().__init__("something was said of the subject")
        self.subject = subject


class Contended(NotWritten):
    """Another write got in between; read again, then try again."""


class LimitReached(NotWritten):
    """A counter has reached its limit and takes no more."""


class Clock(Protocol):
    """The present."""

    def now(self) -> datetime:
        """Aware, UTC."""
        ...


class KeyWrapper(Protocol):
    """KMS. `KeyUnavailable` where it does not answer or refuses, `TamperedStore` where the bytes are not authentic."""

    def wrap(self, key_id: KeyId, plaintext: bytes) -> tuple[bytes, str]:
        """Wrap key bytes under the KMS key for tenant and use, bound to the key's id; that KMS key's ARN too."""
        ...

    def unwrap(self, key: WrappedKey) -> bytes:
        """The key bytes."""
        ...

    def wrap_record_key(self, tenant_id: str, name: str, plaintext: bytes) -> tuple[bytes, str]:
        """Wrap a record key under the tenant's KMS key itself, bound to tenant and record; that KMS key's ARN too."""
        ...

    def unwrap_record_key(self, tenant_id: str, name: str, wrapped: bytes, kms_key: str | None) -> bytes:
        """The record key; `kms_key` is the ARN that the record names, None where it names none."""
        ...

    def kms_key_of(self, tenant_id: str) -> str:
        """The ARN of the KMS key that wraps what is made for the tenant now."""
        ...


class KeyMover(KeyWrapper, Protocol):
    """KMS, for the jobs that move what is wrapped from one KMS key to another without its plaintext."""

    def kms_key_for(self, key_id: KeyId) -> str:
        """The ARN of the KMS key that wraps such a row of KeyRing now."""
        ...

    def rewrap(self, key: WrappedKey) -> tuple[bytes, str]:
        """The row's key bytes under that KMS key; its ARN too."""
        ...

    def rewrap_record_key(self, tenant_id: str, name: str, wrapped: bytes, kms_key: str | None) -> tuple[bytes, str]:
        """The same for a record key of direct wrapping."""
        ...


class KmsRotations(NamedTuple):
    """The rotations that a KMS key has had."""

    of_any_kind: int
    on_demand: int
    last_on_demand: datetime | None


class KmsKeyRotations(Protocol):
    """On-demand rotations of KMS keys. `KeyUnavailable` where KMS refuses, `Conflict` where it has none left."""

    def rotations(self, kms_key: str) -> KmsRotations:
        """Those that the key has had."""
        ...

    def rotate(self, kms_key: str) -> None:
        """New key material at once; KMS keeps the old for what it wraps."""
        ...


class KeyRingStore(Protocol):
    """The KeyRing table. `StoreUnavailable` where it does not answer."""

    def keys_of(self, tenant_id: str) -> TenantKeys:
        """All key versions of a tenant, strongly consistent; none when it was never used."""
        ...

    def add_keys(self, keys: Sequence[WrappedKey], entries: Sequence[Entry] = ()) -> None:
        """Of one tenant, with audit entries, all or none.

        `Contended` if one of them exists, or the tenant is off-boarded.
        """
        ...


class KeyVersionStore(KeyRingStore, Protocol):
    """The KeyRing table, for the jobs that move versions on. `StoreUnavailable` where it does not answer."""

    def tenants(self) -> Iterator[str]:
        """Every tenant that has a row, each once; `#vault` among them."""
        ...

    def change(self, changes: Sequence[KeyChange], entries: Sequence[Entry]) -> None:
        """Write versions anew, with audit entries, all or none: `Contended` if one of them is not as it was read."""
        ...

    def off_board(self, tenant_id: str, now: datetime, entry: Entry) -> None:
        """Note that the tenant is refused from now on, with the audit entry: `Contended` when it was noted before."""
        ...


class NumberStore(Protocol):
    """The tables of stored numbers. `StoreUnavailable` for no answer, `TamperedStore` for unreadable rows."""

    def add(self, number: NewNumber, entry: Entry) -> None:
        """Store all rows of a new number with its audit entry, or nothing.

        `AlreadyStored`, `TokenTaken`, `NotFound` for a tenant that left, `SubjectSaid`, `Contended`; in this order, if
        several hold.
        """
        ...

    def update(self, record: StoredNumber, due: str, entry: Entry, consents: Sequence[ConsentEvent] = ()) -> None:
        """Write a record's purposes with audit entry and consent history, if its revision is the one read.

        Else `Contended`.
        """
        ...

    def records(self, record_ids: Collection[RecordId]) -> Mapping[RecordId, StoredNumber | Tombstone]:
        """Those of the records that exist, strongly consistent."""
        ...

    def records_and_messages(
        self, record_ids: Collection[RecordId]
    ) -> tuple[Mapping[RecordId, StoredNumber | Tombstone], Mapping[RecordId, bytes]]:
        """The same, and the ciphertexts, in the same requests."""
        ...

    def message_keys(self, key_ids: Collection[MessageKeyId]) -> Mapping[MessageKeyId, MessageKey | Tombstone]:
        """Those of the message keys that exist, strongly consistent."""
        ...

    def add_message_key(self, new: NewMessageKey, entry: Entry) -> None:
        """Store a subject's first message key for a purpose, or the first after a tombstone, with the audit entry.

        `NotFound` for a tenant that left, `SubjectSaid`, `Contended` if there is one.
        """
        ...

    def update_message_key(
        self, key: MessageKey, due: str, entry: Entry, consents: Sequence[ConsentEvent] = ()
    ) -> None:
        """Write key, generation and grant, if the revision is the one read: else `Contended`."""
        ...

    def record_uses(self, records: Sequence[StoredNumber | MessageKey], entries: Sequence[Entry]) -> None:
        """Write the records' `last_used` with the audit entries, all or none, at most 100 of both together.

        `Contended` if the revision of one of the records is not the one read.
        """
        ...

    def token_at(self, tenant_id: str, blind_indexes: Mapping[int, bytes], subject_ref: str) -> str | None:
        """Under which token the subject has the number with these blind indexes, strongly consistent."""
        ...

    def index_entries(self, tenant_id: str, version: int, blind_index: bytes) -> Sequence[IndexEntry]:
        """Everything at one position of the blind index, strongly consistent."""
        ...


class SuppressionStore(Protocol):
    """The suppression digests in Subjects. `StoreUnavailable` where it does not answer."""

    def of_tenant(self, tenant_id: str) -> Sequence[Suppression]:
        """All of a tenant, strongly consistent."""
        ...

    def replace(self, before: Suppression, after: Suppression) -> None:
        """One in place of another, both or neither: `Contended` if that is not there any more."""
        ...


class CounterStore(Protocol):
    """The Operations table, as far as it counts. `StoreUnavailable` where it does not answer."""

    def add(self, counter: Counter, count: int) -> int:
        """Add to the counter, atomically, and answer its new total, `LimitReached` if it was not below its limit.

        A count of 0 asks whether it is. An addition whose answer is lost on the way may be counted twice.
        """
        ...


class AuditLog(Protocol):
    """The AuditTrail table. `StoreUnavailable` where it does not answer, `Contended` where it was not written."""

    def append(self, entries: Sequence[Entry]) -> None:
        """Write the entries, all or none; at most 100."""
        ...
