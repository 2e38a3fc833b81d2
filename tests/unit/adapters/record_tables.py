"""Rows of records as applications write them, and what the jobs' adapters ask of DynamoDB."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from phone_vault.adapters.attribute_values import deserialized, serialized
from phone_vault.adapters.index_rows import index_entry_key
from phone_vault.adapters.rows import message_key_row, message_row, record_key, record_row
from phone_vault.adapters.tables import TableNames, Tables
from phone_vault.domain.job_ports import Cursor, Page, Shard, Unreadable
from phone_vault.domain.jurisdiction import Jurisdiction
from phone_vault.domain.message_key import MessageKey, MessageKeyId
from phone_vault.domain.policy import RetentionRule, RetentionStart
from phone_vault.domain.ports import RecordId
from phone_vault.domain.stored_number import Grant, IndexPosition, StoredNumber, new_token
from phone_vault.local import LocalCloud

T = TypeVar("T")

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DUE = "2026-01-31#07"
SHARDS = 3
GRANTS = {"delivery": Grant(NOW, RetentionRule(30, RetentionStart.CREATED))}


class RecordTables:
    """The tables of an embedded AWS, with an ear at the client that adapters get."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.names = TableNames(
            key_ring=cloud.outputs["KeyRingTable"],
            record_keys=cloud.outputs["RecordKeysTable"],
            lookup_index=cloud.outputs["LookupIndexTable"],
            subjects=cloud.outputs["SubjectsTable"],
            numbers=cloud.outputs["NumbersTable"],
            audit_trail=cloud.outputs["AuditTrailTable"],
            operations=cloud.outputs["OperationsTable"],
        )
        self.client = cloud.client("dynamodb")
        heard = cloud.client("dynamodb")
        heard.meta.events.register("provide-client-params.dynamodb.*", self._hear)
        self.tables = Tables(heard)
        self._asked: list[tuple[str, Mapping[str, Any]]] = []
        self._subjects = itertools.count(1)
        self._tenants = itertools.count(1)

    def _hear(self, params: Mapping[str, Any], model: Any, **_more: Any) -> None:
        self._asked.append((model.name, params))

    @contextmanager
    def asked(self) -> Iterator[list[tuple[str, Mapping[str, Any]]]]:
        """The requests that adapters make meanwhile."""
        before, self._asked = self._asked, []
        try:
            yield self._asked
        finally:
            self._asked = before

    def tenant(self) -> str:
        """One without records."""
        return f"tenant-{next(self._tenants)}"

    def store(self, tenant_id: str, versions: tuple[int, ...] = (1,), **changes: Any) -> StoredNumber:
        """All rows of a number of a new subject, which stands in these versions of the index."""
        subject = next(self._subjects)
        content: dict[str, Any] = {
            "tenant_id": tenant_id,
            "token": new_token(),
            "subject_id": f"subject-{subject}",
            "subject_ref": f"ref-{subject}",
            "created_at": NOW,
            "revision": 1,
            "wrapped_key": b"wrapped",
            "branch_key_version": 1,
            "jurisdictions": (Jurisdiction.GDPR,),
            "grants": GRANTS,
            "last_used": {},
            "index_positions": {version: position(subject, version) for version in versions},
        }
        record = StoredNumber(**{**content, **changes})
        self.put(self.names.record_keys, record_row(record, DUE))
        self.put(self.names.numbers, message_row(RecordId(tenant_id, record.token), b"message"))
        for version, each in record.index_positions.items():
            key = index_entry_key(tenant_id, version, each.blind_index, record.subject_ref)
            self.put(self.names.lookup_index, {**key, "token": record.token})
        return record

    def store_message_key(self, tenant_id: str) -> MessageKey:
        """Of a new subject."""
        key = self.message_key(tenant_id)
        self.put(self.names.record_keys, message_key_row(key, DUE))
        return key

    def message_key(self, tenant_id: str) -> MessageKey:
        """Of a new subject, nowhere stored."""
        subject = next(self._subjects)
        return MessageKey(
            key_id=MessageKeyId(tenant_id, f"{subject:043}", "delivery"),
            generation=1,
            subject_id=f"subject-{subject}",
            created_at=NOW,
            revision=1,
            wrapped_key=b"wrapped",
            branch_key_version=1,
            jurisdictions=(Jurisdiction.GDPR,),
            grants=GRANTS,
            last_used={},
        )

    def put(self, table: str, row: Mapping[str, Any]) -> None:
        self.client.put_item(TableName=table, Item=serialized(row))

    def spoil(self, record: StoredNumber | MessageKey, attribute: str, value: Mapping[str, Any]) -> None:
        """Put another value in the place, in DynamoDB's typed form, as the vault never does."""
        self._update(record, "SET #name = :value", {"#name": attribute}, {":value": value})

    def use(self, record: StoredNumber | MessageKey) -> None:
        """Another caller's write."""
        self._update(record, "SET #name = :value ADD revision :one", {"#name": "due"}, {":value": {"S": "2026-02-01"}})

    def shred(self, record: StoredNumber | MessageKey) -> None:
        """The first phase of an erasure."""
        self._update(record, "REMOVE #name ADD revision :one", {"#name": "wrapped_key"}, {})

    def erase(self, record: StoredNumber) -> None:
        """All rows but those of the index."""
        for table in (self.names.record_keys, self.names.numbers):
            self.client.delete_item(TableName=table, Key=serialized(_key(record)))

    def _update(self, record: StoredNumber | MessageKey, update: str, names: Any, values: Any) -> None:
        self.client.update_item(
            TableName=self.names.record_keys,
            Key=serialized(_key(record)),
            UpdateExpression=update,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={**values, **({":one": {"N": "1"}} if ":one" in update else {})},
        )

    def row(self, record: StoredNumber | MessageKey) -> dict[str, Any]:
        """Of RecordKeys; empty when it is gone."""
        return self.item(self.names.record_keys, _key(record))

    def message(self, record: StoredNumber) -> bytes | None:
        content = self.item(self.names.numbers, _key(record)).get("message")
        assert content is None or isinstance(content, bytes)
        return content

    def entry(self, record: StoredNumber, version: int, blind_index: bytes) -> str | None:
        """Whose entry stands in the place of the record's subject."""
        key = index_entry_key(record.tenant_id, version, blind_index, record.subject_ref)
        token = self.item(self.names.lookup_index, key).get("token")
        assert token is None or isinstance(token, str)
        return token

    def item(self, table: str, key: Mapping[str, Any]) -> dict[str, Any]:
        answer = self.client.get_item(TableName=table, Key=serialized(key), ConsistentRead=True)
        return deserialized(answer.get("Item", {}))


def position(subject: int, version: int) -> IndexPosition:
    """Where a subject's number stands."""
    return IndexPosition(f"index {version} of {subject}".encode(), b"binding", "9.0.43")


def names_of(requests: list[tuple[str, Mapping[str, Any]]]) -> Counter[str]:
    """How many of which kind."""
    return Counter(name for name, _ in requests)


def passed(
    page_of: Callable[[Shard, Cursor | None, str | None], Page[T]], tenant_id: str | None, shards: int = SHARDS
) -> list[T | Unreadable]:
    """What a pass over all shards meets, page after page."""
    met: list[T | Unreadable] = []
    for number in range(shards):
        cursor: Cursor | None = None
        while True:
            page = page_of(Shard(number, shards), cursor, tenant_id)
            met += page.rows
            cursor = page.next_cursor
            if cursor is None:
                break
    return met


def _key(record: StoredNumber | MessageKey) -> dict[str, str]:
    return record_key(RecordId(record.tenant_id, record.name))
