"""What every table has to have, and which backup window is whose."""

import pytest

from tests.infrastructure.templates import TABLES, Template, of_type

SHORT_WINDOW = {"RecordKeysTable", "LookupIndexTable"}
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


def test_record_keys_alone_go_by_themselves() -> None:
    assert {
        name: table["Properties"]["TimeToLiveSpecification"]
        for name, table in DEPLOYED_TABLES.items()
        if "TimeToLiveSpecification" in table["Properties"]
    } == {"RecordKeysTable": {"AttributeName": "expires_ttl", "Enabled": True}}
