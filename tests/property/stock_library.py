"""The library as it comes, in a process without the package: `[text, region]` lines in, its opinion of each out."""

import json
import sys

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType


def opinion(text: str, region: str | None) -> tuple[str, str, str] | None:
    """E.164, region and type; None for what is not a valid number without an extension."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if number.extension or not phonenumbers.is_valid_number(number):
        return None
    return (
        phonenumbers.format_number(number, PhoneNumberFormat.E164),
        phonenumbers.region_code_for_number(number) or "none",
        PhoneNumberType.to_string(phonenumbers.number_type(number)).lower(),
    )


def main() -> None:
    for line in sys.stdin:
        sys.stdout.write(json.dumps(opinion(*json.loads(line))) + "\n")


if __name__ == "__main__":
    main()
