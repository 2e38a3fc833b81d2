"""KMS signatures over digests, and public keys by their ARNs."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from moto.kms import utils
from moto.kms.exceptions import ValidationException
from moto.kms.responses import KmsResponse

_DIGEST_BYTES = {"ECDSA_SHA_256": 32, "ECDSA_SHA_384": 48, "ECDSA_SHA_512": 64}

_sign = KmsResponse.sign
_public_key = KmsResponse.get_public_key
# moto's own cryptography, which it keeps to itself.
_elliptic: Any = vars(utils)["ec"]
_hashes: Any = vars(utils)["hashes"]


@contextmanager
def repairs() -> Iterator[None]:
    """Stock moto hashes a digest once more."""
    with (
        patch.object(KmsResponse, "sign", _sign_message_or_digest),
        patch.object(KmsResponse, "get_public_key", _public_key_by_arn),
    ):
        yield


def _sign_message_or_digest(response: KmsResponse) -> str:
    answer = _sign(response)  # which refuses what is to be refused
    if response._get_param("MessageType") != "DIGEST":
        return answer
    digest, algorithm = response._get_param("Message"), response._get_param("SigningAlgorithm")
    if algorithm not in _DIGEST_BYTES:
        raise NotImplementedError(f"digests are signed by elliptic curves only here, not by {algorithm}")
    if len(digest) != _DIGEST_BYTES[algorithm]:
        raise ValidationException(f"Digest is invalid length for algorithm {algorithm}.")
    key: Any = response.kms_backend.describe_key(response._get_param("KeyId")).private_key
    hashed = _elliptic.asym_utils.Prehashed(getattr(_hashes, algorithm.removeprefix("ECDSA_").replace("_", ""))())
    signature = key.private_key.sign(digest, _elliptic.ECDSA(hashed))
    return json.dumps({**json.loads(answer), "Signature": base64.b64encode(signature).decode()})


def _public_key_by_arn(response: KmsResponse) -> str:
    key = response.kms_backend.describe_key(response._get_param("KeyId"))
    return json.dumps({**json.loads(_public_key(response)), "KeyId": key.arn, "KeySpec": key.key_spec})
