"""The tables' names, and DynamoDB's low-level calls with its failures told apart."""

import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from phone_vault.adapters.attribute_values import Row, deserialized, serialized
from phone_vault.adapters.aws_errors import code_of
from phone_vault.adapters.record_updates import Update
from phone_vault.adapters.scans import ScanPage, ScanPart
from phone_vault.domain.errors import StoreUnavailable
from phone_vault.domain.ports import Contended

_LOG = logging.getLogger("phone-vault.dynamodb")
_READ_ATTEMPTS = 5
KEYS_PER_BATCH_READ = 100
_LONGEST_PAUSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class TableNames:
    """The physical names."""

    key_ring: str
    record_keys: str
    lookup_index: str
    subjects: str
    numbers: str
    audit_trail: str
    operations: str


class ConditionsFailed(Exception):
    """A transaction was cancelled by conditions; `rows` has the present row of each action whose condition failed."""

    def __init__(self, rows: Mapping[int, Row]) -> None:
        super().__init__("a condition does not hold")
        self.rows = rows


def put(
    table: str, row: Row, condition: str, names: Mapping[str, str] | None = None, values: Row | None = None
) -> dict[str, Any]:
    """A transaction's put; names and values are those of the condition."""
    return {
        "Put": {
            "TableName": table,
            "Item": serialized(row),
            "ConditionExpression": condition,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            **({"ExpressionAttributeNames": dict(names)} if names else {}),
            **({"ExpressionAttributeValues": serialized(values)} if values else {}),
        }
    }


def delete(table: str, key: Row, condition: str, names: Mapping[str, str], values: Row) -> dict[str, Any]:
    """A transaction's deletion; names and values are those of the condition."""
    return {
        "Delete": {
            "TableName": table,
            "Key": serialized(key),
            "ConditionExpression": condition,
            "ExpressionAttributeNames": dict(names),
            "ExpressionAttributeValues": serialized(values),
        }
    }


def check(table: str, key: Row, condition: str, values: Row | None = None) -> dict[str, Any]:
    """A transaction's condition on a row that it does not write."""
    return {
        "ConditionCheck": {
            "TableName": table,
            "Key": serialized(key),
            "ConditionExpression": condition,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            **({"ExpressionAttributeValues": serialized(values)} if values else {}),
        }
    }


class Tables:
    """One DynamoDB client. Whatever keeps it from answering is `StoreUnavailable`."""

    def __init__(self, dynamodb: Any) -> None:
        self._dynamodb = dynamodb

    def transact(self, actions: Sequence[Mapping[str, Any]]) -> None:
        """All of the actions or none: `ConditionsFailed`, or `Contended` when another transaction holds a row."""
        try:
            self._dynamodb.transact_write_items(TransactItems=list(actions))
        except ClientError as error:
            reasons = error.response.get("CancellationReasons", [])
            failed = {
                index: deserialized(reason.get("Item", {}))
                for index, reason in enumerate(reasons)
                if reason.get("Code") == "ConditionalCheckFailed"
            }
            if failed:
                raise ConditionsFailed(failed) from None
            if any(reason.get("Code") == "TransactionConflict" for reason in reasons):
                raise contended() from None
            raise _unavailable(error) from None
        except BotoCoreError as error:
            raise _unavailable(error) from None

    def put(self, table: str, row: Row, condition: str, values: Row | None = None) -> None:
        """One conditional put: `ConditionsFailed`; values are those of the condition."""
        self._call(
            self._dynamodb.put_item,
            TableName=table,
            Item=serialized(row),
            ConditionExpression=condition,
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            **({"ExpressionAttributeValues": serialized(values)} if values else {}),
        )

    def apply(self, update: Update) -> None:
        """One conditional update, of which nothing comes back: `ConditionsFailed`."""
        self._call(self._dynamodb.update_item, **update.parameters())

    def delete(self, table: str, key: Row) -> None:
        """One row, if it is there."""
        self._call(self._dynamodb.delete_item, TableName=table, Key=serialized(key))

    def delete_if(self, table: str, key: Row, condition: str, names: Mapping[str, str], values: Row) -> None:
        """One row, on a condition: `ConditionsFailed`."""
        self._call(self._dynamodb.delete_item, **delete(table, key, condition, names, values)["Delete"])

    def get(self, table: str, key: Row, attributes: Sequence[str] = ()) -> dict[str, Any] | None:
        """These attributes of a row, or all; strongly consistent; None where there is no such row."""
        names = {f"#{name}": name for name in attributes}
        named = {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names} if names else {}
        answer = self._call(self._dynamodb.get_item, TableName=table, Key=serialized(key), ConsistentRead=True, **named)
        return deserialized(answer["Item"]) if "Item" in answer else None

    def update(self, table: str, key: Row, update: str, condition: str, values: Row) -> dict[str, Any]:
        """One conditional update: the attributes that it wrote, as they are now, or `ConditionsFailed`."""
        answer = self._call(
            self._dynamodb.update_item,
            TableName=table,
            Key=serialized(key),
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeValues=serialized(values),
            ReturnValues="UPDATED_NEW",
        )
        return deserialized(answer.get("Attributes", {}))

    def query(self, table: str, key: str, value: str, prefix: tuple[str, str] | None = None) -> list[dict[str, Any]]:
        """All rows of a partition, strongly consistent, page after page; with `prefix` those whose sort key has it.

        The prefix comes with the sort key's name.
        """
        rows: list[dict[str, Any]] = []
        sort_key, beginning = prefix or (None, None)
        start: dict[str, Any] = {}
        while True:
            page = self._call(
                self._dynamodb.query,
                TableName=table,
                ConsistentRead=True,
                KeyConditionExpression="#key = :value" + " AND begins_with(#sort, :prefix)" * bool(prefix),
                ExpressionAttributeNames={"#key": key, **({"#sort": sort_key} if sort_key else {})},
                ExpressionAttributeValues=serialized({":value": value, ":prefix": beginning}),
                **start,
            )
            rows.extend(deserialized(item) for item in page["Items"])
            if "LastEvaluatedKey" not in page:
                return rows
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def query_page(self, table: str, index: str, key: tuple[str, str], start: Row | None, rows: int) -> ScanPage:
        """At most so many rows of a partition of a secondary index, eventually consistent; the key's name and value."""
        name, value = key
        answer = self._call(
            self._dynamodb.query,
            TableName=table,
            IndexName=index,
            KeyConditionExpression="#key = :value",
            ExpressionAttributeNames={"#key": name},
            ExpressionAttributeValues=serialized({":value": value}),
            Limit=rows,
            **({"ExclusiveStartKey": serialized(start)} if start else {}),
        )
        last = answer.get("LastEvaluatedKey")
        return ScanPage(answer["Items"], answer["Count"], deserialized(last) if last else None)

    def scan(self, table: str, attributes: Sequence[str]) -> Iterator[dict[str, Any]]:
        """These attributes of all rows of a table, strongly consistent, page after page."""
        start: Row | None = None
        while True:
            page = self.scan_page(table, ScanPart(attributes=tuple(attributes)), start)
            yield from page.rows
            start = page.next_start
            if start is None:
                return

    def scan_page(self, table: str, part: ScanPart, start: Row | None) -> ScanPage:
        """One page of a part of a table, strongly consistent, from where the page before it ended."""
        answer = self._call(
            self._dynamodb.scan,
            TableName=table,
            ConsistentRead=True,
            **part.parameters(),
            **({"ExclusiveStartKey": serialized(start)} if start else {}),
        )
        last = answer.get("LastEvaluatedKey")
        return ScanPage(answer.get("Items", ()), answer["Count"], deserialized(last) if last else None)

    def batch_get(self, keys: Sequence[tuple[str, Row]]) -> list[tuple[str, dict[str, Any]]]:
        """The rows that exist among these (table, key), strongly consistent, 100 keys a request; in no order."""
        return [(table, deserialized(item)) for table, item in self.batch_get_items(keys)]

    def batch_get_items(self, keys: Sequence[tuple[str, Row]]) -> list[tuple[str, Mapping[str, Any]]]:
        """The same in DynamoDB's typed form, where one that does not read must not stop the others."""
        found = []
        for at in range(0, len(keys), KEYS_PER_BATCH_READ):
            pending: dict[str, Any] = {}
            for table, key in keys[at : at + KEYS_PER_BATCH_READ]:
                pending.setdefault(table, {"Keys": [], "ConsistentRead": True})["Keys"].append(serialized(key))
            found.extend(self._batch_get(pending))
        return found

    def _batch_get(self, pending: dict[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
        found: list[tuple[str, Mapping[str, Any]]] = []
        for _ in range(_READ_ATTEMPTS):
            answer = self._call(self._dynamodb.batch_get_item, RequestItems=pending)
            found += [(table, item) for table, items in answer["Responses"].items() for item in items]
            pending = answer["UnprocessedKeys"]
            if not pending:
                return found
            pause()
        raise StoreUnavailable("DynamoDB leaves part of a read undone")

    @staticmethod
    def _call(operation: Callable[..., Any], **parameters: Any) -> Any:
        """`ConditionsFailed` for a condition that does not hold, `Contended` as in `transact`, `StoreUnavailable`."""
        try:
            return operation(**parameters)
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and code_of(error) == "ConditionalCheckFailedException":
                response: Mapping[str, Any] = error.response
                raise ConditionsFailed({0: deserialized(response.get("Item", {}))}) from None
            if code_of(error) == "TransactionConflictException":
                raise contended() from None
            raise _unavailable(error) from None


def _unavailable(error: ClientError | BotoCoreError) -> StoreUnavailable:
    _LOG.warning("DynamoDB does not answer", extra={"aws_error": code_of(error)})
    return StoreUnavailable("DynamoDB does not answer")


def contended() -> Contended:
    """After a pause, as whoever meets it tries again."""
    pause()
    return Contended("another write got in between")


def pause() -> None:
    """Let whoever holds a contended row get on; a random moment, so that those who wait do not meet again."""
    time.sleep(random.uniform(0, _LONGEST_PAUSE_SECONDS))  # noqa: S311  jitter, not a secret
