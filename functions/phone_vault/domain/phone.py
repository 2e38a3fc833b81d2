"""A phone number as a type that does not show itself.

Deliberately without libphonenumber, which costs a cold start: only `domain.numbering` parses.
"""

import hmac
from typing import NoReturn, final

HIDDEN_AT_LEAST = 6
"""Digits of the national number that no mask ever shows."""


@final
class PhoneNumber:
    """A canonical number: its country calling code and its national significant number, digits only."""

    __hash__ = None  # type: ignore[assignment]  # its hash would be an unkeyed digest of the number
    __slots__ = ("_calling_code", "_national")

    def __init__(self, calling_code: str, national: str) -> None:
        self._calling_code = calling_code
        self._national = national

    def disclose(self) -> str:
        """The E.164 form, such as a caller with the right to it receives.

        Some plans exceed E.164's 15 digits: libphonenumber knows national numbers of up to 17.
        """
        return f"+{self._calling_code}{self._national}"

    def disclose_parts(self) -> tuple[str, str]:
        """The country calling code and the national significant number."""
        return self._calling_code, self._national

    def masked(self, visible_suffix: int = 4) -> str:
        """`+44******3456`: at most `visible_suffix` last digits, and never fewer than six hidden."""
        shown = max(0, min(visible_suffix, len(self._national) - HIDDEN_AT_LEAST))
        hidden = len(self._national) - shown
        return f"+{self._calling_code}{'*' * hidden}{self._national[hidden:]}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PhoneNumber) and hmac.compare_digest(self.disclose(), other.disclose())

    def __repr__(self) -> str:
        return self.masked()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a PhoneNumber is not serialised")
