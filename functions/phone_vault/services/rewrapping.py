"""What re-wrapping does to one record key: the same key, wrapped as a new one would be."""

from phone_vault.domain.ports import KeyMover
from phone_vault.domain.wrapped_record import Wrapped, WrappedRecordKey
from phone_vault.services.key_ring import KeyRing
from phone_vault.services.record_keys import RecordKeys
from phone_vault.services.tally import Measure, Tally


class Rewrapping:
    """Between versions of a branch key, between KMS keys, and from either kind of wrapping to the other."""

    def __init__(self, record_keys: RecordKeys, key_ring: KeyRing, mover: KeyMover, tally: Tally) -> None:
        self._record_keys = record_keys
        self._key_ring = key_ring
        self._mover = mover
        self._tally = tally

    def is_current(self, record: Wrapped) -> bool:
        """Whether it is wrapped as a new key of its tenant would be."""
        if self._record_keys.is_direct(record.tenant_id):
            return record.branch_key_version is None and record.kms_key == self._mover.kms_key_of(record.tenant_id)
        return record.branch_key_version == self._key_ring.active_branch_version(record.tenant_id)

    def rewrapped(self, record: Wrapped) -> WrappedRecordKey:
        """From KMS key to KMS key of one region without its plaintext, which otherwise is in this process alone."""
        if record.branch_key_version is None and self._record_keys.is_direct(record.tenant_id):
            self._tally.count(Measure.KMS_CALLS)
            wrapped, kms_key = self._mover.rewrap_record_key(
                record.tenant_id, record.name, record.wrapped_key, record.kms_key
            )
            return WrappedRecordKey(wrapped, None, kms_key)
        return self._record_keys.wrap(self._record_keys.unwrap(record), record.tenant_id, record.name)
