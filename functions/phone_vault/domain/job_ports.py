"""What the jobs that pass over all records need of the world, beside the ports of the functions for applications."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, NamedTuple, Protocol, TypeVar

from phone_vault.domain.inventory import Kind
from phone_vault.domain.keys import KeyId
from phone_vault.domain.ports import RecordId
from phone_vault.domain.rotation import Census, Progress, Run, Step
from phone_vault.domain.stored_number import IndexPosition, StoredNumber
from phone_vault.domain.wrapped_record import WrappedRecord, WrappedRecordKey

T = TypeVar("T")

Cursor = Mapping[str, str]
"""Where a page begins: the key of the last row before it."""


class Shard(NamedTuple):
    """A part of a table, of `of` parts in all; every row is in one of them."""

    number: int
    of: int


class Unreadable(NamedTuple):
    """A row that is not as the vault writes them."""

    tenant_id: str | None
    """As its key has it; None where that does not read either."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows of a shard, strongly consistent, and where the next page begins; None after the last."""

    rows: Sequence[T | Unreadable]
    next_cursor: Cursor | None


@dataclass(frozen=True, slots=True)
class CountedRecord:
    """As much of a row of RecordKeys as a census counts."""

    tenant_id: str
    kind: Kind
    branch_key_version: int | None
    """None for direct wrapping."""
    index_versions: frozenset[int]
    created_at: datetime


class CountedEntry(NamedTuple):
    """As much of a row of LookupIndex."""

    tenant_id: str
    version: int


class Indexed(NamedTuple):
    """A record, and the positions in the index that it gets in addition."""

    record: StoredNumber
    positions: Mapping[int, IndexPosition]


class ReEncrypted(NamedTuple):
    """A record, and its number under a new key."""

    record: StoredNumber
    wrapped: WrappedRecordKey
    message: bytes
    key_made_at: datetime


class WrappedRecords(Protocol):
    """RecordKeys as re-wrapping sees it: wrapped keys by name; that of a message key has a `subject_ref`."""

    def page(self, shard: Shard, cursor: Cursor | None, tenant_id: str | None) -> Page[WrappedRecord]:
        """Stored numbers and message keys; of one tenant if one is named."""
        ...

    def read(self, record: WrappedRecord) -> WrappedRecord | None:
        """The same row as it is now; None when it has no key any more."""
        ...

    def rewrap(self, record: WrappedRecord, wrapped: WrappedRecordKey) -> None:
        """Write the wrapped key, if the record's revision is the one read and it still has a key: else `Contended`."""
        ...


class IndexedRecords(Protocol):
    """RecordKeys, Numbers and LookupIndex as re-indexing and re-encryption see them."""

    def page(self, shard: Shard, cursor: Cursor | None, tenant_id: str | None) -> Page[StoredNumber]:
        """Stored numbers, no message keys."""
        ...

    def records_and_messages(
        self, record_ids: Collection[RecordId]
    ) -> tuple[Mapping[RecordId, StoredNumber], Mapping[RecordId, bytes]]:
        """Those that exist, as they are now."""
        ...

    def index(self, changes: Sequence[Indexed]) -> None:
        """Write entries and positions, all or none, at most 25 records with one position each.

        `Contended` if a record is not as it was read, or an entry of another record stands in the place.
        """
        ...

    def re_encrypt(self, change: ReEncrypted) -> None:
        """Write wrapped key and message, both or none: `Contended` as above."""
        ...


class SweptRecord(NamedTuple):
    """As much of a stored number as the sweep needs."""

    record_id: RecordId
    subject_ref: str
    revision: int
    positions: Mapping[int, bytes]
    """The blind index by version."""


class SweptEntry(NamedTuple):
    """A row of LookupIndex, by its key."""

    tenant_id: str
    version: int
    key: Mapping[str, str]


class SweptIndex(Protocol):
    """RecordKeys and LookupIndex as the sweep of closed index versions sees them: positions, no keys."""

    def records(self, shard: Shard, cursor: Cursor | None, tenant_id: str | None) -> Page[SweptRecord]:
        """Stored numbers that stand in the index."""
        ...

    def entries(self, shard: Shard, cursor: Cursor | None, tenant_id: str | None) -> Page[SweptEntry]:
        """Of LookupIndex."""
        ...

    def read(self, record_id: RecordId) -> SweptRecord | None:
        """As it is now; None when it is gone."""
        ...

    def take_out(self, record: SweptRecord, versions: Collection[int]) -> None:
        """Delete the record's entries of these versions and forget the positions, all or none: else `Contended`."""
        ...

    def delete_entries(self, entries: Sequence[SweptEntry]) -> None:
        """Entries that no record knows of."""
        ...


class CountedTables(Protocol):
    """RecordKeys and LookupIndex as a census sees them."""

    def records(self, shard: Shard, cursor: Cursor | None, tenant_id: str | None) -> Page[CountedRecord]:
        """Of RecordKeys."""
        ...

    def entries(self, shard: Shard, cursor: Cursor | None, tenant_id: str | None) -> Page[CountedEntry]:
        """Of LookupIndex."""
        ...


class VersionUses(Protocol):
    """RecordKeys, as far as the records on one key version are counted. `StoreUnavailable` where it does not answer."""

    def count(self, key_id: KeyId) -> int:
        """So many, or at least so many where there are more rows than one call looks at."""
        ...


class RunStore(Protocol):
    """Runs, cursors and censuses in Operations. `StoreUnavailable` where it does not answer."""

    def latest(self) -> Run | None:
        """The Rotation that was begun last."""
        ...

    def save_run(self, run: Run, before: Run | None) -> None:
        """Write it, if the latest is still the one read before: else `Contended`."""
        ...

    def progress(self, run_id: str, step: Step, shard: int) -> Progress | None:
        """How far a step has come in a shard; None before it was begun."""
        ...

    def save_progress(self, progress: Progress) -> Progress:
        """Write it with the next revision, if its revision is the stored one: else `Contended`."""
        ...

    def census(self, tenant_id: str) -> Census | None:
        """The tenant's last one."""
        ...

    def save_census(self, census: Census) -> None:
        """In place of the one before, unless that began later; by days, and it is not one that the vault wrote."""
        ...
