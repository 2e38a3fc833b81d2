"""What the services need of the world; `phone_vault.adapters` provides it on AWS."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from phone_vault.domain.audit import Entry
from phone_vault.domain.keys import KeyId, WrappedKey
from phone_vault.domain.message_key import MessageKey, MessageKeyId
from phone_vault.domain.quotas import Counter
from phone_vault.domain.stored_number import StoredNumber


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


class NotWritten(Exception):
    """A conditional write did not happen, none of its parts, because the store is not as it was read."""


class AlreadyStored(NotWritten):
    """The subject has this number already, under this token."""

    def __init__(self, token: str) -> None:
        super().__init__("the subject already has this number")
        self.token = token


class TokenTaken(NotWritten):
    """A record has the new one's token already: an earlier attempt with the same idempotency key has stored it."""


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

    def wrap_record_key(self, tenant_id: str, name: str, plaintext: bytes) -> bytes:
        """Wrap a record key under the tenant's KMS key itself, bound to the tenant and the record's name."""
        ...

    def unwrap_record_key(self, tenant_id: str, name: str, wrapped: bytes) -> bytes:
        """The record key."""
        ...


class KeyRingStore(Protocol):
    """The KeyRing table. `StoreUnavailable` where it does not answer."""

    def keys_of(self, tenant_id: str) -> Sequence[WrappedKey]:
        """All key versions of a tenant, strongly consistent; none when it was never used."""
        ...

    def add_keys(self, keys: Sequence[WrappedKey]) -> None:
        """All or none; `Contended` if one of them exists."""
        ...


class NumberStore(Protocol):
    """The tables of stored numbers. `StoreUnavailable` for no answer, `TamperedStore` for unreadable rows."""

    def add(self, number: NewNumber, entry: Entry) -> None:
        """Store all rows of a new number with its audit entry, or nothing: `AlreadyStored`, `TokenTaken`, `Contended`.

        In this order, if several hold.
        """
        ...

    def update(self, record: StoredNumber, due: str, entry: Entry) -> None:
        """Write a record's purposes with the audit entry, if its revision is the one read: else `Contended`."""
        ...

    def records(self, record_ids: Collection[RecordId]) -> Mapping[RecordId, StoredNumber]:
        """Those of the records that exist, strongly consistent."""
        ...

    def records_and_messages(
        self, record_ids: Collection[RecordId]
    ) -> tuple[Mapping[RecordId, StoredNumber], Mapping[RecordId, bytes]]:
        """The same, and the ciphertexts, in the same requests."""
        ...

    def message_keys(self, key_ids: Collection[MessageKeyId]) -> Mapping[MessageKeyId, MessageKey]:
        """Those of the message keys that exist, strongly consistent."""
        ...

    def add_message_key(self, key: MessageKey, due: str, entry: Entry) -> None:
        """Store a subject's first message key for a purpose, with the audit entry: `Contended` if there is one."""
        ...

    def update_message_key(self, key: MessageKey, due: str, entry: Entry) -> None:
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
