"""KMS as the wrapper of KeyRing rows, and of the record keys of tenants of direct wrapping."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from phone_vault.adapters.aws_errors import code_of
from phone_vault.domain.errors import KeyUnavailable, TamperedStore
from phone_vault.domain.keys import KeyId, KeyUse, WrappedKey
from phone_vault.domain.policy import VaultPolicy

_LOG = logging.getLogger("phone-vault.kms")
_NOT_AUTHENTIC = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})

KmsIn = Callable[[str], Any]
"""A KMS client of a region; "" for the function's own."""


def region_of(kms_key: str) -> str:
    """Of a key's ARN."""
    return kms_key.split(":")[3]


class KmsKeyWrapper:
    """Wraps rows of use `audit` by the Storage key, all others by the tenant's own KMS key or the Kek.

    KMS keys may be in other regions: each is asked in its own.
    """

    def __init__(self, kms_in: KmsIn, policy: VaultPolicy, *, kek_arn: str, storage_key_arn: str) -> None:
        self._kms_in = kms_in
        self._policy = policy
        self._kek_arn = kek_arn
        self._storage_key_arn = storage_key_arn

    def kms_key_of(self, tenant_id: str) -> str:
        """The ARN of the KMS key that wraps what is made for the tenant now."""
        return self._policy.tenant(tenant_id).kms_key or self._kek_arn

    def kms_key_for(self, key_id: KeyId) -> str:
        """The ARN of the KMS key that wraps such a row of KeyRing now."""
        return self._storage_key_arn if key_id.use is KeyUse.AUDIT else self.kms_key_of(key_id.tenant_id)

    def wrap(self, key_id: KeyId, plaintext: bytes) -> tuple[bytes, str]:
        """Encrypt; the context is the key's tenant, use and version."""
        kms_key = self.kms_key_for(key_id)
        return self._encrypt(kms_key, plaintext, key_id.encryption_context), kms_key

    def unwrap(self, key: WrappedKey) -> bytes:
        """Decrypt under the KMS key that the row names; IAM bounds which that can be.

        `TamperedStore` for the KMS key of another tenant: whoever may use that one could have made the row's key.
        """
        self._check_owner(key.key_id.tenant_id, key.kms_key)
        return self._decrypt(key.kms_key, key.wrapped, key.key_id.encryption_context)

    def rewrap(self, key: WrappedKey) -> tuple[bytes, str]:
        """ReEncrypt, from the KMS key that the row names to the one that wraps such rows now."""
        self._check_owner(key.key_id.tenant_id, key.kms_key)
        kms_key = self.kms_key_for(key.key_id)
        return self._re_encrypt(key.kms_key, kms_key, key.wrapped, key.key_id.encryption_context), kms_key

    def wrap_record_key(self, tenant_id: str, name: str, plaintext: bytes) -> tuple[bytes, str]:
        """Encrypt; the context is tenant and token."""
        kms_key = self.kms_key_of(tenant_id)
        return self._encrypt(kms_key, plaintext, _of_record(tenant_id, name)), kms_key

    def unwrap_record_key(self, tenant_id: str, name: str, wrapped: bytes, kms_key: str | None) -> bytes:
        """Decrypt under the KMS key that the row names; in old rows the ciphertext alone tells KMS. IAM bounds it."""
        if kms_key is not None:
            self._check_owner(tenant_id, kms_key)
        return self._decrypt(kms_key, wrapped, _of_record(tenant_id, name))

    def rewrap_record_key(self, tenant_id: str, name: str, wrapped: bytes, kms_key: str | None) -> tuple[bytes, str]:
        """ReEncrypt."""
        now = self.kms_key_of(tenant_id)
        return self._re_encrypt(kms_key, now, wrapped, _of_record(tenant_id, name)), now

    def _check_owner(self, tenant_id: str, kms_key: str) -> None:
        """Whoever may use the KMS key of another tenant could have made the key bytes: they count for nothing here."""
        settings = self._policy.tenant(tenant_id)
        if kms_key in (self._kek_arn, settings.kms_key) or kms_key in settings.former_kms_keys:
            return
        if any(tenant.kms_key == kms_key for tenant in self._policy.tenants.values()):
            raise TamperedStore("a tenant's key is wrapped by another tenant's KMS key")

    def _encrypt(self, kms_key: str, plaintext: bytes, context: Mapping[str, str]) -> bytes:
        kms = self._kms_in(region_of(kms_key))
        try:
            answer = kms.encrypt(KeyId=kms_key, Plaintext=plaintext, EncryptionContext=dict(context))
        except (ClientError, BotoCoreError) as error:
            raise not_served(error) from None
        return bytes(answer["CiphertextBlob"])

    def _decrypt(self, kms_key: str | None, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        kms = self._kms_in(region_of(kms_key) if kms_key else "")
        named = {"KeyId": kms_key} if kms_key else {}
        try:
            answer = kms.decrypt(CiphertextBlob=wrapped, EncryptionContext=dict(context), **named)
        except (ClientError, BotoCoreError) as error:
            raise _refused(error) from None
        return bytes(answer["Plaintext"])

    def _re_encrypt(self, before: str | None, now: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        if before is not None and region_of(before) != region_of(now):
            # KMS does not reach across regions: the plaintext of the key passes through this process.
            return self._encrypt(now, self._decrypt(before, wrapped, context), context)
        kms = self._kms_in(region_of(now))
        named = {"SourceKeyId": before} if before else {}
        try:
            answer = kms.re_encrypt(
                CiphertextBlob=wrapped,
                DestinationKeyId=now,
                SourceEncryptionContext=dict(context),
                DestinationEncryptionContext=dict(context),
                **named,
            )
        except (ClientError, BotoCoreError) as error:
            raise _refused(error) from None
        return bytes(answer["CiphertextBlob"])


def _of_record(tenant_id: str, name: str) -> dict[str, str]:
    return {"tenant": tenant_id, "token": name}


def _refused(error: ClientError | BotoCoreError) -> Exception:
    if code_of(error) in _NOT_AUTHENTIC:
        return TamperedStore("a wrapped key is not what was written")
    return not_served(error)


def not_served(error: ClientError | BotoCoreError) -> KeyUnavailable:
    """To be raised; the log says why."""
    _LOG.warning("KMS does not serve a key", extra={"aws_error": code_of(error)})
    return KeyUnavailable("KMS does not serve a key that the request needs")
