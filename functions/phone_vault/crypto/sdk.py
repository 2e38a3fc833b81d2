"""The AWS Encryption SDK, imported without boto3.

The SDK imports boto3 for its KMS key providers, which the vault does not use, and boto3 brings its S3 transfer manager
along: together a sixth of a cold start. What stands in for boto3 imports it when somebody asks it for anything.
"""

import logging
import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Postponed(ModuleType):
    """A module that is imported on the first use of one of its names."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self.__name__), name)


_POSTPONED = "boto3" not in sys.modules
if _POSTPONED:
    sys.modules["boto3"] = _Postponed("boto3")
try:
    from aws_encryption_sdk import CommitmentPolicy, EncryptionSDKClient
    from aws_encryption_sdk.exceptions import AWSEncryptionSDKClientError
    from aws_encryption_sdk.identifiers import AlgorithmSuite, EncryptionKeyType, WrappingAlgorithm

    # Neither the form in which a raw master key takes its wrapping key nor the parser of headers has a public name.
    from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey as SdkWrappingKey
    from aws_encryption_sdk.internal.formatting.deserialize import deserialize_header
    from aws_encryption_sdk.key_providers.raw import RawMasterKey
finally:
    if _POSTPONED:
        del sys.modules["boto3"]

# At INFO the SDK logs encryption contexts, at ERROR a traceback for each message that is not authentic.
logging.getLogger("aws_encryption_sdk").setLevel(logging.CRITICAL)

__all__ = [
    "AWSEncryptionSDKClientError",
    "AlgorithmSuite",
    "CommitmentPolicy",
    "EncryptionKeyType",
    "EncryptionSDKClient",
    "RawMasterKey",
    "SdkWrappingKey",
    "WrappingAlgorithm",
    "deserialize_header",
]
