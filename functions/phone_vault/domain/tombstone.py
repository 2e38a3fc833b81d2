"""What is left of a record whose key was destroyed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from phone_vault.domain.message_key import MessageKeyId
from phone_vault.domain.standing import Erasure


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A row of RecordKeys without a key; in the end also without anything that leads from it or to it."""

    tenant_id: str
    name: str
    """A token, or `m#subject_ref#purpose`."""
    subject_ref: str
    erased_at: datetime
    revision: int
    positions: Mapping[int, bytes] = field(default_factory=dict)
    """Blind indexes by version, until their entries are swept."""
    purposes: tuple[str, ...] = ()
    """What it was granted for, until a receipt has counted it."""
    erasure: Erasure | None = None
    """The erasure that waited for its holds to go, if one did, until a receipt has counted it."""
    generation: int | None = None
    """Of a message key: the next one of this subject and purpose is of the next generation."""
    is_swept: bool = False
    """Whether message, index entries and membership are gone too, and all that a receipt needs."""

    @property
    def message_purpose(self) -> str | None:
        """What the messages of a message key were for; None of a stored number."""
        key_id = MessageKeyId.named(self.tenant_id, self.name)
        return key_id.purpose if key_id else None

    @property
    def token(self) -> str:
        """As a stored number's."""
        return self.name

    def speaks(self, tombstone_days: int, now: datetime) -> bool:
        """Whether it still tells that there was something; afterwards it is as if it were gone."""
        return now < self.erased_at + timedelta(days=tombstone_days)
