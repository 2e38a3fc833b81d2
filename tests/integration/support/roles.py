"""What functions ask of AWS, in the words of the page of permissions; and their credentials, for what they never do."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from botocore.exceptions import ClientError

from phone_vault.local.iam import dynamodb_requests, kms_requests
from phone_vault.local.iam.conditions import ContextValues
from phone_vault.local.iam.policies import AuthorizationRequest
from phone_vault.local.place import REGION
from tests.integration.support.vault import Vault
from tests.integration.support.wire import Sent
from tests.permissions import CONDITION_KEYS, Permission

_KMS_KEYS = {"Kek": "KekId", "Receipt": "ReceiptKeyId", "Storage": "StorageKeyId"}
"""By the outputs that tell their ids."""
_DENIED = frozenset({"AccessDenied", "AccessDeniedException"})


@dataclass(frozen=True, slots=True)
class Use:
    """One action on one resource, by its ARN, that a function asked for."""

    action: str
    arn: str
    context: Mapping[str, ContextValues]

    def values(self, word: str) -> tuple[str, ...]:
        """What the request says of a condition of the page."""
        return self.context.get(CONDITION_KEYS[word].lower()) or ()

    def falls_under(self, permission: Permission, arns: Sequence[str]) -> bool:
        """Whether the permission, for resources of these ARNs, allows it."""
        return (
            self.action == f"{permission.service}:{permission.action}"
            and self.arn in arns
            and all(
                all(any(fnmatchcase(value, pattern) for pattern in allowed) for value in self.values(word))
                and (word == "returns" or bool(self.values(word)))  # an update that says nothing of it answers nothing
                for word, allowed in permission.conditions
            )
        )


def uses(sent: Sequence[Sent], function: str) -> list[Use]:
    """What a function's requests needed, item by item."""
    return [
        Use(each.action, each.resource, each.context)
        for request in sent
        if request.function == function
        for each in _derived(request)
    ]


def _derived(request: Sent) -> Iterator[AuthorizationRequest]:
    if request.service == "dynamodb":
        return dynamodb_requests.derive(request.operation, request.body)
    named = request.body.get("KeyId") or request.body.get("DestinationKeyId") or ""
    return kms_requests.derive(request.operation, request.body, named.split(":")[3] if ":" in named else REGION)


def arns(vault: Vault, resource: str, own_keys: Sequence[str] = ()) -> list[str]:
    """What the page calls so; the Kek stands for the tenants' own KMS keys too."""
    place = "eu-west-1:123456789012"
    if resource in _KMS_KEYS:
        key = f"arn:aws:kms:{place}:key/{vault.cloud.outputs[_KMS_KEYS[resource]]}"
        return [key, *own_keys] if resource == "Kek" else [key]
    table, _, index = resource.partition("/")
    return [f"arn:aws:dynamodb:{place}:table/{vault.table(table)}{f'/index/{index}' if index else ''}"]


def role_name(vault: Vault, function: str) -> str:
    """As CloudFormation called it."""
    configuration = vault.cloud.client("lambda").get_function_configuration(FunctionName=f"phone-vault-{function}")
    return str(configuration["Role"].rpartition("/")[2])


def role_client(vault: Vault, function: str, service: str) -> Any:
    """An SDK client with a function's role, for what its code would never ask."""
    arn = vault.cloud.client("lambda").get_function_configuration(FunctionName=f"phone-vault-{function}")["Role"]
    session = vault.cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="stolen")["Credentials"]
    return vault.cloud.client(
        service,
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )


def refused(client: Any, operation: str, parameters: Mapping[str, Any]) -> bool:
    """Whether IAM refuses the call; whatever else it fails of, it was allowed."""
    try:
        getattr(client, operation)(**parameters)
    except ClientError as error:
        return error.response["Error"]["Code"] in _DENIED
    return False


@contextmanager
def granted(vault: Vault, function: str, action: str, resource: str = "*") -> Iterator[None]:
    """The function's role has a right more, as by somebody's mistake."""
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    vault.iam.put_role_policy(
        RoleName=role_name(vault, function),
        PolicyName="Mistake",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    try:
        yield
    finally:
        vault.iam.delete_role_policy(RoleName=role_name(vault, function), PolicyName="Mistake")
