"""DynamoDB tells what a request consumed. Each claim is put to stock moto too, which must still fail it."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from phone_vault.local import LocalCloud
from tests.embedded.conftest import Clients

TABLE = "Things"
KEY = {"id": {"S": "0"}}
VALUES = {":v": {"S": "y" * 3000}}
LARGE = {**KEY, "value": {"S": "x" * 5000}}


@pytest.fixture
def dynamodb(aws: Clients) -> Any:
    """With a table of three items of 5 KB."""
    client = aws("dynamodb")
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    for number in range(3):
        client.put_item(TableName=TABLE, Item={**LARGE, "id": {"S": str(number)}})
    return client


def _consumed(answer: dict[str, Any]) -> float:
    consumed = answer["ConsumedCapacity"]
    (consumed,) = consumed if isinstance(consumed, list) else [consumed]
    assert consumed["TableName"] == TABLE
    return float(consumed["CapacityUnits"])


QUERY = {"KeyConditionExpression": "id = :id", "ExpressionAttributeValues": {":id": {"S": "0"}}}
UPDATE = {"Key": KEY, "UpdateExpression": "SET more = :v", "ExpressionAttributeValues": VALUES}


@pytest.mark.parametrize(
    ("operation", "request_of", "units"),
    [
        ("get_item", {"Key": KEY, "ConsistentRead": True}, 2),
        ("query", {**QUERY, "ConsistentRead": True}, 2),
        ("scan", {"ConsistentRead": True}, 4),
        ("scan", {"FilterExpression": "attribute_exists(nothing)", "ProjectionExpression": "id"}, 2),
        ("put_item", {"Item": LARGE}, 5),
        ("update_item", UPDATE, 8),
        ("delete_item", {"Key": KEY}, 5),
    ],
)
def test_a_request_tells_its_units(dynamodb: Any, operation: str, request_of: dict[str, Any], units: float) -> None:
    answer = getattr(dynamodb, operation)(TableName=TABLE, ReturnConsumedCapacity="TOTAL", **request_of)
    assert _consumed(answer) == units


def test_a_batch_of_reads_tells_its_units(dynamodb: Any) -> None:
    keys = [{"id": {"S": str(number)}} for number in range(4)]
    answer = dynamodb.batch_get_item(RequestItems={TABLE: {"Keys": keys}}, ReturnConsumedCapacity="TOTAL")
    assert _consumed(answer) == 1 + 1 + 1 + 0.5


def test_a_batch_of_writes_tells_its_units(dynamodb: Any) -> None:
    writes = [{"PutRequest": {"Item": LARGE}}, {"DeleteRequest": {"Key": {"id": {"S": "1"}}}}]
    answer = dynamodb.batch_write_item(RequestItems={TABLE: writes}, ReturnConsumedCapacity="TOTAL")
    assert _consumed(answer) == 5 + 5


def test_a_transaction_tells_its_units(dynamodb: Any) -> None:
    check = {"Key": {"id": {"S": "2"}}, "ConditionExpression": "attribute_exists(id)"}
    items: list[dict[str, Any]] = [
        {"Update": {"TableName": TABLE, **UPDATE}},
        {"Delete": {"TableName": TABLE, "Key": {"id": {"S": "1"}}}},
        {"ConditionCheck": {"TableName": TABLE, **check}},
    ]
    answer = dynamodb.transact_write_items(TransactItems=items, ReturnConsumedCapacity="TOTAL")
    assert _consumed(answer) == 2 * (8 + 5 + 5)


def test_who_does_not_ask_is_not_told(dynamodb: Any) -> None:
    assert "ConsumedCapacity" not in dynamodb.update_item(TableName=TABLE, **UPDATE)
    assert "ConsumedCapacity" not in dynamodb.batch_get_item(RequestItems={TABLE: {"Keys": [KEY]}})


def test_a_tables_size_is_described(dynamodb: Any) -> None:
    described = dynamodb.describe_table(TableName=TABLE)["Table"]
    assert (described["ItemCount"], described["TableSizeBytes"]) == (3, 3 * (len("id") + 1 + len("value") + 5000))


def test_a_refused_write_is_not_answered_as_one(cloud: LocalCloud) -> None:
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        cloud.client("dynamodb").put_item(
            TableName="phone-vault-Numbers",
            Item={"record_id": {"S": "r"}},
            ConditionExpression="attribute_exists(record_id)",
            ReturnConsumedCapacity="TOTAL",
        )
