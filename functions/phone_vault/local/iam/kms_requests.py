"""What a KMS request asks for: the key, and the encryption context.

Source: KMS Developer Guide, "KMS condition keys" and the API reference's required permissions.
"""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from moto.kms.exceptions import InvalidCiphertextException, NotFoundException
from moto.kms.models import KmsBackend, kms_backends

from phone_vault.local.iam.conditions import ContextValues
from phone_vault.local.iam.policies import AuthorizationRequest
from phone_vault.local.place import ACCOUNT, REGION
from phone_vault.local.repairs.kms import key_of_ciphertext
from phone_vault.local.repairs.kms_places import key_of, owner, require_region

_WITHOUT_A_KEY = frozenset({"CreateKey", "GenerateRandom", "ListAliases", "ListKeys"})


def derive(operation: str, body: Mapping[str, Any], region: str = REGION) -> Iterator[AuthorizationRequest]:
    """One request for each key that the operation uses."""
    backend = kms_backends[ACCOUNT][region]
    if operation in _WITHOUT_A_KEY:
        yield AuthorizationRequest(f"kms:{operation}", "*", _context(None, None))
    elif operation == "ReEncrypt":
        source = _named(backend, body.get("SourceKeyId")) or _of_ciphertext(backend, body["CiphertextBlob"])
        destination = _named(backend, body["DestinationKeyId"])
        yield AuthorizationRequest("kms:ReEncryptFrom", source, _context(body.get("SourceEncryptionContext"), None))
        yield AuthorizationRequest(
            "kms:ReEncryptTo", destination, _context(body.get("DestinationEncryptionContext"), body["DestinationKeyId"])
        )
    else:
        key = body.get("KeyId")
        resource = _named(backend, key) or _of_ciphertext(backend, body["CiphertextBlob"])
        yield AuthorizationRequest(f"kms:{operation}", resource, _context(body.get("EncryptionContext"), key))


def _named(backend: KmsBackend, key: str | None) -> str:
    """The ARN of a key that is named by id, ARN or alias; empty when none is named."""
    if key is None:
        return ""
    require_region(key, backend.region_name)
    if found := key_of(key):
        return str(found.arn)
    try:
        return str(backend.keys[backend.any_id_to_key_id(key)].arn)
    except (KeyError, AttributeError):  # the latter: moto has None for an alias that nobody made
        raise NotFoundException(f"Key '{key}' does not exist") from None


def _of_ciphertext(backend: KmsBackend, blob: str) -> str:
    key_id = key_of_ciphertext(base64.b64decode(blob))
    found = owner(backend, key_id).keys.get(key_id)
    if found is None:
        raise InvalidCiphertextException
    return str(found.arn)


def _context(encryption_context: Mapping[str, str] | None, named_key: str | None) -> dict[str, ContextValues]:
    pairs = encryption_context or {}
    alias = named_key.rpartition(":")[2] if named_key and "alias/" in named_key else None
    return {
        "kms:calleraccount": (ACCOUNT,),
        "kms:encryptioncontextkeys": tuple(pairs) or None,
        "kms:requestalias": (alias,) if alias else None,
        "kms:viaservice": None,  # set when another AWS service asks in the caller's name, which none does here
        **{f"kms:encryptioncontext:{name.lower()}": (value,) for name, value in pairs.items()},
    }
