"""libphonenumber's own example numbers: the only ones in these tests."""

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

BRITISH = "+44 7400 123456"
AMERICAN = "+1 201-555-0123"


def example(region: str, kind: int = PhoneNumberType.MOBILE) -> str:
    """The example of a region, in E.164."""
    found = phonenumbers.example_number_for_type(region, kind)
    if found is None:
        raise LookupError(f"no example number of {region}")
    return phonenumbers.format_number(found, PhoneNumberFormat.E164)


def variants(region: str, count: int) -> list[str]:
    """Valid numbers that differ from the example in their last digits."""
    base = example(region)
    found = []
    for last in range(100, 1000):
        candidate = f"{base[:-3]}{last}"
        if phonenumbers.is_valid_number(phonenumbers.parse(candidate)):
            found.append(candidate)
        if len(found) == count:
            return found
    raise LookupError(f"fewer than {count} numbers beside the example of {region}")
