"""CloudFormation: outputs of nested stacks, Lambda aliases, user pools, and what moto drops from other resources."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from moto.awslambda.models import LambdaVersion
from moto.awslambda.utils import get_backend as lambda_backend
from moto.cloudformation import parsing
from moto.cloudformation.models import Stack
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table
from moto.iam.models import Role
from moto.kms.models import Key, kms_backends

from phone_vault.local.place import REGION
from phone_vault.local.repairs.stand_ins import STAND_INS, Created

Resource = dict[str, Any]

_parse_as_yaml = Stack.parse_template
_model_map = parsing.get_model_map
_make_table = Table.create_from_cloudformation_json
_make_role = Role.create_from_cloudformation_json


@contextmanager
def repairs() -> Iterator[None]:
    """Stacks read back as AWS would have made them."""
    with ExitStack() as patches:
        for owner, name, repair in (
            (Stack, "get_cfn_attribute", _output_of_nested_stack),
            (Stack, "parse_template", staticmethod(_parse_template)),
            (parsing, "get_model_map", _model_map_with_more),
            (LambdaVersion, "get_cfn_attribute", _version_attribute),
            (Table, "create_from_cloudformation_json", staticmethod(_table)),
            (Role, "create_from_cloudformation_json", staticmethod(_role)),
            (Key, "create_from_cloudformation_json", staticmethod(_key)),
        ):
            patches.enter_context(patch.object(owner, name, repair, create=True))
        yield


def _output_of_nested_stack(stack: Stack, attribute: str) -> str:
    """`Fn::GetAtt: [Child, Outputs.Name]`; stock moto raises."""
    outputs = {output.key: output.value for output in stack.output_map.values() if output}
    return str(outputs[attribute.removeprefix("Outputs.")])


def _parse_template(text: str) -> dict[str, Any]:
    """Stock moto reads JSON too by the YAML parser in Python, which takes longer than all the rest together."""
    if text.lstrip().startswith("{"):
        parsed: dict[str, Any] = json.loads(text)
        return parsed
    return _parse_as_yaml(text)


def _model_map_with_more() -> dict[str, Any]:
    return {
        **_model_map(),
        **STAND_INS,
        "AWS::Lambda::Alias": _Alias,
        "AWS::Cognito::UserPool": _UserPool,
        "AWS::Cognito::UserPoolClient": _UserPoolClient,
    }


class _UserPool(Created):
    """AWS::Cognito::UserPool: its name and place alone, for the functions and for whoever speaks as one of its users.

    Nobody signs in here: API Gateway, which looks at tokens, is not embedded either.
    """

    @classmethod
    def create_from_cloudformation_json(cls, *_: Any, **__: Any) -> "_UserPool":
        return cls(f"{REGION}_embedded0")

    @staticmethod
    def has_cfn_attr(attribute: str) -> bool:
        return attribute == "ProviderURL"

    def get_cfn_attribute(self, attribute: str) -> str:
        if not self.has_cfn_attr(attribute):
            raise NotImplementedError(f"AWS::Cognito::UserPool has no attribute {attribute} here")
        return f"https://cognito-idp.{REGION}.amazonaws.com/{self.physical_resource_id}"


class _UserPoolClient(Created):
    """AWS::Cognito::UserPoolClient."""

    @classmethod
    def create_from_cloudformation_json(cls, *_: Any, **__: Any) -> "_UserPoolClient":
        return cls("embeddedclient000000000000")


class _Alias(Created):
    """AWS::Lambda::Alias, which moto creates by API only."""

    @classmethod
    def create_from_cloudformation_json(
        cls, _name: str, resource: Resource, account_id: str, region_name: str, **_: Any
    ) -> "_Alias":
        properties = resource["Properties"]
        alias = lambda_backend(account_id, region_name).create_alias(
            properties["Name"],
            properties["FunctionName"],
            str(properties["FunctionVersion"]),
            properties.get("Description", ""),
            properties.get("RoutingConfig", ""),
        )
        return cls(alias.arn)


def _version_attribute(version: LambdaVersion, attribute: str) -> str:
    if attribute != "Version":
        raise NotImplementedError(f"AWS::Lambda::Version has no attribute {attribute} here")
    return str(version.version)


def _table(name: str, resource: Resource, account_id: str, region_name: str, **kwargs: Any) -> Table:
    """With server-side encryption, time to live, point-in-time recovery and its own policy, which moto drops."""
    properties = resource["Properties"]
    encryption = properties.get("SSESpecification")
    if encryption:
        encryption = {**encryption, "Enabled": encryption.get("SSEEnabled", False)}
        resource = {**resource, "Properties": {**properties, "SSESpecification": encryption}}
    table = _make_table(name, resource, account_id, region_name, **kwargs)
    backend = dynamodb_backends[account_id][region_name]
    if "TimeToLiveSpecification" in properties:
        backend.update_time_to_live(name, properties["TimeToLiveSpecification"])
    if "PointInTimeRecoverySpecification" in properties:
        backend.update_continuous_backups(name, properties["PointInTimeRecoverySpecification"])
    if "ResourcePolicy" in properties:
        backend.put_resource_policy(table.table_arn, json.dumps(properties["ResourcePolicy"]["PolicyDocument"]), None)
    return table


def _role(name: str, resource: Resource, account_id: str, region_name: str, **kwargs: Any) -> Role:
    """With its inline policies as JSON; moto keeps Python's repr of them."""
    properties = resource["Properties"]
    policies = [
        {**policy, "PolicyDocument": json.dumps(policy["PolicyDocument"])} for policy in properties.get("Policies", [])
    ]
    resource = {**resource, "Properties": {**properties, "Policies": policies}}
    return _make_role(name, resource, account_id, region_name, **kwargs)


def _key(_name: str, resource: Resource, account_id: str, region_name: str, **_: Any) -> Key:
    """With its usage, spec, policy, rotation and rotation period; moto makes all keys symmetric."""
    properties = resource["Properties"]
    key = kms_backends[account_id][region_name].create_key(
        policy=json.dumps(properties["KeyPolicy"]),
        key_usage=properties.get("KeyUsage", "ENCRYPT_DECRYPT"),
        key_spec=properties.get("KeySpec", "SYMMETRIC_DEFAULT"),
        description=properties.get("Description", ""),
        tags=properties.get("Tags", []),
        multi_region=properties.get("MultiRegion", False),
    )
    key.key_rotation_status = properties.get("EnableKeyRotation", False)
    key.rotation_period_in_days = properties.get("RotationPeriodInDays", 365)  # type: ignore[attr-defined]  # ours
    if not properties.get("Enabled", True):
        key.enabled, key.key_state = False, "Disabled"
    return key
