"""Test data: libphonenumber's own example numbers, and a small policy."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import phonenumbers
import pytest
from phonenumbers import PhoneNumberType, example_number_for_non_geo_entity, example_number_for_type

from phone_vault.domain.phone import PhoneNumber

BRITISH = PhoneNumber("44", "7400123456")
AMERICAN = PhoneNumber("1", "2015550123")

ONE_DAY_SECONDS = 86_400

POLICY: Mapping[str, Any] = {
    "purposes": {
        "security": {"lawful_basis": "contract", "retention": {"days": 90, "from": "last_used"}},
        "delivery": {"lawful_basis": "contract", "retention": {"days": 30, "from": "created"}},
        "marketing": {"lawful_basis": "consent", "retention": {"days": 365, "from": "consent"}},
    },
    "principals": [
        {"match": "direct", "tenants": ["*"], "functions": ["*"], "purposes": ["*"], "views": ["*"]},
        {
            "match": "direct:sender",
            "tenants": ["acme"],
            "functions": ["Reveal", "Protect"],
            "purposes": ["security"],
            "views": ["masked"],
        },
    ],
}


def cases(named: Mapping[str, object]) -> list[Any]:
    """Parameters under names of their own, because pytest would make a name out of a number."""
    return [pytest.param(value, id=name) for name, value in named.items()]


@cache
def example_numbers() -> list[phonenumbers.PhoneNumber]:
    """The library's example for every region, type and non-geographic calling code."""
    kinds = PhoneNumberType.values()
    found = [
        example_number_for_type(region, kind) for region in sorted(phonenumbers.SUPPORTED_REGIONS) for kind in kinds
    ]
    found += [
        example_number_for_non_geo_entity(code) for code in sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS)
    ]
    return [number for number in found if number is not None]
