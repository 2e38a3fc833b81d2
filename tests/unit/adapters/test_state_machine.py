"""What Step Functions says of an execution, as it is told to an operator."""

from datetime import UTC, datetime
from typing import Any

import pytest

from phone_vault.adapters.state_machine import Execution, StateMachine

START = datetime(2026, 1, 1, tzinfo=UTC)


class StepFunctions:
    """Describes one execution."""

    def __init__(self, **described: Any) -> None:
        self._described = {
            "executionArn": "arn",
            "name": "name",
            "status": "FAILED",
            "startDate": START,
            **described,
        }

    def describe_execution(self, **_: Any) -> dict[str, Any]:
        return self._described

    def list_executions(self, **_: Any) -> dict[str, Any]:
        older = {**self._described, "name": "older", "startDate": START.replace(year=2025)}
        return {"executions": [older, self._described]}


def described(**fields: Any) -> Execution:
    return StateMachine(StepFunctions(**fields), "arn:machine").execution("arn")


CAUSES = {
    "of a function": ('{"errorMessage": "the tenant is off", "stackTrace": ["secret"]}', "the tenant is off"),
    "of Step Functions": ("The JSONPath '$.x' could not be found in the input '{\"a\": 1}'", None),
    "in words": ("it took too long", "it took too long"),
}


@pytest.mark.parametrize(("cause", "told"), CAUSES.values(), ids=CAUSES.keys())
def test_a_cause_is_told_without_payloads(cause: str, told: str | None) -> None:
    found = described(cause=cause).cause
    assert found is not None
    assert found == (told or found)
    assert not [each for each in ("secret", '"a"') if each in found]


def test_the_output_is_read() -> None:
    assert described(status="SUCCEEDED", output='{"failed": 0}').output == {"failed": 0}


def test_an_execution_without_output_has_none() -> None:
    assert described().output is None


def test_the_newest_execution_comes_first() -> None:
    assert [each.name for each in StateMachine(StepFunctions(), "arn").latest()] == ["name", "older"]
