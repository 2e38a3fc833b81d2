"""What each function's role may do, and what none may."""

import json
from collections.abc import Callable

import pytest

from tests.infrastructure.roles import ROLES, Grant, grants
from tests.infrastructure.templates import (
    ACCOUNT,
    DEPLOYED,
    FUNCTIONS,
    KMS_KEYS,
    TABLES,
    TENANT_KEY,
    Template,
    listed,
    of_type,
    resolve,
)
from tests.permissions import CONDITION_KEYS, Permission, Permissions, exercised_offline, page, permissions

DEPLOYED_FUNCTIONS = [name.removesuffix("Function") for name in of_type("functions", "AWS::Lambda::Function")]
X_RAY = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
IAM_INLINE_POLICY_LIMIT = 10_240  # characters of all inline policies of a role, white space not counted
MOST_TENANT_KEYS = 25  # as infrastructure/decisions.md says
LONGEST_KEY_ARN = f"arn:aws-us-gov:kms:ap-southeast-1:{ACCOUNT}:key/{'x' * 36}"

every_role = pytest.mark.parametrize("role", ROLES.values(), ids=ROLES)


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


def in_words(function: str, grant: Grant) -> Permission:
    """As the page has it."""
    words = {key: word for word, key in CONDITION_KEYS.items()}
    conditions = set()
    for operator, comparisons in grant.conditions.items():
        if operator == "Null":
            continue  # what `context` names must be there: a test of its own
        assert operator.removeprefix("ForAllValues:") in ("StringEquals", "StringEqualsIfExists", "StringLike")
        for key, values in comparisons.items():
            allowed = frozenset(value.removesuffix(".eu-west-1.amazonaws.com") for value in listed(values))
            conditions.add((words[key], allowed))
    action = grant.action.partition(":")[2]
    return Permission(short_name(function, grant.resource), action, frozenset(conditions))


def translated() -> Permissions:
    """What the roles grant to each function of the template, in the page's words."""
    return {
        name: frozenset(in_words(name, grant) for grant in grants(ROLES[f"{name}Role"])) for name in DEPLOYED_FUNCTIONS
    }


def differences(one: Permissions, other: Permissions) -> set[str]:
    """What is granted on one side alone."""
    sides = [{(name, each) for name, granted in side.items() for each in granted} for side in (one, other)]
    return {f"{function}: {permission}" for function, permission in sides[0] ^ sides[1]}


def test_every_role_is_as_the_page_of_permissions_says() -> None:
    assert translated().keys() == permissions().keys()
    assert not differences(translated(), permissions())


@pytest.mark.parametrize("side", [permissions, translated], ids=["page", "template"])
def test_whatever_is_missing_on_one_side_shows(side: Callable[[], Permissions]) -> None:
    whole = side()
    for function, granted in whole.items():
        for permission in granted:
            less = {**whole, function: granted - {permission}}
            assert differences(less, whole) == differences(whole, less) == {f"{function}: {permission}"}


@pytest.mark.parametrize("side", [permissions, translated], ids=["page", "template"])
def test_a_condition_that_is_missing_on_one_side_shows(side: Callable[[], Permissions]) -> None:
    whole = side()
    for function, granted in whole.items():
        for permission in granted:
            for condition in permission.conditions:
                wider = permission._replace(conditions=permission.conditions - {condition})
                assert differences({**whole, function: granted - {permission} | {wider}}, whole)


def test_whatever_the_page_says_is_not_exercised_offline_stands_on_it() -> None:
    granted = {permission for of_one in permissions().values() for permission in of_one}
    named = {name for each in granted if not exercised_offline(each) for name in (each.resource, str(each))}
    assert page()["not exercised offline"].keys() <= named


def test_every_role_of_the_templates_is_a_functions_that_stands_on_the_page() -> None:
    assert ROLES.keys() == {f"{function}Role" for function in permissions()}


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
