"""Whatever stands in a request, its problem holds no digits of it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.services.world import DIRECT, World

DIGITS = re.compile(r"[0-9]{5,}")
FIELDS = [
    "tenant_id",
    "subject_id",
    "number",
    "region",
    "token",
    "purpose",
    "purposes",
    "jurisdiction",
    "view",
    "reason",
]
FIELDS += ["reference", "items", "given_at", "evidence", "consent", "colour"]
FUNCTIONS = ["Protect", "Reveal", "Lookup", "Verify"]

digits = st.text("0123456789", min_size=5, max_size=16)
hostile_text = st.one_of(
    digits,
    st.builds("+{}".format, digits),
    st.builds("tel:+{};ext={}".format, digits, digits),
    st.builds("tok_{}".format, st.text("0123456789", min_size=18, max_size=30)),
    st.builds("{}@{}.org".format, digits, digits),
    st.builds("{}\n{}".format, st.text(max_size=5), digits),
    st.sampled_from(["+44 7400 123456", "+44 7400 12345", "07400 123456", "+1 201 555 0123", "GB", "security", "full"]),
    st.text(max_size=20),
)
hostile = st.recursive(
    st.one_of(hostile_text, st.none(), st.booleans(), st.integers(10**5, 10**18), st.floats(allow_nan=False)),
    lambda children: st.one_of(
        st.lists(children, max_size=3),
        st.dictionaries(st.one_of(st.sampled_from(FIELDS), hostile_text), children, max_size=3),
    ),
    max_leaves=6,
)
requests = st.dictionaries(
    st.one_of(st.sampled_from(FIELDS[:10]), st.sampled_from(FIELDS), hostile_text), hostile, max_size=8
)
payloads = st.one_of(
    requests, hostile, st.builds(lambda items: {"items": items}, st.lists(requests, min_size=1, max_size=3))
)


def problems_in(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Of a single request or of a batch's items."""
    for each in answer.get("results", [answer]):
        if "problem" in each:
            yield each["problem"]


def runs_of_digits(value: object) -> set[str]:
    """Five and more in a row, as typed and with what stands between them taken out."""
    text = json.dumps(value)
    return set(DIGITS.findall(text)) | set(DIGITS.findall(re.sub(r"[ ().-]", "", text)))


WORLD = World()


@pytest.mark.parametrize("function", FUNCTIONS)
@given(payload=payloads)
def test_a_problem_holds_no_digits_of_the_request(function: str, payload: object) -> None:
    answer = WORLD.call(function, payload, DIRECT)
    told = json.dumps(list(problems_in(answer)))
    assert not [run for run in runs_of_digits(payload) if run in told]


@pytest.mark.parametrize("function", FUNCTIONS)
@given(request=requests)
def test_a_reference_that_comes_back_holds_no_number_of_its_item(function: str, request: dict[str, Any]) -> None:
    typed = request.get("number")
    answer = WORLD.call(function, {"items": [request]}, DIRECT)
    for each in answer.get("results", []):
        number = re.sub(r"[^0-9]", "", typed) if isinstance(typed, str) else ""
        if len(number) >= 7:
            assert number not in re.sub(r"[^0-9]", "", str(each.get("reference", "")))


@given(
    digits_typed=digits,
    where=st.sampled_from(["{}", "case {}", "{} again"]),
    region=st.sampled_from([None, "GB", "US"]),
)
def test_what_was_typed_for_a_number_does_not_come_back_as_a_reference(
    digits_typed: str, where: str, region: str | None
) -> None:
    item = {"number": digits_typed, "purpose": "security", "reference": where.format(digits_typed)}
    answer = WORLD.call("Lookup", {"items": [item | ({"region": region} if region else {})]}, DIRECT)
    (result,) = answer["results"]
    assert len(digits_typed) < 7 or digits_typed not in str(result.get("reference"))
