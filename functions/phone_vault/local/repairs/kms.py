"""KMS: key states, encryption contexts, key ids, and what CloudFormation asked of a key."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from moto.core.exceptions import JsonRESTError
from moto.kms import models, utils
from moto.kms.exceptions import InvalidCiphertextException, InvalidKeyUsageException
from moto.kms.models import Key, KmsBackend
from moto.kms.responses import KmsResponse

from phone_vault.local.repairs.kms_places import owner, require_region

_SYMMETRIC = ("SYMMETRIC_DEFAULT", "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512")
_PENDING = "PendingDeletion"

_encrypt = KmsBackend.encrypt
_decrypt = KmsBackend.decrypt
_re_encrypt = KmsResponse.re_encrypt
_enable_rotation = KmsResponse.enable_key_rotation
_rotation_status = KmsResponse.get_key_rotation_status
_generate_private_key = utils.generate_private_key


@contextmanager
def repairs() -> Iterator[None]:
    """Keys refuse, and bind, as AWS's do."""
    with ExitStack() as patches:
        for owner, name, repair in (
            (utils, "_serialize_encryption_context", _associated_data),
            (models, "generate_private_key", _private_key),
            (KmsBackend, "encrypt", _encrypt_if_usable),
            (KmsBackend, "decrypt", _decrypt_if_usable),
            *(
                (KmsBackend, name, _if_usable(getattr(KmsBackend, name)))
                for name in ("sign", "verify", "get_public_key")
            ),
            (KmsBackend, "generate_mac", _generate_mac_if_usable(KmsBackend.generate_mac)),
            *(
                (KmsBackend, name, _by_any_id(getattr(KmsBackend, name)))
                for name in ("cancel_key_deletion", "schedule_key_deletion")
            ),
            *(
                (KmsBackend, name, _by_any_id(_unless_pending(getattr(KmsBackend, name))))
                for name in ("disable_key", "enable_key")
            ),
            (KmsResponse, "re_encrypt", _re_encrypt_from_named_key),
            (KmsResponse, "enable_key_rotation", _enable_rotation_with_period),
            (KmsResponse, "get_key_rotation_status", _rotation_status_with_period),
        ):
            patches.enter_context(patch.object(owner, name, repair))
        yield


def key_of_ciphertext(blob: bytes) -> str:
    """The id of the key that made a ciphertext; moto puts it in front, as AWS does in its own way."""
    try:
        return str(utils._deserialize_ciphertext_blob(blob).key_id)
    except Exception:  # as moto does: whatever is wrong with it, it is no ciphertext
        raise InvalidCiphertextException from None


def _associated_data(encryption_context: Mapping[str, str]) -> bytes:
    """Length-prefixed. moto joins names and values, so that {"a": "bc"} passes for {"ab": "c"}."""
    parts = [part.encode() for pair in sorted(encryption_context.items()) for part in pair]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _private_key(key_spec: str) -> Any:
    """Stock moto makes an RSA key for symmetric keys too, at a tenth of a second each."""
    return None if key_spec in _SYMMETRIC else _generate_private_key(key_spec)


def require_usable(key: Key) -> None:
    """Neither disabled nor pending deletion."""
    if key.key_state == _PENDING:
        raise JsonRESTError("KMSInvalidStateException", f"{key.arn} is pending deletion.")
    if key.key_state != "Enabled":
        raise JsonRESTError("DisabledException", f"{key.arn} is disabled.")


def _found(backend: KmsBackend, key_id: str) -> Key | None:
    plain = backend.any_id_to_key_id(key_id)
    return owner(backend, plain).keys.get(plain)


def _encrypt_if_usable(
    backend: KmsBackend, key_id: str, plaintext: bytes, encryption_context: dict[str, str]
) -> tuple[bytes, str]:
    if key := _found(backend, key_id):
        require_usable(key)
        if key.key_usage not in (None, "ENCRYPT_DECRYPT"):  # None: asked for by API without a usage
            raise InvalidKeyUsageException
        return _encrypt(owner(backend, key.id), key.id, plaintext, encryption_context)
    return _encrypt(backend, key_id, plaintext, encryption_context)


def _decrypt_if_usable(
    backend: KmsBackend, ciphertext_blob: bytes, encryption_context: dict[str, str], key_id: str | None = None
) -> tuple[bytes, str]:
    made_by = key_of_ciphertext(ciphertext_blob)
    _require_same(backend, key_id, made_by)
    if key := _found(backend, made_by):
        require_usable(key)
    return _decrypt(owner(backend, made_by), ciphertext_blob, encryption_context, key_id)


def _re_encrypt_from_named_key(response: KmsResponse) -> str:
    made_by = key_of_ciphertext(response._get_param("CiphertextBlob"))
    require_region(response._get_param("SourceKeyId"), response.region)
    _require_same(response.kms_backend, response._get_param("SourceKeyId"), made_by)
    return _re_encrypt(response)


def _require_same(backend: KmsBackend, named: str | None, made_by: str) -> None:
    if named is not None and backend.any_id_to_key_id(named) != made_by:
        raise JsonRESTError(
            "IncorrectKeyException",
            "The key ID in the request does not identify a CMK that can perform this operation.",
        )


def _if_usable(operation: Callable[..., Any]) -> Callable[..., Any]:
    def checked(backend: KmsBackend, key_id: str, *args: Any, **kwargs: Any) -> Any:
        if key := _found(backend, key_id):
            require_usable(key)
        return operation(backend, key_id, *args, **kwargs)

    return checked


def _generate_mac_if_usable(operation: Callable[..., Any]) -> Callable[..., Any]:
    def checked(backend: KmsBackend, message: bytes, key_id: str, *args: Any, **kwargs: Any) -> Any:
        if key := _found(backend, key_id):
            require_usable(key)
        return operation(backend, message, key_id, *args, **kwargs)

    return checked


def _by_any_id(operation: Callable[..., Any]) -> Callable[..., Any]:
    """AWS takes a key's id or ARN for these; moto takes the id and crashes on the ARN."""

    def with_id(backend: KmsBackend, key_id: str, *args: Any, **kwargs: Any) -> Any:
        return operation(backend, backend.get_key_id(key_id), *args, **kwargs)

    return with_id


def _unless_pending(operation: Callable[..., Any]) -> Callable[..., Any]:
    def checked(backend: KmsBackend, key_id: str) -> Any:
        key = backend.keys[key_id]
        if key.key_state == _PENDING:
            raise JsonRESTError("KMSInvalidStateException", f"{key.arn} is pending deletion.")
        return operation(backend, key_id)

    return checked


def _enable_rotation_with_period(response: KmsResponse) -> str:
    answer: str = _enable_rotation(response)
    key = response.kms_backend.describe_key(response._get_param("KeyId"))
    key.rotation_period_in_days = response._get_param("RotationPeriodInDays", 365)  # type: ignore[attr-defined]  # ours
    return answer


def _rotation_status_with_period(response: KmsResponse) -> str:
    answer = json.loads(_rotation_status(response))
    key = response.kms_backend.describe_key(response._get_param("KeyId"))
    answer["KeyId"] = key.arn
    if answer["KeyRotationEnabled"]:
        answer["RotationPeriodInDays"] = getattr(key, "rotation_period_in_days", 365)
    return json.dumps(answer)
