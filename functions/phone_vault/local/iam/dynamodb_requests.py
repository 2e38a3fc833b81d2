"""What a DynamoDB request asks for: tables, indexes, keys and attributes, item by item.

Source: DynamoDB Developer Guide, "Using IAM policy conditions for fine-grained access control", "Using IAM with
DynamoDB transactions" and "IAM security policies with PartiQL for DynamoDB".
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing.key_condition_expression import parse_expression

from phone_vault.local.iam.attributes import named_in
from phone_vault.local.iam.conditions import ContextValues
from phone_vault.local.iam.patterns import UnsupportedPolicy
from phone_vault.local.iam.policies import AuthorizationRequest
from phone_vault.local.place import ACCOUNT, REGION, arn

_WITHOUT_A_TABLE = frozenset({"DescribeEndpoints", "DescribeLimits", "ListBackups", "ListExports", "ListTables"})
_BY_ARN = ("ResourceArn", "TableArn", "BackupArn", "ExportArn")
_TRANSACTION_ACTIONS = {
    "ConditionCheck": "ConditionCheckItem",
    "Delete": "DeleteItem",
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
}
_PARTIQL = re.compile(
    r"""\s*(?:(?P<verb>UPDATE|DELETE\s+FROM|INSERT\s+INTO)|SELECT\s.*?\sFROM)\s+(?P<table>"[^"]+"|[\w.-]+)"""
    r"""(?:\."(?P<index>[^"]+)")?(?:\s|$)""",
    re.IGNORECASE | re.DOTALL,
)
Request = Mapping[str, Any]


def derive(operation: str, body: Request) -> Iterator[AuthorizationRequest]:
    """One request for each item of a transaction, for each table of a batch, else one."""
    if operation in ("TransactWriteItems", "TransactGetItems"):
        for item in body["TransactItems"]:
            ((kind, request),) = item.items()
            yield _of_items(_TRANSACTION_ACTIONS[kind], request["TableName"], [request], enclosing=operation)
    elif operation == "BatchGetItem":
        for table, request in body["RequestItems"].items():
            yield _of_items(operation, table, [{**request, "Key": key} for key in request["Keys"]])
    elif operation == "BatchWriteItem":
        for table, writes in body["RequestItems"].items():
            yield _of_items(operation, table, [next(iter(write.values())) for write in writes])
    elif operation in ("DeleteItem", "GetItem", "PutItem", "UpdateItem"):
        yield _of_items(operation, body["TableName"], [body])
    elif operation in ("Query", "Scan"):
        yield _of_pages(operation, body)
    elif operation == "ExecuteStatement":
        yield _of_statement(body["Statement"])
    elif operation in ("BatchExecuteStatement", "ExecuteTransaction"):
        for statement in body.get("Statements") or body["TransactStatements"]:
            yield _of_statement(statement["Statement"])
    elif operation in _WITHOUT_A_TABLE:
        yield _request(operation, "*")
    elif "TableName" in body:
        yield _request(operation, _table_arn(body["TableName"]))
    elif by_arn := next((body[name] for name in _BY_ARN if name in body), None):
        yield _request(operation, by_arn)
    else:
        raise UnsupportedPolicy(f"nobody has derived what dynamodb:{operation} needs")


def _of_items(action: str, table: str, items: list[Request], enclosing: str | None = None) -> AuthorizationRequest:
    hash_key = _table(table).hash_key_attr
    keys = (item.get("Key") or item["Item"] for item in items)
    return_values = {item["ReturnValues"] for item in items if "ReturnValues" in item}
    selected = {_selected(item) for item in items if action in ("BatchGetItem", "GetItem")}
    return _request(
        action,
        _table_arn(table),
        leading_keys=[_text(key[hash_key]) for key in keys],
        attributes={name for item in items for name in named_in(item)},
        return_values=next(iter(return_values), None),
        select=next(iter(selected), None),
        enclosing=enclosing,
    )


def _of_pages(operation: str, body: Request) -> AuthorizationRequest:
    index = body.get("IndexName")
    resource = _table_arn(body["TableName"]) + (f"/index/{index}" if index else "")
    leading_keys = [_queried(body)] if operation == "Query" else []
    return _request(operation, resource, leading_keys=leading_keys, attributes=named_in(body), select=_selected(body))


def _selected(body: Request) -> str:
    """As the request says, or what it amounts to."""
    if "Select" in body:
        return str(body["Select"])
    if "ProjectionExpression" in body or "AttributesToGet" in body:
        return "SPECIFIC_ATTRIBUTES"
    return "ALL_PROJECTED_ATTRIBUTES" if "IndexName" in body else "ALL_ATTRIBUTES"


def _of_statement(statement: str) -> AuthorizationRequest:
    """Of PartiQL its verb and table; no condition key, so that no policy that names one is guessed at."""
    found = _PARTIQL.match(statement)
    if found is None:
        raise UnsupportedPolicy("a PartiQL statement that cannot be read")
    verb = (found["verb"] or "SELECT").split()[0].capitalize()
    resource = _table_arn(found["table"].strip('"')) + (f"/index/{found['index']}" if found["index"] else "")
    return AuthorizationRequest(f"dynamodb:PartiQL{verb}", resource)


def _queried(body: Request) -> str:
    if "KeyConditionExpression" not in body:
        raise UnsupportedPolicy("a Query is read by its KeyConditionExpression only")
    hash_conditions, _, _ = parse_expression(
        key_condition_expression=body["KeyConditionExpression"],
        expression_attribute_names=body.get("ExpressionAttributeNames", {}),
        expression_attribute_values=body.get("ExpressionAttributeValues", {}),
        schema=_backend().get_schema(body["TableName"], body.get("IndexName")),
    )
    return _text(hash_conditions[0][1])


def _request(
    action: str,
    resource: str,
    *,
    leading_keys: Iterable[str] = (),
    attributes: Iterable[str] = (),
    return_values: str | None = None,
    select: str | None = None,
    enclosing: str | None = None,
) -> AuthorizationRequest:
    context: dict[str, ContextValues] = {
        "dynamodb:attributes": tuple(sorted(attributes)) or None,
        "dynamodb:enclosingoperation": (enclosing,) if enclosing else None,
        "dynamodb:leadingkeys": tuple(leading_keys) or None,
        "dynamodb:returnvalues": (return_values,) if return_values else None,
        "dynamodb:select": (select,) if select else None,
    }
    return AuthorizationRequest(f"dynamodb:{action}", resource, context)


def _backend() -> DynamoDBBackend:
    return dynamodb_backends[ACCOUNT][REGION]


def _table(name: str) -> Table:
    return _backend().get_table(name)


def _table_arn(name: str) -> str:
    return name if name.startswith("arn:") else arn("dynamodb", f"table/{name}")


def _text(value: Mapping[str, Any]) -> str:
    return str(next(iter(value.values())))
