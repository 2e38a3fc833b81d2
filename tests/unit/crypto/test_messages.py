"""Messages are authentic together with their key and their context, or refused."""

import random

import pytest
from aws_encryption_sdk import CommitmentPolicy, EncryptionSDKClient
from aws_encryption_sdk.identifiers import AlgorithmSuite, EncryptionKeyType, WrappingAlgorithm
from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey as SdkWrappingKey
from aws_encryption_sdk.key_providers.raw import RawMasterKeyProvider

from phone_vault.crypto.messages import LONGEST_MESSAGE, NotAuthentic, WrappingKey, decrypt, encrypt
from phone_vault.domain.secret import SecretKey

KEY = WrappingKey("branch#1", SecretKey(bytes(range(32))))
OTHER_KEY = WrappingKey("branch#1", SecretKey(bytes(range(1, 33))))
CONTEXT = {"tenant": "acme", "token": "tok_a", "use": "number"}
PLAINTEXT = b"seventeen letters"
MESSAGE = encrypt(PLAINTEXT, KEY, CONTEXT)


class TwoKeys(RawMasterKeyProvider):  # type: ignore[misc]  # untyped
    """What makes a message that either of two keys opens, ours among them."""

    provider_id = "phone-vault"

    def _get_raw_key(self, key_id: bytes) -> SdkWrappingKey:
        key = KEY if key_id == b"branch#1" else OTHER_KEY
        algorithm = WrappingAlgorithm.AES_256_GCM_IV12_TAG16_NO_PADDING
        return SdkWrappingKey(algorithm, key.key.expose(), EncryptionKeyType.SYMMETRIC)


OTHER_CONTEXTS = {
    "other-tenant": CONTEXT | {"tenant": "other"},
    "other-token": CONTEXT | {"token": "tok_b"},
    "other-use": CONTEXT | {"use": "record-key"},
    "more": CONTEXT | {"purpose": "delivery"},
    "less": {"tenant": "acme", "token": "tok_a"},
    "none": {},
    "cut-elsewhere": {"tenant": "acmetok_a", "token": "", "use": "number"},
    "names-and-values-swapped": {"acme": "tenant", "tok_a": "token", "number": "use"},
}


def test_a_message_reads_under_its_key_and_context() -> None:
    assert decrypt(MESSAGE, KEY, CONTEXT) == PLAINTEXT


def test_the_order_of_the_context_does_not_matter() -> None:
    assert decrypt(MESSAGE, KEY, dict(reversed(CONTEXT.items()))) == PLAINTEXT


@pytest.mark.parametrize("context", OTHER_CONTEXTS.values(), ids=list(OTHER_CONTEXTS))
def test_another_context_is_refused(context: dict[str, str]) -> None:
    with pytest.raises(NotAuthentic, match="another context"):
        decrypt(MESSAGE, KEY, context)


def test_another_key_of_the_same_name_is_refused() -> None:
    with pytest.raises(NotAuthentic):
        decrypt(MESSAGE, OTHER_KEY, CONTEXT)


def test_the_same_key_under_another_name_is_refused() -> None:
    with pytest.raises(NotAuthentic):
        decrypt(MESSAGE, WrappingKey("branch#2", KEY.key), CONTEXT)


def test_every_flipped_bit_is_refused() -> None:
    for place in range(len(MESSAGE) * 8):
        flipped = bytearray(MESSAGE)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(NotAuthentic):
            decrypt(bytes(flipped), KEY, CONTEXT)


def test_every_truncation_is_refused() -> None:
    for length in range(len(MESSAGE)):
        with pytest.raises(NotAuthentic):
            decrypt(MESSAGE[:length], KEY, CONTEXT)


def test_every_message_without_its_beginning_is_refused() -> None:
    for start in range(1, len(MESSAGE), 7):
        with pytest.raises(NotAuthentic):
            decrypt(MESSAGE[start:], KEY, CONTEXT)


@pytest.mark.parametrize("tail", [b"\0", b" ", MESSAGE], ids=["null", "space", "the-message-again"])
def test_a_message_that_something_follows_is_refused(tail: bytes) -> None:
    with pytest.raises(NotAuthentic):
        decrypt(MESSAGE + tail, KEY, CONTEXT)


def test_noise_is_refused() -> None:
    chance = random.Random(7)
    for length in (1, 16, 100, 300, LONGEST_MESSAGE):
        for _ in range(20):
            with pytest.raises(NotAuthentic):
                decrypt(chance.randbytes(length), KEY, CONTEXT)


def test_a_header_with_another_message_s_body_is_refused() -> None:
    other = encrypt(PLAINTEXT, KEY, CONTEXT)
    for cut in range(0, len(MESSAGE), 11):
        spliced = MESSAGE[:cut] + other[cut:]
        if spliced in (MESSAGE, other):
            continue
        with pytest.raises(NotAuthentic):
            decrypt(spliced, KEY, CONTEXT)


def test_a_message_longer_than_any_of_ours_is_refused_although_it_is_authentic() -> None:
    long = encrypt(bytes(LONGEST_MESSAGE), KEY, CONTEXT)
    with pytest.raises(NotAuthentic, match="longer than"):
        decrypt(long, KEY, CONTEXT)


@pytest.mark.parametrize(
    ("commitment", "suite"),
    [
        (CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT, AlgorithmSuite.AES_256_GCM_IV12_TAG16_HKDF_SHA256),
        (CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT, AlgorithmSuite.AES_256_GCM_IV12_TAG16),
        (
            CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT,
            AlgorithmSuite.AES_256_GCM_HKDF_SHA512_COMMIT_KEY_ECDSA_P384,
        ),
    ],
    ids=["without-commitment", "without-key-derivation", "signed"],
)
def test_a_message_of_another_suite_is_refused(commitment: CommitmentPolicy, suite: AlgorithmSuite) -> None:
    foreign, _ = EncryptionSDKClient(commitment_policy=commitment).encrypt(
        source=PLAINTEXT, key_provider=KEY.provider(), encryption_context=CONTEXT, algorithm=suite
    )
    with pytest.raises(NotAuthentic):
        decrypt(foreign, KEY, CONTEXT)


def test_a_message_for_two_keys_is_refused() -> None:
    keys = TwoKeys()
    keys.add_master_keys_from_list([b"branch#1", b"branch#2"])
    foreign, header = EncryptionSDKClient().encrypt(
        source=PLAINTEXT,
        key_provider=keys,
        encryption_context=CONTEXT,
        algorithm=AlgorithmSuite.AES_256_GCM_HKDF_SHA512_COMMIT_KEY,
    )
    assert len(header.encrypted_data_keys) == 2
    with pytest.raises(NotAuthentic):
        decrypt(foreign, KEY, CONTEXT)


def test_two_messages_of_one_plaintext_differ() -> None:
    assert encrypt(PLAINTEXT, KEY, CONTEXT) != MESSAGE


def test_a_refusal_tells_nothing_of_key_or_context() -> None:
    with pytest.raises(NotAuthentic) as refusal:
        decrypt(MESSAGE, OTHER_KEY, CONTEXT)
    assert refusal.value.__suppress_context__
    assert "acme" not in str(refusal.value)


def test_a_wrapping_key_does_not_show_its_bytes() -> None:
    assert repr(KEY) == "WrappingKey(name='branch#1', key=SecretKey(32 bytes))"
