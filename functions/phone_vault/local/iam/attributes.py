"""The top-level attributes that a DynamoDB request names, for the condition key dynamodb:Attributes."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_EXPRESSIONS = (
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
)
# A path's first name; not a value (:v), not a later name of a path (.x), not a function, which a parenthesis follows.
_NAME = re.compile(r"(?<![\w.:#])[#A-Za-z_][\w]*(?!\w|\s*\()")
_WORDS = frozenset({"ADD", "AND", "BETWEEN", "DELETE", "IN", "NOT", "OR", "REMOVE", "SET"})


def named_in(request: Mapping[str, Any]) -> Iterator[str]:
    """Of the key or item itself, and of every expression."""
    yield from request.get("Key", {})
    yield from request.get("Item", {})
    names = request.get("ExpressionAttributeNames", {})
    for expression in _EXPRESSIONS:
        for name in _NAME.findall(request.get(expression, "")):
            if name.upper() not in _WORDS:
                yield names.get(name, name)
