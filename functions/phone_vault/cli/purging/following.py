"""Follows a Purge to its end, and shows how far it is."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from phone_vault.cli.console import Console
from phone_vault.cli.executing.ending import until_ended
from phone_vault.cli.meter import Measured, Meter, meter
from phone_vault.cli.policy.words import counted
from phone_vault.cli.purging.pages import Pages, Reading
from phone_vault.domain.purge_run import PurgeRun

if TYPE_CHECKING:
    from phone_vault.adapters.state_machine import Execution

_QUIET_SECONDS = 5.0
"""For so long nothing is to be seen before a reader is told what takes its time."""


class Following:
    """Tells of pages as they are done: of a run that was stopped, then of the one that goes on."""

    def __init__(self, reading: Reading, console: Console, scope: str) -> None:
        self._reading = reading
        self._console = console
        self._scope = scope
        before = reading.run(scope)
        self._pages = self._looked_at(before)
        self._done_before = self._pages.done if self._pages else 0
        self._meter: Meter | None = None
        self._is_told = False
        self._open = ExitStack()
        self._quiet_since: float | None = time.monotonic()

    def until_ended(
        self, execution: "Callable[[], Execution]", sleep: Callable[[float], object] = time.sleep
    ) -> "Execution":
        """The execution as it ended."""
        with self._open:
            return until_ended(execution, self._show, sleep)

    def _looked_at(self, run: PurgeRun | None) -> Pages | None:
        if run is None:
            return None
        pages = Pages(run)
        pages.look(self._reading)
        return pages

    def _show(self, execution: "Execution") -> None:
        run = self._reading.run(self._scope)
        if run is not None and (self._pages is None or self._pages.run.run_id != run.run_id):
            self._end()
            self._pages, self._done_before, self._is_told = self._looked_at(run), 0, False
            self._tell()
        elif self._pages is not None and self._pages.done < self._pages.run.pages:
            self._pages.look(self._reading)
            self._tell()
        self._tell_of_planning(execution)

    def _tell(self) -> None:
        pages = self._pages
        if pages is None or pages.done == self._done_before:
            return
        self._quiet_since = None
        if pages.done == pages.run.pages:
            self._end()
            return
        if self._meter is None:
            measured = Measured("purging", pages.run.pages, self._done_before, "pages")
            self._meter = self._open.enter_context(meter(measured, self._console.say))
        self._meter.show(pages.done, pages.outcome)

    def _end(self) -> None:
        """The bar goes; a line stays, once."""
        self._open.close()
        self._meter, self._quiet_since = None, time.monotonic()
        pages = self._pages
        if pages is not None and pages.done > self._done_before and not self._is_told:
            self._is_told = True
            self._console.say(f"purging: {counted(pages.done, 'page')}, {pages.outcome}")

    def _tell_of_planning(self, execution: "Execution") -> None:
        since = self._quiet_since
        if execution.is_running and since is not None and time.monotonic() - since > _QUIET_SECONDS:
            self._quiet_since = None
            self._console.say("still at it: what is due is looked up, or the receipt is made")
