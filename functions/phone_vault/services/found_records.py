"""Records as they are now, where one that does not read must not hide the others."""

from collections.abc import Sequence

from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.job_ports import Unreadable
from phone_vault.domain.ports import RecordId
from phone_vault.domain.retention import Retained
from phone_vault.domain.rights_ports import RetainedStore
from phone_vault.domain.tombstone import Tombstone

Found = Retained | Tombstone | Unreadable | None


def read_each(retained: RetainedStore, record_ids: Sequence[RecordId]) -> dict[RecordId, Found]:
    """All of them, in their order; together, and one by one only if one of them does not read."""
    if not record_ids:
        return {}
    try:
        there = retained.read(record_ids)
    except TamperedStore:
        return {record_id: _read_one(retained, record_id) for record_id in record_ids}
    return {record_id: there.get(record_id) for record_id in record_ids}


def _read_one(retained: RetainedStore, record_id: RecordId) -> Found:
    try:
        return retained.read([record_id]).get(record_id)
    except TamperedStore:
        return Unreadable(record_id.tenant_id)
