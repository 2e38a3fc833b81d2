"""Puts the translated templates into moto, without going through the SDK."""

import json
from collections.abc import Mapping
from typing import Any

from moto.cloudformation import parsing
from moto.cloudformation.models import Stack, cloudformation_backends
from moto.s3.models import s3_backends

from phone_vault.local.place import ACCOUNT, PARTITION, REGION, STACK
from phone_vault.local.translate import ARTIFACTS, CODE, Translation

PERMISSION = "AWS::Lambda::Permission"
"""moto fails on a permission that names an alias; the tests check permissions on the translation."""


def deploy(translated: Translation, parameters: Mapping[str, str]) -> Stack:
    """The parent stack with these parameters, and with everything created that moto can create."""
    artifacts = s3_backends[ACCOUNT][PARTITION]
    artifacts.create_bucket(ARTIFACTS, REGION)
    artifacts.put_object(ARTIFACTS, CODE, b"")
    for key, template in translated.nested.items():
        artifacts.put_object(ARTIFACTS, key, _deployable(template).encode())
    return cloudformation_backends[ACCOUNT][REGION].create_stack(
        STACK, _deployable(translated.parent), dict(parameters)
    )


def _deployable(template: str) -> str:
    """Without the kinds of resources that moto does not know, and would warn about one by one."""
    document: dict[str, Any] = json.loads(template)
    known = parsing.get_model_map().keys() - {PERMISSION}
    document["Resources"] = {name: each for name, each in document["Resources"].items() if each["Type"] in known}
    return json.dumps(document)
