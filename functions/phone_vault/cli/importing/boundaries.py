"""Where records end: in CSV (RFC 4180, with the liberties that spreadsheets take) and in JSON Lines.

Both are machines that are fed a buffer piece by piece and remember where they are, so that a record may be of any
length while little of it is in memory. They look at bytes: in UTF-8, and in the other encodings that are taken, a
quote, a delimiter or a line break is one byte that is part of nothing else.
"""

import re
from collections.abc import Callable
from enum import Enum, auto
from typing import Protocol


class Boundary(Protocol):
    """Looks for the end of one record."""

    def end(self, buffer: bytes, at: int, *, final: bool) -> int | None:
        """Behind the record and its line break, looking from `at` on; None when the buffer ends first.

        It has looked at everything then, but for a last carriage return. `final`: nothing follows the buffer.
        """

    @property
    def closed(self) -> bool:
        """Whether the record may end where the file does."""


MakeBoundary = Callable[[], Boundary]


class LineBoundary:
    """JSON Lines: a line feed never stands inside a value."""

    closed = True

    def end(self, buffer: bytes, at: int, *, final: bool) -> int | None:
        """Behind the line feed."""
        found = buffer.find(b"\n", at)
        return found + 1 if found >= 0 else len(buffer) if final else None


class _State(Enum):
    FIELD_START = auto()
    PLAIN = auto()
    QUOTED = auto()
    AFTER_QUOTE = auto()


class CsvBoundary:
    """Line feed, carriage return or both, unless quoted. A quote inside an unquoted field is like any character."""

    def __init__(self, delimiter: bytes) -> None:
        self._delimiter = delimiter[0]
        self._stop = re.compile(rb"[\r\n" + re.escape(delimiter) + rb"]")
        self._state = _State.FIELD_START

    @property
    def closed(self) -> bool:
        """False inside quotes."""
        return self._state is not _State.QUOTED

    def end(self, buffer: bytes, at: int, *, final: bool) -> int | None:
        """Behind the line break."""
        while at < len(buffer):
            match self._state:
                case _State.FIELD_START:
                    quoted = buffer[at] == _QUOTE
                    self._state = _State.QUOTED if quoted else _State.PLAIN
                    at += quoted
                case _State.QUOTED:
                    closing = buffer.find(b'"', at)
                    if closing < 0:
                        break
                    self._state, at = _State.AFTER_QUOTE, closing + 1
                case _State.AFTER_QUOTE:
                    doubled = buffer[at] == _QUOTE
                    self._state = _State.QUOTED if doubled else _State.PLAIN
                    at += doubled
                case _State.PLAIN:
                    stop = self._stop.search(buffer, at)
                    if stop is None:
                        break
                    at = stop.end()
                    if buffer[stop.start()] != self._delimiter:
                        return self._behind_break(buffer, stop.start(), final=final)
                    self._state = _State.FIELD_START
        return len(buffer) if final else None

    @staticmethod
    def _behind_break(buffer: bytes, at: int, *, final: bool) -> int | None:
        if buffer[at : at + 2] == b"\r\n":
            return at + 2
        # A carriage return at the buffer's end may be half of a line break.
        return None if buffer[at:] == b"\r" and not final else at + 1


_QUOTE = ord('"')
