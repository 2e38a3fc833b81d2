"""KMS in memory."""

import os
from collections.abc import Hashable

from phone_vault.domain.errors import KeyUnavailable, TamperedStore
from phone_vault.domain.keys import KeyId, KeyUse, WrappedKey

THE_KMS_KEY = "the KMS key"
THE_STORAGE_KEY = "the Storage key"


class MemoryKeyWrapper:
    """KMS: hands out opaque blobs and gives the bytes back for the very key id that they were wrapped for."""

    def __init__(self) -> None:
        self.unwrapped: list[KeyId] = []
        self.wrapped: list[KeyId] = []
        self.rewrapped: list[KeyId] = []
        self.kms_keys: dict[str, str] = {}
        self.disabled: set[KeyUse] = set()
        self.disabled_kms_keys: set[str] = set()
        self.calls = 0
        """All that were made, refused ones too."""
        self._plaintexts: dict[bytes, tuple[str, Hashable, bytes]] = {}

    def wrap(self, key_id: KeyId, plaintext: bytes) -> tuple[bytes, str]:
        """A blob that tells nothing."""
        self._check(key_id)
        kms_key = self.kms_key_for(key_id)
        blob = self._blob(kms_key, key_id, plaintext)
        self.wrapped.append(key_id)
        return blob, kms_key

    def unwrap(self, key: WrappedKey) -> bytes:
        """What was wrapped, for the same key id alone."""
        self._check(key.key_id)
        plaintext = self._plaintext(key.kms_key, key.key_id, key.wrapped)
        self.unwrapped.append(key.key_id)
        return plaintext

    def kms_key_of(self, tenant_id: str) -> str:
        """The tenant's own, if a test gave it one."""
        return self.kms_keys.get(tenant_id, THE_KMS_KEY)

    def kms_key_for(self, key_id: KeyId) -> str:
        """The Storage key for audit keys."""
        return THE_STORAGE_KEY if key_id.use is KeyUse.AUDIT else self.kms_key_of(key_id.tenant_id)

    def rewrap(self, key: WrappedKey) -> tuple[bytes, str]:
        """Another blob of the same bytes."""
        self._check(key.key_id)
        kms_key = self.kms_key_for(key.key_id)
        blob = self._blob_again(key.kms_key, kms_key, key.key_id, key.wrapped)
        self.rewrapped.append(key.key_id)
        return blob, kms_key

    def wrap_record_key(self, tenant_id: str, name: str, plaintext: bytes) -> tuple[bytes, str]:
        """The same for a record key."""
        self.calls += 1
        kms_key = self.kms_key_of(tenant_id)
        return self._blob(kms_key, (tenant_id, name), plaintext), kms_key

    def unwrap_record_key(self, tenant_id: str, name: str, wrapped: bytes, kms_key: str | None) -> bytes:
        """What was wrapped, for the same record alone."""
        self.calls += 1
        return self._plaintext(kms_key, (tenant_id, name), wrapped)

    def rewrap_record_key(self, tenant_id: str, name: str, wrapped: bytes, kms_key: str | None) -> tuple[bytes, str]:
        """Another blob of the same bytes."""
        self.calls += 1
        now = self.kms_key_of(tenant_id)
        return self._blob_again(kms_key, now, (tenant_id, name), wrapped), now

    def _blob_again(self, before: str | None, now: str, context: Hashable, wrapped: bytes) -> bytes:
        return self._blob(now, context, self._plaintext(before, context, wrapped))

    def _blob(self, kms_key: str, context: Hashable, plaintext: bytes) -> bytes:
        self._check_kms_key(kms_key)
        blob = os.urandom(16)
        self._plaintexts[blob] = (kms_key, context, plaintext)
        return blob

    def _plaintext(self, kms_key: str | None, context: Hashable, blob: bytes) -> bytes:
        """Without a KMS key named, the blob alone tells which it was."""
        wrapped_by, wrapped_for, plaintext = self._plaintexts.get(blob, ("", (), b""))
        self._check_kms_key(wrapped_by if kms_key is None else kms_key)
        if wrapped_for != context or kms_key not in (None, wrapped_by):
            raise TamperedStore("a wrapped key is not what was written")
        return plaintext

    def _check(self, key_id: KeyId) -> None:
        self.calls += 1
        if key_id.use in self.disabled:
            raise KeyUnavailable("KMS does not serve a key that the request needs")

    def _check_kms_key(self, kms_key: str) -> None:
        if kms_key in self.disabled_kms_keys:
            raise KeyUnavailable("KMS does not serve a key that the request needs")
