"""DynamoDB: transactions that cost what their items cost, and happen once; limits; answers; time to live."""

import copy
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from inspect import signature
from typing import Any
from unittest.mock import patch

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.dynamodb import responses
from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

from phone_vault.local.iam.attributes import named_in
from phone_vault.local.place import ACCOUNT, REGION
from phone_vault.local.repairs.concurrency import MOTO
from phone_vault.local.request_bodies import body_of

_BATCH_WRITES = 25
_TRANSACTION_READS = 100
_TRANSACTION_WRITES = 100
_TOKEN_LIFE = timedelta(minutes=10)
# DynamoDB leaves an item whose time to live lies this far back alone, taking it for a mistake.
_OLDEST_TIME_TO_LIVE = timedelta(days=5 * 365)

_transact = DynamoDBBackend.transact_write_items
_transact_response = DynamoHandler.transact_write_items
_batch_write = DynamoHandler.batch_write_item
_updated_new = DynamoHandler._build_updated_new_attributes
_query = Table.query
_QUERY = signature(_query)


@contextmanager
def repairs(now: Callable[[], datetime]) -> Iterator[None]:
    """DynamoDB keeps to its limits; `now` is the embedded clock's time."""
    tokens = _Tokens(now)

    def transact_once(handler: DynamoHandler) -> Any:
        return tokens.once(handler)

    with ExitStack() as patches:
        for owner, name, repair in (
            (DynamoDBBackend, "transact_write_items", _transact_with_undo_log),
            (DynamoHandler, "transact_write_items", transact_once),
            (DynamoHandler, "batch_write_item", _limited_batch_write),
            (DynamoHandler, "_build_updated_new_attributes", _updated_new_changed_or_not),
            (responses, "TRANSACTION_MAX_ITEMS", _TRANSACTION_READS),
            (Table, "query", _query_of_partition),
        ):
            patches.enter_context(patch.object(owner, name, repair))
        yield


def expire(now: datetime) -> None:
    """Deletes the items whose time to live has passed, as AWS does within days."""
    latest, oldest = now.timestamp(), (now - _OLDEST_TIME_TO_LIVE).timestamp()
    with MOTO:
        for table in dynamodb_backends[ACCOUNT][REGION].tables.values():
            if table.ttl["TimeToLiveStatus"] != "ENABLED":
                continue
            for item in table.all_items():
                ends = item.attrs.get(table.ttl["AttributeName"])
                if ends is not None and ends.type == "N" and oldest < float(ends.value) < latest:
                    table.delete_item(item.hash_key, item.range_key)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an item stands, or would."""

    table: Table
    hash_key: DynamoType
    range_key: DynamoType | None

    def item(self) -> Item | None:
        """A copy: updates change items in place."""
        return copy.deepcopy(self.table.get_item(self.hash_key, self.range_key))

    def put_back(self, item: Item | None) -> None:
        """As it was before."""
        items: dict[DynamoType, Any] = self.table.items
        place, key = (items, self.hash_key) if self.range_key is None else (items[self.hash_key], self.range_key)
        if item is None:
            place.pop(key, None)
        else:
            place[key] = item


def _transact_with_undo_log(backend: DynamoDBBackend, items: list[dict[str, Any]]) -> None:
    """All or nothing, by remembering the items that it touches; moto copies every table whole."""
    if _all_put(backend, items):
        return
    before = [(place, place.item()) for place in _places(backend, items)]
    with MOTO, patch.object(Table, "__deepcopy__", lambda table, _memo: table, create=True):
        try:
            _transact(backend, items)
        except Exception:
            for place, item in before:
                place.put_back(item)
            raise


def _all_put(backend: DynamoDBBackend, items: list[dict[str, Any]]) -> bool:
    """The quick way of most transactions. False, and nothing changed: moto does the others, or says what is wrong."""
    if not all(item.keys() == {"Put"} for item in items) or len(items) > _TRANSACTION_WRITES:
        return False
    done: dict[_Place, Item | None] = {}
    with MOTO:
        for item, place in zip(items, _places(backend, items), strict=True):
            # As it is, no copy: a put replaces what it finds.
            before = place.table.get_item(place.hash_key, place.range_key)
            if place in done or not _put(place.table, item["Put"]):
                for earlier, found in done.items():
                    earlier.put_back(found)
                return False
            done[place] = before
    return True


def _put(table: Table, put: dict[str, Any]) -> bool:
    try:
        table.put_item(
            put["Item"],
            condition_expression=put.get("ConditionExpression"),
            expression_attribute_names=put.get("ExpressionAttributeNames"),
            expression_attribute_values=put.get("ExpressionAttributeValues"),
        )
    except Exception:  # whatever it is, moto tells it to the caller in a moment
        return False
    return True


def _places(backend: DynamoDBBackend, items: list[dict[str, Any]]) -> Iterator[_Place]:
    for item in items:
        operation = next(iter(item.values()))
        table = backend.get_table(operation["TableName"])
        yield _Place(table, *keys(table, operation.get("Key") or operation["Item"]))


def keys(table: Table, attributes: dict[str, Any]) -> tuple[DynamoType, DynamoType | None]:
    """The partition and the sort key among the attributes of a wire item."""
    sort_key = table.range_key_attr
    return DynamoType(attributes[table.hash_key_attr]), DynamoType(attributes[sort_key]) if sort_key else None


@dataclass(slots=True)
class _Tokens:
    """ClientRequestTokens of the transactions that succeeded in the last ten minutes."""

    now: Callable[[], datetime]
    _seen: dict[str, tuple[datetime, bytes]] = field(default_factory=dict)

    def once(self, handler: DynamoHandler) -> Any:
        request = body_of(handler)
        token = request.get("ClientRequestToken")
        if token is None:
            return _transact_response(handler)
        now, digest = self.now(), hashlib.sha256(json.dumps(request, sort_keys=True).encode()).digest()
        used = self._seen.get(token)
        if used is None or used[0] + _TOKEN_LIFE <= now:
            answer = _transact_response(handler)
            self._seen[token] = (now, digest)
            return answer
        if used[1] != digest:
            raise JsonRESTError(
                "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException",
                "The request has the same client token as an earlier one and other parameters.",
            )
        return ActionResult({})


def _limited_batch_write(handler: DynamoHandler) -> Any:
    if sum(len(writes) for writes in handler.body["RequestItems"].values()) > _BATCH_WRITES:
        raise MockValidationException("Too many items requested for the BatchWriteItem call")
    return _batch_write(handler)


def _updated_new_changed_or_not(handler: DynamoHandler, original: Any, changed: Any) -> Any:
    """UPDATED_NEW answers each attribute that the update names; moto leaves out those that keep their value.

    Source: ministackorg/ministack#1040, against AWS.
    """
    answer = _updated_new(handler, original, changed)
    if isinstance(changed, dict) and handler.body["Key"].items() <= changed.items():  # moto comes here for parts too
        expressions = ("UpdateExpression", "ExpressionAttributeNames")
        named = set(named_in({each: handler.body[each] for each in expressions if each in handler.body}))
        answer = {**{name: value for name, value in changed.items() if name in named}, **answer}
    return answer


def _query_of_partition(table: Table, hash_key: DynamoType | None, *args: Any, **kwargs: Any) -> Any:
    """A query of the table looks at one partition; moto sorts all items first, for every query."""
    call = _QUERY.bind(table, hash_key, *args, **kwargs)
    if call.arguments.get("index_name") is None and hash_key is not None:
        partition = object.__new__(type(table))
        found = {hash_key: table.items[hash_key]} if hash_key in table.items else {}
        partition.__dict__ = {**table.__dict__, "items": found}
        call.arguments["self"] = partition
    return _query(*call.args, **call.kwargs)
