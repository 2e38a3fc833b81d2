"""The two levels above a stored number: its message under its record key, that key under a branch key."""

import os
from dataclasses import dataclass

from phone_vault.crypto import messages
from phone_vault.crypto.messages import NotAuthentic, WrappingKey
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.phone import PhoneNumber
from phone_vault.domain.secret import SecretKey

KEY_BYTES = 32
_PADDED_LENGTH = 24
"""More than any canonical number and a space have; every plaintext has it, so that no ciphertext tells the number's."""


def new_key() -> SecretKey:
    """32 random bytes from the operating system."""
    return SecretKey(os.urandom(KEY_BYTES))


@dataclass(frozen=True, slots=True)
class EncryptedNumber:
    """A number as stored: the message, and its record key wrapped by a branch key."""

    message: bytes
    wrapped_record_key: bytes


def encrypt_number(number: PhoneNumber, branch_key: WrappingKey, tenant_id: str, token: str) -> EncryptedNumber:
    """Encrypt the number under a record key of its own, both bound to tenant, token and use."""
    record_key = new_key()
    calling_code, national = number.disclose_parts()
    # Parted, so that a mask needs no numbering plan.
    plaintext = f"+{calling_code} {national}".ljust(_PADDED_LENGTH).encode()
    return EncryptedNumber(
        message=messages.encrypt(plaintext, _under(record_key), _context(tenant_id, token, "number")),
        wrapped_record_key=messages.encrypt(record_key.expose(), branch_key, _context(tenant_id, token, "record-key")),
    )


def decrypt_number(encrypted: EncryptedNumber, branch_key: WrappingKey, tenant_id: str, token: str) -> PhoneNumber:
    """The number; `TamperedStore` unless both messages were made for this tenant and token."""
    try:
        record_key = SecretKey(
            messages.decrypt(encrypted.wrapped_record_key, branch_key, _context(tenant_id, token, "record-key"))
        )
        plaintext = messages.decrypt(encrypted.message, _under(record_key), _context(tenant_id, token, "number"))
    except NotAuthentic:
        raise TamperedStore("a stored number or its key is not what was written") from None
    calling_code, national = plaintext.decode().rstrip().removeprefix("+").split(" ")
    return PhoneNumber(calling_code, national)


def _under(record_key: SecretKey) -> WrappingKey:
    return WrappingKey("record", record_key)


def _context(tenant_id: str, token: str, use: str) -> dict[str, str]:
    return {"tenant": tenant_id, "token": token, "use": use}
