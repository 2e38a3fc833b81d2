"""The embedded AWS: moto with its repairs, as long as the context lasts."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from moto import mock_aws
from moto.core import models
from moto.core.config import DefaultConfig
from moto.core.models import MockAWS

from phone_vault.local.attribute_values import handled_once
from phone_vault.local.clock import EmbeddedClock
from phone_vault.local.errors import AlreadyOpen
from phone_vault.local.iam.enforcement import enforced
from phone_vault.local.metering import metered
from phone_vault.local.repairs import (
    cloudformation,
    concurrency,
    dynamodb,
    kms,
    kms_places,
    kms_rotation,
    kms_signing,
    scans,
    stepfunctions,
)
from phone_vault.local.request_reading import read_once
from phone_vault.local.sdk_models import parsed_once

_CONFIG: DefaultConfig = {
    # Clients of ours bring credentials along; the process's environment stays as it is.
    "core": {"mock_credentials": False, "reset_boto3_session": False},
    "lambda": {"use_docker": False},
    "stepfunctions": {"execute_state_machine": True},
}


@contextmanager
def embedded_aws(clock: EmbeddedClock) -> Iterator[None]:
    """Everything but the functions."""
    if MockAWS._mocks_active:
        raise AlreadyOpen("moto is in use in this process")
    with ExitStack() as parts:
        # Without methods moto answers the SDK only, not the requests library too, which it takes long to prepare for.
        parts.enter_context(patch.object(models, "RESPONSES_METHODS", []))
        parts.enter_context(mock_aws(config=_CONFIG))
        parts.enter_context(parsed_once())
        parts.enter_context(handled_once())
        parts.enter_context(read_once())
        parts.enter_context(concurrency.repairs())
        parts.enter_context(cloudformation.repairs())
        parts.enter_context(kms.repairs())
        parts.enter_context(kms_places.repairs())
        parts.enter_context(kms_rotation.repairs(clock.now))
        parts.enter_context(kms_signing.repairs())
        parts.enter_context(dynamodb.repairs(clock.now))
        parts.enter_context(scans.repairs())
        parts.enter_context(stepfunctions.repairs(clock))
        parts.enter_context(metered())
        parts.enter_context(enforced())
        yield
