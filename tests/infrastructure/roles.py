"""The roles of all templates, statement by statement."""

from collections.abc import Iterator
from typing import NamedTuple

from tests.infrastructure.templates import SOURCES, Node, Template, listed, of_type, resolve

OF_NO_FUNCTION = ("RotationRole", "PurgeRole", "RotationScheduleRole", "RotateKeysScheduleRole", "PurgeScheduleRole")
"""Those of state machines and schedules."""
_ALL = {name: role for source in SOURCES for name, role in of_type(source, "AWS::IAM::Role").items()}
ROLES = {name: role for name, role in _ALL.items() if name not in OF_NO_FUNCTION}
OTHER_ROLES = {name: _ALL[name] for name in OF_NO_FUNCTION}


class Grant(NamedTuple):
    """One action on one resource, under conditions."""

    action: str
    resource: str
    conditions: dict[str, dict[str, Node]]


def grants(role: Template) -> Iterator[Grant]:
    for policy in role["Properties"]["Policies"]:
        for statement in resolve(policy["PolicyDocument"])["Statement"]:
            assert statement["Effect"] == "Allow"
            for action in listed(statement["Action"]):
                for resource in listed(statement["Resource"]):
                    yield Grant(action, resource, statement.get("Condition", {}))
