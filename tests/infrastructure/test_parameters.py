"""Parameters are explained, passed on and used; outputs are what operators are promised."""

import re

import pytest

from phone_vault.domain.rotation import LONGEST_FUNCTION, Step
from phone_vault.services.estimate.duration import Latencies
from tests.infrastructure.templates import (
    ADMINISTRATOR,
    SOURCES,
    STATE_MACHINES,
    TABLES,
    TEMPLATE_OF,
    TENANT_KEY,
    references,
    source,
)

PARAMETERS = source("template")["Parameters"]
INTERFACE = source("template")["Metadata"]["AWS::CloudFormation::Interface"]

every_template = pytest.mark.parametrize("name", SOURCES)


@every_template
def test_every_parameter_is_used(name: str) -> None:
    template = source(name)
    used = set(references({key: value for key, value in template.items() if key != "Parameters"}))
    assert set(template["Parameters"]) <= used


@every_template
def test_every_parameter_is_described(name: str) -> None:
    assert all(parameter["Description"] for parameter in source(name)["Parameters"].values())


@every_template
def test_every_condition_is_used(name: str) -> None:
    template = source(name)
    for condition in template.get("Conditions", {}):
        assert f"'Fn::If': ['{condition}'" in str(template["Resources"])


def test_every_parameter_has_a_default() -> None:
    assert all("Default" in parameter for parameter in PARAMETERS.values())


def test_every_parameter_has_a_label_and_a_group() -> None:
    grouped = [name for group in INTERFACE["ParameterGroups"] for name in group["Parameters"]]
    assert sorted(grouped) == sorted(PARAMETERS)
    assert set(INTERFACE["ParameterLabels"]) == set(PARAMETERS)


@pytest.mark.parametrize("child", sorted(SOURCES.keys() - {"template"}))
def test_a_nested_template_is_given_exactly_what_it_asks_for(child: str) -> None:
    (stack,) = [
        resource["Properties"]
        for resource in source("template")["Resources"].values()
        if resource["Properties"]["Location"] == f"infrastructure/{child}.yaml"
    ]
    assert set(stack["Parameters"]) == set(source(child)["Parameters"])


def test_the_outputs_are_what_operators_are_promised() -> None:
    assert set(source("template")["Outputs"]) == {
        *(f"{table}Table" for table in TABLES),
        *(f"{function}FunctionArn" for function in TEMPLATE_OF),
        *(f"{machine}StateMachineArn" for machine in STATE_MACHINES),
        "KekId",
        "ReceiptKeyId",
        "StorageKeyId",
        "UserPoolId",
        "UserPoolIssuer",
        "UserPoolClientId",
    }


@pytest.mark.parametrize("arn", ["", ADMINISTRATOR, ADMINISTRATOR.replace("role/", "role/teams/keys/")])
def test_the_key_administrator_may_be_a_role_or_nobody(arn: str) -> None:
    assert re.fullmatch(PARAMETERS["KeyAdministratorRoleArn"]["AllowedPattern"], arn)


@pytest.mark.parametrize(
    "arn",
    [
        ADMINISTRATOR.replace(":role/", ":user/"),
        "arn:aws:iam::123456789012:root",
        "arn:aws:sts::123456789012:assumed-role/key-administrator/session",
        "*",
        f"{ADMINISTRATOR}*",
    ],
)
def test_the_key_administrator_is_no_user_no_session_and_not_everyone(arn: str) -> None:
    assert not re.fullmatch(PARAMETERS["KeyAdministratorRoleArn"]["AllowedPattern"], arn)


@pytest.mark.parametrize("arn", ["", TENANT_KEY, TENANT_KEY.replace("key/", "key/mrk-")])
def test_a_tenants_key_is_named_by_its_arn(arn: str) -> None:
    assert re.fullmatch(PARAMETERS["TenantKeyArns"]["AllowedPattern"], arn)


@pytest.mark.parametrize(
    "arn", ["*", f"{TENANT_KEY}*", TENANT_KEY.replace(":key/", ":alias/"), "arn:aws:kms:*:*:key/*"]
)
def test_no_wildcard_and_no_alias_stands_for_a_tenants_key(arn: str) -> None:
    assert not re.fullmatch(PARAMETERS["TenantKeyArns"]["AllowedPattern"], arn)


def test_the_last_step_of_a_rotation_can_read_what_was_counted_in_the_most_shards_that_there_may_be() -> None:
    """The counts of each step, and those of the last census once more, one after the other, in half its time."""
    readings = PARAMETERS["RotationShards"]["MaxValue"] * (len(Step) + 1)
    assert readings * Latencies().dynamodb < LONGEST_FUNCTION.total_seconds() / 2


TOPIC = "arn:aws:sns:eu-west-1:123456789012:alarms"


@pytest.mark.parametrize("arn", ["", TOPIC])
def test_alarms_are_told_to_a_topic_or_to_nobody(arn: str) -> None:
    assert re.fullmatch(PARAMETERS["AlarmTopicArn"]["AllowedPattern"], arn)


@pytest.mark.parametrize("arn", ["*", TOPIC.replace("sns", "sqs"), f"{TOPIC}:subscription", "alarms@example.org"])
def test_alarms_are_told_to_nothing_but_a_topic(arn: str) -> None:
    assert not re.fullmatch(PARAMETERS["AlarmTopicArn"]["AllowedPattern"], arn)


def test_debug_logging_cannot_be_turned_on_by_a_deployment() -> None:
    assert "DEBUG" not in PARAMETERS["LogLevel"]["AllowedValues"]
