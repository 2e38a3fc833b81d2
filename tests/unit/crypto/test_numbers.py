"""A stored number and its record key."""

import phonenumbers
import pytest

from phone_vault.crypto.messages import WrappingKey
from phone_vault.crypto.numbers import EncryptedNumber, decrypt_number, encrypt_number, new_key
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.phone import PhoneNumber
from tests.unit.samples import AMERICAN, BRITISH

BRANCH_KEY = WrappingKey("branch#1", new_key())
ENCRYPTED = encrypt_number(BRITISH, BRANCH_KEY, "acme", "tok_a")


def test_a_sealed_number_comes_back() -> None:
    assert decrypt_number(ENCRYPTED, BRANCH_KEY, "acme", "tok_a") == BRITISH


def test_a_leading_zero_comes_back() -> None:
    number = PhoneNumber("39", "0212345678")
    assert decrypt_number(encrypt_number(number, BRANCH_KEY, "acme", "tok_a"), BRANCH_KEY, "acme", "tok_a") == number


@pytest.mark.parametrize(
    ("tenant_id", "token"), [("other", "tok_a"), ("acme", "tok_b"), ("acmetok_a", ""), ("", "acmetok_a")]
)
def test_another_tenant_or_token_is_a_tampered_store(tenant_id: str, token: str) -> None:
    with pytest.raises(TamperedStore):
        decrypt_number(ENCRYPTED, BRANCH_KEY, tenant_id, token)


def test_another_branch_key_is_a_tampered_store() -> None:
    with pytest.raises(TamperedStore):
        decrypt_number(ENCRYPTED, WrappingKey("branch#1", new_key()), "acme", "tok_a")


def test_another_record_s_message_is_a_tampered_store() -> None:
    other = encrypt_number(AMERICAN, BRANCH_KEY, "acme", "tok_a")
    with pytest.raises(TamperedStore):
        decrypt_number(EncryptedNumber(other.message, ENCRYPTED.wrapped_record_key), BRANCH_KEY, "acme", "tok_a")


def test_another_record_s_key_and_message_are_a_tampered_store() -> None:
    other = encrypt_number(AMERICAN, BRANCH_KEY, "acme", "tok_b")
    with pytest.raises(TamperedStore):
        decrypt_number(other, BRANCH_KEY, "acme", "tok_a")


def test_message_and_key_exchanged_are_a_tampered_store() -> None:
    with pytest.raises(TamperedStore):
        decrypt_number(EncryptedNumber(ENCRYPTED.wrapped_record_key, ENCRYPTED.message), BRANCH_KEY, "acme", "tok_a")


def test_a_message_under_the_branch_key_itself_is_a_tampered_store() -> None:
    with pytest.raises(TamperedStore):
        decrypt_number(EncryptedNumber(ENCRYPTED.message, ENCRYPTED.message), BRANCH_KEY, "acme", "tok_a")


def test_a_sealed_number_tells_nothing_of_its_length() -> None:
    plans = map(phonenumbers.PhoneMetadata.metadata_for_region, sorted(phonenumbers.SUPPORTED_REGIONS))
    longest = {
        str(plan.country_code): max(plan.general_desc.possible_length) for plan in plans if plan and plan.general_desc
    }
    lengths = {
        len(encrypt_number(PhoneNumber(calling_code, "0" * digits), BRANCH_KEY, "acme", "tok_a").message)
        for calling_code, digits in longest.items()
    }
    assert lengths == {len(ENCRYPTED.message)}


def test_a_short_number_is_as_long_as_any_other_when_sealed() -> None:
    short = encrypt_number(PhoneNumber("247", "0000"), BRANCH_KEY, "acme", "tok_a")
    assert len(short.message) == len(ENCRYPTED.message)


def test_every_number_has_a_record_key_of_its_own() -> None:
    again = encrypt_number(BRITISH, BRANCH_KEY, "acme", "tok_a")
    with pytest.raises(TamperedStore):
        decrypt_number(EncryptedNumber(ENCRYPTED.message, again.wrapped_record_key), BRANCH_KEY, "acme", "tok_a")


def test_a_sealed_number_holds_no_digits_of_it() -> None:
    assert b"7400123456" not in ENCRYPTED.message + ENCRYPTED.wrapped_record_key


def test_a_new_key_has_256_random_bits() -> None:
    assert len({new_key().expose() for _ in range(100)}) == 100
    assert len(new_key().expose()) == 32
