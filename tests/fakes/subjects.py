"""The Subjects table in memory, subject by subject."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from phone_vault.domain.audit import Entry
from phone_vault.domain.consent import ConsentEvent
from phone_vault.domain.ports import Contended
from phone_vault.domain.rights_ports import Members
from phone_vault.domain.subject import Subject, SubjectId
from tests.fakes.audit_log import MemoryAuditLog
from tests.fakes.disturbances import Disturbances
from tests.fakes.tables import MemoryTables


class MemorySubjectStore:
    """With its audit entries in the given log; its calls are `subjects.read` and so on."""

    def __init__(self, log: MemoryAuditLog, tables: MemoryTables, disturbances: Disturbances | None = None) -> None:
        self._log = log
        self._disturbances = disturbances or Disturbances()
        self.tables = tables

    def read(self, subject_id: SubjectId) -> Subject:
        """As it is now."""
        with self._disturbances.around("subjects.read"), self.tables.lock:
            return self.tables.subjects.get(subject_id, Subject(subject_id))

    def write(self, after: Subject, entries: Sequence[Entry], consents: Sequence[ConsentEvent] = ()) -> Subject:
        """On its revision."""
        with self._disturbances.around("subjects.write"), self.tables.lock:
            there = self.tables.subjects.get(after.subject_id, Subject(after.subject_id))
            if there.revision != after.revision:
                raise Contended("the subject has changed since it was read")
            self._log.append(entries)
            written = replace(after, revision=after.revision + 1)
            self.tables.subjects[after.subject_id] = written
            self.tables.consents.extend((after.subject_id, each) for each in consents)
            return written

    def members(self, subject_id: SubjectId) -> Members:
        """In the order of their names."""
        with self._disturbances.around("subjects.members"), self.tables.lock:
            names = sorted(self.tables.members.get(subject_id, ()))
            return Members(
                tokens=tuple(name.removeprefix("t#") for name in names if name.startswith("t#")),
                message_purposes=tuple(name.removeprefix("m#") for name in names if name.startswith("m#")),
            )

    def consents(self, subject_id: SubjectId) -> Iterator[ConsentEvent]:
        """Oldest first."""
        with self._disturbances.around("subjects.consents"), self.tables.lock:
            return iter([event for owner, event in self.tables.consents if owner == subject_id])
