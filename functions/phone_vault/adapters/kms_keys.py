"""KMS keys themselves: their on-demand rotations."""

import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from phone_vault.adapters.aws_errors import code_of
from phone_vault.adapters.kms import KmsIn, not_served, region_of
from phone_vault.domain.errors import Conflict
from phone_vault.domain.ports import KmsRotations

_ON_DEMAND = "ON_DEMAND"
_LISTED_AFTER_SECONDS = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Pauses before each look whether a rotation is complete; KMS makes new material in the background."""


class KmsKeys:
    """On-demand rotation, of which KMS allows 25 for the life of a key."""

    def __init__(self, kms_in: KmsIn) -> None:
        self._kms_in = kms_in

    def rotations(self, kms_key: str) -> KmsRotations:
        """By ListKeyRotations; a key that is rotated yearly and 25 times on demand has one page of them for long."""
        listed = self._ask(kms_key, "list_key_rotations", Limit=1000).get("Rotations", ())
        dates = [each["RotationDate"] for each in listed if each.get("RotationType") == _ON_DEMAND]
        return KmsRotations(len(listed), len(dates), max(dates, default=None))

    def rotate(self, kms_key: str) -> None:
        """Returns once what is encrypted from now on is under the new material, or after 7.5 seconds of pauses."""
        before = self.rotations(kms_key).on_demand
        self._ask(kms_key, "rotate_key_on_demand")
        for pause in _LISTED_AFTER_SECONDS:
            time.sleep(pause)
            if self.rotations(kms_key).on_demand > before:
                return

    def _ask(self, kms_key: str, operation: str, **parameters: Any) -> Any:
        kms = self._kms_in(region_of(kms_key))
        try:
            return getattr(kms, operation)(KeyId=kms_key, **parameters)
        except (ClientError, BotoCoreError) as error:
            if code_of(error) in ("LimitExceededException", "ConflictException"):
                raise Conflict("KMS does not rotate the key: it is doing so, or has no rotation left") from None
            raise not_served(error) from None
