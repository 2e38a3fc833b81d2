"""AWS clients: short patience, few retries, and no payload in their logs."""

import logging
from typing import Any

import boto3
from botocore.config import Config

_CONFIG = Config(
    connect_timeout=1,
    read_timeout=3,
    retries={"mode": "standard", "total_max_attempts": 3},
    # Callers of one instance wait in line anyway; more connections would only be opened to be closed.
    max_pool_connections=10,
)

# At DEBUG botocore logs plaintext data keys, at INFO the Encryption SDK logs encryption contexts.
for _name in ("boto3", "botocore", "urllib3"):
    logging.getLogger(_name).setLevel(logging.WARNING)


def client(service: str) -> Any:
    """A client with the credentials and the region that the environment gives now."""
    session: Any = boto3.session.Session()
    return session.client(service, config=_CONFIG)
