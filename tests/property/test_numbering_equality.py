"""The vault's opinion of a number is the library's, whatever the package does to be faster or stricter."""

import json
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import phonenumbers
from phonenumbers import COUNTRY_CODES_FOR_NON_GEO_REGIONS, SUPPORTED_REGIONS, PhoneNumberFormat, PhoneNumberType

from phone_vault.domain.errors import InvalidNumber
from phone_vault.domain.numbering import numbering_facts, parse_number

STOCK_LIBRARY = Path(__file__).with_name("stock_library.py")
MUTATED = 50_000
SEED = 20260101
PREFIXES = ("0", "00", "1", "8", "9", "15", "011", "+", "0 (0) ", "tel:")
SEPARATORS = (" ", "-", ".", "/", "~", "\xa0", "\N{EN DASH}", ") (")
FORMATS = (
    PhoneNumberFormat.E164,
    PhoneNumberFormat.INTERNATIONAL,
    PhoneNumberFormat.NATIONAL,
    PhoneNumberFormat.RFC3966,
)

Answer = tuple[str, str, str] | None
"""E.164, region and type; None for a refusal."""
Typed = tuple[str, str | None]
"""What somebody types, and the region it is typed in."""


@cache
def examples() -> tuple[tuple[phonenumbers.PhoneNumber, str | None], ...]:
    """Every example number of the library with its region; None for the non-geographic codes."""
    geographic = (
        (phonenumbers.example_number_for_type(region, kind), region)
        for region in sorted(SUPPORTED_REGIONS)
        for kind in PhoneNumberType.values()
    )
    elsewhere = (
        (phonenumbers.example_number_for_non_geo_entity(code), None)
        for code in sorted(COUNTRY_CODES_FOR_NON_GEO_REGIONS)
    )
    return tuple((number, region) for number, region in [*geographic, *elsewhere] if number is not None)


def e164(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def ways_to_write(number: phonenumbers.PhoneNumber, region: str | None) -> Iterator[Typed]:
    for form in FORMATS:
        if form != PhoneNumberFormat.NATIONAL:
            yield phonenumbers.format_number(number, form), None
    for caller in ("GB", "US", "JP", "BR"):
        yield phonenumbers.format_out_of_country_calling_number(number, caller), caller
    if region is not None:
        yield phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL), region
        yield phonenumbers.national_significant_number(number), region


@cache
def mutated() -> tuple[Typed, ...]:
    """Example numbers with digits changed, dropped and added, prefixed and formatted anew; the same in each run."""
    chance = random.Random(SEED)
    distinct: dict[Typed, None] = {}
    while len(distinct) < MUTATED:
        distinct[_mutant(chance)] = None
    return tuple(distinct)


def _mutant(chance: random.Random) -> Typed:
    number, region = chance.choice(examples())
    text = phonenumbers.format_number(number, chance.choice(FORMATS)).removeprefix("tel:")
    for _ in range(chance.randrange(4)):
        at = chance.randrange(len(text))
        match chance.randrange(5):
            case 0 | 1:
                text = text[:at] + chance.choice("0123456789") + text[at + 1 :]
            case 2:
                text = text[:at] + text[at + 1 :]
            case 3:
                text = text[:at] + chance.choice("0123456789") + text[at:]
            case _:
                text = text[:at] + chance.choice(SEPARATORS) + text[at:]
        text = text or "0"
    if chance.random() < 0.2:
        text = chance.choice(PREFIXES) + text
    if chance.random() < 0.1:
        region = chance.choice([None, "GB", "US", "IT", "AR"])
    return text, region


def ours(typed: Typed) -> Answer:
    try:
        number = parse_number(*typed)
    except InvalidNumber:
        return None
    facts = numbering_facts(number)
    return number.disclose(), facts.country, facts.number_type


def the_library_s(typed: Iterable[Typed]) -> dict[Typed, Answer]:
    """From a process of its own, where nothing of the package has touched the library.

    Asked region by region: in any other order it would spend its time compiling patterns.
    """
    asked = sorted(set(typed), key=lambda item: (item[1] or "", item[0]))
    answers = subprocess.run(
        [sys.executable, str(STOCK_LIBRARY)],
        input="".join(json.dumps(item) + "\n" for item in asked),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    opinions = (tuple(answer) if answer else None for answer in map(json.loads, answers.splitlines()))
    return dict(zip(asked, opinions, strict=True))


def differing(typed: Iterable[Typed]) -> list[tuple[Typed, Answer, Answer]]:
    """What the two disagree on, after showing that there was something to agree on."""
    theirs = the_library_s(typed)
    assert sum(answer is not None for answer in theirs.values()) > len(theirs) / 5
    return [(item, own, other) for item, other in theirs.items() if (own := ours(item)) != other]


def test_the_example_set_is_whole() -> None:
    assert {region for _, region in examples()} == {*SUPPORTED_REGIONS, None}
    assert len(examples()) > 1_300


def test_every_example_number_is_what_the_library_says() -> None:
    assert differing((e164(number), None) for number, _ in examples()) == []


def test_fifty_thousand_mutated_numbers_are_what_the_library_says() -> None:
    assert differing(mutated()) == []


def test_every_way_to_write_a_number_has_one_canonical_form() -> None:
    forms = {
        (e164(number), text, canonical[0] if (canonical := ours((text, caller))) else None)
        for number, region in examples()
        for text, caller in ways_to_write(number, region)
    }
    assert [form for form in forms if form[0] != form[2]] == []


def test_the_canonical_form_is_a_fixed_point() -> None:
    accepted = [answer for typed in mutated() if (answer := ours(typed))]
    assert len(accepted) > MUTATED / 5
    assert [answer for answer in accepted if ours((answer[0], None)) != answer] == []
