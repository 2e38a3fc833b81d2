"""Requests that need one permission of the page and no other, to be tried with a role's credentials."""

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.integration.support.roles import arns
from tests.integration.support.vault import KEYS, Vault
from tests.permissions import Permission

TENANT = "victim"
_FILLED = "attempt"


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
    if permission.values("context"):
        assert permission.values("context") == {"tenant", "token"}
        context = {"tenant": TENANT, "token": _filled(permission.value("token") or "*")}
    else:
        context = {"tenant": permission.value("tenant") or TENANT, "use": str(permission.value("use")), "version": "1"}
    parameters: dict[str, Any] = {"KeyId": key, "EncryptionContext": context}
    match permission.action:
        case "Encrypt":
            parameters["Plaintext"] = b"0" * 32
        case "Decrypt":
            parameters["CiphertextBlob"] = vault.kms.encrypt(**parameters, Plaintext=b"0" * 32)["CiphertextBlob"]
        case other:
            raise LookupError(f"nobody has said how to try {other}")
    return Attempt("kms", permission.action.lower(), parameters)


def _query(vault: Vault, permission: Permission) -> Attempt:
    name = KEYS[permission.resource][0]
    parameters = {
        "TableName": vault.table(permission.resource),
        "KeyConditionExpression": "#key = :key",
        "ExpressionAttributeNames": {"#key": name},
        "ExpressionAttributeValues": {":key": _key(permission)[name]},
    }
    return Attempt("dynamodb", "query", parameters)


def _put(vault: Vault, permission: Permission) -> Attempt:
    return Attempt("dynamodb", "put_item", {"TableName": vault.table(permission.resource), "Item": _key(permission)})


def _batch_get(vault: Vault, permission: Permission) -> Attempt:
    requests = {vault.table(permission.resource): {"Keys": [_key(permission)]}}
    return Attempt("dynamodb", "batch_get_item", {"RequestItems": requests})


def _update(vault: Vault, permission: Permission) -> Attempt:
    names = sorted(permission.values("attributes") - set(KEYS[permission.resource])) or ["purposes"]
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
    "PutItem": _put,
    "Query": _query,
    "UpdateItem": _update,
}


def _key(permission: Permission) -> dict[str, Any]:
    """Of an item that nobody needs, under the partition key that the condition asks for."""
    partition, *sort = KEYS[permission.resource]
    key = {partition: {"S": _filled(permission.value("key") or f"{TENANT}#*")}}
    return key | {name: {"N": "1"} if name == "sequence" else {"S": _FILLED} for name in sort}


def _filled(pattern: str) -> str:
    return pattern.replace("*", _FILLED)
