"""The ways in which people write one number."""

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from phonenumbers import (
    NumberParseException,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberFormat,
    format_number,
    format_out_of_country_calling_number,
    national_significant_number,
    parse,
)

from phone_vault.cli.demonstration.examples import Example

_ABROAD = ("AU", "CU", "DE", "HK", "JP", "KE", "RU", "US")
"""Where people dial from: 0011, 119, 00, 001, 010, 000, 8~10 and 011 lead abroad from there."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """A number as typed; `region` is where it was typed, when it does not say that itself."""

    style: str
    text: str
    region: str | None = None

    def request(self) -> dict[str, str]:
        """The fields of a request that hold it."""
        return {"number": self.text} | ({"region": self.region} if self.region else {})

    def shown(self) -> str:
        """For a terminal: what would not be seen there, or not be told apart, is escaped."""
        region = f" ({self.region})" if self.region else ""
        return (ascii(self.text)[1:-1] or "nothing") + region


_Style = Callable[[Example, random.Random], tuple[str, str | None] | None]


def spell(example: Example, style: str, chance: random.Random) -> Spelling | None:
    """The number in this style; None where it cannot be written so, or libphonenumber would read another number."""
    written = STYLES[style](example, chance)
    if written is None:
        return None
    spelling = Spelling(style, *written)
    return spelling if _reads_back(spelling, example.number) else None


def some_spellings(example: Example, count: int, chance: random.Random) -> list[Spelling]:
    """This many different texts, in styles drawn by chance; fewer only beyond a dozen."""
    found: dict[str, Spelling] = {}
    for style in chance.sample(list(STYLES), len(STYLES)):
        spelling = spell(example, style, chance)
        if spelling is not None:
            found.setdefault(spelling.text, spelling)
        if len(found) == count:
            break
    return list(found.values())


def _reads_back(spelling: Spelling, number: PhoneNumber) -> bool:
    try:
        parsed = parse(spelling.text, spelling.region)
    except NumberParseException:
        return False
    return (parsed.country_code, national_significant_number(parsed)) == (
        number.country_code,
        national_significant_number(number),
    )


def _international(example: Example) -> str:
    return format_number(example.number, PhoneNumberFormat.INTERNATIONAL)


def _spaces_as(separator: str) -> _Style:
    return lambda example, _: (_international(example).replace(" ", separator), None)


def _in_pairs(example: Example, _: random.Random) -> tuple[str, str | None]:
    digits = national_significant_number(example.number)
    pairs = " ".join(digits[at : at + 2] for at in range(0, len(digits), 2))
    return f"+{example.number.country_code} {pairs}", None


def _area_in_parentheses(example: Example, _: random.Random) -> tuple[str, str | None] | None:
    match _international(example).split(" ", 2):
        case [calling_code, area, local]:
            return f"{calling_code} ({area}) {local}", None
    return None


def _trunk_zero(example: Example, _: random.Random) -> tuple[str, str | None] | None:
    """`+44 (0)7400 123456`, as on letterheads; only where 0 is dialled inside the country."""
    metadata = PhoneMetadata.metadata_for_region(example.region) if example.is_geographic else None
    if metadata is None or metadata.national_prefix != "0":
        return None
    return _international(example).replace(" ", " (0)", 1), None


def _national(example: Example, _: random.Random) -> tuple[str, str | None] | None:
    if not example.is_geographic:
        return None
    return format_number(example.number, PhoneNumberFormat.NATIONAL), example.region


def _national_digits(example: Example, chance: random.Random) -> tuple[str, str | None] | None:
    national = _national(example, chance)
    return (re.sub(r"[^0-9]", "", national[0]), example.region) if national else None


def _national_dots(example: Example, chance: random.Random) -> tuple[str, str | None] | None:
    digits_and_dots = _national(example, chance)
    return (re.sub(r"[^0-9]+", ".", digits_and_dots[0]), example.region) if digits_and_dots else None


def _dialled_from_abroad(example: Example, chance: random.Random) -> tuple[str, str | None]:
    """With the prefix of the place it is dialled from: 00, 011, 8~10, ..."""
    place = chance.choice(_ABROAD)
    return format_out_of_country_calling_number(example.number, place), place


def _two_zeros(example: Example, _: random.Random) -> tuple[str, str | None]:
    return _international(example).replace("+", "00", 1), "GB"


STYLES: Mapping[str, _Style] = MappingProxyType(
    {
        "E.164": lambda example, _: (example.e164, None),
        "international": lambda example, _: (_international(example), None),
        "international, dots": _spaces_as("."),
        "international, hyphens": _spaces_as("-"),
        "international, slashes": _spaces_as("/"),
        "international, two spaces": _spaces_as("  "),
        "international, no-break spaces": _spaces_as("\N{NO-BREAK SPACE}"),
        "international, en dashes": _spaces_as("\N{EN DASH}"),
        "international, zero-width spaces": _spaces_as("\N{ZERO WIDTH SPACE}"),
        "international, in pairs": _in_pairs,
        "international, blanks around": lambda example, _: (f"  {_international(example)} ", None),
        "full-width plus sign": lambda example, _: (
            _international(example).replace("+", "\N{FULLWIDTH PLUS SIGN}"),
            None,
        ),
        "area in parentheses": _area_in_parentheses,
        "trunk zero in parentheses": _trunk_zero,
        "tel: URI": lambda example, _: (format_number(example.number, PhoneNumberFormat.RFC3966), None),
        "TEL: URI in capitals": lambda example, _: (f"TEL:{example.e164}", None),
        "national": _national,
        "national, digits only": _national_digits,
        "national, dots": _national_dots,
        "dialled from abroad": _dialled_from_abroad,
        "dialled from abroad, 00": _two_zeros,
    }
)
