"""A message in a request: base64 in its one canonical spelling, and not too long."""

import base64
from datetime import UTC, datetime

import pytest

from phone_vault.domain.errors import InvalidMessage, InvalidRequest
from phone_vault.domain.requests import RequestReader

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def read(message: object) -> bytes:
    reader = RequestReader({"message": message}, NOW)
    found = reader.message()
    reader.finish()
    return found


@pytest.mark.parametrize("length", [0, 1, 2, 3, 400, 4096])
def test_a_message_is_decoded(length: int) -> None:
    message = bytes(length)
    assert read(base64.b64encode(message).decode()) == message


@pytest.mark.parametrize(
    "text", ["A", "AA", "AA=", "AA==\n", " AA==", "AA===", "A-A=", "A_A=", "\u00c4A==", "AA==AA==", "AB==", "AAB="]
)
def test_what_is_not_canonical_base64_is_refused(text: str) -> None:
    with pytest.raises(InvalidMessage, match="base64"):
        read(text)


def test_a_longer_one_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(InvalidMessage, match="longer"):
        read("!" * 5465)


@pytest.mark.parametrize("value", [None, 7, ["AAAA"], {}], ids=repr)
def test_what_is_no_text_is_a_fault_of_the_request(value: object) -> None:
    with pytest.raises(InvalidRequest):
        read(value)


def test_other_faults_are_reported_before_a_bad_message() -> None:
    reader = RequestReader({"message": "!", "colour": "red"}, NOW)
    reader.message()
    with pytest.raises(InvalidRequest):
        reader.finish()
