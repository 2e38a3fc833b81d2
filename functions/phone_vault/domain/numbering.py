"""From what people type to a canonical number: libphonenumber, behind stricter doors.

Source of the rules: libphonenumber (`phonenumbers`); only its canonical form is ever stored, compared or indexed.
"""

import re
import unicodedata
from dataclasses import dataclass

import phonenumbers
from phonenumbers import (
    SUPPORTED_REGIONS,
    Leniency,
    NumberParseException,
    PhoneNumberFormat,
    PhoneNumberMatcher,
    PhoneNumberType,
    ValidationResult,
    enable_pattern_cache,
    format_number,
    is_possible_number_with_reason,
    is_valid_number,
    national_significant_number,
    number_type,
    parse,
    region_code_for_country_code,
    region_code_for_number,
)
from phonenumbers import PhoneNumber as ParsedNumber

from phone_vault.domain.digits import digits_of
from phone_vault.domain.errors import InvalidNumber
from phone_vault.domain.phone import PhoneNumber

RELEASE = phonenumbers.__version__
"""The library's release, stored beside what it made canonical."""

LONGEST_INPUT = 250
"""Characters; libphonenumber's own limit, above which it refuses to look."""

# `re` keeps 512 patterns, numbers from all over the world use three times as many: the library would compile them over
# and over. This keeps them, at most as many as the numbering plans have: under 1 MB. It holds for the whole process
# and changes no answer.
enable_pattern_cache()

_URI_SCHEME = re.compile(r"tel:", re.IGNORECASE)
_PLUS = "+\N{FULLWIDTH PLUS SIGN}"
# libphonenumber's own punctuation, but for the letter x, which introduces an extension. So do some
# of the tildes, before a few digits: whether one did, only the parsed number tells.
_PUNCTUATION = (
    " \xa0\xad\u200b\u2060\u3000()（）［］.[]/~⁓∼～"  # noqa: RUF001  look-alikes are what people paste
    "-‐‑‒–—―−ー－"  # noqa: RUF001  as above
)
_ACCEPTED = frozenset("0123456789" + _PLUS + _PUNCTUATION)

_USUAL_LENGTH = 7
_NO_EXTENSIONS = "letters and extensions are not taken"
_PARSE_FAILURES = {
    NumberParseException.INVALID_COUNTRY_CODE: "no such country calling code",
    NumberParseException.NOT_A_NUMBER: "not a number",
    NumberParseException.TOO_SHORT_AFTER_IDD: "too short",
    NumberParseException.TOO_SHORT_NSN: "too short",
    NumberParseException.TOO_LONG: "too long",
}
_IMPOSSIBLE = {
    ValidationResult.INVALID_COUNTRY_CODE: "no such country calling code",
    ValidationResult.TOO_SHORT: "too short",
    ValidationResult.TOO_LONG: "too long",
    ValidationResult.INVALID_LENGTH: "of a length that its country does not use",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "too short: the area code is missing",
}


@dataclass(frozen=True, slots=True)
class NumberingFacts:
    """What the numbering plan says of a number, none of which gives the number away."""

    country: str
    """libphonenumber's region code, `001` when non-geographic."""
    number_type: str
    """As in libphonenumber, lower case: `mobile`, `fixed_line_or_mobile`, ..."""


def is_region(region: str) -> bool:
    """Whether libphonenumber has a numbering plan for this region code (`GB`)."""
    return region in SUPPORTED_REGIONS


def parse_number(text: str, region: str | None = None) -> PhoneNumber:
    """The canonical form of a valid number; `InvalidNumber` says which check failed, never the digits."""
    bare = text[4:] if _URI_SCHEME.match(text) else text
    if len(bare) > LONGEST_INPUT:
        raise InvalidNumber("too long")
    _refuse_foreign_characters(bare)
    try:
        parsed = parse(bare, region)
    except NumberParseException as failure:
        if region is None and not _has_plus(bare):
            raise InvalidNumber("not international, and no region is given") from None
        raise InvalidNumber(_PARSE_FAILURES[failure.error_type]) from None
    if parsed.extension:
        raise InvalidNumber(_NO_EXTENSIONS)
    # Validity first: Canada's 310 numbers are valid although "possible" only without an area code.
    if not is_valid_number(parsed):
        possibility = is_possible_number_with_reason(parsed)
        raise InvalidNumber(_IMPOSSIBLE.get(possibility, "not a range that its country has assigned"))
    return _canonical(parsed)


def numbering_facts(number: PhoneNumber) -> NumberingFacts:
    """Region and type by the library's present release, which need not know the number's range any more."""
    parsed = _parsed(number)
    # A range that no plan has now: what the calling code alone tells.
    country = region_code_for_number(parsed) or region_code_for_country_code(int(number.disclose_parts()[0]))
    return NumberingFacts(country=country, number_type=PhoneNumberType.to_string(number_type(parsed)).lower())


def national_format(number: PhoneNumber) -> str:
    """As it is written within its country, with the trunk prefix that is dialled there."""
    return format_number(_parsed(number), PhoneNumberFormat.NATIONAL)


def mentions_number(text: str, number: PhoneNumber | None) -> bool:
    """Whether free text holds a possible number with a plus sign, or this very number in any formatting."""
    if _has_plus(text) and any(
        _has_plus(match.raw_string) for match in PhoneNumberMatcher(text, None, leniency=Leniency.POSSIBLE)
    ):
        return True
    if number is None:
        return False
    _, national = number.disclose_parts()
    if len(national) >= _USUAL_LENGTH:
        return national in digits_of(text)
    # Shorter ones (St Helena has five digits) stand in every date: what the matcher takes for a number. It costs
    # milliseconds a text, which is why it is not asked about the others.
    matches = PhoneNumberMatcher(text, numbering_facts(number).country, leniency=Leniency.POSSIBLE)
    return any(_canonical(match.number) == number for match in matches)


def _refuse_foreign_characters(text: str) -> None:
    for character in text:
        if character not in _ACCEPTED:
            raise InvalidNumber(_why_foreign(character))


def _why_foreign(character: str) -> str:
    category = unicodedata.category(character)
    if category.startswith("C"):
        return "control characters are not taken"
    if category.startswith("N"):
        return "digits other than 0 to 9 are not taken"
    if category.startswith("L"):
        return _NO_EXTENSIONS
    return "holds a character that no phone number has"


def _has_plus(text: str) -> bool:
    return any(plus in text for plus in _PLUS)


def _canonical(parsed: ParsedNumber) -> PhoneNumber:
    return PhoneNumber(str(parsed.country_code), national_significant_number(parsed))


def _parsed(number: PhoneNumber) -> ParsedNumber:
    """The library's own form of a canonical number, made without parsing, which a newer plan could refuse."""
    calling_code, national = number.disclose_parts()
    zeros = len(national) - len(national.lstrip("0"))
    return ParsedNumber(
        country_code=int(calling_code),
        national_number=int(national),
        italian_leading_zero=zeros > 0 or None,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )
