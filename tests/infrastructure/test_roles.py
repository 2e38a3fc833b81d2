"""What each function's role may do, and what none may."""

import json
from collections.abc import Iterator
from typing import NamedTuple

import pytest
import yaml

from tests.infrastructure.templates import (
    ACCOUNT,
    DEPLOYED,
    FUNCTIONS,
    KMS_KEYS,
    ROOT,
    TABLES,
    TENANT_KEY,
    Node,
    Template,
    listed,
    of_type,
    resolve,
)

ROLES = of_type("functions", "AWS::IAM::Role")
X_RAY = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
CONDITION_WORDS = {
    "dynamodb:Attributes": "attributes",
    "dynamodb:LeadingKeys": "key",
    "kms:EncryptionContext:tenant": "tenant",
    "kms:EncryptionContext:token": "token",
    "kms:EncryptionContext:use": "use",
    "kms:EncryptionContextKeys": "context",
    "kms:ViaService": "via",
}
IAM_INLINE_POLICY_LIMIT = 10_240  # characters of all inline policies of a role, white space not counted
MOST_TENANT_KEYS = 25  # as infrastructure/decisions.md says
LONGEST_KEY_ARN = f"arn:aws-us-gov:kms:ap-southeast-1:{ACCOUNT}:key/{'x' * 36}"

every_role = pytest.mark.parametrize("role", ROLES.values(), ids=ROLES)


class Grant(NamedTuple):
    """One action on one resource, under conditions."""

    action: str
    resource: str
    conditions: dict[str, dict[str, Node]]


def grants(role: Template) -> Iterator[Grant]:
    for policy in role["Properties"]["Policies"]:
        for statement in resolve(policy["PolicyDocument"])["Statement"]:
            assert statement["Effect"] == "Allow"
            for action in listed(statement["Action"]):
                for resource in listed(statement["Resource"]):
                    yield Grant(action, resource, statement.get("Condition", {}))


def short_name(function: str, resource: str) -> str:
    table_arn = f"arn:aws:dynamodb:eu-west-1:{DEPLOYED['AWS::AccountId']}:table/phone-vault-"
    names = {f"{table_arn}{table}": table for table in TABLES}
    names |= {arn: name for name, arn in KMS_KEYS.items()} | {TENANT_KEY: "Kek"}
    names |= {DEPLOYED[f"{function}LogGroup.Arn"]: "own log group", "*": "everything"}
    return names[resource]


def directly_wrapped(function: str) -> set[str]:
    """Names of the records whose keys the function has KMS itself wrap or unwrap."""
    conditions = [grant.conditions.get("StringLike", {}) for grant in grants(ROLES[f"{function}Role"])]
    return {str(each["kms:EncryptionContext:token"]) for each in conditions if each}


def in_words(grant: Grant) -> str:
    """As permissions.yaml has it: the action and the conditions' values."""
    words = [grant.action.partition(":")[2]]
    for operator, comparisons in grant.conditions.items():
        if operator == "Null":
            continue  # what `context` names must be there: a test of its own
        for key, values in comparisons.items():
            allowed = [value.removesuffix(".eu-west-1.amazonaws.com") for value in listed(values)]
            words.append(f"{CONDITION_WORDS[key]}={'|'.join(allowed)}")
    return " ".join(words)


def test_every_role_is_as_the_page_of_permissions_says() -> None:
    page = yaml.safe_load((ROOT / "infrastructure/permissions.yaml").read_text())
    found: dict[str, dict[str, set[str]]] = {function: {} for function in FUNCTIONS}
    for function in FUNCTIONS:
        for grant in grants(ROLES[f"{function}Role"]):
            resource = short_name(function, grant.resource)
            found[function].setdefault(resource, set()).add(in_words(grant))
    assert found == {
        function: {resource: set(actions) for resource, actions in resources.items()}
        for function, resources in page.items()
    }


@every_role
def test_a_role_names_every_action(role: Template) -> None:
    assert not [grant for grant in grants(role) if "*" in grant.action]


@every_role
def test_a_role_names_every_resource_but_for_traces_and_the_streams_of_its_log_group(role: Template) -> None:
    unnamed = {grant.action for grant in grants(role) if "*" in grant.resource}
    assert unnamed == X_RAY | {"logs:CreateLogStream", "logs:PutLogEvents"}


@every_role
def test_a_role_has_all_resources_for_traces_alone(role: Template) -> None:
    assert {grant.action for grant in grants(role) if grant.resource == "*"} == X_RAY


@every_role
def test_a_role_asks_kms_for_nothing_but_wrapping_under_a_condition(role: Template) -> None:
    of_kms = [grant for grant in grants(role) if grant.action.startswith("kms:")]
    assert {grant.action for grant in of_kms} <= {"kms:Decrypt", "kms:Encrypt"}
    assert all(grant.conditions for grant in of_kms)


@every_role
def test_a_role_may_use_a_tenants_own_key_exactly_as_the_kek(role: Template) -> None:
    of_kek, of_tenant_key = (
        [grant._replace(resource="") for grant in grants(role) if grant.resource == arn]
        for arn in (KMS_KEYS["Kek"], TENANT_KEY)
    )
    assert of_tenant_key == of_kek


@every_role
def test_a_context_that_a_role_must_keep_to_must_be_there_whole(role: Template) -> None:
    for grant in grants(role):
        names = grant.conditions.get("ForAllValues:StringEquals", {}).get("kms:EncryptionContextKeys", [])
        required = {f"kms:EncryptionContext:{name}": "false" for name in names}
        assert grant.conditions.get("Null", {}) == required


@pytest.mark.parametrize("function", ["Protect", "Reveal", "Lookup", "Verify"])
def test_a_function_of_stored_numbers_wraps_no_message_key_directly(function: str) -> None:
    assert directly_wrapped(function) <= {"tok_*"}


@pytest.mark.parametrize("function", ["Encrypt", "Decrypt"])
def test_a_function_of_messages_reaches_no_record_key_of_a_stored_number(function: str) -> None:
    assert directly_wrapped(function) == {"m#*"}
    on_record_keys = [g for g in grants(ROLES[f"{function}Role"]) if g.resource.endswith("RecordKeys")]
    leading_keys = [g.conditions["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] for g in on_record_keys]
    assert leading_keys == [["*#m#*"]] * len(on_record_keys)


def test_protect_cannot_unwrap_what_it_wraps_directly() -> None:
    actions = {g.action for g in grants(ROLES["ProtectRole"]) if "StringLike" in g.conditions}
    assert actions == {"kms:Encrypt"}


@every_role
def test_a_role_neither_deletes_nor_scans(role: Template) -> None:
    actions = {grant.action for grant in grants(role)}
    assert not [action for action in actions if "Delete" in action or "Scan" in action]


@every_role
def test_a_role_only_appends_to_the_audit_trail(role: Template) -> None:
    on_the_trail = {grant.action for grant in grants(role) if grant.resource.endswith("AuditTrail")}
    assert on_the_trail == {"dynamodb:PutItem"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_writes_its_own_audit_chains_only(function: str) -> None:
    (write,) = [g for g in grants(ROLES[f"{function}Role"]) if g.resource.endswith("AuditTrail")]
    assert write.conditions == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{function}#*"]}}


@pytest.mark.parametrize("function", ["Lookup", "Verify"])
def test_looking_up_needs_no_branch_key_and_no_number(function: str) -> None:
    role = list(grants(ROLES[f"{function}Role"]))
    uses = [g.conditions["StringEquals"] for g in role if g.resource == KMS_KEYS["Kek"]]
    assert uses == [{"kms:EncryptionContext:use": ["index"]}]
    assert not [grant for grant in role if grant.resource.endswith("Numbers")]


def test_reveal_alone_reads_numbers() -> None:
    readers = {
        name
        for name, role in ROLES.items()
        for grant in grants(role)
        if grant.resource.endswith("Numbers") and grant.action != "dynamodb:PutItem"
    }
    assert readers == {"RevealRole"}


@every_role
def test_a_role_is_for_lambda_alone(role: Template) -> None:
    assert role["Properties"]["AssumeRolePolicyDocument"]["Statement"] == [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ]


@every_role
def test_a_role_brings_no_managed_policy(role: Template) -> None:
    assert "ManagedPolicyArns" not in role["Properties"]


@every_role
def test_a_role_lies_under_the_path_that_the_key_policies_deny_control(role: Template) -> None:
    assert resolve(role["Properties"]["Path"]) == "/phone-vault/functions/"


@every_role
def test_the_policies_of_a_role_fit_into_what_iam_takes_for_as_many_tenant_keys_as_are_promised(role: Template) -> None:
    names = DEPLOYED | {"KeyEncryptionKeyArns": [LONGEST_KEY_ARN] * (1 + MOST_TENANT_KEYS)}
    documents = [resolve(policy["PolicyDocument"], names) for policy in role["Properties"]["Policies"]]
    assert sum(len(json.dumps(d, separators=(",", ":"))) for d in documents) < IAM_INLINE_POLICY_LIMIT
