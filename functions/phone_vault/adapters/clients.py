"""AWS clients: short patience, few retries, and no payload in their logs."""

import logging
from typing import Any

import botocore.session
from botocore.config import Config

_CONFIG = Config(
    connect_timeout=1,
    read_timeout=3,
    retries={"mode": "standard", "total_max_attempts": 3},
    # Callers of one instance wait in line anyway; more connections would only be opened to be closed.
    max_pool_connections=10,
    # Of what only the adapters write, and what AWS checks anyway: a tenth of a transaction's processor time.
    parameter_validation=False,
)

# At DEBUG botocore logs plaintext data keys.
for _name in ("botocore", "urllib3"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class Clients:
    """Clients with the credentials and the region that the environment gives now.

    Of one session, which reads the SDK's data once; botocore's, which boto3's clients are, because boto3 itself brings
    the S3 transfer manager to a cold start.
    """

    def __init__(self) -> None:
        session = botocore.session.get_session()
        self.dynamodb: Any = session.create_client("dynamodb", config=_CONFIG)
        self._session = session
        kms: Any = session.create_client("kms", config=_CONFIG)
        self._kms = {"": kms, kms.meta.region_name: kms}

    def kms(self, region: str) -> Any:
        """Of a region, made when it is first asked for; "" for the environment's."""
        if region not in self._kms:
            self._kms[region] = self._session.create_client("kms", region_name=region, config=_CONFIG)
        return self._kms[region]
