"""Adds up, for each request, the capacity units that DynamoDB would charge for it."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from inspect import signature
from typing import Any
from unittest.mock import patch

from moto.dynamodb.exceptions import ConditionalCheckFailed, TransactionCanceledException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import SecondaryIndex, Table
from moto.dynamodb.models.utilities import dynamo_to_dict
from moto.dynamodb.responses import DynamoHandler

from phone_vault.local import capacity
from phone_vault.local.calls import METER
from phone_vault.local.capacity import Reading, Writing
from phone_vault.local.repairs.dynamodb import keys
from phone_vault.local.request_bodies import body_of

_Request = Mapping[str, Any]
_SIGNATURES = {"query": signature(Table.query), "scan": signature(Table.scan)}
_WireItem = dict[str, Any]
_Bill = defaultdict[str, float]
"""Units by table."""

_describe = Table.describe

# What was refused by its condition is charged for all the same.
_CHARGED_REFUSALS = (ConditionalCheckFailed, TransactionCanceledException)


@dataclass(frozen=True, slots=True)
class _Target:
    """An item that a request names, there or not."""

    table: Table
    hash_key: DynamoType
    range_key: DynamoType | None
    reading: Reading

    def item(self) -> _WireItem | None:
        found = self.table.get_item(self.hash_key, self.range_key)
        return None if found is None else _wire(found)


@contextmanager
def metered() -> Iterator[None]:
    """Units are added to this thread's meter while DynamoDB answers, and told in the answer to whoever asks."""
    with ExitStack() as patches:
        for operation, targets in _READS.items():
            patches.enter_context(patch.object(DynamoHandler, operation, _reads(operation, targets)))
        for operation, (targets, writing) in _WRITES.items():
            patches.enter_context(patch.object(DynamoHandler, operation, _writes(operation, targets, writing)))
        for operation in ("query", "scan"):
            patches.enter_context(patch.object(Table, operation, _pages(operation)))
            patches.enter_context(patch.object(DynamoHandler, operation, _told(operation)))
        patches.enter_context(patch.object(Table, "describe", _described_with_size))
        yield


def _reads(operation: str, targets: "_Targets") -> Callable[[DynamoHandler], Any]:
    original = getattr(DynamoHandler, operation)

    def read(handler: DynamoHandler) -> Any:
        answer = original(handler)
        bill: _Bill = defaultdict(float)
        for target in targets(handler.dynamodb_backend, body_of(handler)):
            size = capacity.item_size(target.item() or {})
            bill[target.table.name] += capacity.read_units(size, target.reading)
        METER.read_units += sum(bill.values())
        return _with_capacity(handler, answer, bill)

    return read


def _writes(operation: str, targets: "_Targets", writing: Writing) -> Callable[[DynamoHandler], Any]:
    original = getattr(DynamoHandler, operation)

    def write(handler: DynamoHandler) -> Any:
        request = body_of(handler)
        before = [(target, target.item()) for target in targets(handler.dynamodb_backend, request)]
        try:
            answer = original(handler)
        except _CHARGED_REFUSALS:
            _charge(before, writing)
            raise
        return _with_capacity(handler, answer, _charge(before, writing))

    return write


def _charge(before: list[tuple[_Target, _WireItem | None]], writing: Writing) -> _Bill:
    bill: _Bill = defaultdict(float)
    for target, old in before:
        new = target.item()
        bill[target.table.name] += capacity.write_units(old, new, writing)
        for index in target.table.global_indexes:
            bill[target.table.name] += capacity.index_write_units(
                _entry(index, old), _entry(index, new), tuple(index.schema_key_attrs), writing
            )
    METER.write_units += sum(bill.values())
    return bill


def _told(operation: str) -> Callable[[DynamoHandler], Any]:
    """Of a Query or Scan, whose pages are charged for where they are read."""
    original = getattr(DynamoHandler, operation)

    def page(handler: DynamoHandler) -> Any:
        before = METER.read_units
        answer = original(handler)
        table = handler.dynamodb_backend.get_table(body_of(handler)["TableName"])
        return _with_capacity(handler, answer, {table.name: METER.read_units - before})

    return page


def _with_capacity(handler: DynamoHandler, answer: Any, bill: Mapping[str, float]) -> Any:
    """What the request consumed, if it asks; moto tells constants, to some who do not ask as well."""
    request = body_of(handler)
    answer.result.pop("ConsumedCapacity", None)
    if request.get("ReturnConsumedCapacity", "NONE") != "NONE":
        consumed = [{"TableName": table, "CapacityUnits": units} for table, units in bill.items()]
        answer.result["ConsumedCapacity"] = consumed[0] if "TableName" in request else consumed
    return answer


def _described_with_size(table: Table, base_key: str = "TableDescription") -> dict[str, Any]:
    """AWS looks every six hours or so, moto never."""
    description = _describe(table, base_key)
    description[base_key]["TableSizeBytes"] = sum(capacity.item_size(_wire(item)) for item in table.all_items())
    return description


def _pages(operation: str) -> Callable[..., Any]:
    """Charged for what it looks at, before filters and projections take anything away."""
    original = getattr(Table, operation)
    parameters = _SIGNATURES[operation]
    projection = "projection_expressions" if operation == "query" else "projection_expression"

    def page(*args: Any, **kwargs: Any) -> Any:
        call = parameters.bind(*args, **kwargs)
        expression, paths = call.arguments.get("filter_expression"), call.arguments.get(projection)
        call.arguments.update({"filter_expression": None, projection: None})
        items, scanned, last = original(*call.args, **call.kwargs)
        size = sum(capacity.item_size(_wire(item)) for item in items)
        METER.read_units += capacity.read_units(size, _reading(strong=call.arguments.get("consistent_read", False)))
        if expression is not None:
            items = [item for item in items if expression.expr(item)]
        if paths:
            items = [_projected(item, paths) for item in items]
        return items, scanned, last

    return page


def _projected(item: Item, paths: list[list[str]]) -> Item:
    """The same for whole attributes, for each of which moto makes Python values of the whole item."""
    if any(len(path) > 1 or path[0].endswith("]") for path in paths):
        return item.project(paths)
    projected = object.__new__(Item)
    projected.hash_key, projected.range_key = item.hash_key, item.range_key
    projected.attrs = LimitedSizeDict({name: item.attrs[name] for [name] in paths if name in item.attrs})
    return projected


def _entry(index: SecondaryIndex, item: _WireItem | None) -> _WireItem | None:
    """As the index projects it; None when the item lacks one of the index's keys."""
    if item is None or not item.keys() >= set(index.schema_key_attrs):
        return None
    if index.projection["ProjectionType"] == "ALL":
        return item
    names = {*index.table_key_attrs, *index.schema_key_attrs, *index.projection.get("NonKeyAttributes", [])}
    return {name: value for name, value in item.items() if name in names}


def _wire(item: Item) -> _WireItem:
    return {name: dynamo_to_dict(value) for name, value in item.attrs.items()}


def _target(backend: DynamoDBBackend, table: str, request: _Request, reading: Reading | None = None) -> _Target:
    found = backend.get_table(table)
    reading = reading or _reading(strong=request.get("ConsistentRead", False))
    return _Target(found, *keys(found, request.get("Key") or request["Item"]), reading)


def _reading(*, strong: bool) -> Reading:
    return Reading.STRONGLY_CONSISTENT if strong else Reading.EVENTUALLY_CONSISTENT


def _of_item(backend: DynamoDBBackend, request: _Request) -> Iterator[_Target]:
    yield _target(backend, request["TableName"], request)


def _of_transaction(backend: DynamoDBBackend, request: _Request) -> Iterator[_Target]:
    for item in request["TransactItems"]:
        operation = next(iter(item.values()))
        yield _target(backend, operation["TableName"], operation, Reading.TRANSACTIONAL)


def _of_batch_read(backend: DynamoDBBackend, request: _Request) -> Iterator[_Target]:
    for table, batch in request["RequestItems"].items():
        for key in batch["Keys"]:
            yield _target(backend, table, {**batch, "Key": key})


def _of_batch_write(backend: DynamoDBBackend, request: _Request) -> Iterator[_Target]:
    for table, batch in request["RequestItems"].items():
        for write in batch:
            yield _target(backend, table, next(iter(write.values())))


_Targets = Callable[[DynamoDBBackend, _Request], Iterator[_Target]]

_READS: dict[str, _Targets] = {
    "get_item": _of_item,
    "batch_get_item": _of_batch_read,
    "transact_get_items": _of_transaction,
}
_WRITES: dict[str, tuple[_Targets, Writing]] = {
    "put_item": (_of_item, Writing.STANDARD),
    "update_item": (_of_item, Writing.STANDARD),
    "delete_item": (_of_item, Writing.STANDARD),
    "batch_write_item": (_of_batch_write, Writing.STANDARD),
    "transact_write_items": (_of_transaction, Writing.TRANSACTIONAL),
}
