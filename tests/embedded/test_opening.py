"""One LocalCloud at a time, which leaves nothing behind."""

import os
import sys
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import pytest
import tomli_w
from botocore import handlers, session
from moto import mock_aws
from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.models import MockAWS
from moto.core.responses import BaseResponse
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler
from moto.kms.models import Key, KmsBackend

from phone_vault.adapters.clock import SystemClock
from phone_vault.domain.policy_file import PolicyFaults
from phone_vault.local import LocalCloud, current, sources
from phone_vault.local import cloud as cloud_module
from phone_vault.local.errors import AlreadyOpen, NotOpen
from tests.embedded.probes import deploy

POLICY: dict[str, Any] = {
    "version": 1,
    "purposes": {"account_security": {"lawful_basis": "contract", "retention": {"days": 90, "from": "created"}}},
    "principals": [
        {
            "match": "direct",
            "tenants": ["*"],
            "functions": ["*"],
            "purposes": ["*"],
            "views": ["full", "masked"],
        }
    ],
}


def _patched() -> list[object]:
    """Everything that a LocalCloud changes in this process."""
    return [
        BaseResponse.__dict__["_dispatch"],
        ActionAuthenticatorMixin.__dict__["_authenticate_and_authorize_action"],
        DynamoDBBackend.__dict__["transact_write_items"],
        DynamoHandler.__dict__["put_item"],
        Table.__dict__["query"],
        Table.__dict__["create_from_cloudformation_json"],
        Key.__dict__["create_from_cloudformation_json"],
        KmsBackend.__dict__["decrypt"],
        SystemClock.__dict__["now"],
        session.create_loader,
        list(handlers.BUILTIN_HANDLERS),
        MockAWS._mocks_active,
        boto3.DEFAULT_SESSION,
        sys.stdout,
        sys.stderr,
        dict(os.environ),
    ]


def test_it_opens_well_under_a_second_and_a_half() -> None:
    begun = time.perf_counter()
    with LocalCloud():
        assert time.perf_counter() - begun < 1.5


def test_nothing_is_left_behind() -> None:
    before = _patched()
    with LocalCloud(POLICY) as cloud:
        deploy(cloud)
        cloud.invoke("Probe", {})
    assert _patched() == before


def test_nothing_is_left_behind_when_opening_fails() -> None:
    before = _patched()
    with (
        patch.object(cloud_module, "deploy", side_effect=OSError("no deployment")),
        pytest.raises(OSError, match="no deployment"),
        LocalCloud(POLICY),
    ):
        pytest.fail("it opened")
    assert (_patched(), current()) == (before, None)


def test_nothing_is_left_behind_when_its_user_fails() -> None:
    before = _patched()
    with pytest.raises(ZeroDivisionError), LocalCloud():
        raise ZeroDivisionError
    assert (_patched(), current()) == (before, None)


def test_a_second_one_is_refused_while_one_is_open(cloud: LocalCloud) -> None:
    with pytest.raises(AlreadyOpen), LocalCloud():
        pytest.fail("it opened")
    assert current() is cloud


def test_it_is_refused_while_moto_is_in_use() -> None:
    with mock_aws(), pytest.raises(AlreadyOpen), LocalCloud():
        pytest.fail("it opened")


def test_the_open_one_is_the_current_one(cloud: LocalCloud) -> None:
    assert current() is cloud


def test_two_share_nothing() -> None:
    with LocalCloud() as first:
        first.client("s3").create_bucket(Bucket="things", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        first_kek = first.outputs["KekId"]
    with LocalCloud() as second:
        buckets = {bucket["Name"] for bucket in second.client("s3").list_buckets()["Buckets"]}
        assert "things" not in buckets
        assert second.outputs["KekId"] != first_kek
        assert second.logs == []


@pytest.mark.parametrize("name", ["AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_SESSION_TOKEN"])
def test_a_client_does_not_see_the_developers_own_aws_settings(cloud: LocalCloud, name: str) -> None:
    with patch.dict(os.environ, {name: "http://127.0.0.1:1"}):
        assert cloud.client("dynamodb").list_tables()["TableNames"]


def test_a_closed_one_makes_no_clients_of_the_real_aws() -> None:
    with LocalCloud() as cloud:
        pass
    with pytest.raises(NotOpen):
        cloud.client("dynamodb")


def test_a_closed_one_invokes_nothing() -> None:
    with LocalCloud() as cloud:
        pass
    with pytest.raises(NotOpen):
        cloud.invoke("Protect", {})


def test_a_closed_ones_logs_can_still_be_read() -> None:
    with LocalCloud() as cloud:
        deploy(cloud)
        cloud.invoke("Probe", {"print": ["one"]})
    assert cloud.logs == ["one"]


def test_a_closed_ones_clock_still_tells_the_time() -> None:
    with LocalCloud() as cloud:
        pass
    cloud.clock.advance(days=1)


def test_a_faulty_policy_is_refused_before_anything_is_opened() -> None:
    with pytest.raises(PolicyFaults, match="version"):
        LocalCloud({**POLICY, "version": 2})


def test_functions_get_a_policy_as_a_file() -> None:
    with LocalCloud(POLICY) as cloud:
        path = deploy(cloud, environment={"A": "B"}).cloud.invoke("Probe", {"environment": "POLICY_FILE"})
        assert "account_security" in Path(path).read_text()
    assert not Path(path).exists()


def test_functions_get_the_path_of_a_policy_file(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(tomli_w.dumps(POLICY))
    with LocalCloud(path) as cloud:
        deploy(cloud)
        assert cloud.invoke("Probe", {"environment": "POLICY_FILE"}) == str(path)


def test_functions_use_the_shipped_policy_when_none_is_given(cloud: LocalCloud) -> None:
    deploy(cloud)
    assert cloud.invoke("Probe", {"environment": "POLICY_FILE"}) == str(sources.policy())
