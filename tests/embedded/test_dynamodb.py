"""DynamoDB keeps its promises as AWS's does. Each claim is put to stock moto too, which must still fail it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from botocore.exceptions import ClientError
from moto.dynamodb.models.dynamo_type import Item

from tests.embedded.conftest import Clients

TABLE = "Things"


@pytest.fixture
def dynamodb(aws: Clients) -> Any:
    client = aws("dynamodb")
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    return client


def _put(item_id: str, **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": TABLE, "Item": {"id": {"S": item_id}}, **more}}


def _add(item_id: str) -> dict[str, Any]:
    return {
        "Update": {
            "TableName": TABLE,
            "Key": {"id": {"S": item_id}},
            "UpdateExpression": "ADD times :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }


def _times(dynamodb: Any, item_id: str) -> str:
    return str(dynamodb.get_item(TableName=TABLE, Key={"id": {"S": item_id}})["Item"]["times"]["N"])


def test_a_client_request_token_counts_once(dynamodb: Any) -> None:
    for _ in range(2):
        dynamodb.transact_write_items(TransactItems=[_add("a")], ClientRequestToken="token")
    assert _times(dynamodb, "a") == "1"


def test_a_client_request_token_is_refused_for_another_transaction(dynamodb: Any) -> None:
    dynamodb.transact_write_items(TransactItems=[_add("a")], ClientRequestToken="token")
    with pytest.raises(ClientError, match="IdempotentParameterMismatchException"):
        dynamodb.transact_write_items(TransactItems=[_add("b")], ClientRequestToken="token")


def test_a_batch_of_26_writes_is_refused(dynamodb: Any) -> None:
    writes = [{"PutRequest": {"Item": {"id": {"S": str(number)}}}} for number in range(26)]
    with pytest.raises(ClientError, match="Too many items"):
        dynamodb.batch_write_item(RequestItems={TABLE: writes})


def test_a_transaction_reads_100_items(dynamodb: Any) -> None:
    reads = [{"Get": {"TableName": TABLE, "Key": {"id": {"S": str(number)}}}} for number in range(100)]
    assert len(dynamodb.transact_get_items(TransactItems=reads)["Responses"]) == 100


def test_a_transaction_costs_the_same_however_much_is_stored(dynamodb: Any) -> None:
    with _counting_copies() as few:
        dynamodb.transact_write_items(TransactItems=[_put("first")])
    for number in range(50):
        dynamodb.put_item(TableName=TABLE, Item={"id": {"S": str(number)}})
    with _counting_copies() as many:
        dynamodb.transact_write_items(TransactItems=[_put("last")])
    assert len(many) == len(few)


def test_an_update_answers_what_it_names_even_if_it_stays_as_it_was(dynamodb: Any) -> None:
    update = {
        "TableName": TABLE,
        "Key": {"id": {"S": "counter"}},
        "UpdateExpression": "SET #kept = :kept ADD used :none",
        "ExpressionAttributeNames": {"#kept": "kept"},
        "ExpressionAttributeValues": {":none": {"N": "0"}, ":kept": {"S": "x"}},
        "ReturnValues": "UPDATED_NEW",
    }
    answers = [dynamodb.update_item(**update)["Attributes"] for _ in range(2)]
    assert answers[1] == {"kept": {"S": "x"}, "used": {"N": "0"}}


def test_encryption_at_rest_of_cloudformation_reads_back(aws: Clients) -> None:
    _table_of_cloudformation(aws, SSESpecification={"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": "key"})
    described = aws("dynamodb").describe_table(TableName=TABLE)["Table"]["SSEDescription"]
    assert (described["Status"], described["KMSMasterKeyArn"]) == ("ENABLED", "key")


def test_time_to_live_of_cloudformation_reads_back(aws: Clients) -> None:
    _table_of_cloudformation(aws, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ends"})
    described = aws("dynamodb").describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]
    assert described == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ends"}


def test_point_in_time_recovery_of_cloudformation_reads_back(aws: Clients) -> None:
    recovery = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 7}
    _table_of_cloudformation(aws, PointInTimeRecoverySpecification=recovery)
    described = aws("dynamodb").describe_continuous_backups(TableName=TABLE)["ContinuousBackupsDescription"]
    assert described["PointInTimeRecoveryDescription"]["RecoveryPeriodInDays"] == 7


@contextmanager
def _counting_copies() -> Iterator[list[Item]]:
    original = Item.__deepcopy__
    copies: list[Item] = []

    def counted(item: Item, memo: dict[int, Any]) -> Item:
        copies.append(item)
        return original(item, memo)

    with patch.object(Item, "__deepcopy__", counted):
        yield copies


def _table_of_cloudformation(aws: Clients, **properties: Any) -> None:
    template = {
        "Resources": {
            "Table": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {
                    "TableName": TABLE,
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                    **properties,
                },
            }
        }
    }
    aws("cloudformation").create_stack(StackName="tables", TemplateBody=json.dumps(template))
