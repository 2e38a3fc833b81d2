import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import national_significant_number

from phone_vault.cli.demonstration.examples import Example, all_examples
from phone_vault.cli.demonstration.spellings import STYLES, spell
from phone_vault.cli.demonstration.sweep import Field, NumberSearch, fields

BRITISH = ("44", "7400123456")
SEARCH = NumberSearch([BRITISH])
LONG_ENOUGH = [
    each
    for each in all_examples().distinct
    if len(national_significant_number(each.number)) >= 8 and each.is_geographic
]


@pytest.mark.parametrize(
    "text",
    [
        "+447400123456",
        "+44 (0)7400-123456",
        "07400 123456",
        "0044.7400.123456",
        "called 7400/123/456 twice",
        "7\N{EN DASH}400123456",
        "person+447400123456x",
        'tok_447400123456"',
    ],
)
def test_a_number_in_text_is_found(text: str) -> None:
    assert SEARCH.found_in(text)


@pytest.mark.parametrize("data", [b"447400123456", b"\x02key7400123456\xff", b"a7400123456b"])
def test_a_number_in_bytes_is_found(data: bytes) -> None:
    assert "7400123456" in SEARCH.found_in(data)


@pytest.mark.parametrize("value", ["2026-01-01T00:00:00Z", "ab7400123456", "74001234567", "7400", b"740012345"])
def test_other_digits_are_not_taken_for_a_number(value: str | bytes) -> None:
    assert SEARCH.found_in(value) == set()


def test_a_short_national_number_is_found_with_its_calling_code_only() -> None:
    search = NumberSearch([("247", "62889")])
    assert search.found_in("+247 62889") == {"24762889"}
    assert search.found_in("62889") == set()


@given(
    st.sampled_from(LONG_ENOUGH),
    st.sampled_from([style for style in sorted(STYLES) if not style.startswith("dialled")]),
)
def test_a_number_is_found_however_it_is_written(example: Example, style: str) -> None:
    national = national_significant_number(example.number)
    spelling = spell(example, style, random.Random(0))
    if spelling is not None:
        assert NumberSearch([(str(example.number.country_code), national)]).found_in(spelling.text)


@given(st.binary())
def test_a_digest_is_not_taken_for_a_number(data: bytes) -> None:
    assert SEARCH.found_in(hashlib.sha256(data).hexdigest()) == set()


def test_every_value_of_an_item_is_looked_at() -> None:
    item = {"a": {"S": "x"}, "m": {"M": {"b": {"B": b"y"}, "l": {"L": [{"N": "1"}, {"BOOL": True}]}}}}
    assert list(fields(item)) == [
        Field("a", "x"),
        Field("m.b", b"y"),
        Field("m.l.0", "1"),
        Field("m.l.1", "True"),
    ]
