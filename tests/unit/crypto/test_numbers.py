"""A stored number under its record key, and the record key under a branch key."""

import phonenumbers
import pytest

from phone_vault.crypto.messages import WrappingKey
from phone_vault.crypto.numbers import decrypt_number, encrypt_number, new_key, unwrap, wrap
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.phone import PhoneNumber
from tests.unit.samples import BRITISH

BRANCH_KEY = WrappingKey("branch#1", new_key())
RECORD_KEY = new_key()
MESSAGE = encrypt_number(BRITISH, RECORD_KEY, "acme", "tok_a")
WRAPPED = wrap(RECORD_KEY, BRANCH_KEY, "acme", "tok_a")
OTHER_PLACES = [("other", "tok_a"), ("acme", "tok_b"), ("acmetok_a", ""), ("", "acmetok_a")]


def test_an_encrypted_number_comes_back() -> None:
    assert decrypt_number(MESSAGE, RECORD_KEY, "acme", "tok_a") == BRITISH


def test_a_leading_zero_comes_back() -> None:
    number = PhoneNumber("39", "0212345678")
    assert decrypt_number(encrypt_number(number, RECORD_KEY, "acme", "tok_a"), RECORD_KEY, "acme", "tok_a") == number


def test_a_wrapped_record_key_comes_back() -> None:
    assert unwrap(WRAPPED, BRANCH_KEY, "acme", "tok_a").expose() == RECORD_KEY.expose()


@pytest.mark.parametrize(("tenant_id", "token"), OTHER_PLACES)
def test_a_number_of_another_tenant_or_token_is_a_tampered_store(tenant_id: str, token: str) -> None:
    with pytest.raises(TamperedStore):
        decrypt_number(MESSAGE, RECORD_KEY, tenant_id, token)


@pytest.mark.parametrize(("tenant_id", "token"), OTHER_PLACES)
def test_a_record_key_of_another_tenant_or_token_is_a_tampered_store(tenant_id: str, token: str) -> None:
    with pytest.raises(TamperedStore):
        unwrap(WRAPPED, BRANCH_KEY, tenant_id, token)


def test_another_branch_key_is_a_tampered_store() -> None:
    with pytest.raises(TamperedStore):
        unwrap(WRAPPED, WrappingKey("branch#1", new_key()), "acme", "tok_a")


def test_another_record_key_is_a_tampered_store() -> None:
    with pytest.raises(TamperedStore):
        decrypt_number(MESSAGE, new_key(), "acme", "tok_a")


def test_a_number_in_the_place_of_a_record_key_is_a_tampered_store() -> None:
    with pytest.raises(TamperedStore):
        unwrap(MESSAGE, BRANCH_KEY, "acme", "tok_a")


def test_a_record_key_in_the_place_of_a_number_is_a_tampered_store() -> None:
    with pytest.raises(TamperedStore):
        decrypt_number(WRAPPED, RECORD_KEY, "acme", "tok_a")


def test_a_message_under_the_branch_key_itself_is_a_tampered_store() -> None:
    under_the_branch_key = encrypt_number(BRITISH, BRANCH_KEY.key, "acme", "tok_a")
    with pytest.raises(TamperedStore):
        decrypt_number(under_the_branch_key, RECORD_KEY, "acme", "tok_a")


def test_an_encrypted_number_tells_nothing_of_its_length() -> None:
    plans = map(phonenumbers.PhoneMetadata.metadata_for_region, sorted(phonenumbers.SUPPORTED_REGIONS))
    longest = {
        str(plan.country_code): max(plan.general_desc.possible_length) for plan in plans if plan and plan.general_desc
    }
    lengths = {
        len(encrypt_number(PhoneNumber(calling_code, "0" * digits), RECORD_KEY, "acme", "tok_a"))
        for calling_code, digits in longest.items()
    }
    assert lengths == {len(MESSAGE)}


def test_a_short_number_is_as_long_as_any_other_when_encrypted() -> None:
    short = encrypt_number(PhoneNumber("247", "0000"), RECORD_KEY, "acme", "tok_a")
    assert len(short) == len(MESSAGE)


def test_an_encrypted_number_holds_no_digits_of_it() -> None:
    assert b"7400123456" not in MESSAGE + WRAPPED


def test_a_new_key_has_256_random_bits() -> None:
    assert len({new_key().expose() for _ in range(100)}) == 100
    assert len(new_key().expose()) == 32
