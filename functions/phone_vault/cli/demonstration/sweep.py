"""Looks for phone numbers where none may be."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_SHORTEST_NATIONAL = 7
"""Digits. Shorter national numbers turn up in counters and times; with their calling code they are searched for."""
_LONG = 11
"""Digits. A run this long is no coincidence wherever it stands; shorter ones occur in random hexadecimal digits."""

_SEPARATORS_BETWEEN_DIGITS = re.compile(r"(?<=[0-9])[\s()\[\]./~\u2010-\u2015\u200b\u2060-]+(?=[0-9])")
_ACCOUNT_OF_A_KEY = re.compile(r"(?<=arn:aws:kms:eu-west-1:)[0-9]{12}(?=:)")
_RUN_OF_ITS_OWN = re.compile(r"(?<![0-9A-Za-z])[0-9]+(?![0-9A-Za-z])")
_RUN = re.compile(r"[0-9]{5,}")


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a row, however deep it stands."""

    path: str
    value: str | bytes


def fields(item: Mapping[str, Any], prefix: str = "") -> Iterator[Field]:
    """The values of an item in DynamoDB's typed form, names of maps included in the path."""
    for name, typed in item.items():
        [(kind, value)] = typed.items()
        path = f"{prefix}{name}"
        if kind == "M":
            yield from fields(value, f"{path}.")
        elif kind == "L":
            yield from fields({str(index): each for index, each in enumerate(value)}, f"{path}.")
        else:
            yield Field(path, bytes(value) if kind == "B" else str(value))


class NumberSearch:
    """Searches for the digits of these numbers, in national and in international form, in any formatting."""

    def __init__(self, numbers: Iterable[tuple[str, str]]) -> None:
        """`numbers`: calling code and national significant number of each."""
        self._forms: set[str] = set()
        for calling_code, national in numbers:
            self._forms.add(calling_code + national)
            if len(national) >= _SHORTEST_NATIONAL:
                self._forms.add(national)
        self._lengths = sorted({len(form) for form in self._forms})

    def found_in(self, value: str | bytes) -> set[str]:
        """The digits that occur, as far as they are one of the numbers.

        In bytes, digits anywhere count. In text, which has hexadecimal digests and counters too, it is the end of a
        run of digits that stands by itself (a trunk prefix may precede), or a long run anywhere. The account in the
        ARN of a KMS key is none: the embedded one holds the digits of example numbers.
        """
        if isinstance(value, bytes):
            return self._inside(value.decode("latin-1"), 0)
        value = _ACCOUNT_OF_A_KEY.sub("", value)
        joined = _SEPARATORS_BETWEEN_DIGITS.sub("", value)
        return self._at_the_end_of_runs(joined) | self._inside(joined, _LONG) | self._inside(value, _LONG)

    def _at_the_end_of_runs(self, text: str) -> set[str]:
        runs = _RUN_OF_ITS_OWN.findall(text)
        return {run[-length:] for run in runs for length in self._lengths} & self._forms

    def _inside(self, text: str, shortest: int) -> set[str]:
        windows = {
            run[at : at + length]
            for run in _RUN.findall(text)
            for length in self._lengths
            if length >= shortest
            for at in range(len(run) - length + 1)
        }
        return windows & self._forms
