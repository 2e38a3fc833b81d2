"""A stored number's message under its record key, and record keys under a branch key."""

import os

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


def encrypt_number(number: PhoneNumber, record_key: SecretKey, tenant_id: str, token: str) -> bytes:
    """The number's message, bound to tenant, token and use."""
    calling_code, national = number.disclose_parts()
    # Parted, so that a mask needs no numbering plan.
    plaintext = f"+{calling_code} {national}".ljust(_PADDED_LENGTH).encode()
    return messages.encrypt(plaintext, _under(record_key), _context(tenant_id, token, "number"))


def decrypt_number(message: bytes, record_key: SecretKey, tenant_id: str, token: str) -> PhoneNumber:
    """The number; `TamperedStore` unless the message was made for this tenant and token."""
    try:
        plaintext = messages.decrypt(message, _under(record_key), _context(tenant_id, token, "number"))
    except NotAuthentic:
        raise TamperedStore("a stored number is not what was written") from None
    calling_code, national = plaintext.decode().rstrip().removeprefix("+").split(" ")
    return PhoneNumber(calling_code, national)


def wrap(record_key: SecretKey, branch_key: WrappingKey, tenant_id: str, name: str) -> bytes:
    """A record key under a branch key, bound to tenant, record and use."""
    return messages.encrypt(record_key.expose(), branch_key, _context(tenant_id, name, "record-key"))


def unwrap(wrapped: bytes, branch_key: WrappingKey, tenant_id: str, name: str) -> SecretKey:
    """The record key; `TamperedStore` unless it was wrapped for this tenant and record."""
    try:
        return SecretKey(messages.decrypt(wrapped, branch_key, _context(tenant_id, name, "record-key")))
    except NotAuthentic:
        raise TamperedStore("a record key is not what was written") from None


def _under(record_key: SecretKey) -> WrappingKey:
    return WrappingKey("record", record_key)


def _context(tenant_id: str, name: str, use: str) -> dict[str, str]:
    return {"tenant": tenant_id, "token": name, "use": use}
