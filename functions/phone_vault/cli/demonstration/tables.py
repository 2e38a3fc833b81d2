"""The tables as somebody with a copy of them would see them."""

import base64
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from phonenumbers import national_significant_number

from phone_vault.cli.console import Console
from phone_vault.cli.demonstration.examples import Example
from phone_vault.cli.demonstration.expectation import expect
from phone_vault.cli.demonstration.storing import Stored
from phone_vault.cli.demonstration.sweep import Field, NumberSearch, fields
from phone_vault.local import LocalCloud

_TABLES = {
    "KeyRing": "the tenant's keys, wrapped by KMS",
    "RecordKeys": "the key of one number, wrapped, and what may be done with the number",
    "Numbers": "the number, encrypted under that key",
    "LookupIndex": "where the keyed HMAC of the number leads",
    "Subjects": "which tokens a person has",
    "AuditTrail": "who did what, chained and authenticated",
    "Operations": "how often in an hour a wrong number was tried for a token",
}
_BYTES_SHOWN = 24
_CHARACTERS_SHOWN = 72


@dataclass(frozen=True, slots=True)
class Tables:
    """What was seen, and what was searched."""

    shown: dict[str, dict[str, str]]
    """One row of each table, as text."""
    rows: int
    bytes: int
    records: int
    """Rows of RecordKeys that are the tenant's."""


def show_tables(
    cloud: LocalCloud,
    console: Console,
    tenant_id: str,
    shown: Stored,
    examples: Collection[Example],
    revealed: Collection[str],
) -> Tables:
    """One row of each, and a search of all rows for every number that was stored."""
    console.section(
        "The tables",
        "One raw row of each of the seven: six about one and the same stored number, Operations about one that was "
        "verified. Nothing in it can be read as a phone number: not by whoever gets hold of a table, a backup or an "
        "export.",
    )
    search = NumberSearch(
        (str(each.number.country_code), national_significant_number(each.number)) for each in examples
    )
    _check_that_it_finds(search, revealed)
    rows_shown: dict[str, dict[str, str]] = {}
    rows = size = records = 0
    for table in _TABLES:
        for row in _rows(cloud, table):
            rows += 1
            records += table == "RecordKeys" and _is_of(row, tenant_id)
            size += sum(len(each.path) + len(each.value) for each in row)
            expect(
                not any(search.found_in(each.path) or search.found_in(each.value) for each in row),
                f"no stored number occurs in a row of {table}",
            )
            if table not in rows_shown and _is_about(row, tenant_id, shown.token, table):
                rows_shown[table] = {each.path: readable(each.value) for each in row}
    for table, holds in _TABLES.items():
        expect(table in rows_shown, f"{table} has a row to show")
        console.say(f"{table}: {holds}")
        console.table([(f"  {path}", value) for path, value in rows_shown[table].items()])
        console.say()
    console.say(f"All {rows:,} rows of the seven tables ({size:,} bytes) were searched for the digits of the numbers,")
    console.say(f"national and international, whatever stands between the digits: none of {len(examples):,} occurs.")
    console.say("Random text has digits too: in text, fewer than 11 count only where no letter touches them, and")
    console.say("national numbers of fewer than 7 only together with their calling code.")
    return Tables(rows_shown, rows, size, records)


def readable(value: str | bytes) -> str:
    """Bytes as base64; both cut after some characters, with the whole length."""
    if isinstance(value, bytes):
        start = base64.b64encode(value[:_BYTES_SHOWN]).decode()
        return f"base64 {start}{'...' if len(value) > _BYTES_SHOWN else ''} ({len(value)} bytes)"
    if len(value) > _CHARACTERS_SHOWN:
        return f"{value[:_CHARACTERS_SHOWN]}... ({len(value)} characters)"
    return value


def _check_that_it_finds(search: NumberSearch, revealed: Collection[str]) -> None:
    """A search that finds nothing in the tables means something only if it finds what is there."""
    expect(all(search.found_in(number) for number in revealed), "the search finds each number in Reveal's answers")


def _rows(cloud: LocalCloud, table: str) -> Iterator[list[Field]]:
    pages: Any = cloud.client("dynamodb").get_paginator("scan").paginate(TableName=cloud.outputs[f"{table}Table"])
    for page in pages:
        for item in page["Items"]:
            yield list(fields(item))


def _is_of(row: list[Field], tenant_id: str) -> bool:
    return any(each.path == "record_id" and str(each.value).startswith(f"{tenant_id}#") for each in row)


def _is_about(row: list[Field], tenant_id: str, token: str, table: str) -> bool:
    values = {each.value for each in row}
    if table == "KeyRing":
        return {tenant_id, "branch#1"} <= values
    if table == "Operations":
        return any(isinstance(value, str) and value.startswith(f"mismatches#{tenant_id}#") for value in values)
    return any(isinstance(value, str) and token in value for value in values)
