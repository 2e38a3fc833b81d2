"""From what people type to a canonical number."""

import re

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from phone_vault.domain.errors import InvalidNumber
from phone_vault.domain.numbering import LONGEST_INPUT, is_region, numbering_facts, parse_number
from phone_vault.domain.phone import PhoneNumber
from tests.unit.samples import AMERICAN, BRITISH, cases, example_numbers

VARIANTS = {
    "e164": "+447400123456",
    "international": "+44 7400 123456",
    "trunk-zero-after-the-calling-code": "+44 07400 123456",
    "trunk-zero-in-brackets": "+44 (0)7400 123456",
    "hyphens": "+44-7400-123-456",
    "dots": "+44.7400.123.456",
    "brackets": "+44 (7400) 123456",
    "tel-uri": "tel:+447400123456",
    "tel-uri-in-capitals": "TEL:+44-7400-123456",
    "fullwidth-plus": "\N{FULLWIDTH PLUS SIGN}44 7400 123456",
    "no-break-spaces": "+44\xa07400\xa0123456",
    "en-dashes": "+44\N{EN DASH}7400\N{EN DASH}123456",
    "zero-width-spaces": "+44\u200b7400\u200b123456",
    "surrounding-spaces": "  +44 7400 123456  ",
}

NATIONAL_VARIANTS = {
    "national": "07400 123456",
    "without-the-trunk-zero": "7400 123456",
    "international-prefix": "00 44 7400 123456",
    "already-international": "+44 7400 123456",
}

REFUSED = {
    "nothing": ("", "not international, and no region is given"),
    "only-a-plus": ("+", "not a number"),
    "national-without-region": ("07400 123456", "not international, and no region is given"),
    "unknown-calling-code": ("+999 7400 123456", "no such country calling code"),
    "too-short": ("+44 740", "too short"),
    "one-digit": ("+44 7", "too short"),
    "too-long": ("+44 7400 123456 7890", "too long"),
    "far-too-long": ("+44" + "7400123456" * 3, "too long"),
    "longer-than-the-library-looks": ("+" + "4" * LONGEST_INPUT, "too long"),
    "unassigned-range": ("+1 555 555 5555", "not a range that its country has assigned"),
    "drama-range": ("+44 7700 900123", "not a range that its country has assigned"),
    "without-its-area-code": ("+1 555 0123", "too short: the area code is missing"),
    "extension-by-word": ("+44 7400 123456 ext. 12", "letters and extensions are not taken"),
    "extension-by-letter": ("+44 7400 123456 x12", "letters and extensions are not taken"),
    "extension-by-hash": ("+44 7400 123456 #12", "holds a character that no phone number has"),
    "extension-by-parameter": ("tel:+447400123456;ext=12", "holds a character that no phone number has"),
    "tel-uri-with-context": ("tel:7400123456;phone-context=+44", "holds a character that no phone number has"),
    "dialled-pause": ("+44 7400 123456,12", "holds a character that no phone number has"),
    "vanity-letters": ("+1 800 FLOWERS", "letters and extensions are not taken"),
    "letters-of-another-script": ("+44 7400 12345\N{CYRILLIC SMALL LETTER ES}", "letters and extensions are not taken"),
    "tel-uri-twice": ("tel:tel:+447400123456", "letters and extensions are not taken"),
    "arabic-digits": ("+\u0664\u0664\u0667\u0664\u0660\u0660", "digits other than 0 to 9 are not taken"),
    "fullwidth-digit": ("+44 740012345\N{FULLWIDTH DIGIT SIX}", "digits other than 0 to 9 are not taken"),
    "superscript-digit": ("+44 740012345\N{SUPERSCRIPT TWO}", "digits other than 0 to 9 are not taken"),
    "null-character": ("+44 7400\x00123456", "control characters are not taken"),
    "newline": ("+44 7400 123456\n", "control characters are not taken"),
    "tab": ("+44\t7400 123456", "control characters are not taken"),
    "right-to-left-override": ("\u202e+44 7400 123456", "control characters are not taken"),
    "lone-surrogate": ("+44 7400 12345\ud800", "control characters are not taken"),
    "two-numbers": ("+44 7400 123456 / +44 7400 123456", "not a number"),
}

EXTENSIONS_BY_TILDE = {"tilde": "+44 7400 123456~12", "fullwidth-tilde": "+44 7400 123456\N{FULLWIDTH TILDE}12"}


@pytest.mark.parametrize("text", cases(VARIANTS))
def test_every_international_spelling_has_one_canonical_form(text: str) -> None:
    assert parse_number(text) == BRITISH


@pytest.mark.parametrize("text", cases(NATIONAL_VARIANTS))
def test_every_national_spelling_has_the_canonical_form_of_its_region(text: str) -> None:
    assert parse_number(text, "GB") == BRITISH


def test_a_region_does_not_change_an_international_number() -> None:
    assert parse_number("+44 7400 123456", "US") == BRITISH


def test_the_same_national_digits_are_another_number_in_another_region() -> None:
    assert parse_number("(201) 555-0123", "US") == AMERICAN


@pytest.mark.parametrize("refused", cases(REFUSED))
def test_a_refusal_states_the_check_that_failed(refused: tuple[str, str]) -> None:
    text, check = refused
    with pytest.raises(InvalidNumber, match=f"^{re.escape(check)}$"):
        parse_number(text)


@pytest.mark.parametrize("refused", cases(REFUSED))
def test_a_refusal_holds_no_digits_of_what_was_typed(refused: tuple[str, str]) -> None:
    text, _ = refused
    with pytest.raises(InvalidNumber) as refusal:
        parse_number(text)
    assert not re.search(r"[0-9]{2}", str(refusal.value))


@pytest.mark.parametrize("text", cases(EXTENSIONS_BY_TILDE))
def test_an_extension_by_tilde_is_refused_rather_than_cut_off(text: str) -> None:
    assert phonenumbers.parse(text).extension == "12"
    with pytest.raises(InvalidNumber):
        parse_number(text)


def test_a_refusal_hides_the_library_s_exception_which_quotes_the_input() -> None:
    with pytest.raises(InvalidNumber) as refusal:
        parse_number("+44 7")
    assert refusal.value.__suppress_context__


def test_every_example_of_the_library_keeps_the_library_s_own_canonical_form() -> None:
    for number in example_numbers():
        e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        assert parse_number(e164).disclose() == e164


def test_every_example_of_the_library_has_the_library_s_country_and_type() -> None:
    for number in example_numbers():
        e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        facts = numbering_facts(parse_number(e164))
        kind = PhoneNumberType.to_string(phonenumbers.number_type(number)).lower()
        assert (facts.country, facts.number_type) == (phonenumbers.region_code_for_number(number), kind)


def test_a_number_of_no_country_has_the_region_of_the_world() -> None:
    number = phonenumbers.example_number_for_non_geo_entity(800)
    assert number is not None
    parsed = parse_number(phonenumbers.format_number(number, PhoneNumberFormat.E164))
    assert numbering_facts(parsed).country == "001"


def test_a_british_mobile_number_is_mobile() -> None:
    assert numbering_facts(BRITISH).number_type == "mobile"


def test_an_american_number_may_be_either_kind() -> None:
    assert numbering_facts(AMERICAN).number_type == "fixed_line_or_mobile"


def test_an_italian_leading_zero_belongs_to_the_national_number() -> None:
    number = phonenumbers.example_number_for_type("IT", PhoneNumberType.FIXED_LINE)
    assert number is not None
    assert number.italian_leading_zero
    parsed = parse_number(phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL))
    assert parsed == PhoneNumber("39", phonenumbers.national_significant_number(number))


def test_a_region_that_the_library_plans_for_is_a_region() -> None:
    assert is_region("GB")


@pytest.mark.parametrize("region", ["gb", "UK", "", "001", "ZZ", "GBR", " GB"])
def test_anything_else_is_not_a_region(region: str) -> None:
    assert not is_region(region)
