"""What planning and carrying out a purge need of the world, beside the ports of all jobs and of rights."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, Protocol

from phone_vault.domain.job_ports import Cursor, Page
from phone_vault.domain.jurisdiction import Jurisdiction
from phone_vault.domain.ports import RecordId
from phone_vault.domain.purge_run import PageProgress, PurgeRun
from phone_vault.domain.retention import Retained
from phone_vault.domain.standing import Standing
from phone_vault.domain.stored_number import Grant
from phone_vault.domain.tombstone import Tombstone


class DuePage(NamedTuple):
    """Some of the records that stand in one shard of a day, and where the next page begins; None after the last."""

    record_ids: tuple[RecordId, ...]
    next_cursor: Cursor | None


class DueIndex(Protocol):
    """The sparse index of what is due. `StoreUnavailable` where it does not answer.

    It is eventually consistent: what it names is looked up before anything is believed of it.
    """

    def page(self, day: date, shard: int, cursor: Cursor | None) -> DuePage:
        """Stored numbers, message keys and tombstones."""
        ...

    def move(self, record: Retained, bucket: str) -> None:
        """Let it be found there, if its revision is the one read: else `Contended`."""
        ...

    def move_unread(self, record_id: RecordId, bucket: str) -> None:
        """The same of a row that does not read, whatever it is; nothing if it has no key any more."""
        ...

    def close(self, tombstone: Tombstone) -> None:
        """Of a stored number, what `RetainedStore.close` does, in single writes, at half the price.

        Whoever is stopped in between leaves the tombstone where the next purge finds it. Not of a message key: one that
        is made anew in between would lose its membership.
        """
        ...


@dataclass(frozen=True, slots=True)
class KeptNumber:
    """As much of a stored number as its use is told by: no key, no subject."""

    record_id: RecordId
    jurisdictions: tuple[Jurisdiction, ...]
    grants: Mapping[str, Grant]
    last_used: Mapping[str, datetime]
    standing: Standing

    @property
    def tenant_id(self) -> str:
        """The tenant."""
        return self.record_id.tenant_id


class KeptNumbers(Protocol):
    """The RecordKeys table. `StoreUnavailable` where it does not answer."""

    def page(self, cursor: Cursor | None, tenant_id: str | None) -> Page[KeptNumber]:
        """Stored numbers, of one tenant if one is named; a page may be empty before the last."""
        ...


class VaultAge(Protocol):
    """The KeyRing table. `StoreUnavailable` where it does not answer."""

    def first_day(self) -> date | None:
        """That of its oldest key: nothing can have been stored before. None where nothing ever was."""
        ...


class SealedText(NamedTuple):
    """A row of a plan, as it is stored."""

    text: str
    seal: bytes
    """A MAC over its name and the text."""
    expires_at: datetime


class PlanStore(Protocol):
    """Plans in Operations. `StoreUnavailable` where it does not answer."""

    def read(self, name: str) -> SealedText | None:
        """The row of this name."""
        ...

    def write(self, name: str, row: SealedText, revision: int) -> None:
        """Put it with the next revision, if its revision is this one, 0 for none: else `Contended`."""
        ...

    def write_page(self, name: str, row: SealedText, revision: int) -> None:
        """Put a page that was made under this revision of its plan: `Contended` for one of a later."""
        ...


class PurgeRunStore(Protocol):
    """Runs, their pages and the low-water day in Operations. `StoreUnavailable` where it does not answer."""

    def read(self, scope: str) -> PurgeRun | None:
        """The last run of this scope."""
        ...

    def save(self, run: PurgeRun) -> PurgeRun:
        """Write it with the next revision, if its revision is the stored one of its scope: else `Contended`.

        A new run in place of another has the revision of that one.
        """
        ...

    def progress(self, run_id: str, page: int) -> PageProgress:
        """As it begins, if nobody has begun it."""
        ...

    def all_progress(self, run_id: str, pages: int) -> Iterator[PageProgress]:
        """Of pages 0 to so many, in their order."""
        ...

    def save_progress(self, progress: PageProgress) -> PageProgress:
        """Write it with the next revision, if its revision is the stored one: else `Contended`."""
        ...

    def low_water(self) -> date | None:
        """The first day on which anything may be due; None before the first purge has ended."""
        ...

    def raise_low_water(self, day: date, today: date) -> None:
        """Never down, but from a day after today, which no purge has written."""
        ...
