"""Where a record stands in the blind index, and whether the rows that say so are the ones that were written."""

from collections.abc import Mapping

from phone_vault.crypto import macs
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.phone import PhoneNumber
from phone_vault.domain.secret import SecretKey
from phone_vault.domain.stored_number import IndexPosition, StoredNumber


def blind_indexes(index_keys: Mapping[int, SecretKey], tenant_id: str, number: PhoneNumber) -> dict[int, bytes]:
    """Where the number stands under each live version of the tenant's index key."""
    return {version: macs.blind_index(key, tenant_id, number) for version, key in index_keys.items()}


def bound_to(
    record: StoredNumber,
    index_keys: Mapping[int, SecretKey],
    indexes: Mapping[int, bytes],
    numbering_release: str,
) -> dict[int, IndexPosition]:
    """The positions of a record, each bound to the record's identity."""
    return {
        version: IndexPosition(index, _binding(record, index_keys[version], index), numbering_release)
        for version, index in indexes.items()
    }


def checked_position(record: StoredNumber, version: int, index_key: SecretKey) -> IndexPosition:
    """The record's position under this version; `TamperedStore` unless it was made for this very record."""
    position = record.index_positions.get(version)
    if position is None:
        raise TamperedStore("a record lacks its position in the index")
    if not macs.equal(position.binding, _binding(record, index_key, position.blind_index)):
        raise TamperedStore("a record's position in the index belongs to another record")
    return position


def check_entry(record: StoredNumber, subject_ref: str, version: int, index_key: SecretKey, blind_index: bytes) -> None:
    """`TamperedStore` unless the record that an index entry names says the same of itself."""
    position = checked_position(record, version, index_key)
    if record.subject_ref != subject_ref or not macs.equal(position.blind_index, blind_index):
        raise TamperedStore("the index names a record of another number or subject")


def _binding(record: StoredNumber, index_key: SecretKey, blind_index: bytes) -> bytes:
    return macs.index_binding(
        index_key, record.tenant_id, record.token, record.subject_id, record.subject_ref, blind_index
    )
