"""What a mask shows."""

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from phone_vault.domain.numbering import parse_number
from phone_vault.domain.phone import PhoneNumber
from tests.unit.samples import AMERICAN, BRITISH, example_numbers

SETTINGS = range(16)


def test_a_mask_shows_calling_code_and_last_four_unless_set() -> None:
    assert BRITISH.masked() == "+44******3456"


def test_a_mask_has_one_star_for_each_hidden_digit() -> None:
    assert AMERICAN.masked(2) == "+1********23"


def test_a_suffix_of_zero_shows_no_digit_of_the_national_number() -> None:
    assert BRITISH.masked(0) == "+44**********"


@pytest.mark.parametrize("visible_suffix", SETTINGS)
def test_no_setting_hides_fewer_than_six_digits_of_any_example(visible_suffix: int) -> None:
    for example in example_numbers():
        number = parse_number(phonenumbers.format_number(example, PhoneNumberFormat.E164))
        calling_code, national = number.disclose_parts()
        mask = number.masked(visible_suffix)
        assert mask.count("*") >= min(6, len(national)), calling_code


@pytest.mark.parametrize("visible_suffix", SETTINGS)
def test_a_mask_is_as_long_as_the_number(visible_suffix: int) -> None:
    for number in (BRITISH, AMERICAN, PhoneNumber("290", "22158"), PhoneNumber("49", "0" * 15)):
        assert len(number.masked(visible_suffix)) == len(number.disclose())


@pytest.mark.parametrize("visible_suffix", SETTINGS)
def test_what_a_mask_shows_is_the_end_of_the_number(visible_suffix: int) -> None:
    shown = BRITISH.masked(visible_suffix).rpartition("*")[2]
    assert len(shown) == min(visible_suffix, 4)
    assert BRITISH.disclose().endswith(shown)


@pytest.mark.parametrize("visible_suffix", SETTINGS)
def test_a_national_number_of_four_digits_is_hidden_whole(visible_suffix: int) -> None:
    assert PhoneNumber("247", "6889").masked(visible_suffix) == "+247****"


def test_a_national_number_of_eight_digits_shows_two() -> None:
    assert PhoneNumber("45", "32123456").masked(4) == "+45******56"


def test_an_italian_leading_zero_counts_as_a_digit_of_the_number() -> None:
    example = phonenumbers.example_number_for_type("IT", PhoneNumberType.FIXED_LINE)
    assert example is not None
    number = parse_number(phonenumbers.format_number(example, PhoneNumberFormat.E164))
    _, national = number.disclose_parts()
    assert number.masked(0) == "+39" + "*" * len(national)
