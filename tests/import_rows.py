"""Files to import: libphonenumber's example numbers as people write them, and rows that no vault takes."""

import csv
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from phonenumbers import (
    SUPPORTED_REGIONS,
    PhoneNumberFormat,
    PhoneNumberType,
    example_number_for_type,
    format_number,
)

BAD_EVERY = 50
"""One row in so many is refused."""


@dataclass(frozen=True)
class Person:
    """One row; `e164` is empty where the number is none."""

    subject_id: str
    region: str
    written: str
    note: str
    e164: str


@cache
def _examples() -> list[tuple[str, list[str], str]]:
    """Region, spellings, canonical form."""
    found = []
    for region in sorted(SUPPORTED_REGIONS):
        number = example_number_for_type(region, PhoneNumberType.MOBILE)
        if number is not None:
            styles = (PhoneNumberFormat.NATIONAL, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.E164)
            spellings = [format_number(number, style) for style in styles]
            found.append((region, spellings, spellings[-1]))
    return found


def people(rows: int, seed: int = 0) -> Iterator[Person]:
    """So many rows, without end if asked; each subject has one number."""
    chance = random.Random(seed)
    examples = _examples()
    for index in range(rows):
        region, spellings, e164 = examples[index % len(examples)]
        note = chance.choice(["plain", 'says "hello"', "two\nlines", "a, b", "é", ""])
        if index % BAD_EVERY == BAD_EVERY - 1:
            yield Person(f"c-{index}", region, "12", note, "")
        else:
            yield Person(f"c-{index}", region, chance.choice(spellings), note, e164)


def write_csv(path: Path, rows: int) -> None:
    """note, number, country, customer."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["note", "number", "country", "customer"])
        writer.writerows([each.note, each.written, each.region, each.subject_id] for each in people(rows))


def write_json_lines(path: Path, rows: int) -> None:
    """The same as objects."""
    with path.open("w", encoding="utf-8") as file:
        for each in people(rows):
            row = {"note": each.note, "number": each.written, "country": each.region, "customer": each.subject_id}
            file.write(f"{json.dumps(row, ensure_ascii=False)}\n")


COLUMNS = [
    *("--number-column", "number"),
    *("--number-region-column", "country"),
    *("--subject-column", "customer"),
    *("--purpose", "account_security"),
]
"""The command line's options for these files."""
