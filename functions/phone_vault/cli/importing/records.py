"""The records of a file, one after the other, each in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from phone_vault.cli.importing.boundaries import Boundary, MakeBoundary

LONGEST_RECORD = 1 << 20
"""Bytes. What is longer is not kept in memory: a file of one endless line has to be survived, not imported."""

_CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class Record:
    """One record, and where the file goes on behind it."""

    line: int
    """Of the file, from 1; the first of the record's lines."""
    offset: int
    """Of its first byte."""
    raw: bytes | None
    """With its line break; None when it is longer than `LONGEST_RECORD`."""
    closed: bool
    """False when the file ends inside its quotes."""
    end: int
    """Of the byte behind it."""
    next_line: int


class Records:
    """Iterates over the records of a file from an offset on, at which a record begins."""

    def __init__(self, file: BinaryIO, make_boundary: MakeBoundary, offset: int, line: int) -> None:
        file.seek(offset)
        self._file = file
        self._make_boundary = make_boundary
        self._offset = offset
        self._line = line
        self._buffer = b""
        self._final = False

    def __iter__(self) -> Iterator[Record]:
        while (record := self._next()) is not None:
            yield record

    def _next(self) -> Record | None:
        while not self._buffer:
            if self._final:
                return None
            self._read()
        boundary = self._make_boundary()
        looked_at = dropped = lines = 0
        while (end := boundary.end(self._buffer, looked_at, final=self._final)) is None:
            # All but a last carriage return, which belongs to a line break that is not all there yet.
            looked_at = len(self._buffer) - self._buffer.endswith(b"\r")
            if dropped + looked_at > LONGEST_RECORD:
                lines += _line_breaks(self._buffer[:looked_at])
                dropped += looked_at
                self._buffer, looked_at = self._buffer[looked_at:], 0
            self._read()
        return self._record(boundary, end, dropped, lines)

    def _record(self, boundary: Boundary, end: int, dropped: int, lines: int) -> Record:
        raw, self._buffer = self._buffer[:end], self._buffer[end:]
        line, offset, length = self._line, self._offset, dropped + end
        self._offset += length
        self._line += lines + _line_breaks(raw)
        kept = raw if length <= LONGEST_RECORD else None
        return Record(line, offset, kept, boundary.closed, self._offset, self._line)

    def _read(self) -> None:
        chunk = self._file.read(_CHUNK)
        self._final = not chunk
        self._buffer += chunk


def without_break(raw: bytes) -> bytes:
    """The record without its line break."""
    for line_break in (b"\r\n", b"\n", b"\r"):
        if raw.endswith(line_break):
            return raw[: -len(line_break)]
    return raw


def _line_breaks(raw: bytes) -> int:
    """As an editor counts lines: CR LF is one, and so is either alone."""
    return raw.count(b"\n") + raw.count(b"\r") - raw.count(b"\r\n")
