"""The demonstration is a check too: whatever does not come out as expected ends it."""

from collections.abc import Mapping
from typing import Any

from phone_vault.cli.problem import Problem

PROBLEM_PREFIX = "urn:phone-vault:problem:"


def expect(holds: object, what: str) -> None:
    """`Problem` unless it holds; `what` says what should have, without a number."""
    if not holds:
        raise Problem(f"not as expected: {what}")


def problem_name(answer: Mapping[str, Any]) -> str | None:
    """`not-found`, if the answer is a problem."""
    problem = answer.get("problem")
    return str(problem["type"]).removeprefix(PROBLEM_PREFIX) if problem else None
