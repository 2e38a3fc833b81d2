"""Many threads at once: no update is lost, and nobody acts as somebody else."""

from concurrent.futures import ThreadPoolExecutor

from phone_vault.local import LocalCloud
from tests.embedded.probes import allow, deploy

NUMBERS = "phone-vault-Numbers"
NUMBERS_ARN = f"arn:aws:dynamodb:eu-west-1:123456789012:table/{NUMBERS}"
KEY = {"record_id": {"S": "counter"}}


def test_500_concurrent_updates_lose_none(cloud: LocalCloud) -> None:
    dynamodb = cloud.client("dynamodb")

    def count(_: int) -> None:
        dynamodb.update_item(
            TableName=NUMBERS,
            Key=KEY,
            UpdateExpression="ADD times :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(count, range(500)))
    assert dynamodb.get_item(TableName=NUMBERS, Key=KEY)["Item"]["times"] == {"N": "500"}


def test_one_of_many_concurrent_first_writers_wins(cloud: LocalCloud) -> None:
    dynamodb = cloud.client("dynamodb")

    def claim(claimant: int) -> bool:
        put = {
            "TableName": NUMBERS,
            "Item": {**KEY, "claimant": {"N": str(claimant)}},
            "ConditionExpression": "attribute_not_exists(record_id)",
        }
        try:
            dynamodb.transact_write_items(TransactItems=[{"Put": put}])
        except dynamodb.exceptions.TransactionCanceledException:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(claim, range(40))) == 1


def test_roles_and_unrestricted_clients_do_not_mix(cloud: LocalCloud) -> None:
    probe = deploy(cloud, allow("dynamodb:PutItem", NUMBERS_ARN))
    dynamodb = cloud.client("dynamodb")

    def role_may_not_read(_: int) -> bool:
        return probe.is_denied("dynamodb", "get_item", TableName=NUMBERS, Key=KEY)

    def role_may_write(_: int) -> bool:
        return not probe.is_denied("dynamodb", "put_item", TableName=NUMBERS, Item=KEY)

    def everybody_else_may_read(_: int) -> bool:
        return "ResponseMetadata" in dynamodb.get_item(TableName=NUMBERS, Key=KEY)

    with ThreadPoolExecutor(8) as threads:
        done = [
            threads.submit(work, turn)
            for turn in range(100)
            for work in (role_may_not_read, role_may_write, everybody_else_may_read)
        ]
    assert all(each.result() for each in done)
