"""Free text that is kept for years must not hold a phone number."""

import sys

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat

from phone_vault.domain.free_text import LONGEST_TEXT, fault_of
from phone_vault.domain.numbering import mentions_number
from tests.unit.samples import BRITISH, cases, example_numbers

WITH_A_NUMBER = "must not contain a phone number"

INTERNATIONAL = {
    "e164": "+12015550123",
    "formatted": "call +1 201-555-0123 today",
    "fullwidth-plus": "call \N{FULLWIDTH PLUS SIGN}1 201 555 0123",
    "in-brackets": "(+1) 201 555 0123",
    "between-letters": "ref+12015550123x",
    "after-a-date": "2026-01-01 +1 201 555 0123",
    "possible-but-not-valid": "+44 7700 900123",
    "at-the-end-of-a-long-text": "x " * 240 + "+12015550123",
}
OWN = {
    "national": "07400 123456",
    "international-digits": "447400123456",
    "significant-digits": "7400123456",
    "hyphens": "07400-123-456",
    "spelt-with-words-between": "7400 then 123 then 456",
    "one-digit-at-a-time": "7 4 0 0 1 2 3 4 5 6",
    "slashes": "7400/123/456",
    "letters-between": "7a4b0c0d1e2f3g4h5i6",
    "arabic-digits": "\u0667\u0664\u0660\u0660\u0661\u0662\u0663\u0664\u0665\u0666",
    "fullwidth-digits": "\uff17\uff14\uff10\uff10\uff11\uff12\uff13\uff14\uff15\uff16",
}
HARMLESS = {
    "words": "customer called about an order",
    "case-number": "case 2026-000123",
    "long-digits-without-a-plus": "order 2015550123",
    "plus-and-few-digits": "C++ and 1+1=2",
    "nothing": "",
    "longest": "x" * LONGEST_TEXT,
}


@pytest.mark.parametrize("text", cases(INTERNATIONAL))
def test_a_possible_number_with_a_plus_is_found_whatever_the_request_s_number(text: str) -> None:
    assert fault_of(text, None) == WITH_A_NUMBER


@pytest.mark.parametrize("text", cases(OWN))
def test_the_request_s_own_number_is_found_in_any_formatting(text: str) -> None:
    assert fault_of(text, BRITISH) == WITH_A_NUMBER


@pytest.mark.parametrize("text", cases(HARMLESS))
def test_text_without_a_number_is_accepted(text: str) -> None:
    assert fault_of(text, BRITISH) is None


def test_text_that_is_too_long_is_refused() -> None:
    assert fault_of("x" * (LONGEST_TEXT + 1), None) == "must have at most 500 characters"


@pytest.mark.parametrize("text", cases({"null": None, "number": 7, "list": ["x"], "bytes": b"x"}))
def test_what_is_not_a_string_is_refused(text: object) -> None:
    assert fault_of(text, None) == "must be a string"


def test_a_lone_surrogate_is_refused() -> None:
    assert fault_of("x\ud800", None) == "must be Unicode text"


def test_every_example_of_the_library_is_found_when_written_internationally() -> None:
    for number in example_numbers():
        text = f"see {phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)}, please"
        assert fault_of(text, None) == WITH_A_NUMBER, number.country_code


def test_every_character_of_unicode_can_stand_in_a_text() -> None:
    everything = "".join(chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF)
    digits = "".join(character for character in everything if character.isdigit())
    assert not mentions_number(digits.replace("7", ""), BRITISH)
