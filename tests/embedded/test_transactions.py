"""Transactions of the embedded DynamoDB: all or nothing, and cheap."""

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from phone_vault.local import LocalCloud
from tests.embedded.probes import allow, deploy

NUMBERS = "phone-vault-Numbers"
NUMBERS_ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/phone-vault-Numbers"
SUBJECTS = "phone-vault-Subjects"


def _number(record_id: str, **attributes: Any) -> dict[str, Any]:
    return {"record_id": {"S": record_id}, **attributes}


def _impossible() -> dict[str, Any]:
    return {
        "ConditionCheck": {
            "TableName": NUMBERS,
            "Key": _number("absent"),
            "ConditionExpression": "attribute_exists(record_id)",
        }
    }


def _put_of_new(record_id: str) -> dict[str, Any]:
    return {
        "Put": {
            "TableName": NUMBERS,
            "Item": _number(record_id),
            "ConditionExpression": "attribute_not_exists(record_id)",
        }
    }


def test_a_refused_transaction_leaves_no_new_item(cloud: LocalCloud) -> None:
    dynamodb = cloud.client("dynamodb")
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        dynamodb.transact_write_items(
            TransactItems=[{"Put": {"TableName": NUMBERS, "Item": _number("new")}}, _impossible()]
        )
    assert "Item" not in dynamodb.get_item(TableName=NUMBERS, Key=_number("new"))


def test_a_refused_transaction_leaves_no_new_item_under_a_sort_key(cloud: LocalCloud) -> None:
    dynamodb = cloud.client("dynamodb")
    key = {"subject": {"S": "s"}, "member": {"S": "t#1"}}
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        dynamodb.transact_write_items(TransactItems=[{"Put": {"TableName": SUBJECTS, "Item": key}}, _impossible()])
    assert "Item" not in dynamodb.get_item(TableName=SUBJECTS, Key=key)


def test_a_refused_transaction_of_puts_leaves_what_they_would_have_replaced(cloud: LocalCloud) -> None:
    dynamodb = cloud.client("dynamodb")
    dynamodb.put_item(TableName=NUMBERS, Item=_number("old", count={"N": "1"}))
    dynamodb.put_item(TableName=NUMBERS, Item=_number("taken"))
    replaces = {"Put": {"TableName": NUMBERS, "Item": _number("old", count={"N": "2"})}}
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        dynamodb.transact_write_items(TransactItems=[_put_of_new("new"), replaces, _put_of_new("taken")])
    assert dynamodb.get_item(TableName=NUMBERS, Key=_number("old"))["Item"]["count"] == {"N": "1"}
    assert "Item" not in dynamodb.get_item(TableName=NUMBERS, Key=_number("new"))


def test_a_transaction_of_puts_may_not_put_one_item_twice(cloud: LocalCloud) -> None:
    dynamodb = cloud.client("dynamodb")
    with pytest.raises(ClientError, match="Transaction request cannot include multiple operations on one item"):
        dynamodb.transact_write_items(TransactItems=[_put_of_new("twice"), _put_of_new("twice")])
    assert "Item" not in dynamodb.get_item(TableName=NUMBERS, Key=_number("twice"))


def test_a_transaction_of_more_than_100_puts_is_refused(cloud: LocalCloud) -> None:
    dynamodb = cloud.client("dynamodb")
    with pytest.raises(ClientError, match="ValidationException"):
        dynamodb.transact_write_items(TransactItems=[_put_of_new(str(number)) for number in range(101)])
    assert "Item" not in dynamodb.get_item(TableName=NUMBERS, Key=_number("0"))


def test_a_refused_transaction_takes_updates_back(cloud: LocalCloud) -> None:
    dynamodb = cloud.client("dynamodb")
    dynamodb.put_item(TableName=NUMBERS, Item=_number("old", count={"N": "1"}))
    update = {
        "TableName": NUMBERS,
        "Key": _number("old"),
        "UpdateExpression": "ADD #count :one",
        "ExpressionAttributeNames": {"#count": "count"},
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        dynamodb.transact_write_items(TransactItems=[{"Update": update}, _impossible()])
    assert dynamodb.get_item(TableName=NUMBERS, Key=_number("old"))["Item"]["count"] == {"N": "1"}


def test_a_refused_transaction_brings_deleted_items_back(cloud: LocalCloud) -> None:
    dynamodb = cloud.client("dynamodb")
    dynamodb.put_item(TableName=NUMBERS, Item=_number("old"))
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        dynamodb.transact_write_items(
            TransactItems=[{"Delete": {"TableName": NUMBERS, "Key": _number("old")}}, _impossible()]
        )
    assert "Item" in dynamodb.get_item(TableName=NUMBERS, Key=_number("old"))


def test_a_refused_transaction_shows_the_item_that_refused_it(cloud: LocalCloud) -> None:
    dynamodb = cloud.client("dynamodb")
    dynamodb.put_item(TableName=NUMBERS, Item=_number("old", count={"N": "7"}))
    new = {"Put": {"TableName": NUMBERS, "Item": _number("new")}}
    again = {
        "Put": {
            "TableName": NUMBERS,
            "Item": _number("old"),
            "ConditionExpression": "attribute_not_exists(record_id)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }
    with pytest.raises(ClientError) as refused:
        dynamodb.transact_write_items(TransactItems=[new, again])
    passed, failed = refused.value.response["CancellationReasons"]
    assert passed == {"Code": "None"}
    assert (failed["Code"], failed["Item"]) == ("ConditionalCheckFailed", _number("old", count={"N": "7"}))


def test_a_client_request_token_of_a_refused_transaction_is_not_used_up(cloud: LocalCloud) -> None:
    dynamodb = cloud.client("dynamodb")
    put = {
        "TableName": NUMBERS,
        "Item": _number("a"),
        "ConditionExpression": "attribute_not_exists(record_id)",
    }
    dynamodb.put_item(TableName=NUMBERS, Item=_number("a"))
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        dynamodb.transact_write_items(TransactItems=[{"Put": put}], ClientRequestToken="token")
    dynamodb.delete_item(TableName=NUMBERS, Key=_number("a"))
    dynamodb.transact_write_items(TransactItems=[{"Put": put}], ClientRequestToken="token")
    assert "Item" in dynamodb.get_item(TableName=NUMBERS, Key=_number("a"))


def test_a_client_request_token_counts_again_after_ten_minutes(cloud: LocalCloud) -> None:
    dynamodb = cloud.client("dynamodb")
    add = {
        "TableName": NUMBERS,
        "Key": _number("a"),
        "UpdateExpression": "ADD times :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    dynamodb.transact_write_items(TransactItems=[{"Update": add}], ClientRequestToken="token")
    cloud.clock.advance(minutes=10)
    dynamodb.transact_write_items(TransactItems=[{"Update": add}], ClientRequestToken="token")
    assert dynamodb.get_item(TableName=NUMBERS, Key=_number("a"))["Item"]["times"] == {"N": "2"}


def test_2000_transactions_stay_linear(cloud: LocalCloud) -> None:
    dynamodb = cloud.client("dynamodb")

    def seconds_for(numbers: range) -> float:
        begun = time.thread_time()
        for number in numbers:
            item = {"Put": {"TableName": NUMBERS, "Item": _number(str(number))}}
            dynamodb.transact_write_items(TransactItems=[item])
        return time.thread_time() - begun

    first = seconds_for(range(500))
    seconds_for(range(500, 1500))
    last = seconds_for(range(1500, 2000))
    # Quadratic it would be seven times as long. Time of this thread alone: the machine may be busy.
    assert last < 3 * first


def test_all_kinds_of_writes_happen_together(cloud: LocalCloud) -> None:
    dynamodb = cloud.client("dynamodb")
    for number in range(99):
        dynamodb.put_item(TableName=NUMBERS, Item=_number(str(number), count={"N": "1"}))
    items = [_check("0"), _delete("1"), *(_count(str(number)) for number in range(2, 99)), _put_new("99")]
    dynamodb.transact_write_items(TransactItems=items)
    left = {item["record_id"]["S"]: item.get("count") for item in dynamodb.scan(TableName=NUMBERS)["Items"]}
    assert left == {"0": {"N": "1"}, **{str(number): {"N": "2"} for number in range(2, 99)}, "99": None}


def test_reasons_stand_in_the_order_of_the_items_with_what_was_found(cloud: LocalCloud) -> None:
    dynamodb = cloud.client("dynamodb")
    held = _number("held", count={"N": "1"})
    dynamodb.put_item(TableName=NUMBERS, Item=held)
    refused = {"ConditionExpression": "attribute_not_exists(record_id)", **ALL_OLD}
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as cancelled:
        dynamodb.transact_write_items(
            TransactItems=[_put_new("new"), _delete("held", **refused), _check("absent", **ALL_OLD), _count("other")]
        )
    reasons = cancelled.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == [
        "None",
        "ConditionalCheckFailed",
        "ConditionalCheckFailed",
        "None",
    ]
    assert [reason.get("Item") for reason in reasons] == [None, held, None, None]
    assert dynamodb.scan(TableName=NUMBERS)["Items"] == [held]


@pytest.mark.parametrize(
    ("missing", "refused"),
    [("ConditionCheckItem", True), ("DeleteItem", True), ("UpdateItem", True), ("PutItem", True), ("Scan", False)],
)
def test_each_kind_needs_its_own_right(cloud: LocalCloud, missing: str, refused: bool) -> None:  # noqa: FBT001  # a table's column
    cloud.client("dynamodb").put_item(TableName=NUMBERS, Item=_number("0"))
    kinds = {"ConditionCheckItem", "DeleteItem", "UpdateItem", "PutItem"} - {missing}
    probe = deploy(cloud, allow([f"dynamodb:{kind}" for kind in sorted(kinds)], NUMBERS_ARN))
    items = [_check("0"), _delete("1"), _count("2"), _put_new("3")]
    assert probe.is_denied("dynamodb", "transact_write_items", TransactItems=items) is refused


ALL_OLD = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


def _check(record_id: str, **more: Any) -> dict[str, Any]:
    condition = {"ConditionExpression": "attribute_exists(record_id)", **more}
    return {"ConditionCheck": {"TableName": NUMBERS, "Key": _number(record_id), **condition}}


def _delete(record_id: str, **more: Any) -> dict[str, Any]:
    return {"Delete": {"TableName": NUMBERS, "Key": _number(record_id), **more}}


def _count(record_id: str) -> dict[str, Any]:
    return {
        "Update": {
            "TableName": NUMBERS,
            "Key": _number(record_id),
            "UpdateExpression": "ADD #c :one",
            "ExpressionAttributeNames": {"#c": "count"},
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }


def _put_new(record_id: str) -> dict[str, Any]:
    condition = {"ConditionExpression": "attribute_not_exists(record_id)"}
    return {"Put": {"TableName": NUMBERS, "Item": _number(record_id), **condition}}
