"""As much of a record as tells what a purge would do to it, and how much that takes."""

from dataclasses import dataclass

from phone_vault.domain.inventory import Holding


@dataclass(frozen=True, slots=True)
class DueRow:
    """A row of RecordKeys with its key."""

    holding: Holding
    bucket: str
    """Where it stands in the index of what is due: `2026-04-01#07`."""
    positions: int
    """In the lookup index."""
