"""What holds, restrictions, consents, erasure and purge need of the world, beside the ports of all functions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from phone_vault.domain.audit import Entry
from phone_vault.domain.consent import ConsentEvent
from phone_vault.domain.message_key import MessageKeyId
from phone_vault.domain.ports import RecordId
from phone_vault.domain.retention import Retained
from phone_vault.domain.subject import Subject, SubjectId
from phone_vault.domain.tombstone import Tombstone


@dataclass(frozen=True, slots=True)
class Members:
    """What a subject has: by a strongly consistent Query, so that what was stored a moment ago is among them."""

    tokens: tuple[str, ...]
    message_purposes: tuple[str, ...]
    """Of its message keys."""


class SubjectStore(Protocol):
    """The Subjects table, subject by subject. `StoreUnavailable` where it does not answer."""

    def read(self, subject_id: SubjectId) -> Subject:
        """Strongly consistent; revision 0 where nothing was ever said."""
        ...

    def write(self, after: Subject, entries: Sequence[Entry], consents: Sequence[ConsentEvent] = ()) -> Subject:
        """Write it with the next revision, audit entries and history, all or none, if its revision is the stored one.

        Else `Contended`.
        """
        ...

    def members(self, subject_id: SubjectId) -> Members:
        """Its tokens and message keys."""
        ...

    def consents(self, subject_id: SubjectId) -> Iterator[ConsentEvent]:
        """Its history, oldest first."""
        ...


CLOSED_AT_ONCE = 50
"""Tombstones: with the membership of each, as many as a transaction of DynamoDB takes."""


class Because(StrEnum):
    """Why a key is destroyed: what may forbid it differs."""

    ERASURE = "erasure"
    """Not under a legal hold."""
    PURGE = "purge"
    """Not under a legal hold, and not restricted."""


class RetainedStore(Protocol):
    """RecordKeys, and what hangs on its rows, as the rights of data subjects change and destroy them."""

    def read(self, record_ids: Sequence[RecordId]) -> dict[RecordId, Retained | Tombstone]:
        """Stored numbers by token, message keys by name; those that exist, strongly consistent."""
        ...

    def change(
        self,
        before: Retained,
        after: Retained,
        due: str,
        entries: Sequence[Entry],
        consents: Sequence[ConsentEvent] = (),
    ) -> None:
        """Write purposes, standing, generation and due day with audit entries and history, all or none.

        `Contended` unless the revision is that of `before`.
        """
        ...

    def shred(self, record: Retained, because: Because, at: datetime, expires_at: datetime) -> Tombstone:
        """Phase 1, one conditional update: the key is destroyed and the row is a tombstone.

        `Contended` unless the revision is the one read and nothing forbids it in this very moment. Until it is closed
        the tombstone stands among what is due, that of an erasure on the day of its death: should whoever shreds it
        never come back, the next purge finds it.
        """
        ...

    def clear(self, tombstone: Tombstone) -> None:
        """Phase 2, first half: message and index entries go. Repeatable."""
        ...

    def close(self, *tombstones: Tombstone) -> None:
        """Phase 2, second half, after whoever counts what was destroyed has written it down; 50 at most.

        Membership, pointers, and what stands among what is due go at once. Repeatable; nothing happens to a message
        key that was made anew meanwhile.
        """
        ...


def record_id_of(key_id: MessageKeyId) -> RecordId:
    """How a message key is named among records."""
    return RecordId(key_id.tenant_id, key_id.name)
