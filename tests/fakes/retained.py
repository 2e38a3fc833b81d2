"""RecordKeys in memory, as the rights of data subjects change and destroy its rows."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from phone_vault.domain.audit import Entry
from phone_vault.domain.consent import ConsentEvent
from phone_vault.domain.message_key import MessageKey
from phone_vault.domain.ports import Contended, RecordId
from phone_vault.domain.retention import Retained, bucket_on
from phone_vault.domain.rights_ports import CLOSED_AT_ONCE, Because
from phone_vault.domain.standing import Hold
from phone_vault.domain.subject import SubjectId
from phone_vault.domain.tombstone import Tombstone
from tests.fakes.audit_log import MemoryAuditLog
from tests.fakes.disturbances import Disturbances
from tests.fakes.tables import MemoryTables, Place


class MemoryRetainedStore:
    """With its audit entries in the given log; its calls are `retained.read` and so on."""

    def __init__(self, log: MemoryAuditLog, tables: MemoryTables, disturbances: Disturbances | None = None) -> None:
        self._log = log
        self._disturbances = disturbances or Disturbances()
        self.tables = tables
        self.due: dict[RecordId, str] = {}
        """Where changed rows and tombstones stand among what is due."""
        self.expires_at: dict[RecordId, datetime] = {}
        """When tombstones go."""

    def read(self, record_ids: Sequence[RecordId]) -> dict[RecordId, Retained | Tombstone]:
        """Those that exist."""
        with self._disturbances.around("retained.read"), self.tables.lock:
            rows = {each: self.tables.row_or_tombstone(each.tenant_id, each.token) for each in record_ids}
            return {each: row for each, row in rows.items() if row is not None}

    def change(
        self,
        before: Retained,
        after: Retained,
        due: str,
        entries: Sequence[Entry],
        consents: Sequence[ConsentEvent] = (),
    ) -> None:
        """All or none."""
        with self._disturbances.around("retained.change"), self.tables.lock:
            row = self.tables.unchanged(before.tenant_id, before.name, before.revision)
            self._log.append(entries)
            self.tables.write(
                row,
                grants=after.grants,
                jurisdictions=after.jurisdictions,
                last_used=after.last_used,
                standing=after.standing,
                **({"generation": after.generation} if isinstance(after, MessageKey) else {}),
            )
            self.due[RecordId(row.tenant_id, row.name)] = due
            subject_id = SubjectId(row.tenant_id, row.subject_ref)
            self.tables.consents.extend((subject_id, each) for each in consents)

    def shred(self, record: Retained, because: Because, at: datetime, expires_at: datetime) -> Tombstone:
        """If nothing forbids it now."""
        with self._disturbances.around("retained.shred"), self.tables.lock:
            row = self.tables.unchanged(record.tenant_id, record.name, record.revision)
            if row.standing.is_held or (because is Because.PURGE and row.standing.is_restricted):
                raise Contended("a record has changed since it was read")
            record_id = RecordId(row.tenant_id, row.name)
            positions = {} if isinstance(row, MessageKey) else row.index_positions
            tombstone = Tombstone(
                tenant_id=row.tenant_id,
                name=row.name,
                subject_ref=row.subject_ref,
                erased_at=at,
                revision=row.revision + 1,
                positions={version: each.blind_index for version, each in positions.items()},
                purposes=tuple(sorted(row.grants)),
                erasure=row.standing.erasure,
                generation=row.generation if isinstance(row, MessageKey) else None,
            )
            if isinstance(row, MessageKey):
                del self.tables.message_keys[row.key_id]
            else:
                del self.tables.records[record_id]
            self.tables.bury(*record_id, tombstone)
            if because is Because.ERASURE:
                self.due[record_id] = bucket_on(row, at)
            self.expires_at[record_id] = expires_at
            return tombstone

    def clear(self, tombstone: Tombstone) -> None:
        """An entry of another token stays."""
        with self._disturbances.around("retained.clear"), self.tables.lock:
            self.tables.messages.pop(RecordId(tombstone.tenant_id, tombstone.name), None)
            for version, blind_index in tombstone.positions.items():
                place = Place(tombstone.tenant_id, version, blind_index, tombstone.subject_ref)
                if self.tables.index.get(place) == tombstone.name:
                    del self.tables.index[place]

    def close(self, *tombstones: Tombstone) -> None:
        """Those that are tombstones still."""
        with self._disturbances.around("retained.close"), self.tables.lock:
            if len(tombstones) > CLOSED_AT_ONCE:
                raise ValueError("more than a transaction takes")
            for tombstone in tombstones:
                self._close(tombstone)

    def _close(self, tombstone: Tombstone) -> None:
        place = (tombstone.tenant_id, tombstone.name)
        if self.tables.tombstones.get(place) != tombstone or tombstone.is_swept:
            return
        closed = replace(
            tombstone, positions={}, purposes=(), erasure=None, is_swept=True, revision=tombstone.revision + 1
        )
        self.tables.bury(*place, closed)
        self.due.pop(RecordId(*place), None)
        purpose = tombstone.message_purpose
        member = f"t#{tombstone.name}" if purpose is None else f"m#{purpose}"
        self.tables.members[SubjectId(tombstone.tenant_id, tombstone.subject_ref)].discard(member)

    def hold(self, record_id: RecordId, hold: Hold) -> None:
        """What another caller does."""
        with self.tables.lock:
            row = self.tables.keyed(*record_id)
            assert row is not None
            self.tables.write(row, standing=row.standing.held(hold))
