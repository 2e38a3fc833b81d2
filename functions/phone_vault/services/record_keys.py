"""Wrapping of record keys and message keys: by a branch key, or, for tenants of direct wrapping, by KMS itself."""

from phone_vault.crypto import numbers
from phone_vault.domain.policy import VaultPolicy, Wrapping
from phone_vault.domain.ports import KeyWrapper
from phone_vault.domain.secret import SecretKey
from phone_vault.domain.wrapped_record import Wrapped, WrappedRecordKey
from phone_vault.services.key_ring import KeyRing
from phone_vault.services.tally import Measure, Tally


class RecordKeys:
    """A new key is wrapped as the policy says now, an existing one unwrapped as it was wrapped then."""

    def __init__(self, policy: VaultPolicy, key_ring: KeyRing, wrapper: KeyWrapper, tally: Tally) -> None:
        self._policy = policy
        self._key_ring = key_ring
        self._wrapper = wrapper
        self._tally = tally

    def wrap(self, key: SecretKey, tenant_id: str, name: str) -> WrappedRecordKey:
        """Wrap a new key for the record of this name."""
        if self.is_direct(tenant_id):
            self._tally.count(Measure.KMS_CALLS)
            wrapped, kms_key = self._wrapper.wrap_record_key(tenant_id, name, key.expose())
            return WrappedRecordKey(wrapped, None, kms_key)
        version, branch_key = self._key_ring.active_branch_key(tenant_id)
        return WrappedRecordKey(numbers.wrap(key, branch_key, tenant_id, name), version)

    def unwrap(self, record: Wrapped) -> SecretKey:
        """The key of a record; `TamperedStore` unless it was wrapped for this very record."""
        if record.branch_key_version is None:
            self._tally.count(Measure.KMS_CALLS)
            return SecretKey(
                self._wrapper.unwrap_record_key(record.tenant_id, record.name, record.wrapped_key, record.kms_key)
            )
        branch_key = self._key_ring.branch_key(record.tenant_id, record.branch_key_version)
        return numbers.unwrap(record.wrapped_key, branch_key, record.tenant_id, record.name)

    def is_direct(self, tenant_id: str) -> bool:
        """Whether KMS itself wraps what is made for the tenant now."""
        return self._policy.tenant(tenant_id).wrapping is Wrapping.DIRECT
