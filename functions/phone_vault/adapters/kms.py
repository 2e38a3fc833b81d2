"""KMS as the wrapper of KeyRing rows."""

import logging
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from phone_vault.adapters.aws_errors import code_of
from phone_vault.domain.errors import KeyUnavailable, TamperedStore
from phone_vault.domain.keys import KeyId, KeyUse, WrappedKey

_LOG = logging.getLogger("phone-vault.kms")
_NOT_AUTHENTIC = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})


class KmsKeyWrapper:
    """Wraps rows of use `audit` by the Storage key and all others by the Kek."""

    def __init__(self, kms: Any, *, kek_arn: str, storage_key_arn: str) -> None:
        self._kms = kms
        self._kek_arn = kek_arn
        self._storage_key_arn = storage_key_arn

    def wrap(self, key_id: KeyId, plaintext: bytes) -> bytes:
        """Encrypt; the context is the key's tenant, use and version."""
        try:
            answer = self._kms.encrypt(
                KeyId=self._arn(key_id.use), Plaintext=plaintext, EncryptionContext=key_id.encryption_context
            )
        except (ClientError, BotoCoreError) as error:
            raise _unavailable(error) from None
        return bytes(answer["CiphertextBlob"])

    def unwrap(self, key: WrappedKey) -> bytes:
        """Decrypt under the one KMS key that may have wrapped it."""
        key_id = key.key_id
        try:
            answer = self._kms.decrypt(
                KeyId=self._arn(key_id.use),
                CiphertextBlob=key.wrapped,
                EncryptionContext=key_id.encryption_context,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _NOT_AUTHENTIC:
                raise TamperedStore("a wrapped key is not what was written") from None
            raise _unavailable(error) from None
        except BotoCoreError as error:
            raise _unavailable(error) from None
        return bytes(answer["Plaintext"])

    def _arn(self, use: KeyUse) -> str:
        return self._storage_key_arn if use is KeyUse.AUDIT else self._kek_arn


def _unavailable(error: ClientError | BotoCoreError) -> KeyUnavailable:
    _LOG.warning("KMS does not serve a key", extra={"aws_error": code_of(error)})
    return KeyUnavailable("KMS does not serve a key that the request needs")
