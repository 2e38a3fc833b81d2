"""Time to live follows the embedded clock."""

from datetime import timedelta

from phone_vault.local import LocalCloud

RECORD_KEYS = "phone-vault-RecordKeys"
NUMBERS = "phone-vault-Numbers"


def _put(cloud: LocalCloud, table: str, ends: str) -> None:
    item = {"record_id": {"S": "r"}, "expires_ttl": {"N": ends}}
    cloud.client("dynamodb").put_item(TableName=table, Item=item)


def _is_there(cloud: LocalCloud, table: str) -> bool:
    return "Item" in cloud.client("dynamodb").get_item(TableName=table, Key={"record_id": {"S": "r"}})


def _in_an_hour(cloud: LocalCloud) -> str:
    return str(int((cloud.clock.now() + timedelta(hours=1)).timestamp()))


def test_an_item_stays_until_its_time(cloud: LocalCloud) -> None:
    _put(cloud, RECORD_KEYS, _in_an_hour(cloud))
    cloud.clock.advance(hours=1)
    assert _is_there(cloud, RECORD_KEYS)


def test_an_item_goes_after_its_time(cloud: LocalCloud) -> None:
    _put(cloud, RECORD_KEYS, _in_an_hour(cloud))
    cloud.clock.advance(hours=1, seconds=1)
    assert not _is_there(cloud, RECORD_KEYS)


def test_an_item_of_a_table_without_time_to_live_stays(cloud: LocalCloud) -> None:
    _put(cloud, NUMBERS, _in_an_hour(cloud))
    cloud.clock.advance(days=1)
    assert _is_there(cloud, NUMBERS)


def test_a_time_more_than_five_years_ago_is_taken_for_a_mistake(cloud: LocalCloud) -> None:
    _put(cloud, RECORD_KEYS, "1")
    cloud.clock.advance(days=1)
    assert _is_there(cloud, RECORD_KEYS)
