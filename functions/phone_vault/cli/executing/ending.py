"""Looks at an execution until it has ended."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

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
