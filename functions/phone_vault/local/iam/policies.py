"""Policy documents and what they say about one request."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Any

from phone_vault.local.iam.conditions import ContextValues, holds
from phone_vault.local.iam.patterns import UnsupportedPolicy, action_matches, matches

_KNOWN_ELEMENTS = frozenset({"Sid", "Effect", "Action", "Resource", "Condition", "Principal"})


class Verdict(Enum):
    """What policies say. Silence is a refusal unless another policy allows."""

    SILENT = "silent"
    ALLOWED = "allowed"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """One action on one resource; `context` has the condition keys in lower case, None for one known to be absent."""

    action: str
    resource: str
    context: Mapping[str, ContextValues] = field(default_factory=dict)

    def value_of(self, key: str) -> ContextValues:
        """A condition key's values; raises for a key that nobody has derived from the request."""
        if key in self.context:
            return self.context[key]
        for prefix in ("kms:encryptioncontext:", "aws:principaltag/"):
            if key.startswith(prefix):
                return None
        raise UnsupportedPolicy(f"unknown condition key for {self.action}: {key}")


def verdict(
    policies: Iterable[str], request: AuthorizationRequest, principals: frozenset[str] | None = None
) -> Verdict:
    """Of several documents together: a Deny outweighs every Allow.

    `principals` are the names under which a resource's policy may mean the caller; None for identity policies.
    """
    found = Verdict.SILENT
    for policy in policies:
        for statement in _statements_on(policy, request.action, request.resource):
            if _speaks_of(statement, request, principals):
                if statement["Effect"] == "Deny":
                    return Verdict.DENIED
                found = Verdict.ALLOWED
    return found


def mentions(policy: str, service: str) -> bool:
    """Whether some statement of a document speaks of a service at all, be it by a wildcard."""
    prefixes = (each.partition(":")[0] for statement in _statements(policy) for each in _listed(statement["Action"]))
    return any(action_matches(prefix, service) for prefix in prefixes)


@lru_cache(maxsize=256)
def _statements(policy: str) -> tuple[dict[str, Any], ...]:
    statements = json.loads(policy)["Statement"]
    statements = statements if isinstance(statements, list) else [statements]
    for statement in statements:
        if unknown := statement.keys() - _KNOWN_ELEMENTS:
            raise UnsupportedPolicy(f"unknown policy elements: {', '.join(sorted(unknown))}")
        if statement["Effect"] not in ("Allow", "Deny"):
            raise UnsupportedPolicy(f"unknown effect: {statement['Effect']}")
    return tuple(statements)


@lru_cache(maxsize=4096)
def _statements_on(policy: str, action: str, resource: str) -> tuple[dict[str, Any], ...]:
    """Found once: what else a statement asks differs from request to request, and these two seldom do."""
    return tuple(
        statement
        for statement in _statements(policy)
        if any(action_matches(each, action) for each in _listed(statement["Action"]))
        and any(matches(each, resource) for each in _listed(statement["Resource"]))
    )


def _speaks_of(statement: dict[str, Any], request: AuthorizationRequest, principals: frozenset[str] | None) -> bool:
    """As to the caller and the conditions; action and resource are settled."""
    return (principals is None or _means(statement["Principal"], principals)) and holds(
        statement.get("Condition", {}), request.value_of
    )


def _means(principal: Any, principals: frozenset[str]) -> bool:
    if principal == "*":
        return True
    named = _listed(principal.get("AWS", []))
    return "*" in named or not principals.isdisjoint(named)


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
