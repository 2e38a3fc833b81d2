"""What a vault and its workers are like, as far as costs depend on it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RowSizes:
    """Bytes of an average row."""

    message: float
    index_entry: float
    key_ring_row: float
    added_position: int
    """By how much a position in the index makes a row of RecordKeys longer."""
    added_moment: int
    """The same of the moment at which a record key was made anew."""


@dataclass(frozen=True, slots=True)
class Machinery:
    """How the workers divide their work: their own constants."""

    shards: int
    page_rows: int
    pages_per_call: int
    calls_a_key: int
    """For how many calls, one after the other, a function keeps a key that it has unwrapped; 0: not at all."""
    positions_at_once: int
    keys_a_read: int
    shards_at_once: int
