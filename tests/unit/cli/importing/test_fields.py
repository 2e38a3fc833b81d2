"""Purposes and consents of a row."""

from dataclasses import replace
from typing import Any

import pytest

from phone_vault.cli.importing.fields import MOST_CHARACTERS, Fields
from phone_vault.cli.importing.rows import NotARow
from tests.unit.cli.importing.files import NUMBER_AND_SUBJECT

CONSENT = {"given_at": "2025-12-01T00:00:00Z", "evidence": "form 7"}
BY_ROW = replace(NUMBER_AND_SUBJECT, consent_given_at="at", consent_evidence="proof")
BY_CONSTANT = replace(NUMBER_AND_SUBJECT, constant_given_at=CONSENT["given_at"], constant_evidence=CONSENT["evidence"])


def request_of(fields: Fields, **row: str) -> dict[str, Any]:
    return fields.request({"phone": "1", "id": "c", **row}.get)


def test_constant_purposes_are_in_the_common_part_alone() -> None:
    assert NUMBER_AND_SUBJECT.common_purposes() == {"account_security": {}}
    assert "purposes" not in request_of(NUMBER_AND_SUBJECT)


def test_a_constant_consent_goes_with_every_purpose() -> None:
    assert BY_CONSTANT.common_purposes() == {"account_security": {"consent": CONSENT}}


def test_a_consent_may_be_for_one_purpose_only() -> None:
    fields = replace(BY_CONSTANT, constant_purposes=("a", "b"), consent_for=("b",))
    assert fields.common_purposes() == {"a": {}, "b": {"consent": CONSENT}}


def test_a_rows_consent() -> None:
    request = request_of(BY_ROW, at=CONSENT["given_at"], proof=CONSENT["evidence"])
    assert request["purposes"] == {"account_security": {"consent": CONSENT}}


def test_a_row_without_consent_has_none() -> None:
    assert request_of(BY_ROW, at="", proof=" ")["purposes"] == {"account_security": {}}


def test_half_a_consent_is_left_to_the_vault_to_refuse() -> None:
    assert request_of(BY_ROW, at="x", proof="")["purposes"]["account_security"]["consent"]["evidence"] == ""


@pytest.mark.parametrize("cell", ["a b", "a,b", " a; b ", "a, b"])
def test_purposes_of_a_row(cell: str) -> None:
    fields = replace(NUMBER_AND_SUBJECT, purposes="for", constant_purposes=())
    assert request_of(fields, **{"for": cell})["purposes"] == {"a": {}, "b": {}}


def test_a_row_without_purpose_is_no_row() -> None:
    with pytest.raises(NotARow, match="the purpose is missing"):
        request_of(replace(NUMBER_AND_SUBJECT, purposes="for"), **{"for": ""})


def test_a_row_without_region_has_the_common_one() -> None:
    fields = replace(NUMBER_AND_SUBJECT, region="country")
    assert "region" not in request_of(fields, country="")
    assert request_of(fields, country="GB")["region"] == "GB"


ALL_BY_ROW = replace(BY_ROW, region="country", purposes="for")
WHOLE = {"phone": "1", "id": "c", "country": "GB", "for": "a", "at": CONSENT["given_at"], "proof": "x"}


@pytest.mark.parametrize(
    ("field", "most", "what"),
    [
        ("phone", MOST_CHARACTERS, "the number"),
        ("id", MOST_CHARACTERS, "the subject"),
        ("country", MOST_CHARACTERS, "the region"),
        ("at", MOST_CHARACTERS, "the consent's time"),
        ("proof", 500, "the consent's evidence"),
        ("for", 5000, "the purpose"),
    ],
)
def test_what_is_too_long_is_no_row_and_is_never_cut(field: str, most: int, what: str) -> None:
    assert "x" * most in str(ALL_BY_ROW.request({**WHOLE, field: "x" * most}.get))
    with pytest.raises(NotARow, match=f"^{what} is too long$"):
        ALL_BY_ROW.request({**WHOLE, field: "x" * (most + 1)}.get)


def test_a_row_has_50_purposes_at_most() -> None:
    fields = replace(NUMBER_AND_SUBJECT, purposes="for", constant_purposes=())
    names = [f"p{number}" for number in range(51)]
    assert len(request_of(fields, **{"for": " ".join(names[:50])})["purposes"]) == 50
    with pytest.raises(NotARow, match="more than 50 purposes"):
        request_of(fields, **{"for": ",".join(names)})
