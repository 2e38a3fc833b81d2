"""Instances start cold, stay warm, answer one invocation at a time, and share nothing."""

import os
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import boto3
import pytest

from phone_vault.local import FunctionError, LocalCloud
from tests.embedded.probes import allow, deploy

ANY_KEY = "arn:aws:kms:eu-west-1:123456789012:key/*"


@pytest.fixture(autouse=True)
def _probe(cloud: LocalCloud) -> None:
    deploy(cloud, environment={"COLOUR": "blue"})


def test_a_warm_instance_answers_again(cloud: LocalCloud) -> None:
    assert cloud.invoke("Probe", {})["instance"] == cloud.invoke("Probe", {})["instance"]


def test_a_restart_makes_it_cold(cloud: LocalCloud) -> None:
    before = cloud.invoke("Probe", {})["instance"]
    cloud.restart()
    assert cloud.invoke("Probe", {})["instance"] != before


def test_a_published_version_has_instances_of_its_own(cloud: LocalCloud) -> None:
    assert cloud.invoke("Probe", {})["instance"] != cloud.invoke("Probe", {}, alias="billing")["instance"]


def test_aliases_of_one_version_share_its_instances(cloud: LocalCloud) -> None:
    first = cloud.invoke("Probe", {}, alias="billing")["instance"]
    assert first == cloud.invoke("Probe", {}, alias="support")["instance"]


def test_an_instance_answers_one_invocation_at_a_time(cloud: LocalCloud) -> None:
    with ThreadPoolExecutor(4) as threads:
        instances = list(threads.map(lambda _: cloud.invoke("Probe", {"sleep": 0.2}), range(4)))
    assert len(set(instances)) == 4


def test_an_instance_survives_an_exception_of_its_handler(cloud: LocalCloud) -> None:
    before = cloud.invoke("Probe", {})["instance"]
    with pytest.raises(FunctionError, match="no luck"):
        cloud.invoke("Probe", {"fail": "no luck"})
    assert cloud.invoke("Probe", {})["instance"] == before


def test_an_instance_does_not_survive_the_end_of_its_process(cloud: LocalCloud) -> None:
    before = cloud.invoke("Probe", {})["instance"]
    with pytest.raises(FunctionError, match=r"Runtime\.ExitError"):
        cloud.invoke("Probe", {"exit": 1})
    assert cloud.invoke("Probe", {})["instance"] != before


def test_a_function_starts_with_its_templates_variables(cloud: LocalCloud) -> None:
    assert cloud.invoke("Probe", {"environment": "COLOUR"}) == "blue"


@pytest.mark.parametrize("name", ["AWS_PROFILE", "AWS_ENDPOINT_URL", "POWERTOOLS_LOG_LEVEL"])
def test_a_function_does_not_see_the_developers_own_aws_settings(cloud: LocalCloud, name: str) -> None:
    with patch.dict(os.environ, {name: "mine"}):
        assert cloud.invoke("Probe", {"environment": name}) is None


def test_the_developers_environment_is_restored(cloud: LocalCloud) -> None:
    with patch.dict(os.environ, {"AWS_PROFILE": "mine"}):
        before = dict(os.environ)
        cloud.invoke("Probe", {})
        assert dict(os.environ) == before


def test_the_developers_sdk_session_is_restored(cloud: LocalCloud) -> None:
    session = boto3.Session(region_name="eu-west-1")
    with patch.object(boto3, "DEFAULT_SESSION", session):
        cloud.invoke("Probe", {})
        assert boto3.DEFAULT_SESSION is session


def test_two_functions_have_roles_of_their_own(cloud: LocalCloud) -> None:
    lister = deploy(cloud, allow("kms:ListKeys", "*"), name="Lister")
    deploy(cloud, allow("kms:DescribeKey", ANY_KEY), name="Describer")
    cloud.invoke("Describer", {})
    assert not lister.is_denied("kms", "list_keys")
    assert lister.is_denied("kms", "describe_key", KeyId=cloud.outputs["KekId"])


def test_invoking_makes_no_aws_calls_of_its_own(cloud: LocalCloud) -> None:
    with patch("botocore.client.BaseClient._make_api_call", side_effect=AssertionError("an AWS call")):
        cloud.invoke("Probe", {}, principal="group:support")
