"""JSON Lines: every byte of a row stays as it is, but for those of the number's value."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from phone_vault.cli.importing.boundaries import LineBoundary
from phone_vault.cli.importing.fields import Fields
from phone_vault.cli.importing.records import Record, Records
from phone_vault.cli.importing.rows import Blank, NotARow, Rejected, Row
from phone_vault.cli.importing.source import Source

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class _Member:
    start: int
    end: int
    raw: bytes
    """The value, as it is written."""


class JsonLinesFormat:
    """A file with an object on each line."""

    first_line = 1

    def __init__(self, source: Source, encoding: str, fields: Fields) -> None:
        self._source = source
        self._encoding = encoding
        self._fields = fields
        self.preamble = source.byte_order_mark

    def records(self, offset: int, line: int) -> Iterator[Record]:
        """From there to the end."""
        return iter(Records(self._source.file, LineBoundary, offset, line))

    def row(self, record: Record) -> Row | Blank:
        """The row, its token's place at the number's value."""
        if record.raw is None:
            raise NotARow("longer than 1 MiB")
        if not record.raw.strip():
            return Blank(record.raw)
        raw = record.raw
        try:
            members = _members(raw, self._encoding)
            request = self._fields.request(lambda name: _text_of(members.get(name), self._encoding))
        except (ValueError, IndexError, RecursionError):
            raise NotARow("not a JSON object") from None  # json's own words quote nothing, but count characters
        number = members[self._fields.number]
        return Row(
            line=record.line,
            offset=record.offset,
            before=raw[: number.start] + b'"',
            after=b'"' + raw[number.end :],
            request=request,
        )

    def reject_header(self) -> bytes:
        """None."""
        return b""

    def reject(self, rejected: Rejected) -> bytes:
        """An object."""
        return json.dumps({"line": rejected.line, "reason": rejected.reason}).encode() + b"\n"


def _text_of(member: _Member | None, encoding: str) -> str | None:
    """A string, or a whole number as it is written; a list of strings as purposes come."""
    if member is None:
        return None
    text = member.raw.decode(encoding)
    match _DECODER.decode(text):
        case None:
            return None
        case str(value):
            return value
        case bool():
            raise NotARow("a field is neither text nor a whole number")
        case int():
            return text
        case [*values] if all(isinstance(value, str) for value in values):
            return " ".join(values)
    raise NotARow("a field is neither text nor a whole number")


def _members(raw: bytes, encoding: str) -> dict[str, _Member]:
    """The object's members, and where their values stand; raises what the decoder does.

    What JSON is made of is ASCII, so as Latin-1, a character for each byte, places are those of the bytes.
    """
    text = raw.decode("latin-1")
    found: dict[str, _Member] = {}
    at = _expect(text, _behind_space(text, 0), "{")
    if text[_behind_space(text, at)] == "}":
        return _require_end(text, _behind_space(text, at) + 1, found)
    while True:
        start = _behind_space(text, at)
        _expect(text, start, '"')
        _, at = _DECODER.raw_decode(text, start)
        name = _DECODER.decode(raw[start:at].decode(encoding))
        start = _behind_space(text, _expect(text, _behind_space(text, at), ":"))
        _, end = _DECODER.raw_decode(text, start)
        if name in found:
            raise NotARow("an object has two members of one name")
        found[name] = _Member(start, end, raw[start:end])
        at = _behind_space(text, end)
        if text[at] == "}":
            return _require_end(text, at + 1, found)
        at = _expect(text, at, ",")


def _require_end(text: str, at: int, found: dict[str, _Member]) -> dict[str, _Member]:
    if _behind_space(text, at) != len(text):
        raise ValueError("something follows the object")
    return found


def _expect(text: str, at: int, character: str) -> int:
    if text[at] != character:
        raise ValueError("not what JSON has here")
    return at + 1


def _behind_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
