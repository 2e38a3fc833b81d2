"""A state machine of the vault, as an operator starts, follows and stops its executions."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from phone_vault.adapters.operator_access import asking

RUNNING, SUCCEEDED = "RUNNING", "SUCCEEDED"

_LONGEST_LOOK_BACK = 20
_PAYLOAD_FOLLOWS = ("in the input '", "the input '")
_LONGEST_CAUSE = 500


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of the machine."""

    arn: str
    name: str
    status: str
    started_at: datetime
    input: Mapping[str, Any] = field(default_factory=dict)
    """Empty in a list."""
    output: Mapping[str, Any] | None = None
    error: str | None = None
    cause: str | None = None
    """Without anything of a payload."""

    @property
    def is_running(self) -> bool:
        """Whether it goes on."""
        return self.status == RUNNING

    @property
    def has_succeeded(self) -> bool:
        """Whether it has come to its end."""
        return self.status == SUCCEEDED

    @property
    def failure(self) -> str:
        """Why it has not."""
        return ": ".join(filter(None, [self.error or self.status, self.cause]))


class StateMachine:
    """`CannotAsk` where Step Functions does not answer the operator."""

    def __init__(self, step_functions: Any, arn: str) -> None:
        self._step_functions = step_functions
        self._arn = arn

    def latest(self) -> list[Execution]:
        """The last ones, newest first."""
        with self._asking():
            listed = self._step_functions.list_executions(stateMachineArn=self._arn, maxResults=_LONGEST_LOOK_BACK)
        return sorted(map(_execution, listed["executions"]), key=lambda each: each.started_at, reverse=True)

    def running(self) -> Iterator[Execution]:
        """Those that are under way."""
        with self._asking():
            listed = self._step_functions.list_executions(stateMachineArn=self._arn, statusFilter=RUNNING)
        yield from map(_execution, listed["executions"])

    def start(self, name: str, execution_input: Mapping[str, Any]) -> str:
        """The execution's ARN."""
        with self._asking():
            started = self._step_functions.start_execution(
                stateMachineArn=self._arn, name=name, input=json.dumps(execution_input)
            )
        return str(started["executionArn"])

    def execution(self, arn: str) -> Execution:
        """As it is now."""
        with self._asking():
            return _execution(self._step_functions.describe_execution(executionArn=arn))

    def stop(self, arn: str, cause: str) -> None:
        """What runs at the moment finishes; nothing is started any more."""
        with self._asking():
            self._step_functions.stop_execution(executionArn=arn, error="Interrupted", cause=cause)

    def _asking(self) -> Any:
        return asking(f"the state machine {self._arn.rpartition(':')[2]}")


def _execution(described: Mapping[str, Any]) -> Execution:
    return Execution(
        arn=described["executionArn"],
        name=described["name"],
        status=described["status"],
        started_at=described["startDate"],
        input=_object_in(described.get("input")) or {},
        output=_object_in(described.get("output")),
        error=described.get("error"),
        cause=_without_payload(described.get("cause")),
    )


def _object_in(text: str | None) -> Mapping[str, Any] | None:
    try:
        value = json.loads(text or "null")
    except ValueError:
        return None
    return value if isinstance(value, Mapping) else None


def _without_payload(cause: str | None) -> str | None:
    """Of a function's error its message; of Step Functions' own words what comes before an input."""
    if cause is None:
        return None
    told = _object_in(cause)
    if told is not None:
        return str(told.get("errorMessage", ""))[:_LONGEST_CAUSE]
    for words in _PAYLOAD_FOLLOWS:
        cause = cause.partition(words)[0]
    return cause[:_LONGEST_CAUSE]
