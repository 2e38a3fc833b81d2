"""The real template, read back from the embedded AWS through its API."""

import json
from typing import Any

import pytest

from phone_vault.local import LocalCloud

TABLES = ["KeyRing", "RecordKeys", "LookupIndex", "Subjects", "Numbers", "AuditTrail", "Operations"]
FUNCTIONS = ["Protect", "Reveal", "Lookup", "Verify"]
KEYS = ["KekId", "StorageKeyId"]


def _described(cloud: LocalCloud, table: str) -> dict[str, Any]:
    described: dict[str, Any] = cloud.client("dynamodb").describe_table(TableName=f"phone-vault-{table}")["Table"]
    return described


def test_the_outputs_are_the_parent_stacks(cloud: LocalCloud) -> None:
    assert cloud.outputs["NumbersTable"] == "phone-vault-Numbers"
    assert cloud.outputs["RevealFunctionArn"].endswith(":function:phone-vault-Reveal")


@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_encrypted_by_the_storage_key(cloud: LocalCloud, table: str) -> None:
    storage = cloud.client("kms").describe_key(KeyId=cloud.outputs["StorageKeyId"])["KeyMetadata"]["Arn"]
    encryption = _described(cloud, table)["SSEDescription"]
    assert (encryption["Status"], encryption["KMSMasterKeyArn"]) == ("ENABLED", storage)


@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_protected_from_deletion(cloud: LocalCloud, table: str) -> None:
    assert _described(cloud, table)["DeletionProtectionEnabled"]


@pytest.mark.parametrize(
    ("table", "days"),
    [(table, 7 if table in ("RecordKeys", "LookupIndex") else 35) for table in TABLES],
)
def test_a_table_can_be_restored_for_its_window(cloud: LocalCloud, table: str, days: int) -> None:
    backups = cloud.client("dynamodb").describe_continuous_backups(TableName=f"phone-vault-{table}")
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert (recovery["PointInTimeRecoveryStatus"], recovery["RecoveryPeriodInDays"]) == ("ENABLED", days)


def test_record_keys_have_a_time_to_live(cloud: LocalCloud) -> None:
    described = cloud.client("dynamodb").describe_time_to_live(TableName="phone-vault-RecordKeys")
    assert described["TimeToLiveDescription"] == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_ttl"}


@pytest.mark.parametrize("key", KEYS)
def test_a_key_rotates_every_year(cloud: LocalCloud, key: str) -> None:
    status = cloud.client("kms").get_key_rotation_status(KeyId=cloud.outputs[key])
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 365)


@pytest.mark.parametrize("key", KEYS)
def test_a_keys_policy_reads_back(cloud: LocalCloud, key: str) -> None:
    policy = cloud.client("kms").get_key_policy(KeyId=cloud.outputs[key], PolicyName="default")["Policy"]
    assert "AdministratorControls" in {statement["Sid"] for statement in json.loads(policy)["Statement"]}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_a_role_of_its_own(cloud: LocalCloud, function: str) -> None:
    role = cloud.client("lambda").get_function_configuration(FunctionName=f"phone-vault-{function}")["Role"]
    policies = cloud.client("iam").list_role_policies(RoleName=role.rpartition("/")[2])["PolicyNames"]
    assert policies == [function]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_roles_policy_reads_back(cloud: LocalCloud, function: str) -> None:
    role = cloud.client("lambda").get_function_configuration(FunctionName=f"phone-vault-{function}")["Role"]
    policy = cloud.client("iam").get_role_policy(RoleName=role.rpartition("/")[2], PolicyName=function)
    assert policy["PolicyDocument"]["Statement"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_the_alias_http(cloud: LocalCloud, function: str) -> None:
    alias = cloud.client("lambda").get_alias(FunctionName=f"phone-vault-{function}", Name="http")
    assert alias["FunctionVersion"] == "1"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_a_log_group(cloud: LocalCloud, function: str) -> None:
    name = f"/aws/lambda/phone-vault-{function}"
    groups = cloud.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert [group["retentionInDays"] for group in groups] == [365]
