"""Tenants with settings of their own, and KMS keys with known ids."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from botocore.exceptions import ClientError

from tests.integration.support.policy import POLICY
from tests.integration.support.vault import Vault

OWN_KEY = "arn:aws:kms:eu-west-1:123456789012:key/aaaaaaaa-1111-4111-8111-aaaaaaaaaaaa"
OTHER_KEY = "arn:aws:kms:eu-west-1:123456789012:key/bbbbbbbb-2222-4222-8222-bbbbbbbbbbbb"
MISSING_KEY = "arn:aws:kms:eu-west-1:123456789012:key/cccccccc-3333-4333-8333-cccccccccccc"


def with_tenants(tenants: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The tests' policy, and these tenants."""
    return {**POLICY, "tenants": tenants}


def make_key(vault: Vault, arn: str) -> None:
    """A customer's KMS key; moto invents the ids of keys, so it is told this one."""
    with patch("moto.kms.models.generate_key_id", lambda *_: arn.rpartition("/")[2]):
        made = vault.kms.create_key(KeyUsage="ENCRYPT_DECRYPT")
    assert made["KeyMetadata"]["Arn"] == arn


@contextmanager
def disabled(vault: Vault, key: str) -> Iterator[None]:
    """A KMS key, by id or ARN, does not serve meanwhile."""
    vault.kms.disable_key(KeyId=key)
    try:
        yield
    finally:
        vault.kms.enable_key(KeyId=key)


def error_code(error: ClientError) -> str:
    """What AWS calls it."""
    return str(error.response["Error"]["Code"])
