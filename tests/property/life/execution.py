"""The state machine Rotation, one call of a function or one wait at a time."""

from collections.abc import Callable, Generator, Iterator, Mapping
from datetime import timedelta
from typing import Any

from phone_vault.domain.errors import Conflict
from phone_vault.domain.rotation import Step
from phone_vault.services.advance_rotation import AdvanceRotation
from phone_vault.services.job import Job
from phone_vault.services.rotate_keys import RotateKeys
from tests.property.life.vault import worker_of

Answer = Mapping[str, Any] | None
"""None: the call came to nothing, and is made again."""


class Execution:
    """From its input to its output, as infrastructure/state_machines/rotation.asl.yaml has it."""

    skipped: frozenset[str] = frozenset()
    """Waits that are not made: never any, but where a test breaks the protocol."""

    def __init__(
        self,
        asked: Mapping[str, Any],
        call: Callable[[type[Job], Mapping[str, Any]], Answer],
        wait: Callable[[timedelta], None],
    ) -> None:
        self._asked, self._call, self._wait = asked, call, wait
        self._states = self._run()
        self.state = "Plan"
        self.begun: Mapping[str, Any] = {}
        self.output: Mapping[str, Any] | None = None
        """None until it has succeeded."""
        self.has_ended = False

    def go_on(self) -> None:
        """One call or wait more."""
        try:
            next(self._states)
        except (StopIteration, Conflict):  # the latter: overtaken by another one
            self.has_ended = True

    def _run(self) -> Iterator[None]:
        plan = yield from self._task("Plan", AdvanceRotation, {"step": "plan", "rotation": self._asked})
        if plan["rotate"]:
            made = yield from self._task("RotateKeys", RotateKeys, plan["rotate_keys"])
            if "problem" in made:
                return
        begin = {"step": "begin", "rotation": self._asked}
        self.begun = run = yield from self._task("Begin", AdvanceRotation, begin)
        if run["compromised"]:
            yield from self._map(Step.REWRAP_FIRST)
        yield from self._pause("WaitForCaches")
        yield from self._map(Step.REWRAP)
        if run["re_encrypting"]:
            yield from self._map(Step.RE_ENCRYPT)
        if run["reindexing"]:
            yield from self._map(Step.REINDEX)
        yield from self._map(Step.FIRST_CENSUS)
        settled = yield from self._task("Settle", AdvanceRotation, {"step": "settle", "run_id": run["run_id"]})
        if settled["sweeping"]:
            yield from self._pause("WaitForReaders")
            yield from self._task("Close", AdvanceRotation, {"step": "close", "run_id": run["run_id"]})
            yield from self._pause("WaitForWriters")
            yield from self._map(Step.SWEEP)
        yield from self._map(Step.LAST_CENSUS)
        self.output = yield from self._task("Finish", AdvanceRotation, {"step": "finish", "run_id": run["run_id"]})

    def _task(
        self, state: str, kind: type[Job], request: Mapping[str, Any]
    ) -> Generator[None, None, Mapping[str, Any]]:
        """Until it succeeds: what refuses it is retried."""
        self.state = state
        while True:
            answer = self._call(kind, request)
            yield
            if answer is not None:
                return answer

    def _map(self, step: Step) -> Iterator[None]:
        for shard in self.begun["shards"]:
            done = False
            while not done:
                request = {"run_id": self.begun["run_id"], "step": str(step), "shard": shard}
                answer = yield from self._task(step, worker_of(step), request)
                done = answer["done"]

    def _pause(self, state: str) -> Iterator[None]:
        self.state = state
        if state not in self.skipped:
            self._wait(timedelta(seconds=self.begun["wait_seconds"]))
        yield
