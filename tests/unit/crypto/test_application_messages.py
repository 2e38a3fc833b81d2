"""A message that an application keeps is read under its very key and for what it was made for, or refused."""

import os

import pytest
from aws_encryption_sdk import CommitmentPolicy, EncryptionSDKClient
from aws_encryption_sdk.identifiers import AlgorithmSuite

from phone_vault.crypto import messages
from phone_vault.crypto.application_messages import claimed_origin, decrypt_number, encrypt_number
from phone_vault.crypto.messages import LONGEST_MESSAGE, WrappingKey
from phone_vault.domain.errors import InvalidMessage
from phone_vault.domain.message_key import MessageKeyId
from phone_vault.domain.secret import SecretKey
from tests.unit.samples import BRITISH

KEY = SecretKey(bytes(range(32)))
OTHER_KEY = SecretKey(bytes(range(1, 33)))
KEY_ID = MessageKeyId("acme", "A" * 43, "delivery")
GENERATION = 3
MESSAGE = encrypt_number(BRITISH, KEY, KEY_ID, GENERATION)
CONTEXT = {"tenant": "acme", "subject": "A" * 43, "purpose": "delivery", "generation": "3", "use": "message"}

OTHER_ORIGINS = {
    "tenant": (KEY_ID._replace(tenant_id="other"), GENERATION),
    "subject": (KEY_ID._replace(subject_ref="B" * 43), GENERATION),
    "purpose": (KEY_ID._replace(purpose="security"), GENERATION),
    "earlier": (KEY_ID, GENERATION - 1),
    "later": (KEY_ID, GENERATION + 1),
}


def read(message: bytes) -> str:
    """As Decrypt does: first what the message claims, then whether it is true."""
    key_id, generation = claimed_origin(message)
    return decrypt_number(message, KEY, key_id, generation)


def test_a_message_reads_as_the_canonical_number() -> None:
    assert decrypt_number(MESSAGE, KEY, KEY_ID, GENERATION) == "+447400123456"


def test_a_message_tells_what_it_was_made_for() -> None:
    assert claimed_origin(MESSAGE) == (KEY_ID, GENERATION)


@pytest.mark.parametrize(("key_id", "generation"), OTHER_ORIGINS.values(), ids=list(OTHER_ORIGINS))
def test_a_message_for_something_else_is_refused(key_id: MessageKeyId, generation: int) -> None:
    with pytest.raises(InvalidMessage):
        decrypt_number(MESSAGE, KEY, key_id, generation)


def test_another_key_is_refused() -> None:
    with pytest.raises(InvalidMessage):
        decrypt_number(MESSAGE, OTHER_KEY, KEY_ID, GENERATION)


def test_every_flipped_bit_is_refused() -> None:
    for place in range(len(MESSAGE) * 8):
        flipped = bytearray(MESSAGE)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(InvalidMessage):
            read(bytes(flipped))


def test_every_truncation_is_refused() -> None:
    for length in range(len(MESSAGE)):
        with pytest.raises(InvalidMessage):
            read(MESSAGE[:length])


@pytest.mark.parametrize("tail", [b"\x00", b"\n", MESSAGE], ids=["null", "newline", "itself"])
def test_whatever_follows_has_a_message_refused(tail: bytes) -> None:
    with pytest.raises(InvalidMessage):
        read(MESSAGE + tail)


@pytest.mark.parametrize(
    "change",
    [{"use": "number"}, {"colour": "red"}, {"generation": "0"}, {"generation": "-3"}, {"generation": "03"}],
    ids=["use", "more", "zero", "negative", "padded"],
)
def test_a_context_that_the_vault_does_not_write_is_none_of_its_messages(change: dict[str, str]) -> None:
    message = messages.encrypt(b"+447400123456", WrappingKey("message", KEY), CONTEXT | change)
    with pytest.raises(InvalidMessage):
        claimed_origin(message)


@pytest.mark.parametrize("field", list(CONTEXT))
def test_a_context_without_one_of_its_fields_is_none_of_its_messages(field: str) -> None:
    less = {name: value for name, value in CONTEXT.items() if name != field}
    message = messages.encrypt(b"+447400123456", WrappingKey("message", KEY), less)
    with pytest.raises(InvalidMessage):
        claimed_origin(message)


def test_a_message_over_4_kb_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    def parsed(*_: object) -> None:
        raise AssertionError("parsed")

    monkeypatch.setattr(messages, "deserialize_header", parsed)
    with pytest.raises(InvalidMessage):
        claimed_origin(MESSAGE.ljust(LONGEST_MESSAGE + 1, b"\x00"))


def test_a_message_without_a_key_commitment_is_refused() -> None:
    client = EncryptionSDKClient(commitment_policy=CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT)
    message, _ = client.encrypt(
        source=b"+447400123456",
        key_provider=WrappingKey("message", KEY).provider(),
        encryption_context=CONTEXT,
        algorithm=AlgorithmSuite.AES_256_GCM_IV12_TAG16_HKDF_SHA256,
    )
    with pytest.raises(InvalidMessage):
        read(bytes(message))


def test_noise_is_none_of_its_messages() -> None:
    for length in range(200):
        with pytest.raises(InvalidMessage):
            claimed_origin(os.urandom(length))


@pytest.mark.parametrize("plaintext", [b"", b"hello", b"\xff\xfe", b"+44", b"447400123456", b"+44 7400 123456"])
def test_an_authentic_message_that_holds_no_canonical_number_is_refused(plaintext: bytes) -> None:
    """Whoever is given the message key can write messages too."""
    message = messages.encrypt(plaintext, WrappingKey("message", KEY), CONTEXT)
    with pytest.raises(InvalidMessage):
        read(message)


@pytest.mark.parametrize("length", [2**40, 2**62, 2**63, 2**64 - 1])
def test_a_message_that_claims_to_be_longer_than_any_memory_is_refused(length: int) -> None:
    message, header = EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT).encrypt(
        source=b"+447400123456",
        key_provider=WrappingKey("message", KEY).provider(),
        encryption_context=CONTEXT,
        algorithm=AlgorithmSuite.AES_256_GCM_HKDF_SHA512_COMMIT_KEY,
        frame_length=0,
    )
    assert header.frame_length == 0
    body = len(b"+447400123456") + 16  # and its tag; before it, its length
    forged = message[: -body - 8] + length.to_bytes(8, "big") + message[-body:]
    assert message[-body - 8 : -body] == (13).to_bytes(8, "big")
    with pytest.raises(InvalidMessage):
        read(forged)
