"""Conditions of the embedded DynamoDB are parsed once, and mean the same each time."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from phone_vault.local import LocalCloud

NUMBERS = "phone-vault-Numbers"


def _put(cloud: LocalCloud, record_id: str, condition: str, **names: str) -> None:
    more: dict[str, Any] = {"ExpressionAttributeNames": {f"#{name}": names[name] for name in names}} if names else {}
    put = {"TableName": NUMBERS, "Item": {"record_id": {"S": record_id}, "a": {"S": "x"}}}
    cloud.client("dynamodb").transact_write_items(
        TransactItems=[{"Put": {**put, "ConditionExpression": condition, **more}}]
    )


def test_a_condition_that_held_for_one_item_is_asked_of_the_next(cloud: LocalCloud) -> None:
    for record_id in ("one", "two"):
        _put(cloud, record_id, "attribute_not_exists(record_id)")
        with pytest.raises(ClientError, match="ConditionalCheckFailed"):
            _put(cloud, record_id, "attribute_not_exists(record_id)")


def test_one_text_with_other_names_is_another_condition(cloud: LocalCloud) -> None:
    _put(cloud, "one", "attribute_not_exists(#n)", n="b")
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        _put(cloud, "one", "attribute_not_exists(#n)", n="a")
    _put(cloud, "one", "attribute_not_exists(#n)", n="b")


def test_a_name_that_is_not_used_is_refused_each_time(cloud: LocalCloud) -> None:
    for _ in range(2):
        with pytest.raises(ClientError, match="unused"):
            _put(cloud, "one", "attribute_not_exists(#n)", n="b", unused="c")
