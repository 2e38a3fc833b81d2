"""Rows of RecordKeys as far as the costs of a job depend on them: no key, no token, no subject."""

from collections.abc import Sequence
from typing import NamedTuple

from phone_vault.domain.inventory import Kind


class ReckonedRow(NamedTuple):
    """A row of RecordKeys that has a key."""

    tenant_id: str
    kind: Kind
    branch_key_version: int | None
    """None for direct wrapping."""
    kms_key: str | None
    index_versions: frozenset[int]
    known_bytes: int
    """Of the row's size what follows from the above."""


class PageRead(NamedTuple):
    """A page of a shard, as a job will read it."""

    rows: Sequence[ReckonedRow]
    """Those that have a key."""
    read_units: float
    """Of a strongly consistent reading."""
