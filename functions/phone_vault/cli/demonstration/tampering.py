"""Failures on purpose, each undone when its block ends."""

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from phone_vault.local import LocalCloud


@contextmanager
def kek_disabled(cloud: LocalCloud) -> Iterator[None]:
    """What an administrator does to stop every reveal."""
    kms: Any = cloud.client("kms")
    kms.disable_key(KeyId=cloud.outputs["KekId"])
    try:
        yield
    finally:
        kms.enable_key(KeyId=cloud.outputs["KekId"])


@contextmanager
def without_index_positions(cloud: LocalCloud, tenant_id: str, token: str) -> Iterator[None]:
    """The number's row is as one that was stored while its tenant kept no index."""
    dynamodb: Any = cloud.client("dynamodb")
    table, key = cloud.outputs["RecordKeysTable"], {"record_id": {"S": f"{tenant_id}#{token}"}}
    row = dynamodb.get_item(TableName=table, Key=key)["Item"]
    dynamodb.put_item(TableName=table, Item={**row, "index_positions": {"M": {}}})
    try:
        yield
    finally:
        dynamodb.put_item(TableName=table, Item=row)


@contextmanager
def without_right(cloud: LocalCloud, function: str, sid: str) -> Iterator[None]:
    """The function's role lacks one statement of its policy, so that DynamoDB refuses it."""
    iam: Any = cloud.client("iam")
    arn = cloud.outputs[f"{function}FunctionArn"]
    role = cloud.client("lambda").get_function_configuration(FunctionName=arn)["Role"].rpartition("/")[2]
    [name] = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    reduced = copy.deepcopy(document)
    reduced["Statement"] = [each for each in document["Statement"] if each["Sid"] != sid]
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(reduced))
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
