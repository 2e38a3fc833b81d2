"""Records end where the csv module says, whatever the chunks they are read in."""

import csv
import io
import random
import tracemalloc

import pytest

from phone_vault.cli.importing import records
from phone_vault.cli.importing.boundaries import CsvBoundary, LineBoundary
from phone_vault.cli.importing.records import Record, Records

ALPHABET = ["a", "b", ",", '"', '""', "\r\n", "\n", "\r", "é", ";"]


def read(content: bytes, delimiter: bytes = b",") -> list[Record]:
    return list(Records(io.BytesIO(content), lambda: CsvBoundary(delimiter), 0, 1))


def well_formed(chance: random.Random) -> bytes:
    """A CSV file as the csv module writes it."""
    text = io.StringIO()
    writer = csv.writer(
        text,
        lineterminator=chance.choice(["\r\n", "\n", "\r"]),
        quoting=chance.choice([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    )
    for _ in range(chance.randrange(1, 8)):
        writer.writerow(["".join(chance.choices(ALPHABET, k=chance.randrange(1, 6))) for _ in range(3)])
    return text.getvalue().encode()


@pytest.mark.parametrize("seed", range(200))
def test_records_are_those_of_the_csv_module(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(records, "_CHUNK", chance.randrange(1, 9))
    content = well_formed(chance)
    expected = list(csv.reader(io.StringIO(content.decode(), newline="")))
    found = [next(csv.reader(io.StringIO((each.raw or b"").decode(), newline=""))) for each in read(content)]
    assert found == expected


@pytest.mark.parametrize("seed", range(200))
def test_nothing_is_lost_whatever_the_content(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(records, "_CHUNK", chance.randrange(1, 9))
    content = "".join(chance.choices(ALPHABET, k=50)).encode()
    found = read(content)
    assert b"".join(each.raw or b"" for each in found) == content
    assert [each.end for each in found][-1] == len(content)


@pytest.mark.parametrize("seed", range(50))
def test_reading_goes_on_at_any_records_end(seed: int) -> None:
    content = well_formed(random.Random(seed))
    found = read(content)
    for index, record in enumerate(found):
        rest = Records(io.BytesIO(content), lambda: CsvBoundary(b","), record.end, record.next_line)
        assert list(rest) == found[index + 1 :]


@pytest.mark.parametrize("line_break", [b"\n", b"\r\n", b"\r"])
def test_a_record_of_several_lines_has_the_first_ones_number(line_break: bytes) -> None:
    content = line_break.join([b"a,b", b'1,"2', b'3"', b"4,5", b""])
    assert [each.line for each in read(content)] == [1, 2, 4]


def test_a_quote_that_is_never_closed_is_told() -> None:
    assert [each.closed for each in read(b'a,b\n1,"2\n3,4\n')] == [True, False]


def test_a_quote_inside_an_unquoted_field_is_a_character() -> None:
    assert [each.raw for each in read(b'5" pipe,1\n2,3\n')] == [b'5" pipe,1\n', b"2,3\n"]


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_the_record_behind_one_that_is_too_long_is_read(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "_CHUNK", chunk)
    monkeypatch.setattr(records, "LONGEST_RECORD", 20)
    found = read(b'a\r\n"' + b'x""y\r\n' * 30 + b'z",1\r\nb\r\n')
    assert [(each.line, each.raw) for each in found] == [(1, b"a\r\n"), (2, None), (33, b"b\r\n")]


class _Endless(io.RawIOBase):
    """A line of 100 MB and a short one, made as they are read."""

    def __init__(self) -> None:
        self.left = 100 << 20

    def seek(self, offset: int, whence: int = 0) -> int:
        del whence
        return offset

    def read(self, size: int = -1) -> bytes:
        if self.left > 0:
            self.left -= size
            return b"7" * size
        self.left -= 1
        return b"\nb\n" if self.left == -1 else b""


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_line_of_100_mb_takes_no_memory(kind: str) -> None:
    make = LineBoundary if kind == "jsonl" else lambda: CsvBoundary(b",")
    tracemalloc.start()
    found = list(Records(_Endless(), make, 0, 1))  # type: ignore[arg-type]  # it reads and seeks
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(each.line, each.raw) for each in found] == [(1, None), (2, b"b\n")]
    assert peak < 8 << 20
