"""Requests that need one permission of the page and no other, to be tried with a role's credentials.

ReEncrypt needs two, which no role has one without the other of.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.integration.support.roles import arns
from tests.integration.support.vault import KEYS, Vault
from tests.permissions import Permission

TENANT = "victim"
_FILLED = "attempt"
_INDEX_KEYS = {"Due": "due"}
_ALLOWED_BY_NO_LIST = "subject_id"
"""An attribute that an update may name only where it may name any."""
_PLAINTEXT = b"0" * 32
_OF_KMS_KEYS: dict[str, tuple[str, dict[str, Any]]] = {
    "GetPublicKey": ("get_public_key", {}),
    "ListKeyRotations": ("list_key_rotations", {}),
    "RotateKeyOnDemand": ("rotate_key_on_demand", {}),
    "Sign": ("sign", {"Message": _PLAINTEXT, "MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256"}),
}
"""What concerns a KMS key and no encryption context."""


class Attempt(NamedTuple):
    """A call of the SDK."""

    service: str
    operation: str
    parameters: dict[str, Any]


def attempts(vault: Vault, permission: Permission, own_keys: tuple[str, ...] = ()) -> list[Attempt]:
    """One for each resource that the page calls so; the permission has one value for each choice of its conditions."""
    if permission.service == "kms":
        return [_of_kms(vault, permission, arn) for arn in arns(vault, permission.resource, own_keys)]
    return [_DYNAMODB[permission.action](vault, permission)]


def _of_kms(vault: Vault, permission: Permission, key: str) -> Attempt:
    if permission.action in _OF_KMS_KEYS:
        operation, more = _OF_KMS_KEYS[permission.action]
        return Attempt("kms", operation, {"KeyId": key, **more})
    context = _context(permission)
    named = {"KeyId": key, "EncryptionContext": context}
    if permission.action == "Encrypt":
        return Attempt("kms", "encrypt", {**named, "Plaintext": _PLAINTEXT})
    blob = vault.kms.encrypt(**named, Plaintext=_PLAINTEXT)["CiphertextBlob"]
    match permission.action:
        case "Decrypt":
            return Attempt("kms", "decrypt", {**named, "CiphertextBlob": blob})
        case "ReEncryptFrom" | "ReEncryptTo":
            sides = {"SourceKeyId": key, "SourceEncryptionContext": context}
            sides |= {"DestinationKeyId": key, "DestinationEncryptionContext": context}
            return Attempt("kms", "re_encrypt", {**sides, "CiphertextBlob": blob})
        case other:
            raise LookupError(f"nobody has said how to try {other}")


def _context(permission: Permission) -> dict[str, str]:
    if permission.values("context"):
        assert permission.values("context") == {"tenant", "token"}
        return {"tenant": TENANT, "token": _filled(permission.value("token") or "*")}
    return {"tenant": permission.value("tenant") or TENANT, "use": str(permission.value("use")), "version": "1"}


def _query(vault: Vault, permission: Permission) -> Attempt:
    table, _, index = permission.resource.partition("/")
    name = _INDEX_KEYS[index] if index else KEYS[table][0]
    parameters = {
        "TableName": vault.table(table),
        "KeyConditionExpression": "#key = :key",
        "ExpressionAttributeNames": {"#key": name},
        "ExpressionAttributeValues": {":key": {"S": _partition(permission)}},
        **({"IndexName": index} if index else {}),
    }
    return Attempt("dynamodb", "query", parameters)


def _put(vault: Vault, permission: Permission) -> Attempt:
    return Attempt("dynamodb", "put_item", {"TableName": vault.table(permission.resource), "Item": _key(permission)})


def _batch_get(vault: Vault, permission: Permission) -> Attempt:
    requests = {vault.table(permission.resource): {"Keys": [_key(permission)]}}
    return Attempt("dynamodb", "batch_get_item", {"RequestItems": requests})


def _get(vault: Vault, permission: Permission) -> Attempt:
    parameters = {"TableName": vault.table(permission.resource), "Key": _key(permission), **_projection(permission)}
    return Attempt("dynamodb", "get_item", parameters)


def _scan(vault: Vault, permission: Permission) -> Attempt:
    parameters: dict[str, Any] = {"TableName": vault.table(permission.resource)}
    if permission.value("select") == "COUNT":
        names = {f"#{name}": name for name in sorted(permission.values("attributes"))}
        exist = " AND ".join(f"attribute_exists({name})" for name in names)
        parameters |= {"Select": "COUNT", "FilterExpression": exist, "ExpressionAttributeNames": names}
    elif permission.values("select"):
        parameters |= {"Select": permission.value("select"), **_projection(permission)}
    return Attempt("dynamodb", "scan", parameters)


def _projection(permission: Permission) -> dict[str, Any]:
    names = {f"#{name}": name for name in sorted(permission.values("attributes"))}
    return {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names} if names else {}


def _delete(vault: Vault, permission: Permission) -> Attempt:
    return Attempt("dynamodb", "delete_item", {"TableName": vault.table(permission.resource), "Key": _key(permission)})


def _check(vault: Vault, permission: Permission) -> Attempt:
    check = {
        "TableName": vault.table(permission.resource),
        "Key": _key(permission),
        "ConditionExpression": "attribute_exists(nothing)",
    }
    return Attempt("dynamodb", "transact_write_items", {"TransactItems": [{"ConditionCheck": check}]})


def _update(vault: Vault, permission: Permission) -> Attempt:
    names = sorted(permission.values("attributes") - set(KEYS[permission.resource])) or [_ALLOWED_BY_NO_LIST]
    parameters = {
        "TableName": vault.table(permission.resource),
        "Key": _key(permission),
        "UpdateExpression": "SET " + ", ".join(f"#{name} = :value" for name in names),
        "ExpressionAttributeNames": {f"#{name}": name for name in names},
        "ExpressionAttributeValues": {":value": {"S": _FILLED}},
        "ReturnValues": permission.value("returns") or "NONE",
    }
    return Attempt("dynamodb", "update_item", parameters)


_DYNAMODB: dict[str, Callable[[Vault, Permission], Attempt]] = {
    "BatchGetItem": _batch_get,
    "ConditionCheckItem": _check,
    "DeleteItem": _delete,
    "GetItem": _get,
    "PutItem": _put,
    "Query": _query,
    "Scan": _scan,
    "UpdateItem": _update,
}


def _key(permission: Permission) -> dict[str, Any]:
    """Of an item that nobody needs, under the partition key that the condition asks for."""
    partition, *sort = KEYS[permission.resource]
    key = {partition: {"S": _partition(permission)}}
    return key | {name: {"N": "1"} if name == "sequence" else {"S": _FILLED} for name in sort}


def _partition(permission: Permission) -> str:
    return _filled(permission.value("key") or f"{TENANT}#*")


def _filled(pattern: str) -> str:
    return pattern.replace("*", _FILLED).replace("?", _FILLED[0])
