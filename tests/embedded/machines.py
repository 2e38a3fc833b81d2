"""Deploys the tests' own state machines, through CloudFormation, as the template's come."""

import json
from typing import Any

from phone_vault.local import LocalCloud

ROLE = "arn:aws:iam::123456789012:role/workflow"
PROBE_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:phone-vault-Probe"

States = dict[str, dict[str, Any]]


def deploy_machine(cloud: LocalCloud, states: States, **substitutions: str) -> str:
    """A machine named Work that starts at the first state; its ARN."""
    template = {
        "Resources": {
            "WorkStateMachine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "StateMachineName": "phone-vault-Work",
                    "RoleArn": ROLE,
                    "DefinitionString": json.dumps(definition(states)),
                    "DefinitionSubstitutions": substitutions,
                },
            }
        }
    }
    cloud.client("cloudformation").create_stack(StackName="work", TemplateBody=json.dumps(template))
    return "arn:aws:states:eu-west-1:123456789012:stateMachine:phone-vault-Work"


def definition(states: States) -> dict[str, Any]:
    """Of a machine, a branch or the children of a map."""
    return {"StartAt": next(iter(states)), "States": states}


def task(payload: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Invokes the function that stands in for `${Function}`."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "${Function}", "Payload": payload},
        **more,
    }


def distributed_map(children: States, **more: Any) -> dict[str, Any]:
    """Over `$.shards`; each child gets its `shard` and the `run` of all."""
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    return {
        "Type": "Map",
        "ItemsPath": "$.shards",
        "ItemSelector": {"shard.$": "$$.Map.Item.Value", "run.$": "$.run"},
        "ItemProcessor": {"ProcessorConfig": config, **definition(children)},
        "MaxConcurrency": 8,
        **more,
    }
