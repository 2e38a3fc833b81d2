"""Attribute values, read, measured and answered the quick way."""

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from phone_vault.local import LocalCloud
from phone_vault.local.clients import unrestricted_client

ITEM = {
    "id": {"S": "one"},
    "binary": {"B": b"\x00\xff"},
    "number": {"N": "1.5"},
    "nothing": {"NULL": True},
    "no": {"BOOL": False},
    "strings": {"SS": ["a", "b"]},
    "empty list": {"L": []},
    "map": {"M": {"list": {"L": [{"M": {"deep": {"S": ""}}}, {"BS": [b"x"]}]}}},
}


def _stored_and_read() -> object:
    dynamodb = unrestricted_client("dynamodb")
    dynamodb.create_table(
        TableName="values",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName="values", Item=ITEM)
    return dynamodb.get_item(TableName="values", Key={"id": {"S": "one"}})["Item"]


def test_every_kind_of_attribute_value_is_answered_as_stock_moto_answers_it() -> None:
    with mock_aws():
        stock = _stored_and_read()
    with LocalCloud():
        assert _stored_and_read() == stock == ITEM


def test_an_item_may_be_as_large_as_with_stock_moto_and_no_larger() -> None:
    with LocalCloud() as cloud:
        dynamodb = cloud.client("dynamodb")
        table, beside_content = "phone-vault-Numbers", len("record_id" + "one" + "a" + "content")
        item = {"record_id": {"S": "one"}, "a": {"M": {}}, "content": {"S": "x" * (405_000 - beside_content)}}
        dynamodb.put_item(TableName=table, Item=item)
        with pytest.raises(ClientError, match="Item size has exceeded the maximum allowed size"):
            dynamodb.put_item(TableName=table, Item=item | {"b": {"S": ""}})
