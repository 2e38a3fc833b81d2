"""What is left of a record whose key was destroyed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta


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
    generation: int | None = None
    """Of a message key: the next one of this subject and purpose is of the next generation."""
    is_swept: bool = False
    """Whether message, index entries and membership are gone too."""

    @property
    def token(self) -> str:
        """As a stored number's."""
        return self.name

    def speaks(self, tombstone_days: int, now: datetime) -> bool:
        """Whether it still tells that there was something; afterwards it is as if it were gone."""
        return now < self.erased_at + timedelta(days=tombstone_days)
