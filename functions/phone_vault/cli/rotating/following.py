"""Follows an execution to its end, and shows how far it is."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

from phone_vault.cli.console import Console
from phone_vault.cli.executing.ending import until_ended
from phone_vault.cli.meter import Measured, Meter, meter
from phone_vault.cli.policy.words import counted
from phone_vault.cli.rotating.steps import LABELS, StepState, states_of
from phone_vault.domain.rotation import Progress, Run, Step

if TYPE_CHECKING:
    from phone_vault.adapters.state_machine import Execution

_QUIET_SECONDS = 5.0
"""For so long no step is under way before a reader is told that this is a wait."""


class Reading(Protocol):
    """Runs and cursors in Operations."""

    def latest(self) -> Run | None:
        """The Rotation that was begun last."""

    def progress(self, run: Run) -> Sequence[Progress]:
        """Of every step and shard of it that was begun."""


class Following:
    """Tells of steps as they begin, go on and end."""

    def __init__(self, reading: Reading, console: Console, *, records: int | None, wait_seconds: int) -> None:
        """`records`: about how many there are, if that is known; `wait_seconds`: for how long the machine waits."""
        self._reading = reading
        self._console = console
        self._records = records
        self._wait_seconds = wait_seconds
        self._before = self._now()
        self._told: set[Step] = set()
        self._under_way: Step | None = None
        self._meter: Meter | None = None
        self._open = ExitStack()
        self._quiet_since: float | None = time.monotonic()

    def until_ended(
        self, execution: "Callable[[], Execution]", sleep: Callable[[float], object] = time.sleep
    ) -> "Execution":
        """The execution as it ended."""
        with self._open:
            return until_ended(execution, self._show, sleep)

    def _now(self) -> tuple[Run | None, Sequence[Progress]]:
        run = self._reading.latest()
        return run, self._reading.progress(run) if run else ()

    def _show(self, execution: "Execution") -> None:
        run, progress = self._now()
        if run is None or (run, progress) == self._before:
            return  # that of an earlier Rotation, or nothing new
        for state in states_of(run, progress):
            if state.step not in self._told:
                self._tell(state)
        self._tell_of_waiting(execution)

    def _tell(self, state: StepState) -> None:
        if state.is_done:
            self._end(state)
            return
        self._quiet_since = None
        if self._under_way is not state.step:
            self._begin(state)
        if self._meter is not None:
            self._meter.show(self._measured(state), self._note(state))

    def _begin(self, state: StepState) -> None:
        self._open.close()
        self._under_way = state.step
        total = max(self._records, state.records) if self._records else state.shards
        unit = "records" if self._records else "shards"
        measured = Measured(LABELS[state.step], total, self._measured(state), unit)
        self._meter = self._open.enter_context(meter(measured, self._console.say))

    def _end(self, state: StepState) -> None:
        self._open.close()
        self._meter, self._under_way, self._quiet_since = None, None, time.monotonic()
        self._told.add(state.step)
        about = [counted(state.records, "record"), state.outcome, counted(state.shards, "shard")]
        self._console.say(f"{LABELS[state.step]}: {', '.join(filter(None, about))}")

    def _measured(self, state: StepState) -> int:
        return state.records if self._records else state.shards_done

    def _note(self, state: StepState) -> str:
        shards = f"{state.shards_done} of {state.shards} shards"
        return shards if self._records else counted(state.records, "record")

    def _tell_of_waiting(self, execution: "Execution") -> None:
        since = self._quiet_since
        if execution.is_running and since is not None and time.monotonic() - since > _QUIET_SECONDS:
            self._quiet_since = None
            self._console.say(
                f"waiting: functions may use the keys of before for {counted(self._wait_seconds, 'second')} more"
            )
