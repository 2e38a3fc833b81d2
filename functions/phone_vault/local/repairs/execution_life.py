"""Executions: named when nobody names them, dated by the embedded clock, and stopped at once.

It needs moto's interpreter, so it is imported when the interpreter is.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from uuid import uuid4

from moto.core.responses import ActionResult
from moto.stepfunctions.parser import models
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.component import eval_component
from moto.stepfunctions.parser.asl.component.state import state
from moto.stepfunctions.parser.backend import execution as executions
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.parser.utils import TMP_THREADS
from moto.stepfunctions.responses import StepFunctionResponse

from phone_vault.local.place import ACCOUNT, REGION

_POLL_SECONDS = 0.001

_start: Callable[..., Execution] = StepFunctionsParserBackend.start_execution
_details = Execution.get_start_execution_details
_terminated = BaseExecutionWorkerCommunication.terminated


@contextmanager
def repairs(now: Callable[[], datetime]) -> Iterator[None]:
    """`now` is the embedded clock's time."""

    def stop(response: StepFunctionResponse) -> ActionResult:
        execution: Any = response.stepfunction_backend.describe_execution(response._get_param("executionArn"))
        _stop(execution, now(), response._get_param("error"), response._get_param("cause"))
        return ActionResult({"stopDate": execution.stop_date})

    clock = SimpleNamespace(
        datetime=SimpleNamespace(now=lambda tz: now().astimezone(tz)), timezone=SimpleNamespace(utc=UTC)
    )
    text_clock = SimpleNamespace(
        datetime=SimpleNamespace(now=lambda tz: SimpleNamespace(isoformat=lambda: _text(now()))),
        timezone=clock.timezone,
    )
    with ExitStack() as patches:
        for owner, name, repair in (
            (StepFunctionsParserBackend, "start_execution", _start_with_a_name),
            (Execution, "get_start_execution_details", _details_as_json),
            (BaseExecutionWorkerCommunication, "terminated", _terminated_unless_stopped),
            (StepFunctionResponse, "stop_execution", stop),
            (models, "datetime", clock),
            (executions, "datetime", clock),
            (state, "datetime", text_clock),
            # It writes every failure, payload and all, to stderr, whoever catches it.
            (eval_component.LOG, "disabled", True),
        ):
            patches.enter_context(patch.object(owner, name, repair))
        yield


def stop_all(now: datetime) -> None:
    """Ends what runs, and waits until it has: a thread left over would ask AWS itself."""
    for machine in models.stepfunctions_parser_backends[ACCOUNT][REGION].state_machines:
        for execution in machine.executions:
            _stop(execution, now, None, None)
    while TMP_THREADS:
        thread = TMP_THREADS.pop()
        while thread.ident is None:  # it is put on the list before it is started
            time.sleep(_POLL_SECONDS)
        thread.join()


def _start_with_a_name(
    backend: StepFunctionsParserBackend,
    state_machine_arn: str,
    name: str | None = None,
    execution_input: str | None = None,
    trace_header: str | None = None,
) -> Execution:
    """Stock moto calls it None, and refuses the second one."""
    return _start(backend, state_machine_arn, name or str(uuid4()), execution_input, trace_header)


def _details_as_json(execution: Execution) -> Any:
    """`$$.Execution.StartTime` is text; moto puts a datetime there."""
    details: Any = _details(execution)
    details.start_time = _text(execution.start_date)
    return details


def _stop(execution: Any, at: datetime, error: str | None, cause: str | None) -> None:
    """Aborted from now on. What runs at the moment finishes; nothing is started any more."""
    if execution.status != ExecutionStatus.RUNNING.value:
        return
    execution.exec_status, execution.stop_date = ExecutionStatus.ABORTED, at
    execution.error, execution.cause = error, cause
    worker = execution.exec_worker
    while worker.env is None or worker.env.program_state() is None:  # for a moment, until its thread has begun
        time.sleep(_POLL_SECONDS)
    worker.stop(stop_date=at, error=error, cause=cause)


def _terminated_unless_stopped(communication: BaseExecutionWorkerCommunication) -> None:
    """Stock moto calls a stopped execution failed when the state that it was in wants to go on."""
    if communication.execution.exec_status is not ExecutionStatus.ABORTED:
        _terminated(communication)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
