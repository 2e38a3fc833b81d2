"""Subjects, subject by subject: what was said of one, what it has, and its history of consents."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from re import Pattern
from typing import Any

from phone_vault.adapters.attribute_values import serialized
from phone_vault.adapters.audit_log import entry_put
from phone_vault.adapters.consent_rows import CONSENT_PREFIX, consent_of, consent_row
from phone_vault.adapters.rows import reading
from phone_vault.adapters.subject_rows import as_read, partition_of, subject_key, subject_of, subject_row
from phone_vault.adapters.tables import ConditionsFailed, TableNames, Tables, contended, put
from phone_vault.domain.audit import Entry
from phone_vault.domain.consent import ConsentEvent
from phone_vault.domain.errors import StoreUnavailable
from phone_vault.domain.identifiers import PURPOSE, TOKEN
from phone_vault.domain.rights_ports import Members
from phone_vault.domain.subject import Subject, SubjectId

TOKEN_PREFIX, MESSAGE_KEY_PREFIX = "t#", "m#"


class DynamoSubjectStore:
    """Subjects on DynamoDB."""

    def __init__(self, tables: Tables, names: TableNames) -> None:
        self._tables = tables
        self._subjects = names.subjects
        self._audit_trail = names.audit_trail

    def read(self, subject_id: SubjectId) -> Subject:
        """By GetItem."""
        return subject_of(subject_id, self._tables.get(self._subjects, subject_key(subject_id)))

    def write(self, after: Subject, entries: Sequence[Entry], consents: Sequence[ConsentEvent] = ()) -> Subject:
        """One transaction."""
        written = replace(after, revision=after.revision + 1)
        condition, values = as_read(after)
        history = [consent_row(after.subject_id, each) for each in consents]
        actions = [
            put(self._subjects, subject_row(written), condition, values=values),
            *({"Put": {"TableName": self._subjects, "Item": serialized(row)}} for row in history),
            *(entry_put(self._audit_trail, entry) for entry in entries),
        ]
        try:
            self._tables.transact(actions)
        except ConditionsFailed as failed:
            if 0 in failed.rows:
                raise contended() from None
            raise StoreUnavailable("a place in the audit trail is taken") from None
        return written

    def members(self, subject_id: SubjectId) -> Members:
        """By Query."""
        return Members(
            tokens=self._members(subject_id, TOKEN_PREFIX, TOKEN),
            message_purposes=self._members(subject_id, MESSAGE_KEY_PREFIX, PURPOSE),
        )

    def consents(self, subject_id: SubjectId) -> Iterator[ConsentEvent]:
        """By Query."""
        return (consent_of(row) for row in self._rows(subject_id, CONSENT_PREFIX))

    def _members(self, subject_id: SubjectId, prefix: str, name: Pattern[str]) -> tuple[str, ...]:
        with reading("a subject's membership"):
            return tuple(_named(row["member"].removeprefix(prefix), name) for row in self._rows(subject_id, prefix))

    def _rows(self, subject_id: SubjectId, prefix: str) -> list[dict[str, Any]]:
        return self._tables.query(self._subjects, "subject", partition_of(subject_id), prefix=("member", prefix))


def _named(text: str, name: Pattern[str]) -> str:
    """`ValueError` for a name that the vault does not give."""
    if not name.fullmatch(text):
        raise ValueError
    return text
