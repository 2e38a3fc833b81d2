"""IAM's wildcards."""

import re
from functools import lru_cache


class UnsupportedPolicy(NotImplementedError):
    """A policy says something that this evaluator does not know; it never guesses."""


@lru_cache(maxsize=4096)
def wildcard(pattern: str) -> re.Pattern[str]:
    """`*` stands for any text, `?` for one character, across colons and slashes too."""
    if "${" in pattern:
        raise UnsupportedPolicy(f"policy variables are not evaluated: {pattern}")
    translated = "".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in pattern)
    return re.compile(translated, re.DOTALL)


def matches(pattern: str, text: str) -> bool:
    """Case-sensitive, as resources and StringLike are."""
    return wildcard(pattern).fullmatch(text) is not None


def action_matches(pattern: str, action: str) -> bool:
    """Actions are not case-sensitive."""
    return wildcard(pattern.lower()).fullmatch(action.lower()) is not None
