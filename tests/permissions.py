"""infrastructure/permissions.yaml as sets of permissions, for whatever is compared with it."""

import itertools
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

PAGE = Path(__file__).parents[1] / "infrastructure/permissions.yaml"
CONDITION_KEYS = {
    "attributes": "dynamodb:Attributes",
    "context": "kms:EncryptionContextKeys",
    "key": "dynamodb:LeadingKeys",
    "returns": "dynamodb:ReturnValues",
    "select": "dynamodb:Select",
    "tenant": "kms:EncryptionContext:tenant",
    "token": "kms:EncryptionContext:token",
    "use": "kms:EncryptionContext:use",
    "via": "kms:ViaService",
}
"""What IAM calls the page's words."""
_WHOLE = frozenset({"attributes", "context"})
"""Words whose values are allowed together; one of any other's is chosen."""
_SERVICES = {
    "Kek": "kms",
    "Receipt": "kms",
    "Storage": "kms",
    "dead letters": "sqs",
    "everything": "xray",
    "own log group": "logs",
}
_SHARED = "as"
_OPERATION, _RIGHT = "operation", "right"
_SUBJECT = "*#" + "?" * 43
"""The partition key of a data subject: 43 characters are a subject_ref, and nothing else in the table is."""

Conditions = frozenset[tuple[str, frozenset[str]]]


class Permission(NamedTuple):
    """One action on one resource, in the page's words, under conditions (word, allowed values)."""

    resource: str
    action: str
    conditions: Conditions = frozenset()

    @property
    def service(self) -> str:
        """As IAM calls it; what is no KMS key, no queue and nothing of Lambda's is a table."""
        return _SERVICES.get(self.resource, "dynamodb")

    def values(self, word: str) -> frozenset[str]:
        """What a condition allows; empty without such a condition."""
        return dict(self.conditions).get(word, frozenset())

    def alternatives(self) -> "Iterator[Permission]":
        """One for each choice among the values of its conditions."""
        choices = [
            [(word, allowed)] if word in _WHOLE else [(word, frozenset({value})) for value in sorted(allowed)]
            for word, allowed in sorted(self.conditions)
        ]
        for chosen in itertools.product(*choices):
            yield self._replace(conditions=frozenset(chosen))

    def value(self, word: str) -> str | None:
        """The value of a word that one was chosen for."""
        return next(iter(self.values(word)), None)

    def covers(self, other: "Permission") -> bool:
        """Whether whatever the other one allows is allowed by this one too."""
        return (self.resource, self.action) == (other.resource, other.action) and all(
            other._said(word)
            and all(any(fnmatchcase(value, pattern) for pattern in allowed) for value in other._said(word))
            for word, allowed in self.conditions
        )

    def _said(self, word: str) -> frozenset[str]:
        """A deletion that does not say what it wants to know learns nothing."""
        is_silent = (word, self.action) == ("returns", "DeleteItem") and not self.values(word)
        return frozenset({"NONE"}) if is_silent else self.values(word)

    def __str__(self) -> str:
        words = (f"{word}={'|'.join(sorted(values))}" for word, values in sorted(self.conditions))
        return " ".join((self.resource, self.action, *words))


Permissions = Mapping[str, frozenset[Permission]]


def read(resource: str, text: str) -> Permission:
    """An action with its conditions: `Decrypt use=branch|index`."""
    action, *conditions = text.split()
    pairs = (condition.split("=", 1) for condition in conditions)
    return Permission(resource, action, frozenset((word, frozenset(values.split("|"))) for word, values in pairs))


@cache
def page() -> Mapping[str, Any]:
    """As it is written."""
    content: Mapping[str, Any] = yaml.safe_load(PAGE.read_text())
    return content


@cache
def permissions() -> Permissions:
    """What the page grants to each function."""
    return {function: frozenset(_of(function)) for function in page()["functions"]}


def applications() -> tuple[str, ...]:
    """The functions that applications call."""
    return tuple(name for name in _sharing(_OPERATION) if name not in rights())


def rights() -> tuple[str, ...]:
    """Those that privacy teams call."""
    return _sharing(_RIGHT)


def jobs() -> tuple[str, ...]:
    """Those that schedules, state machines and operators invoke."""
    return tuple(name for name in page()["functions"] if name not in _sharing(_OPERATION))


@cache
def denied() -> frozenset[Permission]:
    """What the page denies to everybody."""
    return frozenset(read(table, action) for table, actions in page()["denied to all"].items() for action in actions)


def exercised_offline(permission: Permission) -> bool:
    """Whether a test must be able to use it."""
    return not {permission.resource, str(permission)} & page()["not exercised offline"].keys()


def _sharing(part: str) -> tuple[str, ...]:
    return tuple(name for name, row in page()["functions"].items() if part in row[_SHARED])


def _of(function: str) -> Iterator[Permission]:
    row = page()["functions"][function]
    for part in (row, *(page()["shared"][name] for name in row.get(_SHARED, ()))):
        for resource, actions in part.items():
            if resource != _SHARED:
                texts = (each.replace("<function>", function).replace("<subject>", _SUBJECT) for each in actions)
                yield from (read(resource, text) for text in texts)
