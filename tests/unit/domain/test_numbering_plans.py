"""What the numbering plans make of a number, case by case; all numbers are the library's examples or of no range."""

import subprocess
import sys

import phonenumbers
import pytest
from phonenumbers import COUNTRY_CODES_FOR_NON_GEO_REGIONS, PhoneNumberFormat

from phone_vault.domain.errors import InvalidNumber
from phone_vault.domain.numbering import RELEASE, NumberingFacts, numbering_facts, parse_number
from phone_vault.domain.phone import PhoneNumber

DRAMA = PhoneNumber("44", "7700900123")
"""Of Ofcom's range for drama, which no plan holds: to the library it is what a range given back is to a newer one."""


def country_of(text: str, region: str | None = None) -> str:
    return numbering_facts(parse_number(text, region)).country


@pytest.mark.parametrize("typed", ["+39 02 1234 5678", "+390212345678", "0039 02 1234 5678", "02 1234 5678"])
def test_an_italian_leading_zero_belongs_to_the_number(typed: str) -> None:
    assert parse_number(typed, "IT").disclose_parts() == ("39", "0212345678")


def test_an_italian_mobile_number_has_no_leading_zero() -> None:
    assert parse_number("312 345 6789", "IT").disclose() == "+393123456789"
    with pytest.raises(InvalidNumber):
        parse_number("+39 0312 345 67890 1")


def test_leading_zeros_survive_the_library_s_own_form() -> None:
    number = parse_number("+39 02 1234 5678")
    assert numbering_facts(number) == NumberingFacts(country="IT", number_type="fixed_line")


@pytest.mark.parametrize("typed", ["0549 886377", "886377", "+378 0549 886377", "+378 886377"])
def test_a_san_marino_number_has_one_form_with_and_without_its_area_code(typed: str) -> None:
    assert parse_number(typed, "SM").disclose() == "+3780549886377"


@pytest.mark.parametrize("typed", ["011 15 2345 6789", "+54 9 11 2345 6789", "+54 11 15 2345 6789"])
def test_an_argentinian_mobile_number_has_one_form_with_15_and_with_9(typed: str) -> None:
    assert parse_number(typed, "AR").disclose() == "+5491123456789"


@pytest.mark.parametrize("typed", ["+44 07400 123456", "+44 (0) 7400 123456", "07400 123456", "00 44 7400 123456"])
def test_a_trunk_zero_is_not_part_of_a_british_number(typed: str) -> None:
    assert parse_number(typed, "GB").disclose() == "+447400123456"


@pytest.mark.parametrize(
    ("typed", "island"), [("+44 7781 123456", "GG"), ("+44 7797 712345", "JE"), ("+44 1624 756789", "IM")]
)
def test_the_islands_are_told_apart_under_44(typed: str, island: str) -> None:
    assert country_of(typed) == island
    assert country_of("0" + typed.removeprefix("+44 "), "GB") == island


def test_a_local_number_of_an_island_gets_the_island_s_area_code() -> None:
    assert parse_number("256789", "GG").disclose() == "+441481256789"


@pytest.mark.parametrize(
    ("typed", "region"),
    [
        ("+1 201 555 0123", "US"),
        ("+1 506 234 5678", "CA"),
        ("+1 876 523 0123", "JM"),
        ("+1 242 345 6789", "BS"),
        ("+1 787 234 5678", "PR"),
        ("+1 671 300 1234", "GU"),
    ],
)
def test_the_regions_are_told_apart_under_1(typed: str, region: str) -> None:
    assert country_of(typed) == region
    assert country_of(typed.removeprefix("+1 "), "US") == region


def test_canada_s_310_numbers_are_valid_without_an_area_code() -> None:
    assert parse_number("310 1234", "CA").disclose() == "+13101234"


def test_the_region_comes_from_the_number_not_from_where_it_was_typed() -> None:
    assert country_of("00 44 7400 123456", "FR") == "GB"
    assert country_of("+7 771 000 9998", "RU") == "KZ"


@pytest.mark.parametrize("code", sorted(COUNTRY_CODES_FOR_NON_GEO_REGIONS))
def test_a_non_geographic_number_is_of_001(code: int) -> None:
    example = phonenumbers.example_number_for_non_geo_entity(code)
    assert example is not None
    assert country_of(phonenumbers.format_number(example, PhoneNumberFormat.INTERNATIONAL)) == "001"


def test_a_mask_hides_a_national_number_of_four_digits_whole() -> None:
    number = parse_number("+683 7012")
    assert numbering_facts(number).country == "NU"
    assert [number.masked(suffix) for suffix in (0, 4, 10)] == ["+683****"] * 3


@pytest.mark.parametrize("typed", ["+447400123456~123", "+44 7400 123456 ~ 12", "+447400123456\N{FULLWIDTH TILDE}123"])
def test_an_extension_after_a_tilde_is_refused_not_dropped(typed: str) -> None:
    with pytest.raises(InvalidNumber, match="extensions"):
        parse_number(typed)


def test_a_tilde_that_introduces_no_extension_is_punctuation() -> None:
    assert parse_number("+44 7400 \N{TILDE OPERATOR} 123456").disclose() == "+447400123456"


def test_a_number_that_no_plan_holds_any_more_still_has_facts() -> None:
    with pytest.raises(InvalidNumber):
        parse_number(DRAMA.disclose())
    assert numbering_facts(DRAMA) == NumberingFacts(country="GB", number_type="unknown")


def test_a_stored_number_is_decrypted_and_masked_with_no_library_at_all() -> None:
    script = """
import sys
sys.modules["phonenumbers"] = None
from phone_vault.crypto.numbers import decrypt_number, encrypt_number, new_key
from phone_vault.domain.phone import PhoneNumber
from phone_vault.services import reveal
key = new_key()
message = encrypt_number(PhoneNumber("44", "7700900123"), key, "default", "tok_1")
number = decrypt_number(message, key, "default", "tok_1")
assert number.disclose() == "+447700900123"
assert number.masked() == "+44******0123"
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_release_is_the_library_s() -> None:
    assert phonenumbers.__version__ == RELEASE
