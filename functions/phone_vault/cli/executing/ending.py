"""Looks at an execution until it has ended, or nobody follows it any more."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from phone_vault.cli.problem import Problem

if TYPE_CHECKING:
    from phone_vault.adapters.state_machine import Execution

_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 2.0


def until_ended(
    execution: "Callable[[], Execution]",
    show: "Callable[[Execution], object]",
    sleep: Callable[[float], object] = time.sleep,
) -> "Execution":
    """As it ended; `show` is told each time it was looked at, the last time too."""
    pause = _FIRST_PAUSE_SECONDS
    while True:
        found = execution()
        show(found)
        if not found.is_running:
            return found
        sleep(pause)
        pause = min(_LONGEST_PAUSE_SECONDS, pause * 1.5)


def left_running(machine: str, running: "Execution") -> Problem:
    """Of an operator who no longer follows an execution that was not started by the command."""
    return Problem(
        f"interrupted: the {machine} that was running before goes on; the same command follows it again. To stop it: "
        f"aws stepfunctions stop-execution --execution-arn {running.arn}"
    )
