"""Batches: how long they are, and what their rows are called."""

import json
from pathlib import Path

from phone_vault.cli.importing.batch import Answer, Batch, in_batches
from phone_vault.cli.importing.csv_format import CsvFormat
from phone_vault.cli.importing.journal import Progress
from phone_vault.cli.importing.rows import Row
from phone_vault.cli.importing.settling import settle
from tests.unit.cli.importing.files import csv_format

HEADER = b"phone,id,x\n"


def batches_of(folder: Path, content: bytes, size: int = 100) -> tuple[CsvFormat, list[Batch]]:
    file_format = csv_format(folder, HEADER + content)
    beginning = Progress(len(file_format.preamble), file_format.first_line)
    return file_format, list(in_batches(file_format, beginning, size))


def test_a_batch_has_as_many_rows_as_it_is_told(tmp_path: Path) -> None:
    _, batches = batches_of(tmp_path, b"1,c,\n" * 7, size=3)
    assert [len(each.rows) for each in batches] == [3, 3, 1]


def test_long_rows_make_batches_shorter(tmp_path: Path) -> None:
    _, batches = batches_of(tmp_path, (b"1,c," + b"x" * 300_000 + b"\n") * 10)
    assert [len(each.rows) for each in batches] == [4, 4, 2]


def test_long_requests_make_batches_shorter_too(tmp_path: Path) -> None:
    """One byte of a phone is two in the file, six in the request."""
    _, batches = batches_of(tmp_path, ("\u00e9" * 1000 + "," + "\u00e9" * 1000 + ",\n").encode() * 200, size=1000)
    assert len(batches) > 1
    assert all(len(json.dumps(each.requests("salt"))) < 2 << 20 for each in batches)


def test_each_row_is_called_by_the_salt_and_its_place_whatever_the_batches(tmp_path: Path) -> None:
    names = []
    for size in (1, 2, 100):
        _, batches = batches_of(tmp_path, b"1,c,\n\n1,c,\n1,d,\n", size=size)
        names.append([request["idempotency_key"] for each in batches for request in each.requests("salt")])
    assert names == [["salt.11", "salt.17", "salt.22"]] * 3


def test_rows_that_a_spreadsheet_takes_for_formulas_are_counted_when_they_are_imported(tmp_path: Path) -> None:
    file_format, [batch] = batches_of(tmp_path, b"1,c,=1\n2,c,=1\n3,c,x\n")
    assert all(isinstance(row, Row) for row in batch.rows)
    answers: list[Answer] = [
        {"token": "tok_a", "created": True},
        {"problem": {"type": "urn:phone-vault:problem:erased"}},
        {"token": "tok_b", "created": False},
    ]
    counts = settle(file_format, Progress(0, 1), batch, answers).progress.counts
    assert (counts.rows, counts.created, counts.known, counts.formula_like) == (3, 1, 1, 1)
