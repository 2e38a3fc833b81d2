"""Purposes and consents of a row."""

from dataclasses import replace
from typing import Any

import pytest

from phone_vault.cli.importing.fields import Fields
from phone_vault.cli.importing.rows import MOST_CHARACTERS, NotARow
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


def test_what_is_sent_is_bounded() -> None:
    fields = NUMBER_AND_SUBJECT
    assert len(fields.request({"phone": "1" * 5000, "id": "c"}.get)["number"]) == MOST_CHARACTERS
