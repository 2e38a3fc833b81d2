"""CloudFormation makes what AWS's would. Each claim is put to stock moto too, which must still fail it."""

import json
import re
from typing import Any

from tests.embedded.conftest import Clients

TRUST = {"Version": "2012-10-17", "Statement": []}
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}]}
ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "RoleName": "role",
        "AssumeRolePolicyDocument": TRUST,
        "Policies": [{"PolicyName": "policy", "PolicyDocument": POLICY}],
    },
}


def _create(aws: Clients, resources: dict[str, Any], outputs: dict[str, Any] | None = None) -> dict[str, str]:
    """The new stack's outputs."""
    template = {"Resources": resources, "Outputs": {name: {"Value": value} for name, value in (outputs or {}).items()}}
    cloudformation = aws("cloudformation")
    cloudformation.create_stack(StackName="stack", TemplateBody=json.dumps(template))
    (stack,) = cloudformation.describe_stacks(StackName="stack")["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def test_a_nested_stacks_output_reaches_its_parent(aws: Clients) -> None:
    child = {"Resources": {"Role": ROLE}, "Outputs": {"Name": {"Value": {"Ref": "Role"}}}}
    s3 = aws("s3")
    s3.create_bucket(Bucket="templates", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="templates", Key="child.json", Body=json.dumps(child))
    url = "https://s3.eu-west-1.amazonaws.com/templates/child.json"
    nested = {"Child": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}}
    assert _create(aws, nested, {"Name": {"Fn::GetAtt": ["Child", "Outputs.Name"]}}) == {"Name": "role"}


def test_a_user_pool_has_an_issuer_and_a_client(aws: Clients) -> None:
    resources = {
        "Pool": {"Type": "AWS::Cognito::UserPool", "Properties": {"UserPoolName": "people"}},
        "Client": {"Type": "AWS::Cognito::UserPoolClient", "Properties": {"UserPoolId": {"Ref": "Pool"}}},
    }
    outputs = {"Id": {"Ref": "Pool"}, "Issuer": {"Fn::GetAtt": ["Pool", "ProviderURL"]}, "Client": {"Ref": "Client"}}
    found = _create(aws, resources, outputs)
    assert found["Issuer"] == f"https://cognito-idp.eu-west-1.amazonaws.com/{found['Id']}"
    assert re.fullmatch(r"eu-west-1_[0-9A-Za-z]+", found["Id"])
    assert re.fullmatch(r"[0-9a-z]{26}", found["Client"])


def test_a_roles_inline_policy_reads_back_as_json(aws: Clients) -> None:
    _create(aws, {"Role": ROLE})
    assert aws("iam").get_role_policy(RoleName="role", PolicyName="policy")["PolicyDocument"] == POLICY


def test_an_alias_of_a_function_is_made(aws: Clients) -> None:
    function = {
        "FunctionName": "function",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Runtime": "python3.13",
        "Handler": "module.handler",
        "Code": {"ZipFile": "code"},
    }
    alias = {
        "FunctionName": {"Ref": "Function"},
        "FunctionVersion": {"Fn::GetAtt": ["Version", "Version"]},
        "Name": "http",
    }
    resources = {
        "Role": ROLE,
        "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
        "Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Function"}}},
        "Alias": {"Type": "AWS::Lambda::Alias", "Properties": alias},
    }
    arn = _create(aws, resources, {"Arn": {"Ref": "Alias"}})["Arn"]
    assert arn.endswith(":function:function:http")
    assert aws("lambda").get_alias(FunctionName="function", Name="http")["FunctionVersion"] == "1"


def test_a_state_machines_substitutions_are_made(aws: Clients) -> None:
    states = {"Say": {"Type": "Pass", "Result": "${Word}", "End": True}}
    machine = {
        "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
        "DefinitionString": json.dumps({"StartAt": "Say", "States": states}),
        "DefinitionSubstitutions": {"Word": "hello"},
    }
    resources = {"Role": ROLE, "Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": machine}}
    arn = _create(aws, resources, {"Arn": {"Ref": "Machine"}})["Arn"]
    definition = aws("stepfunctions").describe_state_machine(stateMachineArn=arn)["definition"]
    assert json.loads(definition)["States"]["Say"]["Result"] == "hello"


def test_a_tables_own_policy_reads_back(aws: Clients) -> None:
    arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/table"
    statement = {"Effect": "Deny", "Principal": "*", "Action": "dynamodb:DeleteItem", "Resource": arn}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    table = {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "TableName": "table",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "ResourcePolicy": {"PolicyDocument": policy},
        },
    }
    _create(aws, {"Table": table})
    assert json.loads(aws("dynamodb").get_resource_policy(ResourceArn=arn)["Policy"]) == policy
