"""A signing key in KMS."""

import hashlib
import logging
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from phone_vault.adapters.aws_errors import code_of
from phone_vault.adapters.kms import KmsIn, region_of
from phone_vault.domain.errors import KeyUnavailable

_LOG = logging.getLogger("phone-vault.kms")
_ALGORITHM = "ECDSA_SHA_256"


class KmsSigner:
    """ECDSA over P-256 and SHA-256; the private key never leaves KMS."""

    def __init__(self, kms_in: KmsIn, key_arn: str) -> None:
        self._kms_in = kms_in
        self._key_arn = key_arn
        self._public_key: bytes | None = None

    def sign(self, message: bytes) -> bytes:
        """By Sign over the digest: KMS takes no message of more than 4,096 bytes."""
        answer = _asked(
            self._kms().sign,
            KeyId=self._key_arn,
            Message=hashlib.sha256(message).digest(),
            MessageType="DIGEST",
            SigningAlgorithm=_ALGORITHM,
        )
        return bytes(answer["Signature"])

    def public_key(self) -> bytes:
        """By GetPublicKey, once: a KMS key of this kind has no other one, ever."""
        if self._public_key is None:
            self._public_key = bytes(_asked(self._kms().get_public_key, KeyId=self._key_arn)["PublicKey"])
        return self._public_key

    def _kms(self) -> Any:
        return self._kms_in(region_of(self._key_arn))


def _asked(operation: Callable[..., Any], **parameters: Any) -> Any:
    try:
        return operation(**parameters)
    except (ClientError, BotoCoreError) as error:
        _LOG.warning("KMS does not serve a key", extra={"aws_error": code_of(error)})
        raise KeyUnavailable("KMS does not serve the key that signs receipts") from None
