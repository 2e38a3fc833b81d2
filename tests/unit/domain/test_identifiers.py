"""A subject id must be a pseudonym."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from phone_vault.domain.errors import IdentifierNotPseudonymous
from phone_vault.domain.identifiers import check_pseudonymous, gives_away
from tests.unit.samples import BRITISH, cases

TYPED = "(+44) 7400-123456"

SPELLINGS = {
    "national-significant": "7400123456",
    "national-with-trunk-zero": "07400123456",
    "international": "447400123456",
    "international-prefix": "00447400123456",
}
SEPARATED = {
    "dots": "7400.123.456",
    "hyphens": "07400-123-456",
    "underscores": "44_7400_123456",
    "colons": "00:44:7400:123456",
    "mixed": "4-4.7_4:00123456",
}
HASHES: dict[str, Callable[..., Any]] = {"md5": hashlib.md5, "sha1": hashlib.sha1, "sha256": hashlib.sha256}
DIGESTED = {
    f"{name}-{spelling}": digest(text.encode()).hexdigest()
    for name, digest in HASHES.items()
    for spelling, text in (SPELLINGS | {"e164": "+447400123456"}).items()
}
PSEUDONYMS = {
    "counter": "cust-1",
    "uuid": "0e2f1c1a-8f5e-4a57-9d0b-6a2f9a5e9c11",
    "another-number-like-id": "2015550199",
    "longer-digits-around-it": "974001234569",
    "part-of-it": "123456",
    "salted-digest": hashlib.sha256(b"salt:+447400123456").hexdigest(),
    "empty": "",
}


@pytest.mark.parametrize("subject_id", cases({**SPELLINGS, **SEPARATED}))
def test_the_number_in_any_spelling_is_not_a_pseudonym(subject_id: str) -> None:
    with pytest.raises(IdentifierNotPseudonymous, match="the number itself"):
        check_pseudonymous(subject_id, number=BRITISH, written=[TYPED])


@pytest.mark.parametrize("subject_id", cases(DIGESTED))
def test_an_unsalted_digest_of_the_number_is_not_a_pseudonym(subject_id: str) -> None:
    with pytest.raises(IdentifierNotPseudonymous, match="unsalted digest"):
        check_pseudonymous(subject_id, number=BRITISH, written=[TYPED])


@pytest.mark.parametrize("subject_id", cases({name: value.upper() for name, value in DIGESTED.items()}))
def test_a_digest_in_capitals_is_not_a_pseudonym_either(subject_id: str) -> None:
    with pytest.raises(IdentifierNotPseudonymous, match="unsalted digest"):
        check_pseudonymous(subject_id, number=BRITISH, written=[TYPED])


@pytest.mark.parametrize("subject_id", ["a@example.org", "@", "x@", "+", "+1", "+cust"])
def test_an_address_or_a_plus_is_not_a_pseudonym_whatever_the_number(subject_id: str) -> None:
    with pytest.raises(IdentifierNotPseudonymous, match="e-mail address or a phone number"):
        check_pseudonymous(subject_id, number=None, written=[])


def test_the_digits_typed_for_an_unreadable_number_are_not_a_pseudonym() -> None:
    with pytest.raises(IdentifierNotPseudonymous, match="the number itself"):
        check_pseudonymous("07400-123456", number=None, written=["07400 123456"])


@pytest.mark.parametrize("subject_id", cases(PSEUDONYMS))
def test_a_plain_pseudonym_is_accepted(subject_id: str) -> None:
    check_pseudonymous(subject_id, number=BRITISH, written=[TYPED])


def test_a_pseudonym_beside_a_number_without_digits_is_accepted() -> None:
    check_pseudonymous("", number=None, written=["no digits at all"])


@pytest.mark.parametrize("subject_id", cases({**SPELLINGS, **DIGESTED}))
def test_a_refusal_does_not_quote_the_id(subject_id: str) -> None:
    with pytest.raises(IdentifierNotPseudonymous) as refusal:
        check_pseudonymous(subject_id, number=BRITISH, written=[TYPED])
    assert subject_id not in str(refusal.value)


@pytest.mark.parametrize("tenant_id", cases({**SPELLINGS, "hyphens": "44-7400-123456"}))
def test_a_tenant_id_gives_the_number_away_in_any_spelling(tenant_id: str) -> None:
    assert gives_away(tenant_id, BRITISH)


def test_a_tenant_id_without_a_number_in_the_request_gives_nothing_away() -> None:
    assert not gives_away("7400123456", None)
