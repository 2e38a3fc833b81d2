"""What a number tells of the law that it may fall under."""

import phonenumbers
import pytest

from phone_vault.domain.jurisdiction import Jurisdiction, inferred_from
from phone_vault.domain.phone import PhoneNumber
from tests.unit.samples import AMERICAN, BRITISH

# Independent of the code's own table: the EU's members in the order of their accession, the other EEA states, and
# the territories that the contract lists.
EEA = [
    "BE",
    "DE",
    "FR",
    "IT",
    "LU",
    "NL",
    "DK",
    "IE",
    "GB",
    "GR",
    "ES",
    "PT",
    "AT",
    "FI",
    "SE",
    "CY",
    "CZ",
    "EE",
    "HU",
    "LV",
    "LT",
    "MT",
    "PL",
    "SK",
    "SI",
    "BG",
    "RO",
    "HR",
    "IS",
    "LI",
    "NO",
    "AX",
    "GF",
    "GP",
    "MQ",
    "RE",
    "YT",
    "MF",
]
EEA.remove("GB")  # acceded in 1973, left in 2020
UNITED_KINGDOM_AND_ISLANDS = ["GB", "GG", "IM", "JE"]
SOMEWHERE = PhoneNumber("0", "0000000000")


def californian(area_code: str) -> PhoneNumber:
    """A number that nobody has: the 555 exchange."""
    return PhoneNumber("1", f"{area_code}5550123")


@pytest.mark.parametrize("country", EEA)
def test_a_number_of_the_eea_suggests_the_gdpr(country: str) -> None:
    assert inferred_from(SOMEWHERE, country) is Jurisdiction.GDPR


@pytest.mark.parametrize("country", UNITED_KINGDOM_AND_ISLANDS)
def test_a_number_of_the_united_kingdom_or_its_islands_suggests_the_uk_gdpr(country: str) -> None:
    assert inferred_from(BRITISH, country) is Jurisdiction.UK_GDPR


@pytest.mark.parametrize("city", ["415", "213", "619", "916", "650", "310", "209", "951", "341", "820"])
def test_a_californian_area_code_suggests_the_ccpa(city: str) -> None:
    assert inferred_from(californian(city), "US") is Jurisdiction.CCPA


@pytest.mark.parametrize("area_code", ["201", "212", "702", "503", "602", "775", "808"])
def test_another_american_area_code_suggests_nothing(area_code: str) -> None:
    assert inferred_from(californian(area_code), "US") is None


def test_californian_digits_in_another_country_suggest_nothing() -> None:
    assert inferred_from(PhoneNumber("52", "4155550123"), "MX") is None


def test_californian_digits_of_a_canadian_number_suggest_nothing() -> None:
    assert inferred_from(PhoneNumber("1", "3101234"), "CA") is None


def test_no_other_region_of_the_library_suggests_anything() -> None:
    others = phonenumbers.SUPPORTED_REGIONS - {*EEA, *UNITED_KINGDOM_AND_ISLANDS}
    assert {region for region in {*others, "001"} if inferred_from(AMERICAN, region) is not None} == set()


def test_the_table_s_regions_are_all_known_to_the_library() -> None:
    known = phonenumbers.SUPPORTED_REGIONS
    assert {*EEA, *UNITED_KINGDOM_AND_ISLANDS} <= known
