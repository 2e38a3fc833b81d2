"""Free text that is kept for years must not hold a phone number."""

from phone_vault.domain.digits import digits_of
from phone_vault.domain.phone import PhoneNumber

LONGEST_TEXT = 500
"""Characters of `reason`, `evidence` and `reference`."""
_FEWEST_DIGITS = 5  # fewer tell too little of a number, and stand in every line number


def fault_of(text: object, number: PhoneNumber | None) -> str | None:
    """What is wrong with this text, or None; `number` is the request's own, where it has one."""
    if not isinstance(text, str):
        return "must be a string"
    if len(text) > LONGEST_TEXT:
        return f"must have at most {LONGEST_TEXT} characters"
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "must be Unicode text"
    # Here, not above: requests without free text or number (most reveals) do not pay for libphonenumber's import.
    from phone_vault.domain.numbering import mentions_number

    return "must not contain a phone number" if mentions_number(text, number) else None


def holds_digits_of(text: str, typed: str) -> bool:
    """Whether the digits that were typed for a number, valid or not, stand in the text, whatever is between them."""
    digits = digits_of(typed)
    return len(digits) >= _FEWEST_DIGITS and digits in digits_of(text)
