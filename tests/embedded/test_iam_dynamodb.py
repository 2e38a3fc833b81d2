"""A role's DynamoDB rights, by the wire: tables, indexes, leading keys, attributes, each item of a transaction."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from phone_vault.local import LocalCloud
from phone_vault.local.iam.attributes import named_in
from phone_vault.local.iam.patterns import UnsupportedPolicy
from tests.embedded.probes import Probe, Statement, allow, client_as, deny, deploy

NUMBERS = "phone-vault-Numbers"
RECORD_KEYS = "phone-vault-RecordKeys"
SUBJECTS = "phone-vault-Subjects"
ANY = "arn:aws:dynamodb:eu-west-1:123456789012:table/*"


def _arn(table: str) -> str:
    return f"arn:aws:dynamodb:eu-west-1:123456789012:table/{table}"


def _own(*patterns: str) -> dict[str, Any]:
    return {"dynamodb:LeadingKeys": list(patterns)}


def _record(record_id: str, **attributes: Any) -> dict[str, Any]:
    return {"record_id": {"S": record_id}, **attributes}


def _puts(probe: Probe, table: str, record_id: str = "r") -> bool:
    return not probe.is_denied("dynamodb", "put_item", TableName=table, Item=_record(record_id))


def test_a_role_is_allowed_what_its_policy_says(cloud: LocalCloud) -> None:
    assert _puts(deploy(cloud, allow("dynamodb:PutItem", _arn(NUMBERS))), NUMBERS)


def test_a_role_is_refused_what_its_policy_does_not_say(cloud: LocalCloud) -> None:
    probe = deploy(cloud, allow("dynamodb:PutItem", _arn(NUMBERS)))
    assert probe.is_denied("dynamodb", "get_item", TableName=NUMBERS, Key=_record("r"))


def test_a_role_is_refused_another_table(cloud: LocalCloud) -> None:
    assert not _puts(deploy(cloud, allow("dynamodb:PutItem", _arn(NUMBERS))), RECORD_KEYS)


def test_a_role_is_refused_what_its_policy_denies(cloud: LocalCloud) -> None:
    probe = deploy(cloud, allow("dynamodb:*", ANY), deny("dynamodb:PutItem", _arn(NUMBERS)))
    assert (_puts(probe, NUMBERS), _puts(probe, RECORD_KEYS)) == (False, True)


def test_a_table_is_known_by_its_arn_too(cloud: LocalCloud) -> None:
    assert not _puts(deploy(cloud, allow("dynamodb:PutItem", _arn(RECORD_KEYS))), _arn(NUMBERS))


def test_a_refusal_changes_nothing(cloud: LocalCloud) -> None:
    _puts(deploy(cloud), NUMBERS)
    assert cloud.client("dynamodb").scan(TableName=NUMBERS)["Count"] == 0


def test_a_policy_of_the_table_that_denies_outweighs_the_roles(cloud: LocalCloud) -> None:
    statement = {**deny("dynamodb:PutItem", _arn(NUMBERS)), "Principal": {"AWS": "*"}}
    _set_policy(cloud, NUMBERS, statement)
    assert not _puts(deploy(cloud, allow("dynamodb:*", ANY)), NUMBERS)


def test_a_policy_of_the_table_that_allows_the_role_is_enough(cloud: LocalCloud) -> None:
    role = {"AWS": "arn:aws:iam::123456789012:role/ProbeRole"}
    _set_policy(cloud, NUMBERS, {**allow("dynamodb:PutItem", _arn(NUMBERS)), "Principal": role})
    assert _puts(deploy(cloud), NUMBERS)


@pytest.mark.parametrize(("record_id", "allowed"), [("Probe#1", True), ("Other#1", False)])
def test_the_leading_key_of_a_put_is_looked_at(cloud: LocalCloud, record_id: str, allowed: bool) -> None:  # noqa: FBT001  # a table's column
    probe = deploy(cloud, allow("dynamodb:PutItem", _arn(NUMBERS), ForAllValues__StringLike=_own("Probe#*")))
    assert _puts(probe, NUMBERS, record_id) is allowed


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("get_item", {"TableName": NUMBERS, "Key": _record("Other#1")}),
        ("delete_item", {"TableName": NUMBERS, "Key": _record("Other#1")}),
        ("update_item", {"TableName": NUMBERS, "Key": _record("Other#1"), "UpdateExpression": "REMOVE a"}),
        ("batch_get_item", {"RequestItems": {NUMBERS: {"Keys": [_record("Probe#1"), _record("Other#1")]}}}),
        (
            "batch_write_item",
            {
                "RequestItems": {
                    NUMBERS: [
                        {"PutRequest": {"Item": _record("Probe#1")}},
                        {"DeleteRequest": {"Key": _record("Other#1")}},
                    ]
                }
            },
        ),
        (
            "query",
            {
                "TableName": NUMBERS,
                "KeyConditionExpression": "#r = :r",
                "ExpressionAttributeNames": {"#r": "record_id"},
                "ExpressionAttributeValues": {":r": {"S": "Other#1"}},
            },
        ),
    ],
)
def test_the_leading_key_is_looked_at_in_every_operation(
    cloud: LocalCloud, operation: str, arguments: dict[str, Any]
) -> None:
    probe = deploy(cloud, allow("dynamodb:*", _arn(NUMBERS), ForAllValues__StringLike=_own("Probe#*")))
    others = json.loads(json.dumps(arguments).replace("Other#1", "Probe#2"))
    assert probe.is_denied("dynamodb", operation, **arguments)
    assert not probe.is_denied("dynamodb", operation, **others)


def test_a_scan_has_no_leading_key_and_satisfies_for_all_values(cloud: LocalCloud) -> None:
    """As in AWS, which is why no role of ours may scan what it may otherwise read by leading keys."""
    probe = deploy(cloud, allow("dynamodb:*", _arn(NUMBERS), ForAllValues__StringLike=_own("Probe#*")))
    assert not probe.is_denied("dynamodb", "scan", TableName=NUMBERS)


def test_an_index_is_a_resource_of_its_own(cloud: LocalCloud) -> None:
    probe = deploy(cloud, allow("dynamodb:Query", _arn(RECORD_KEYS)))
    query = {
        "TableName": RECORD_KEYS,
        "IndexName": "Due",
        "KeyConditionExpression": "due = :due",
        "ExpressionAttributeValues": {":due": {"S": "2026-04-01#07"}},
    }
    assert probe.is_denied("dynamodb", "query", **query)


def test_the_leading_key_of_an_index_is_the_indexes(cloud: LocalCloud) -> None:
    index = f"{_arn(RECORD_KEYS)}/index/Due"
    probe = deploy(cloud, allow("dynamodb:Query", index, ForAllValues__StringLike=_own("2026-04-01#*")))
    query = {
        "TableName": RECORD_KEYS,
        "IndexName": "Due",
        "KeyConditionExpression": "due = :due",
        "ExpressionAttributeValues": {":due": {"S": "2026-04-01#07"}},
    }
    assert not probe.is_denied("dynamodb", "query", **query)


def test_return_values_are_looked_at(cloud: LocalCloud) -> None:
    none = {"dynamodb:ReturnValues": ["NONE"]}
    probe = deploy(cloud, allow("dynamodb:DeleteItem", _arn(NUMBERS), StringEqualsIfExists=none))
    delete = {"TableName": NUMBERS, "Key": _record("r")}
    assert not probe.is_denied("dynamodb", "delete_item", **delete)
    assert probe.is_denied("dynamodb", "delete_item", ReturnValues="ALL_OLD", **delete)


def test_attributes_are_looked_at(cloud: LocalCloud) -> None:
    names = {"dynamodb:Attributes": ["record_id", "last_used"]}
    probe = deploy(cloud, allow("dynamodb:UpdateItem", _arn(RECORD_KEYS), ForAllValues__StringEquals=names))
    update = {
        "TableName": RECORD_KEYS,
        "Key": _record("r"),
        "ExpressionAttributeNames": {"#a": "last_used"},
        "ExpressionAttributeValues": {":a": {"S": "x"}},
    }
    assert not probe.is_denied("dynamodb", "update_item", UpdateExpression="SET #a = :a", **update)
    assert probe.is_denied("dynamodb", "update_item", UpdateExpression="SET #a = :a, wrapped_key = :a", **update)


@pytest.mark.parametrize(
    ("request_", "names"),
    [
        ({"Key": {"id": {}}}, {"id"}),
        ({"Item": {"id": {}, "a": {}}}, {"id", "a"}),
        ({"UpdateExpression": "SET a.b[1].c = if_not_exists(d, :e) + :f REMOVE #g ADD h :i"}, {"a", "d", "G", "h"}),
        ({"ConditionExpression": "attribute_not_exists(a) AND size(b) > :n OR NOT #g IN (:x)"}, {"a", "b", "G"}),
        ({"ConditionExpression": "begins_with (a, :b) AND c BETWEEN :d AND :e"}, {"a", "c"}),
        ({"ProjectionExpression": "a, b.c, #g.d"}, {"a", "b", "G"}),
    ],
)
def test_attributes_are_the_first_names_of_paths(request_: dict[str, Any], names: set[str]) -> None:
    assert set(named_in({**request_, "ExpressionAttributeNames": {"#g": "G"}})) == names


def _transaction() -> dict[str, Any]:
    return {
        "TransactItems": [
            {"Put": {"TableName": NUMBERS, "Item": _record("r")}},
            {"Update": {"TableName": RECORD_KEYS, "Key": _record("r"), "UpdateExpression": "REMOVE a"}},
            {"Delete": {"TableName": SUBJECTS, "Key": {"subject": {"S": "s"}, "member": {"S": "t"}}}},
            {
                "ConditionCheck": {
                    "TableName": NUMBERS,
                    "Key": _record("other"),
                    "ConditionExpression": "attribute_not_exists(record_id)",
                }
            },
        ]
    }


NEEDED = {
    "PutItem": allow("dynamodb:PutItem", _arn(NUMBERS)),
    "UpdateItem": allow("dynamodb:UpdateItem", _arn(RECORD_KEYS)),
    "DeleteItem": allow("dynamodb:DeleteItem", _arn(SUBJECTS)),
    "ConditionCheckItem": allow("dynamodb:ConditionCheckItem", _arn(NUMBERS)),
}


def test_a_transaction_needs_no_right_of_its_own(cloud: LocalCloud) -> None:
    probe = deploy(cloud, *NEEDED.values())
    assert not probe.is_denied("dynamodb", "transact_write_items", **_transaction())


@pytest.mark.parametrize("missing", NEEDED)
def test_a_transaction_needs_the_right_to_each_of_its_items(cloud: LocalCloud, missing: str) -> None:
    probe = deploy(cloud, *(statement for action, statement in NEEDED.items() if action != missing))
    assert probe.is_denied("dynamodb", "transact_write_items", **_transaction())


def test_a_transaction_is_judged_by_each_items_leading_key(cloud: LocalCloud) -> None:
    probe = deploy(cloud, allow("dynamodb:PutItem", _arn(NUMBERS), ForAllValues__StringLike=_own("Probe#*")))
    put = {"TransactItems": [{"Put": {"TableName": NUMBERS, "Item": _record("Probe#1")}}]}
    assert not probe.is_denied("dynamodb", "transact_write_items", **put)
    put["TransactItems"].append({"Put": {"TableName": NUMBERS, "Item": _record("Other#1")}})
    assert probe.is_denied("dynamodb", "transact_write_items", **put)


def test_reading_in_a_batch_is_a_right_of_its_own(cloud: LocalCloud) -> None:
    probe = deploy(cloud, allow("dynamodb:GetItem", _arn(NUMBERS)))
    batch = {"RequestItems": {NUMBERS: {"Keys": [_record("r")]}}}
    assert probe.is_denied("dynamodb", "batch_get_item", **batch)


def test_a_batch_needs_the_right_to_each_of_its_tables(cloud: LocalCloud) -> None:
    probe = deploy(cloud, allow("dynamodb:BatchGetItem", _arn(NUMBERS)))
    batch = {"RequestItems": {name: {"Keys": [_record("r")]} for name in (NUMBERS, RECORD_KEYS)}}
    assert probe.is_denied("dynamodb", "batch_get_item", **batch)


def test_a_query_without_a_key_condition_expression_is_not_guessed_at(cloud: LocalCloud) -> None:
    deploy(cloud, allow("dynamodb:*", ANY))
    conditions = {"record_id": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "r"}]}}
    with pytest.raises(UnsupportedPolicy):
        client_as(cloud, "Probe", "dynamodb").query(TableName=NUMBERS, KeyConditions=conditions)


STATEMENTS = {
    "PartiQLSelect": f'SELECT * FROM "{NUMBERS}" WHERE record_id = ?',
    "PartiQLInsert": f"INSERT INTO \"{NUMBERS}\" VALUE {{'record_id': 'r'}}",
    "PartiQLUpdate": f'UPDATE "{NUMBERS}" SET message = ? WHERE record_id = ?',
    "PartiQLDelete": f'delete from "{NUMBERS}" WHERE record_id = ?',
}


@pytest.mark.parametrize("action", STATEMENTS)
@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("execute_statement", lambda statement: {"Statement": statement}),
        ("batch_execute_statement", lambda statement: {"Statements": [{"Statement": statement}]}),
        ("execute_transaction", lambda statement: {"TransactStatements": [{"Statement": statement}]}),
    ],
)
def test_partiql_needs_a_right_of_its_own_for_each_verb(
    cloud: LocalCloud, action: str, operation: str, arguments: Callable[[str], dict[str, Any]]
) -> None:
    probe = deploy(cloud, *(allow(f"dynamodb:{other}", _arn(NUMBERS)) for other in STATEMENTS if other != action))
    assert probe.is_denied("dynamodb", operation, **arguments(STATEMENTS[action]))


def test_partiql_names_an_index_as_a_resource_of_its_own(cloud: LocalCloud) -> None:
    probe = deploy(cloud, allow("dynamodb:PartiQLSelect", _arn(RECORD_KEYS)))
    assert probe.is_denied("dynamodb", "execute_statement", Statement=f'SELECT due FROM "{RECORD_KEYS}"."Due"')


@pytest.mark.parametrize("statement", ["SELECT", "EXISTS (SELECT)", f'DELETE "{NUMBERS}"'])
def test_partiql_that_cannot_be_read_is_not_guessed_at(cloud: LocalCloud, statement: str) -> None:
    deploy(cloud, allow("dynamodb:*", ANY))
    with pytest.raises(UnsupportedPolicy):
        client_as(cloud, "Probe", "dynamodb").execute_statement(Statement=statement)


def test_partiql_under_a_condition_is_not_guessed_at(cloud: LocalCloud) -> None:
    deploy(cloud, allow("dynamodb:*", ANY, ForAllValues__StringLike=_own("Probe#*")))
    with pytest.raises(UnsupportedPolicy):
        client_as(cloud, "Probe", "dynamodb").execute_statement(Statement=STATEMENTS["PartiQLSelect"])


def test_another_service_is_not_guessed_at(cloud: LocalCloud) -> None:
    deploy(cloud, allow("*", "*"))
    with pytest.raises(UnsupportedPolicy):
        client_as(cloud, "Probe", "sqs").list_queues()


def test_s3_is_not_guessed_at(cloud: LocalCloud) -> None:
    deploy(cloud, allow("*", "*"))
    with pytest.raises(UnsupportedPolicy):
        client_as(cloud, "Probe", "s3").list_buckets()


OTHER_SERVICES = [
    ("cloudformation", "list_stacks"),
    ("iam", "list_roles"),
    ("lambda", "list_functions"),
    ("s3", "list_buckets"),
    ("sts", "get_session_token"),
]


@pytest.mark.parametrize(("service", "operation"), OTHER_SERVICES)
def test_a_service_that_a_roles_policies_do_not_speak_of_is_refused(
    cloud: LocalCloud, service: str, operation: str
) -> None:
    deploy(cloud, allow("dynamodb:*", ANY))
    with pytest.raises(ClientError, match="AccessDenied"):
        getattr(client_as(cloud, "Probe", service), operation)()


@pytest.mark.parametrize(("service", "operation"), OTHER_SERVICES)
def test_a_service_that_a_roles_policies_speak_of_is_not_guessed_at(
    cloud: LocalCloud, service: str, operation: str
) -> None:
    deploy(cloud, allow(f"{service}:Describe*", "*"))
    with pytest.raises(UnsupportedPolicy):
        getattr(client_as(cloud, "Probe", service), operation)()


def _set_policy(cloud: LocalCloud, table: str, statement: Statement) -> None:
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    cloud.client("dynamodb").put_resource_policy(ResourceArn=_arn(table), Policy=policy)
