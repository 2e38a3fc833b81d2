"""Parallel scans, page by page."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from botocore.exceptions import ClientError
from moto.dynamodb.models.dynamo_type import Item

from phone_vault.local import LocalCloud
from tests.embedded.conftest import Clients
from tests.embedded.probes import allow, deploy

TABLE = "Things"
NUMBERS = "phone-vault-Numbers"
NUMBERS_ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/phone-vault-Numbers"
SEGMENTS = 4


@pytest.fixture(params=[("S", None), ("N", None), ("S", "S")], ids=["text", "number", "sorted"])
def dynamodb(cloud: LocalCloud, request: pytest.FixtureRequest) -> Any:
    """With a table of 100 items: by a text, by a number, by a text and a sort key, five to each text."""
    client = cloud.client("dynamodb")
    _make_table(client, *request.param)
    for number in range(100):
        client.put_item(TableName=TABLE, Item=_item(client, number))
    return client


def _make_table(dynamodb: Any, key_type: str, sort_key_type: str | None = None) -> None:
    keys = [("id", "HASH", key_type), *([("sort", "RANGE", sort_key_type)] if sort_key_type else [])]
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": type_} for name, _, type_ in keys],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind, _ in keys],
    )


def _item(dynamodb: Any, number: int) -> dict[str, Any]:
    """Of whichever table there is."""
    table = dynamodb.describe_table(TableName=TABLE)["Table"]
    if len(table["KeySchema"]) == 2:
        return {"id": {"S": f"id {number // 5}"}, "sort": {"S": str(number % 5)}, "number": {"N": str(number)}}
    return {"id": {table["AttributeDefinitions"][0]["AttributeType"]: str(number)}, "number": {"N": str(number)}}


def _pages(dynamodb: Any, **settings: Any) -> Iterator[list[int]]:
    start: dict[str, Any] = {}
    while True:
        page = dynamodb.scan(TableName=TABLE, ConsistentRead=True, **settings, **start)
        yield [int(item["number"]["N"]) for item in page["Items"]]
        if "LastEvaluatedKey" not in page:
            return
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _segments(dynamodb: Any, **settings: Any) -> list[int]:
    return sorted(
        number
        for segment in range(SEGMENTS)
        for page in _pages(dynamodb, Segment=segment, TotalSegments=SEGMENTS, **settings)
        for number in page
    )


def test_segments_together_have_every_item_once(dynamodb: Any) -> None:
    assert _segments(dynamodb, Limit=7) == list(range(100))


def test_a_scan_without_segments_has_every_item_once(dynamodb: Any) -> None:
    assert sorted(number for page in _pages(dynamodb, Limit=7) for number in page) == list(range(100))


def test_every_segment_has_its_share(dynamodb: Any) -> None:
    shares = [sum(map(len, _pages(dynamodb, Segment=each, TotalSegments=SEGMENTS))) for each in range(SEGMENTS)]
    assert all(5 <= share <= 60 for share in shares)


def test_what_is_filtered_out_counts_for_the_page(dynamodb: Any) -> None:
    chosen = {
        "FilterExpression": "#n < :n",
        "ExpressionAttributeNames": {"#n": "number"},
        "ExpressionAttributeValues": {":n": {"N": "10"}},
    }
    assert _segments(dynamodb, Limit=7, ProjectionExpression="#n", **chosen) == list(range(10))
    assert dynamodb.scan(TableName=TABLE, Limit=7, **chosen)["ScannedCount"] == 7


@pytest.mark.parametrize("settings", [{}, {"Segment": 0, "TotalSegments": 1}], ids=["whole", "segment"])
def test_items_written_and_deleted_meanwhile_move_no_others(dynamodb: Any, settings: dict[str, Any]) -> None:
    seen: list[int] = []
    for turn, page in enumerate(_pages(dynamodb, Limit=5, **settings)):
        seen += page
        dynamodb.put_item(TableName=TABLE, Item=_item(dynamodb, 1000 + turn))
        gone = {name: value for name, value in _item(dynamodb, page[-1]).items() if name != "number"} if page else {}
        if gone:
            dynamodb.delete_item(TableName=TABLE, Key=gone)
    assert sorted(each for each in seen if each < 1000) == list(range(100))
    assert len(seen) == len(set(seen))


def test_a_start_key_of_another_segment_is_refused(aws: Clients) -> None:
    dynamodb = aws("dynamodb")
    _make_table(dynamodb, "S")
    dynamodb.put_item(TableName=TABLE, Item={"id": {"S": "a"}, "number": {"N": "1"}})
    segments = range(SEGMENTS)
    another = next(each for each in segments if list(_pages(dynamodb, Segment=each, TotalSegments=SEGMENTS)) == [[]])
    with pytest.raises(ClientError, match="Invalid ExclusiveStartKey"):
        dynamodb.scan(TableName=TABLE, Segment=another, TotalSegments=SEGMENTS, ExclusiveStartKey={"id": {"S": "a"}})


def test_a_page_looks_at_what_is_on_it(aws: Clients) -> None:
    dynamodb = aws("dynamodb")
    _make_table(dynamodb, "S")
    for number in range(200):
        dynamodb.put_item(TableName=TABLE, Item={"id": {"S": f"{number:03}"}, "number": {"N": str(number)}})
    with _counting_looks() as looks:
        pages = list(_pages(dynamodb, Segment=0, TotalSegments=SEGMENTS, Limit=10))
    assert len(looks) <= sum(map(len, pages)) + len(pages)


def test_items_of_a_restored_table_are_scanned(cloud: LocalCloud) -> None:
    dynamodb = cloud.client("dynamodb")
    _make_table(dynamodb, "S", "S")
    dynamodb.put_item(TableName=TABLE, Item=_item(dynamodb, 1))
    backup = dynamodb.create_backup(TableName=TABLE, BackupName="backup")["BackupDetails"]["BackupArn"]
    dynamodb.restore_table_from_backup(TargetTableName="Restored", BackupArn=backup)
    assert dynamodb.scan(TableName="Restored", Segment=0, TotalSegments=1)["Count"] == 1


def test_a_transaction_that_is_undone_leaves_nothing_to_scan(cloud: LocalCloud) -> None:
    dynamodb = cloud.client("dynamodb")
    _make_table(dynamodb, "S")
    put = {"Put": {"TableName": TABLE, "Item": {"id": {"S": "a"}}}}
    check = {"TableName": TABLE, "Key": {"id": {"S": "b"}}, "ConditionExpression": "attribute_exists(id)"}
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        dynamodb.transact_write_items(TransactItems=[put, {"ConditionCheck": check}])
    assert dynamodb.scan(TableName=TABLE, Segment=0, TotalSegments=1)["Count"] == 0


def test_a_role_may_scan_the_attributes_that_it_may_see(cloud: LocalCloud) -> None:
    probe = deploy(
        cloud,
        allow(
            "dynamodb:Scan",
            NUMBERS_ARN,
            ForAllValues__StringEquals={"dynamodb:Attributes": ["record_id", "key_version"]},
            StringEquals={"dynamodb:Select": "SPECIFIC_ATTRIBUTES"},
        ),
    )
    part = {"Segment": 0, "TotalSegments": 2, "TableName": NUMBERS}
    denied = {
        "some": probe.is_denied("dynamodb", "scan", ProjectionExpression="record_id, key_version", **part),
        "others": probe.is_denied("dynamodb", "scan", ProjectionExpression="record_id, wrapped", **part),
        "by_filter": probe.is_denied(
            "dynamodb", "scan", ProjectionExpression="record_id", FilterExpression="attribute_exists(wrapped)", **part
        ),
        "all": probe.is_denied("dynamodb", "scan", **part),
        "count": probe.is_denied("dynamodb", "scan", Select="COUNT", **part),
        "said": probe.is_denied(
            "dynamodb", "scan", Select="SPECIFIC_ATTRIBUTES", ProjectionExpression="record_id", **part
        ),
    }
    assert denied == {
        "some": False,
        "others": True,
        "by_filter": True,
        "all": True,
        "count": True,
        "said": False,
    }


@contextmanager
def _counting_looks() -> Iterator[list[Item]]:
    original = Item.is_within_segment
    looks: list[Item] = []

    def counted(item: Item, segments: Any) -> bool:
        looks.append(item)
        return original(item, segments)

    with patch.object(Item, "is_within_segment", counted):
        yield looks
