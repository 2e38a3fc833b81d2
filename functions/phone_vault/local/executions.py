"""Runs deployed state machines."""

import json
import sys
import time
from datetime import datetime
from typing import Any
from uuid import uuid4

from moto.stepfunctions import responses

from phone_vault.local.errors import ExecutionFailed, UnknownStateMachine
from phone_vault.local.place import ACCOUNT, REGION, STACK

_POLL_SECONDS = 0.002  # of real time; in embedded time an execution waits for nothing but its own Wait states


def execute(name: str, execution_input: Any) -> Any:
    """Its output; `ExecutionFailed` when it ends in any other way than by succeeding."""
    backend: Any = responses.get_backend(ACCOUNT, REGION)
    machines = {machine.name: machine.arn for machine in backend.state_machines}
    arn = machines.get(f"{STACK}-{name}", machines.get(name))
    if arn is None:
        deployed = ", ".join(sorted(machines)) or "none"
        raise UnknownStateMachine(f"no state machine {name}; deployed are: {deployed}")
    execution = backend.start_execution(arn, name=str(uuid4()), execution_input=json.dumps(execution_input))
    while execution.status == "RUNNING":
        time.sleep(_POLL_SECONDS)
    if execution.status != "SUCCEEDED":
        raise ExecutionFailed(execution.error or execution.status, execution.cause or "")
    return execution.output


def stop_all(now: datetime) -> None:
    """Executions that were started by API and are still running."""
    if "moto.stepfunctions.parser.models" in sys.modules:  # otherwise none was, and importing it takes long
        from phone_vault.local.repairs import execution_life

        execution_life.stop_all(now)
