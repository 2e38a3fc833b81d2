"""KMS as the wrapper of KeyRing rows, and of the record keys of tenants of direct wrapping."""

import logging
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from phone_vault.adapters.aws_errors import code_of
from phone_vault.domain.errors import KeyUnavailable, TamperedStore
from phone_vault.domain.keys import KeyId, KeyUse, WrappedKey
from phone_vault.domain.policy import VaultPolicy

_LOG = logging.getLogger("phone-vault.kms")
_NOT_AUTHENTIC = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})


class KmsKeyWrapper:
    """Wraps rows of use `audit` by the Storage key, all others by the tenant's own KMS key or the Kek."""

    def __init__(self, kms: Any, policy: VaultPolicy, *, kek_arn: str, storage_key_arn: str) -> None:
        self._kms = kms
        self._policy = policy
        self._kek_arn = kek_arn
        self._storage_key_arn = storage_key_arn

    def wrap(self, key_id: KeyId, plaintext: bytes) -> tuple[bytes, str]:
        """Encrypt; the context is the key's tenant, use and version."""
        kms_key = self._storage_key_arn if key_id.use is KeyUse.AUDIT else self._tenant_key(key_id.tenant_id)
        return self._encrypt(kms_key, plaintext, key_id.encryption_context), kms_key

    def unwrap(self, key: WrappedKey) -> bytes:
        """Decrypt under the KMS key that the row names; IAM bounds which that can be."""
        return self._decrypt(key.wrapped, key.key_id.encryption_context, KeyId=key.kms_key)

    def wrap_record_key(self, tenant_id: str, name: str, plaintext: bytes) -> bytes:
        """Encrypt; the context is tenant and token."""
        return self._encrypt(self._tenant_key(tenant_id), plaintext, {"tenant": tenant_id, "token": name})

    def unwrap_record_key(self, tenant_id: str, name: str, wrapped: bytes) -> bytes:
        """Decrypt under whichever key the tenant had then: the ciphertext tells KMS, IAM bounds it."""
        return self._decrypt(wrapped, {"tenant": tenant_id, "token": name})

    def _tenant_key(self, tenant_id: str) -> str:
        return self._policy.tenant(tenant_id).kms_key or self._kek_arn

    def _encrypt(self, kms_key: str, plaintext: bytes, context: Mapping[str, str]) -> bytes:
        try:
            answer = self._kms.encrypt(KeyId=kms_key, Plaintext=plaintext, EncryptionContext=dict(context))
        except (ClientError, BotoCoreError) as error:
            raise _unavailable(error) from None
        return bytes(answer["CiphertextBlob"])

    def _decrypt(self, wrapped: bytes, context: Mapping[str, str], **key: str) -> bytes:
        try:
            answer = self._kms.decrypt(CiphertextBlob=wrapped, EncryptionContext=dict(context), **key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _NOT_AUTHENTIC:
                raise TamperedStore("a wrapped key is not what was written") from None
            raise _unavailable(error) from None
        except BotoCoreError as error:
            raise _unavailable(error) from None
        return bytes(answer["Plaintext"])


def _unavailable(error: ClientError | BotoCoreError) -> KeyUnavailable:
    _LOG.warning("KMS does not serve a key", extra={"aws_error": code_of(error)})
    return KeyUnavailable("KMS does not serve a key that the request needs")
