"""Rows: what one record asks of the vault, and what of it goes into the output."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from phone_vault.cli.importing.records import Record


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that is not imported. `reason` holds nothing of it: words of ours or of a problem of the vault."""

    line: int
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """A record that the vault is asked about: bytes before and after the place where the token goes, as they came."""

    line: int
    offset: int
    """Of the record, in bytes: what the row is called when it is asked for once more."""
    before: bytes
    after: bytes
    request: Mapping[str, Any]
    looks_like_formula: bool = False


@dataclass(frozen=True, slots=True)
class Blank:
    """A line of nothing, which is kept."""

    raw: bytes


class NotARow(Exception):
    """The record cannot be read; the message is the reason, and holds nothing of it."""


class Format(Protocol):
    """Reads one kind of file."""

    @property
    def preamble(self) -> bytes:
        """What stands before the first row, and goes into the output as it is."""

    @property
    def first_line(self) -> int:
        """The line behind the preamble."""

    def records(self, offset: int, line: int) -> Iterator[Record]:
        """From there to the end."""

    def row(self, record: Record) -> Row | Blank:
        """The record's row; raises `NotARow`."""

    def reject_header(self) -> bytes:
        """The beginning of a rejects file of the same kind."""

    def reject(self, rejected: Rejected) -> bytes:
        """A line of it."""
