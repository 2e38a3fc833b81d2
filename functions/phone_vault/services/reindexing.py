"""What re-indexing and re-encryption do to one stored number: it is decrypted, and put into place anew."""

from datetime import datetime

from phone_vault.crypto import macs
from phone_vault.crypto.numbers import decrypt_number, encrypt_number, new_key
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.job_ports import Indexed, ReEncrypted
from phone_vault.domain.phone import PhoneNumber
from phone_vault.domain.stored_number import StoredNumber
from phone_vault.services.index_positions import blind_indexes, bound_to, checked_position
from phone_vault.services.key_ring import KeyRing
from phone_vault.services.record_keys import RecordKeys


class Reindexing:
    """The one place, beside the functions that show numbers to callers, where numbers are decrypted."""

    def __init__(self, record_keys: RecordKeys, key_ring: KeyRing) -> None:
        self._record_keys = record_keys
        self._key_ring = key_ring

    def is_indexed(self, record: StoredNumber) -> bool:
        """Whether it stands in every live version of the index; so does, by being in none, what was kept out of it."""
        if not record.index_positions:
            return True
        return self._key_ring.index_keys(record.tenant_id).keys() <= record.index_positions.keys()

    def indexed(self, record: StoredNumber, message: bytes | None) -> Indexed:
        """The positions that the record lacks.

        `TamperedStore` unless a position that it has can be read and is that of this record and number: a row that
        was altered must not get a new, true position for what it says now.
        """
        known = self._key_ring.index_key_of(record.tenant_id, record.index_positions.keys())
        if known is None:
            raise TamperedStore("a record stands in no live version of the index")
        version, index_key = known
        position = checked_position(record, version, index_key)
        number = self._number(record, message)
        if not macs.equal(position.blind_index, macs.blind_index(index_key, record.tenant_id, number)):
            raise TamperedStore("a record stands in the index under another number")
        lacking = {
            each: key
            for each, key in self._key_ring.index_keys(record.tenant_id).items()
            if each not in record.index_positions
        }
        indexes = blind_indexes(lacking, record.tenant_id, number)
        # The canonical form is the stored one, whatever a newer release would make of the number.
        return Indexed(record, bound_to(record, lacking, indexes, position.numbering_release))

    def re_encrypted(self, record: StoredNumber, message: bytes | None, now: datetime) -> ReEncrypted:
        """The number under a new record key."""
        number, record_key = self._number(record, message), new_key()
        return ReEncrypted(
            record,
            self._record_keys.wrap(record_key, record.tenant_id, record.name),
            encrypt_number(number, record_key, record.tenant_id, record.token),
            now,
        )

    def _number(self, record: StoredNumber, message: bytes | None) -> PhoneNumber:
        if message is None:
            raise TamperedStore("a stored number has lost its message")
        return decrypt_number(message, self._record_keys.unwrap(record), record.tenant_id, record.token)
