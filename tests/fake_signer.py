"""The Receipt key in memory: a real key, so that what it signs can be checked as outside."""

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from phone_vault.domain.errors import KeyUnavailable


class MemorySigner:
    """Signs until it is disabled."""

    def __init__(self) -> None:
        self.is_disabled = False
        self.signed: list[bytes] = []
        self._key = ec.generate_private_key(ec.SECP256R1())

    def sign(self, message: bytes) -> bytes:
        """ECDSA over P-256 and SHA-256."""
        self._check()
        self.signed.append(message)
        return self._key.sign(message, ec.ECDSA(SHA256()))

    def public_key(self) -> bytes:
        """As DER."""
        self._check()
        return self.public_key_as(Encoding.DER)

    def public_key_as(self, encoding: Encoding) -> bytes:
        """Whatever state the key is in."""
        return self._key.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)

    def _check(self) -> None:
        if self.is_disabled:
            raise KeyUnavailable("KMS does not serve the key that signs receipts")
