"""Numbers from all over the world cost no compiling: fails when the library keeps its patterns differently."""

from collections.abc import Iterator

import phonenumbers
import pytest
from phonenumbers import COUNTRY_CODES_FOR_NON_GEO_REGIONS, SUPPORTED_REGIONS, PhoneMetadata, re_util

from phone_vault.domain.numbering import numbering_facts, parse_number

NO_PREFIX = "NonMatch"
"""What the library compiles where there is no international prefix to look for."""


def plans() -> Iterator[PhoneMetadata]:
    regional = (PhoneMetadata.metadata_for_region(region) for region in SUPPORTED_REGIONS)
    elsewhere = (PhoneMetadata.metadata_for_nongeo_region(code) for code in COUNTRY_CODES_FOR_NON_GEO_REGIONS)
    return (plan for plan in [*regional, *elsewhere] if plan is not None)


def texts_in(value: object) -> Iterator[str]:
    """Every text in a numbering plan, its patterns among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts_in(item)
    elif hasattr(value, "__dict__"):
        yield from texts_in(list(vars(value).values()))


def read_the_world() -> None:
    for region in sorted(SUPPORTED_REGIONS):
        for kind in phonenumbers.PhoneNumberType.values():
            example = phonenumbers.example_number_for_type(region, kind)
            if example is not None:
                numbering_facts(parse_number(phonenumbers.national_significant_number(example), region))


def kept() -> dict[str, object]:
    return dict(vars(re_util)["_COMPILED_PATTERNS"])


def test_numbers_read_once_are_read_again_without_compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    read_the_world()

    def compiling(pattern: str) -> None:
        pytest.fail(f"compiled again: {pattern[:20]}")

    # A name of its own, so that nobody else's regular expressions are caught.
    monkeypatch.setattr(re_util, "re", type("Compiler", (), {"compile": staticmethod(compiling)}))
    read_the_world()


def test_more_patterns_are_kept_than_the_regular_expression_module_would_keep() -> None:
    read_the_world()
    assert len(kept()) > 512


def test_nothing_is_kept_but_the_numbering_plans_own_patterns() -> None:
    read_the_world()
    own = {text for plan in plans() for text in texts_in(plan)}
    assert set(kept()) - own - {NO_PREFIX} == set()
