"""Messages that applications keep: a number under a message key, readable by any AWS Encryption SDK client with it."""

import re

from phone_vault.crypto import messages
from phone_vault.crypto.messages import NotAuthentic, WrappingKey
from phone_vault.domain.errors import InvalidMessage
from phone_vault.domain.message_key import FIRST_GENERATION, MessageKeyId
from phone_vault.domain.phone import PhoneNumber
from phone_vault.domain.secret import SecretKey

_E164 = re.compile(rb"\+[0-9]{5,20}")


def encrypt_number(number: PhoneNumber, key: SecretKey, key_id: MessageKeyId, generation: int) -> bytes:
    """The E.164 form, bound to tenant, subject, purpose and the key's generation."""
    return messages.encrypt(number.disclose().encode(), _under(key), _context(key_id, generation))


def decrypt_number(message: bytes, key: SecretKey, key_id: MessageKeyId, generation: int) -> str:
    """The E.164 form; `InvalidMessage` for a message of another key, context or content, or a changed one."""
    try:
        plaintext = messages.decrypt(message, _under(key), _context(key_id, generation))
    except NotAuthentic:
        raise InvalidMessage("the message is not authentic") from None
    if not _E164.fullmatch(plaintext):  # authentic, and not the vault's: others may hold the key
        raise InvalidMessage("the message holds no number")
    return plaintext.decode()


def claimed_origin(message: bytes) -> tuple[MessageKeyId, int]:
    """What the message says it was made for; true only once it has been decrypted."""
    try:
        context = messages.claimed_context(message)
        key_id = MessageKeyId(context["tenant"], context["subject"], context["purpose"])
        generation = int(context["generation"])
    except (NotAuthentic, KeyError, ValueError):
        raise InvalidMessage("not a message of the vault") from None
    if generation < FIRST_GENERATION or context != _context(key_id, generation):
        raise InvalidMessage("not a message of the vault")
    return key_id, generation


def _under(key: SecretKey) -> WrappingKey:
    return WrappingKey("message", key)


def _context(key_id: MessageKeyId, generation: int) -> dict[str, str]:
    return {
        "tenant": key_id.tenant_id,
        "subject": key_id.subject_ref,
        "purpose": key_id.purpose,
        "generation": str(generation),
        "use": "message",
    }
