"""CSV: every byte of a row stays as it is, but for those of the number's cell."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from phone_vault.cli.importing.boundaries import CsvBoundary
from phone_vault.cli.importing.fields import Fields
from phone_vault.cli.importing.records import Record, Records, without_break
from phone_vault.cli.importing.rows import Blank, NotARow, Rejected, Row
from phone_vault.cli.importing.source import Source
from phone_vault.cli.printable import printable
from phone_vault.cli.problem import Problem

# OWASP's list. Not numbers: a spreadsheet takes -5 for what it is.
_FORMULA = re.compile(rb"[=+@\t\r]|-(?![0-9.,]*$)")


@dataclass(frozen=True, slots=True)
class _Cell:
    start: int
    end: int
    content: bytes
    """Without quotes."""
    quoted: bool


class CsvFormat:
    """A file whose first record names its columns."""

    def __init__(self, source: Source, encoding: str, delimiter: str, fields: Fields) -> None:
        self._source = source
        self._encoding = encoding
        self._delimiter = delimiter.encode()
        self._fields = fields
        # Possessive: a cell of a million characters is gone through once.
        self._cell = re.compile(
            rb'"(?P<quoted>[^"]*+(?:""[^"]*+)*+)"(?P<rest>[^%(d)s]*+)|(?P<plain>[^%(d)s]*+)'
            % {b"d": re.escape(self._delimiter)},
        )
        header = self._header()
        self.preamble = source.byte_order_mark + (header.raw or b"")
        self.first_line = header.next_line
        self._columns = self._named_columns(header)

    def records(self, offset: int, line: int) -> Iterator[Record]:
        """From there to the end."""
        return iter(Records(self._source.file, lambda: CsvBoundary(self._delimiter), offset, line))

    def row(self, record: Record) -> Row | Blank:
        """The row, its token's place at the number's cell, quotes included: a token never needs any."""
        raw = _whole(record)
        content = without_break(raw)
        if not content.strip():
            return Blank(raw)
        cells = self._cells(content)
        if len(cells) != len(self._columns):
            raise NotARow(f"{len(cells)} fields where the header has {len(self._columns)}")
        number = cells[self._columns[self._fields.number]]
        return Row(
            line=record.line,
            offset=record.offset,
            before=raw[: number.start],
            after=raw[number.end :],
            request=self._fields.request(lambda name: self._text(cells[self._columns[name]])),
            looks_like_formula=any(cell is not number and _FORMULA.match(cell.content) for cell in cells),
        )

    def reject_header(self) -> bytes:
        """Its columns."""
        return b"line,reason\r\n"

    def reject(self, rejected: Rejected) -> bytes:
        """Quoted where it has to be."""
        text = io.StringIO()
        csv.writer(text).writerow([rejected.line, rejected.reason])
        return text.getvalue().encode()

    def _header(self) -> Record:
        mark = len(self._source.byte_order_mark)
        header = next(self.records(mark, 1), None)
        if header is None:
            raise Problem(f"{printable(self._source.path)} is empty but for a byte order mark")
        return header

    def _named_columns(self, header: Record) -> dict[str, int]:
        """Positions by name. The names found are not told: the first line of a file without header is data."""
        path = printable(self._source.path)
        try:
            cells = self._cells(without_break(_whole(header)))
        except NotARow as fault:
            raise Problem(f"the header of {path} cannot be read: {fault}") from None
        names = [self._text(cell).strip() for cell in cells]
        positions = {name: position for position, name in enumerate(names)}
        if any(name and count > 1 for name, count in Counter(names).items()):
            raise Problem(f"two columns of {path} have the same name")
        for name in self._fields.names():
            if name not in positions:
                if len(names) == 1:
                    raise Problem(
                        f"{path} has no column {name!r}: its first line is all one column. "
                        "Is it another delimiter, such as --delimiter ';' or --delimiter tab?"
                    )
                raise Problem(f"{path} has no column {name!r} among the {len(names)} that its first line names")
        # Nameless columns, as spreadsheets leave them, are counted with the others.
        return {name or f"\0{position}": position for position, name in enumerate(names)}

    def _cells(self, content: bytes) -> list[_Cell]:
        cells, at = [], 0
        while True:
            match = self._cell.match(content, at)
            assert match is not None  # noqa: S101  the pattern matches the empty text too
            if match["rest"]:
                raise NotARow("text behind a closing quote")
            quoted = match["quoted"]
            plain = match["plain"] if quoted is None else quoted.replace(b'""', b'"')
            cells.append(_Cell(match.start(), match.end(), plain, quoted is not None))
            if match.end() == len(content):
                return cells
            at = match.end() + 1

    def _text(self, cell: _Cell) -> str:
        return cell.content.decode(self._encoding)


def _whole(record: Record) -> bytes:
    if not record.closed:
        raise NotARow("a quote is never closed: everything from here to the end of the file is one field")
    if record.raw is None:
        raise NotARow("longer than 1 MiB")
    if b"\0" in record.raw:
        raise NotARow("holds a NUL byte")
    return record.raw
