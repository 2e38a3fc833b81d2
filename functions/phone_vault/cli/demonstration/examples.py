"""libphonenumber's own example numbers, the only real input that may be shown to everybody."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from phonenumbers import (
    COUNTRY_CODES_FOR_NON_GEO_REGIONS,
    REGION_CODE_FOR_NON_GEO_ENTITY,
    SUPPORTED_REGIONS,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    example_number_for_non_geo_entity,
    example_number_for_type,
    format_number,
    number_type,
)


class _Example(NamedTuple):
    region: str
    kind: int
    number: PhoneNumber


@dataclass(frozen=True, slots=True)
class Example:
    """One number; regions that share a calling code share some of theirs."""

    number: PhoneNumber
    region: str
    """The first region, by its code, that gives the number as an example; `001` when non-geographic."""

    @property
    def e164(self) -> str:
        """The canonical form, which the vault is to answer."""
        return format_number(self.number, PhoneNumberFormat.E164)

    @property
    def is_geographic(self) -> bool:
        """Whether the number can be written without its calling code."""
        return self.region != REGION_CODE_FOR_NON_GEO_ENTITY


@dataclass(frozen=True, slots=True)
class Examples:
    """All examples, and where they come from."""

    distinct: tuple[Example, ...]
    """Ordered by region and type."""
    given: int
    """One for each region and type that has one; more than are distinct."""
    regions: int
    types: int


def all_examples() -> Examples:
    """Of every region and type, and of every country code that belongs to no region."""
    given = list(_given())
    first: dict[str, Example] = {}
    for each in given:
        example = Example(each.number, each.region)
        first.setdefault(example.e164, example)
    return Examples(
        distinct=tuple(first.values()),
        given=len(given),
        regions=len({each.region for each in given if each.region != REGION_CODE_FOR_NON_GEO_ENTITY}),
        types=len({each.kind for each in given}),
    )


def _given() -> Iterator[_Example]:
    for region in sorted(SUPPORTED_REGIONS):
        for kind in PhoneNumberType.values():
            number = example_number_for_type(region, kind)
            if number is not None:
                yield _Example(region, kind, number)
    for calling_code in sorted(COUNTRY_CODES_FOR_NON_GEO_REGIONS):
        number = example_number_for_non_geo_entity(calling_code)
        if number is not None:
            yield _Example(REGION_CODE_FOR_NON_GEO_ENTITY, number_type(number), number)
