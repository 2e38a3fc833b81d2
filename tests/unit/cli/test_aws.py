"""Which AWS a command acts on."""

import os

import pytest

from phone_vault.cli.aws import AwsOptions
from phone_vault.cli.problem import Problem


def test_a_profile_that_is_not_there_is_told() -> None:
    with pytest.raises(Problem, match="no-such-profile"):
        AwsOptions(profile="no-such-profile", region="eu-west-1").client("lambda")


def test_a_region_that_is_nowhere_named_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    with pytest.raises(Problem, match="--region"):
        AwsOptions().client("lambda")


def test_the_options_lead_to_their_endpoint() -> None:
    client = AwsOptions(endpoint_url="http://127.0.0.1:1", region="eu-west-3").client("lambda")
    assert (client.meta.endpoint_url, client.meta.region_name) == ("http://127.0.0.1:1", "eu-west-3")
