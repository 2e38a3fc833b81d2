"""Errors of a definition's own: a choice about what is absent fails, and States.ALL does not stand for everything.

Source: Step Functions Developer Guide, "Choice workflow state" and "Handling errors". It needs moto's interpreter, so
it is imported when the interpreter is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.error_equals_decl import ErrorEqualsDecl
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison_operator_type import (
    ComparisonOperatorType,
)
from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison_variable import ComparisonVariable
from moto.stepfunctions.parser.asl.component.state.choice.comparison.variable import NoSuchVariable
from moto.stepfunctions.parser.asl.eval.environment import Environment

_RUNTIME = StatesErrorNameType.StatesRuntime
_BEYOND_ALL = frozenset({_RUNTIME.to_name(), StatesErrorNameType.StatesStatesDataLimitExceeded.to_name()})

_matches = ErrorEqualsDecl._eval_body


@contextmanager
def repairs() -> Iterator[None]:
    """Stock moto takes the default where AWS fails, and goes on where AWS ends."""
    with (
        patch.object(ComparisonVariable, "_eval_body", _compare_what_is_there),
        patch.object(ErrorEqualsDecl, "_eval_body", _match_what_can_be_caught),
    ):
        yield


def _compare_what_is_there(comparison: ComparisonVariable, env: Environment) -> None:
    comparison.variable.eval(env)
    function = comparison.comparison_function
    if isinstance(env.stack[-1], NoSuchVariable) and function.operator_type is not ComparisonOperatorType.IsPresent:
        path = comparison.variable.string_sampler.literal_value
        raise FailureEventException(_invalid_path(env, path))
    function.eval(env)


def _invalid_path(env: Environment, path: str) -> FailureEvent:
    cause = f"Invalid path '{path}': The choice state's condition path references an invalid value."
    details: Any = {"executionFailedEventDetails": {"error": _RUNTIME.to_name(), "cause": cause}}
    return FailureEvent(
        env=env,
        error_name=StatesErrorName(_RUNTIME),
        event_type=HistoryEventType.ExecutionFailed,
        event_details=details,
    )


def _match_what_can_be_caught(equals: ErrorEqualsDecl, env: Environment) -> None:
    error = env.stack[-1].error_name
    if error in _BEYOND_ALL and error not in (each.error_name for each in equals.error_names):
        env.stack[-1] = False
        return
    _matches(equals, env)
