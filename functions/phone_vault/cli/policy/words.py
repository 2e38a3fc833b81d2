"""What the policy in words is made of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from phone_vault.domain.jurisdiction import Jurisdiction

_LAWS = {
    Jurisdiction.GDPR: "under the GDPR",
    Jurisdiction.UK_GDPR: "under the UK GDPR",
    Jurisdiction.CCPA: "under the CCPA",
    Jurisdiction.OTHER: "under any other law",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that a section speaks of."""

    heading: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the policy, with what a reader has to know first."""

    title: str
    introduction: str
    entries: tuple[Entry, ...]


def listed(names: Iterable[str], conjunction: str = "and") -> str:
    """`a, b and c`."""
    *first, last = names
    return f"{', '.join(first)} {conjunction} {last}" if first else last


def counted(number: int, thing: str) -> str:
    """`1 day`, `1,000 days`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def under(jurisdictions: Sequence[Jurisdiction]) -> str:
    """`under the GDPR and under the UK GDPR`."""
    return listed(_LAWS[each] for each in jurisdictions)
