"""Clouds for the tests of the embedded AWS."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from phone_vault.local import LocalCloud
from phone_vault.local.place import REGION
from phone_vault.local.sdk_models import parsed_once

Clients = Callable[[str], Any]


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud() as opened:
        yield opened


@pytest.fixture(
    params=[
        "embedded",
        pytest.param(
            "stock-moto",
            marks=pytest.mark.xfail(strict=True, reason="AWS does so; moto does not, which is why we repair it"),
        ),
    ]
)
def aws(request: pytest.FixtureRequest) -> Iterator[Clients]:
    """Makes clients. A claim must hold of LocalCloud and fail of moto: we want to notice when moto learns it."""
    if request.param == "embedded":
        with LocalCloud() as opened:
            yield opened.client
    else:
        with parsed_once(), mock_aws(config={"lambda": {"use_docker": False}}):
            session: Any = boto3.Session(region_name=REGION)
            yield session.client
