"""What every table has to have, and which backup window is whose."""

import json

import pytest

from tests.infrastructure.templates import ACCOUNT, TABLES, Template, of_type, resolve
from tests.permissions import Permission, denied

RESOURCE_POLICY_LIMIT = 20 * 1024  # characters, white space counted
SHORT_WINDOW = {"RecordKeysTable", "LookupIndexTable"}
MORTAL = {"RecordKeysTable", "OperationsTable", "SubjectsTable"}
"""With rows that go by themselves when their time has come."""
DEPLOYED_TABLES = of_type("data", "AWS::DynamoDB::Table")

# Table: key attributes with their types, then index: key attributes.
KEYS = {
    "KeyRing": ["tenant_id S", "key_version S"],
    "RecordKeys": ["record_id S"],
    "RecordKeys/Due": ["due S"],
    "LookupIndex": ["index_position S", "subject_ref S"],
    "Subjects": ["subject S", "member S"],
    "Numbers": ["record_id S"],
    "AuditTrail": ["chain S", "sequence N"],
    "AuditTrail/About": ["about S", "at S"],
    "Operations": ["operation_id S"],
}

every_table = pytest.mark.parametrize("table", DEPLOYED_TABLES.values(), ids=DEPLOYED_TABLES)


def key_attributes(table: Template, key_schema: list[Template]) -> list[str]:
    types = {a["AttributeName"]: a["AttributeType"] for a in table["Properties"]["AttributeDefinitions"]}
    in_order = sorted(key_schema, key=lambda key: str(key["KeyType"]))
    return [f"{key['AttributeName']} {types[key['AttributeName']]}" for key in in_order]


def test_the_tables_are_those_of_the_design() -> None:
    assert set(DEPLOYED_TABLES) == {f"{name}Table" for name in TABLES}


def test_tables_and_indexes_have_the_keys_of_the_design() -> None:
    found = {}
    for logical_id, table in DEPLOYED_TABLES.items():
        name = logical_id.removesuffix("Table")
        found[name] = key_attributes(table, table["Properties"]["KeySchema"])
        for index in table["Properties"].get("GlobalSecondaryIndexes", []):
            found[f"{name}/{index['IndexName']}"] = key_attributes(table, index["KeySchema"])
    assert found == KEYS


@every_table
def test_a_table_is_named_after_the_vault(table: Template) -> None:
    assert table["Properties"]["TableName"]["Fn::Sub"].startswith("${VaultName}-")


@every_table
def test_a_table_survives_its_stack(table: Template) -> None:
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")


@every_table
def test_a_table_cannot_be_deleted_by_a_slip(table: Template) -> None:
    assert table["Properties"]["DeletionProtectionEnabled"] is True


@every_table
def test_a_table_is_encrypted_with_the_storage_key_and_not_the_kek(table: Template) -> None:
    assert table["Properties"]["SSESpecification"] == {
        "SSEEnabled": True,
        "SSEType": "KMS",
        "KMSMasterKeyId": {"Fn::GetAtt": ["Storage", "Arn"]},
    }


@every_table
def test_a_table_costs_nothing_when_idle(table: Template) -> None:
    assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"


@every_table
def test_a_table_can_be_restored_to_a_point_in_time(table: Template) -> None:
    assert table["Properties"]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True


@every_table
def test_an_index_of_a_table_repeats_keys_only(table: Template) -> None:
    projections = [i["Projection"] for i in table["Properties"].get("GlobalSecondaryIndexes", [])]
    assert all(projection == {"ProjectionType": "KEYS_ONLY"} for projection in projections)


def test_record_keys_and_index_entries_alone_have_the_window_that_an_erasure_waits_for() -> None:
    windows = {
        name: table["Properties"]["PointInTimeRecoverySpecification"]["RecoveryPeriodInDays"]
        for name, table in DEPLOYED_TABLES.items()
    }
    assert windows == {name: {"Ref": "KeyRecoveryDays"} if name in SHORT_WINDOW else 35 for name in DEPLOYED_TABLES}


def test_rows_go_by_themselves_where_destroyed_keys_past_hours_and_old_consents_are_left() -> None:
    assert {
        name: table["Properties"]["TimeToLiveSpecification"]
        for name, table in DEPLOYED_TABLES.items()
        if "TimeToLiveSpecification" in table["Properties"]
    } == {name: {"AttributeName": "expires_ttl", "Enabled": True} for name in MORTAL}


def test_the_policies_of_tables_deny_to_all_what_the_page_of_permissions_says() -> None:
    found = set()
    for logical_id, table in DEPLOYED_TABLES.items():
        for statement in table["Properties"].get("ResourcePolicy", {"PolicyDocument": {"Statement": []}})[
            "PolicyDocument"
        ]["Statement"]:
            name = logical_id.removesuffix("Table")
            assert (statement["Effect"], statement["Principal"]) == ("Deny", {"AWS": "*"})
            assert resolve(statement["Resource"]) == f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/phone-vault-{name}"
            assert statement.keys() == {"Sid", "Effect", "Principal", "Action", "Resource"}  # under no condition
            found |= {Permission(name, action.removeprefix("dynamodb:")) for action in statement["Action"]}
    assert found == denied()


def test_no_entry_of_the_audit_trail_can_be_changed_or_deleted_by_name() -> None:
    """An overwriting PutItem is none of these: see decisions.md."""
    actions = {each.action for each in denied() if each.resource == "AuditTrail"}
    assert actions >= {"BatchWriteItem", "DeleteItem", "UpdateItem", "PartiQLDelete", "PartiQLUpdate", "DeleteTable"}


@every_table
def test_the_policy_of_a_table_is_as_short_as_dynamodb_takes_it(table: Template) -> None:
    assert len(json.dumps(resolve(table["Properties"].get("ResourcePolicy", {})), indent=4)) < RESOURCE_POLICY_LIMIT
