"""Stored numbers and message keys as the rights of data subjects change and destroy them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from phone_vault.adapters.attribute_values import serialized
from phone_vault.adapters.audit_log import entry_put
from phone_vault.adapters.consent_rows import consent_row
from phone_vault.adapters.index_rows import IS_FREE_OR_OWN, index_entry_key, owned_by
from phone_vault.adapters.record_updates import (
    MAY_GET_A_KEY,
    STILL_HAS_ITS_KEY,
    UNCHANGED_SINCE_READ,
    Update,
    record_update,
)
from phone_vault.adapters.rows import (
    granted_attributes,
    last_used_map,
    message_key_of,
    reading,
    record_id_of,
    record_key,
    record_of,
)
from phone_vault.adapters.standing_rows import NOT_RESTRICTED, NOT_UNDER_LEGAL_HOLD, standing_attributes
from phone_vault.adapters.subject_rows import partition_of
from phone_vault.adapters.tables import ConditionsFailed, TableNames, Tables, contended
from phone_vault.adapters.tombstones import burial, closing, is_tombstone, tombstone_of
from phone_vault.domain.audit import Entry
from phone_vault.domain.consent import ConsentEvent
from phone_vault.domain.errors import StoreUnavailable
from phone_vault.domain.message_key import MessageKey, MessageKeyId
from phone_vault.domain.ports import Contended, RecordId
from phone_vault.domain.retention import Retained, bucket_on
from phone_vault.domain.rights_ports import Because
from phone_vault.domain.subject import SubjectId
from phone_vault.domain.tombstone import Tombstone

MAY_SHRED = {
    Because.ERASURE: f"{UNCHANGED_SINCE_READ} AND {STILL_HAS_ITS_KEY} AND {NOT_UNDER_LEGAL_HOLD}",
    Because.PURGE: f"{UNCHANGED_SINCE_READ} AND {STILL_HAS_ITS_KEY} AND {NOT_UNDER_LEGAL_HOLD} AND {NOT_RESTRICTED}",
}
_ATTEMPTS = 10


class DynamoRetainedStore:
    """RecordKeys, and what hangs on its rows. No key is read for its content, and none is written."""

    def __init__(self, tables: Tables, names: TableNames) -> None:
        self._tables = tables
        self._names = names

    def read(self, record_ids: Sequence[RecordId]) -> dict[RecordId, Retained | Tombstone]:
        """By BatchGetItem."""
        rows = self._tables.batch_get([(self._names.record_keys, record_key(each)) for each in record_ids])
        return {record_id_of(row): _retained_of(row) for _, row in rows}

    def change(
        self,
        before: Retained,
        after: Retained,
        due: str,
        entries: Sequence[Entry],
        consents: Sequence[ConsentEvent] = (),
    ) -> None:
        """One transaction."""
        attributes = {
            **granted_attributes(after),
            **standing_attributes(after.standing),
            "last_used": last_used_map(after),
            "due": due,
            **({"generation": after.generation} if isinstance(after, MessageKey) else {}),
        }
        subject_id = SubjectId(before.tenant_id, before.subject_ref)
        rows = [consent_row(subject_id, each) for each in consents]
        actions = [
            self._update(before, before.revision, attributes, MAY_GET_A_KEY).action(),
            *({"Put": {"TableName": self._names.subjects, "Item": serialized(row)}} for row in rows),
            *(entry_put(self._names.audit_trail, entry) for entry in entries),
        ]
        try:
            self._tables.transact(actions)
        except ConditionsFailed:
            raise contended() from None

    def shred(self, record: Retained, because: Because, at: datetime, expires_at: datetime) -> Tombstone:
        """By UpdateItem.

        A purge leaves the record in the bucket where it has found it: another one would cost two units more.
        """
        changes = burial(record, at, expires_at)
        if because is Because.ERASURE:
            changes["due"] = bucket_on(record, at)
        try:
            self._tables.apply(self._update(record, record.revision, changes, MAY_SHRED[because]))
        except ConditionsFailed:
            raise contended() from None
        positions = {} if isinstance(record, MessageKey) else record.index_positions
        return Tombstone(
            tenant_id=record.tenant_id,
            name=record.name,
            subject_ref=record.subject_ref,
            erased_at=at,
            revision=record.revision + 1,
            positions={version: each.blind_index for version, each in positions.items()},
            purposes=tuple(sorted(record.grants)),
            erasure=record.standing.erasure,
            generation=record.generation if isinstance(record, MessageKey) else None,
        )

    def clear(self, tombstone: Tombstone) -> None:
        """By DeleteItem, the message first: it is the one thing left that was made of the number itself.

        An entry that another token has taken over, because the number was stored anew, stays.
        """
        if tombstone.message_purpose is not None:
            return
        record_id = RecordId(tombstone.tenant_id, tombstone.name)
        insist(partial(self._tables.delete, self._names.numbers, record_key(record_id)))
        for version, blind_index in tombstone.positions.items():
            key = index_entry_key(tombstone.tenant_id, version, blind_index, tombstone.subject_ref)
            insist(partial(self._delete_entry, key, tombstone.name))

    def close(self, *tombstones: Tombstone) -> None:
        """One transaction: were they to go one after the other, who comes after a crash would not find the rest."""
        left = [each for each in tombstones if not each.is_swept]
        if not left:
            return
        try:
            insist(partial(self._tables.transact, [action for each in left for action in self._closing(each)]))
        except ConditionsFailed:
            if len(left) == 1:
                return  # closed by somebody else, or a message key was made anew in its place
            for each in left:
                self.close(each)

    def _closing(self, tombstone: Tombstone) -> list[dict[str, Any]]:
        subject_id = SubjectId(tombstone.tenant_id, tombstone.subject_ref)
        purpose = tombstone.message_purpose
        member = f"t#{tombstone.name}" if purpose is None else f"m#{purpose}"
        membership = {"subject": partition_of(subject_id), "member": member}
        update = self._update(tombstone, tombstone.revision, closing(tombstone), UNCHANGED_SINCE_READ)
        return [update.action(), {"Delete": {"TableName": self._names.subjects, "Key": serialized(membership)}}]

    def _delete_entry(self, key: Mapping[str, str], token: str) -> None:
        try:
            self._tables.delete_if(self._names.lookup_index, key, IS_FREE_OR_OWN, **owned_by(token))
        except ConditionsFailed:
            return

    def _update(
        self, record: Retained | Tombstone, revision: int, changes: Mapping[str, Any], condition: str
    ) -> Update:
        key = record_key(RecordId(record.tenant_id, record.name))
        return record_update(self._names.record_keys, key, revision, changes, condition)


def _retained_of(row: Mapping[str, Any]) -> Retained | Tombstone:
    if is_tombstone(row):
        return tombstone_of(row)
    with reading("a row of RecordKeys"):
        key_id = MessageKeyId.named(*record_id_of(row))
    return record_of(row) if key_id is None else message_key_of(key_id, row)


def insist(act: Callable[[], None]) -> None:
    """As long as transactions of others hold the row."""
    for _ in range(_ATTEMPTS):
        try:
            return act()
        except Contended:
            continue
    raise StoreUnavailable("a transaction holds a row")
