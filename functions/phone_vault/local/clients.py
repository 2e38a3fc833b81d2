"""Clients of the embedded AWS that may do everything: IAM judges only requests with a session token."""

from typing import Any

import boto3

from phone_vault.local.environment import aws_settings
from phone_vault.local.place import REGION

_UNRESTRICTED = {
    "AWS_ACCESS_KEY_ID": "AKIAUNRESTRICTED0000",
    "AWS_SECRET_ACCESS_KEY": "unrestricted",
    "AWS_DEFAULT_REGION": REGION,
}


def unrestricted_client(service: str, **settings: Any) -> Any:
    """A boto3 client, with whatever settings boto3 takes."""
    with aws_settings(_UNRESTRICTED):
        session: Any = boto3.Session()
        return session.client(service, **settings)
