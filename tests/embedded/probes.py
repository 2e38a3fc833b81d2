"""Deploys the tests' own functions beside the vault's, each with a role that may do what the test says."""

import json
from typing import Any

from phone_vault.local import FunctionError, LocalCloud

Statement = dict[str, Any]


def allow(action: str | list[str], resource: str | list[str], **condition: Any) -> Statement:
    """A statement; conditions are `StringEquals={...}`, with `__` for the colon of a set operator."""
    statement: Statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    if condition:
        statement["Condition"] = {operator.replace("__", ":"): keys for operator, keys in condition.items()}
    return statement


def deny(action: str | list[str], resource: str | list[str], **condition: Any) -> Statement:
    """The same, refusing."""
    return {**allow(action, resource, **condition), "Effect": "Deny"}


class Probe:
    """A deployed function."""

    def __init__(self, cloud: LocalCloud, name: str) -> None:
        self.cloud = cloud
        self.name = name

    def call(self, service: str, operation: str, **arguments: Any) -> list[str]:
        """Makes one AWS call as the function's role; answers the names of what AWS answered."""
        keys: list[str] = self.cloud.invoke(self.name, {"call": [service, operation, arguments]})
        return keys

    def error_of(self, service: str, operation: str, **arguments: Any) -> str:
        """The text of the refusal; empty when there is none."""
        try:
            self.call(service, operation, **arguments)
        except FunctionError as error:
            return error.message
        return ""

    def is_denied(self, service: str, operation: str, **arguments: Any) -> bool:
        """Whether IAM refused; any other error is the test's own mistake."""
        message = self.error_of(service, operation, **arguments)
        assert not message or "AccessDeniedException" in message, message
        return bool(message)


def deploy(
    cloud: LocalCloud,
    *statements: Statement,
    name: str = "Probe",
    handler: str = "tests.embedded.probe.handler",
    environment: dict[str, str] | None = None,
) -> Probe:
    """A stack of a function, its role, a published version and the alias http."""
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    template = {
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "RoleName": f"{name}Role",
                    "AssumeRolePolicyDocument": {},
                    "Policies": [{"PolicyName": "probe", "PolicyDocument": policy}] if statements else [],
                },
            },
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "FunctionName": f"phone-vault-{name}",
                    "Handler": handler,
                    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                    "Runtime": "python3.13",
                    "MemorySize": 256,
                    "Timeout": 10,
                    "Code": {"ZipFile": "the handler is imported by its name"},
                    "Environment": {"Variables": environment or {}},
                },
            },
            "Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Function"}}},
            "Alias": {
                "Type": "AWS::Lambda::Alias",
                "Properties": {
                    "FunctionName": {"Ref": "Function"},
                    "FunctionVersion": {"Fn::GetAtt": ["Version", "Version"]},
                    "Name": "http",
                },
            },
        }
    }
    cloud.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))
    return Probe(cloud, name)


def client_as(cloud: LocalCloud, function: str, service: str, **settings: Any) -> Any:
    """A client with a session of the function's role, as an administrator could make one."""
    role = cloud.client("lambda").get_function_configuration(FunctionName=f"phone-vault-{function}")["Role"]
    session = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    return cloud.client(
        service,
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
        **settings,
    )
