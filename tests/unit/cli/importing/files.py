"""Small inputs for the tests."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

from phone_vault.cli.importing.csv_format import CsvFormat
from phone_vault.cli.importing.fields import Fields
from phone_vault.cli.importing.json_format import JsonLinesFormat
from phone_vault.cli.importing.rows import Blank, Format, NotARow, Row
from phone_vault.cli.importing.source import Source, opened

NUMBER_AND_SUBJECT = Fields(
    number="phone",
    subject="id",
    region=None,
    purposes=None,
    consent_given_at=None,
    consent_evidence=None,
    constant_purposes=("account_security",),
    constant_given_at=None,
    constant_evidence=None,
    consent_for=(),
)


def csv_format(
    folder: Path, content: bytes, *, fields: Fields = NUMBER_AND_SUBJECT, delimiter: str = ",", encoding: str = "utf-8"
) -> CsvFormat:
    """A CSV file of this content."""
    path = folder / "input.csv"
    path.write_bytes(content)
    return CsvFormat(_in_memory(path, encoding), encoding, delimiter, fields)


def json_format(
    folder: Path, content: bytes, *, fields: Fields = NUMBER_AND_SUBJECT, encoding: str = "utf-8"
) -> JsonLinesFormat:
    """A JSON Lines file of this content."""
    path = folder / "input.jsonl"
    path.write_bytes(content)
    return JsonLinesFormat(_in_memory(path, encoding), encoding, fields)


def _in_memory(path: Path, encoding: str) -> Source:
    """So that nothing has to be closed."""
    with opened(path, encoding) as source:
        return replace(source, file=io.BytesIO(path.read_bytes()))


def rows_of(file_format: Format) -> list[Any]:
    """Of the whole file; the reason in the place of what is no row."""
    found: list[Row | Blank | str] = []
    for record in file_format.records(len(file_format.preamble), file_format.first_line):
        try:
            found.append(file_format.row(record))
        except NotARow as fault:
            found.append(str(fault))
    return found
