"""What functions ask of AWS is recorded where it goes over the wire, with what it would cost."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from phone_vault.local import LocalCloud
from phone_vault.local.calls import AwsCall
from tests.embedded.probes import Probe, allow, deploy

RECORD_KEYS = "phone-vault-RecordKeys"
NUMBERS = "phone-vault-Numbers"
KEY = {"record_id": {"S": "r"}}


@pytest.fixture
def probe(cloud: LocalCloud) -> Probe:
    return deploy(cloud, allow(["dynamodb:*", "kms:*"], "*"))


def _units(probe: Probe, operation: str, **arguments: Any) -> tuple[float, float]:
    probe.call("dynamodb", operation, **arguments)
    last = probe.cloud.calls[-1]
    return last.read_units, last.write_units


def test_a_call_is_recorded_with_its_function(probe: Probe) -> None:
    probe.call("kms", "list_keys")
    assert probe.cloud.calls == [AwsCall("kms", "ListKeys", "Probe")]


def test_a_refused_call_is_recorded_too(cloud: LocalCloud) -> None:
    deploy(cloud).is_denied("kms", "list_keys")
    assert [call.operation for call in cloud.calls] == ["ListKeys"]


def test_calls_of_unrestricted_clients_are_not_recorded(cloud: LocalCloud) -> None:
    cloud.client("kms").list_keys()
    assert cloud.calls == []


def test_a_put_costs_by_the_items_size(probe: Probe) -> None:
    item = {**KEY, "message": {"S": "x" * 1500}}
    assert _units(probe, "put_item", TableName=NUMBERS, Item=item) == (0, 2)


def test_a_put_costs_for_its_index_entry_too(probe: Probe) -> None:
    item = {**KEY, "due": {"S": "2026-04-01#07"}}
    assert _units(probe, "put_item", TableName=RECORD_KEYS, Item=item) == (0, 2)


def test_an_update_that_leaves_the_index_alone_costs_nothing_there(probe: Probe) -> None:
    item = {**KEY, "due": {"S": "2026-04-01#07"}}
    probe.call("dynamodb", "put_item", TableName=RECORD_KEYS, Item=item)
    update = {"UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": {"S": "x"}}}
    assert _units(probe, "update_item", TableName=RECORD_KEYS, Key=KEY, **update) == (0, 1)


def test_a_transactional_write_costs_double(probe: Probe) -> None:
    put = {"Put": {"TableName": NUMBERS, "Item": KEY}}
    assert _units(probe, "transact_write_items", TransactItems=[put]) == (0, 2)


def test_a_refused_write_is_charged_too(probe: Probe) -> None:
    probe.error_of(
        "dynamodb", "put_item", TableName=NUMBERS, Item=KEY, ConditionExpression="attribute_exists(record_id)"
    )
    assert probe.cloud.calls[-1].write_units == 1


def test_a_strongly_consistent_read_costs_double(probe: Probe) -> None:
    assert _units(probe, "get_item", TableName=NUMBERS, Key=KEY) == (0.5, 0)
    assert _units(probe, "get_item", TableName=NUMBERS, Key=KEY, ConsistentRead=True) == (1, 0)


def test_a_batch_costs_by_each_item(probe: Probe) -> None:
    batch = {
        NUMBERS: {"Keys": [KEY, {"record_id": {"S": "s"}}]},
        RECORD_KEYS: {"Keys": [KEY], "ConsistentRead": True},
    }
    assert _units(probe, "batch_get_item", RequestItems=batch) == (2, 0)


def test_a_projection_does_not_make_a_read_cheaper(probe: Probe) -> None:
    item = {**KEY, "message": {"S": "x" * 5000}}
    probe.call("dynamodb", "put_item", TableName=NUMBERS, Item=item)
    read = {"TableName": NUMBERS, "Key": KEY, "ProjectionExpression": "record_id", "ConsistentRead": True}
    assert _units(probe, "get_item", **read) == (2, 0)


def test_a_query_costs_by_all_that_it_looks_at(probe: Probe) -> None:
    for member in "ab":
        item = {"subject": {"S": "s"}, "member": {"S": member}, "x": {"S": "x" * 3000}}
        probe.call("dynamodb", "put_item", TableName="phone-vault-Subjects", Item=item)
    query = {
        "TableName": "phone-vault-Subjects",
        "KeyConditionExpression": "subject = :s",
        "FilterExpression": "x = :x",
        "ProjectionExpression": "x",
        "ExpressionAttributeValues": {":s": {"S": "s"}, ":x": {"S": "none"}},
        "ConsistentRead": True,
    }
    assert _units(probe, "query", **query) == (2, 0)


def test_concurrent_calls_are_charged_each_for_its_own(probe: Probe) -> None:
    def put(kilobytes: int) -> None:
        item = {"record_id": {"S": str(kilobytes)}, "message": {"S": "x" * (1000 * kilobytes)}}
        probe.call("dynamodb", "put_item", TableName=NUMBERS, Item=item)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(put, range(1, 41)))
    assert sorted(call.write_units for call in probe.cloud.calls) == list(range(1, 41))


def test_a_scan_costs_by_all_that_it_looks_at(probe: Probe) -> None:
    item = {**KEY, "message": {"S": "x" * 5000}}
    probe.call("dynamodb", "put_item", TableName=NUMBERS, Item=item)
    assert _units(probe, "scan", TableName=NUMBERS) == (1, 0)
