"""What the workers over shards have in common: page after page, and a cursor that outlives the call."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, NamedTuple

from phone_vault.domain.audit import Event
from phone_vault.domain.callers import Caller
from phone_vault.domain.errors import Fault, InvalidRequest
from phone_vault.domain.job_ports import Cursor, RunStore, Shard
from phone_vault.domain.job_requests import JobReader
from phone_vault.domain.ports import Contended
from phone_vault.domain.rotation import Progress, Run, Step
from phone_vault.services.current_run import current_run
from phone_vault.services.job import Desk, Worker

PAGES_PER_CALL = 25
ENOUGH_FOR_A_CALL = timedelta(seconds=30)
"""After which a call begins no further page: slow pages end long before the function's timeout of a minute."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a call is to do."""

    caller: Caller
    run: Run
    step: Step
    shard: Shard
    now: datetime


class Passed(NamedTuple):
    """What became of one page, and where the next one begins; None after the last."""

    counts: Mapping[str, int]
    next_cursor: Cursor | None


class ShardWorker(Worker):
    """One step of a Rotation in one shard, as far as a call gets.

    Each page's counts are saved with its cursor, under the revision that was read: where two workers have met, or one
    was stopped, the page is passed over again, which finds what was done in it done. Its counts are the second pass's.
    """

    steps: ClassVar[tuple[Step, ...]]

    def __init__(self, desk: Desk, runs: RunStore) -> None:
        super().__init__(desk)
        self._runs = runs

    @abstractmethod
    def pass_over(self, task: Task, cursor: Cursor | None) -> Passed:
        """One page."""

    def begin(self, task: Task) -> None:
        """Before the first page of a call."""
        del task

    def perform(self, caller: Caller, reader: JobReader, now: datetime) -> dict[str, Any]:
        """`run_id`, `step`, `shard`; `done` tells whether the shard is."""
        run_id, step, shard = reader.run_id(), reader.required_one_of("step", self.steps), reader.shard()
        reader.finish()
        run = current_run(self._runs, run_id)
        if shard >= run.shards:
            raise InvalidRequest([Fault("/shard", "is none of the run's")])
        progress = self._go_on(Task(caller, run, Step(step), Shard(shard, run.shards), now))
        return {"run_id": run_id, "step": step, "shard": shard, "done": progress.done}

    def announce(self, task: Task, outcome: str, tenants: Iterable[str], what: str = "records") -> None:
        """One audit entry for each tenant that something is to be done to, all in one write."""
        events = [
            Event(outcome, task.caller, tenant_id=each, details={what: count, "run": task.run.run_id})
            for each, count in Counter(tenants).items()
        ]
        if events:
            self.desk.trail.record(events)

    def _go_on(self, task: Task) -> Progress:
        progress = self._progress(task)
        if progress.done:
            return progress
        self.begin(task)
        for _ in range(PAGES_PER_CALL):
            passed = self.pass_over(task, progress.cursor)
            try:
                progress = self._runs.save_progress(_after(progress, passed))
            except Contended:
                progress = self._progress(task)  # another worker's, who has been here meanwhile
            if progress.done or self.desk.clock.now() - task.now >= ENOUGH_FOR_A_CALL:
                break
        return progress

    def _progress(self, task: Task) -> Progress:
        stored = self._runs.progress(task.run.run_id, task.step, task.shard.number)
        return stored or Progress(task.run.run_id, task.step, task.shard.number, begun_at=task.now)


def _after(progress: Progress, passed: Passed) -> Progress:
    counts = Counter(progress.counts)
    counts.update(passed.counts)
    return replace(progress, cursor=passed.next_cursor, done=passed.next_cursor is None, counts=dict(counts))
