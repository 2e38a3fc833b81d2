"""The templates, as written and as SAM translates them, with what a deployment would put in for names."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from phone_vault.local import translate

ROOT = Path(__file__).parents[2]
SOURCES = {
    "template": ROOT / "template.yaml",
    "data": ROOT / "infrastructure/data.yaml",
    "functions": ROOT / "infrastructure/functions.yaml",
    "privacy": ROOT / "infrastructure/privacy.yaml",
    "lifecycle": ROOT / "infrastructure/lifecycle.yaml",
    "retention": ROOT / "infrastructure/retention.yaml",
    "people": ROOT / "infrastructure/people.yaml",
    "observability": ROOT / "infrastructure/observability.yaml",
}
FUNCTIONS = ("Protect", "Reveal", "Lookup", "Verify", "Encrypt", "Decrypt")
"""Those that applications call."""
RIGHTS = ("Consent", "Restrict", "Hold", "Erase")
"""Those that privacy teams call."""
OF_KEYS = ("RotateKeys", "AdvanceRotation", "Rewrap", "Reindex", "Census", "SweepIndex", "RetireKeys", "Offboard")
OF_PURGES = ("PlanPurge", "AdvancePurge", "PurgePage")
JOBS = OF_KEYS + OF_PURGES
"""Those that schedules, state machines and operators invoke."""
TEMPLATE_OF = {
    **dict.fromkeys(FUNCTIONS, "functions"),
    **dict.fromkeys(RIGHTS, "privacy"),
    **dict.fromkeys(OF_KEYS, "lifecycle"),
    **dict.fromkeys(OF_PURGES, "retention"),
}
TABLES = ("KeyRing", "RecordKeys", "LookupIndex", "Subjects", "Numbers", "AuditTrail", "Operations")

ACCOUNT = "123456789012"
ADMINISTRATOR = f"arn:aws:iam::{ACCOUNT}:role/key-administrator"
KMS_KEYS = {
    "Kek": f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/11111111-1111-1111-1111-111111111111",
    "Storage": f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/22222222-2222-2222-2222-222222222222",
    "Receipt": f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/44444444-4444-4444-4444-444444444444",
}
DEAD_LETTERS = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:phone-vault-dead-letters"
STATE_MACHINES = {
    name: f"arn:aws:states:eu-west-1:{ACCOUNT}:stateMachine:phone-vault-{name}" for name in ("Rotation", "Purge")
}
TENANT_KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/33333333-3333-3333-3333-333333333333"

Node = Any  # what YAML and JSON may hold
Template = dict[str, Node]

# What Ref and GetAtt (as Name.Attribute) give in a deployment, as far as policies speak of it.
DEPLOYED: dict[str, Node] = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "VaultName": "phone-vault",
    "KeyAdministratorRoleArn": ADMINISTRATOR,
    "KekArn": KMS_KEYS["Kek"],
    "KeyEncryptionKeyArns": [KMS_KEYS["Kek"], TENANT_KEY],
    "StorageKeyArn": KMS_KEYS["Storage"],
    "ReceiptKeyArn": KMS_KEYS["Receipt"],
    "DeadLetters.Arn": DEAD_LETTERS,
    "DeadLettersArn": DEAD_LETTERS,
    "DeadLetters.QueueName": "phone-vault-dead-letters",
    **{f"{name}StateMachine": arn for name, arn in STATE_MACHINES.items()},
    **{f"{table}Table": f"phone-vault-{table}" for table in TABLES},
    **{
        f"{name}LogGroup.Arn": f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/aws/lambda/phone-vault-{name}:*"
        for name in TEMPLATE_OF
    },
    **{
        f"{name}Function.Arn": f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:phone-vault-{name}" for name in TEMPLATE_OF
    },
}


@cache
def source(name: str) -> Template:
    """A template as written, its tags (!Ref) in their long form."""
    template: Template = yaml_parse(SOURCES[name].read_text())
    return template


@cache
def translation(name: str) -> Template:
    """A template as CloudFormation sees it, uploads included: what the embedded AWS deploys."""
    translated = translate.translation(SOURCES["template"])
    text = translated.parent if name == "template" else translated.nested[f"{name}.json"]
    template: Template = json.loads(text)
    return template


def of_type(name: str, resource_type: str) -> Template:
    """Translated resources of a type, by logical id."""
    resources = translation(name)["Resources"]
    return {key: value for key, value in resources.items() if value["Type"] == resource_type}


def resolve(node: Node, names: Mapping[str, Node] = DEPLOYED) -> Node:
    """The node with Ref, GetAtt and Sub replaced, and every condition true."""
    match node:
        case {"Ref": name}:
            return names[name]
        case {"Fn::GetAtt": [name, attribute]}:
            return names[f"{name}.{attribute}"]
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([^}]+)\}", lambda found: names[found[1]], text)
        case {"Fn::If": [_, when_true, _]}:
            return resolve(when_true, names)
        case dict():
            return {key: resolve(value, names) for key, value in node.items()}
        case list():
            return [resolve(value, names) for value in node]
    return node


def references(node: Node) -> Iterator[str]:
    """Every name that a template refers to."""
    match node:
        case {"Ref": name}:
            yield name
        case {"Fn::GetAtt": str(path)}:
            yield path.partition(".")[0]
        case {"Fn::GetAtt": [name, *_]}:
            yield name
        case {"Fn::Sub": str(text)}:
            yield from re.findall(r"\$\{([^}.]+)", text)
        case dict():
            for value in node.values():
                yield from references(value)
        case list():
            for value in node:
                yield from references(value)


def listed(value: Node) -> list[Node]:
    """IAM takes one string or a list of them."""
    return value if isinstance(value, list) else [value]
