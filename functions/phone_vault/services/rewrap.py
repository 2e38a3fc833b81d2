"""Rewrap: every record key wrapped as a new one would be."""

from phone_vault.domain.job_ports import Cursor, RunStore, WrappedRecords
from phone_vault.domain.rotation import Step
from phone_vault.domain.wrapped_record import WrappedRecord
from phone_vault.services.job import Desk
from phone_vault.services.page_work import PageWork
from phone_vault.services.rewrapping import Rewrapping
from phone_vault.services.shard_worker import Passed, ShardWorker, Task


class Rewrap(ShardWorker):
    """One conditional update for a stale record, none for a current one; no number is within its reach."""

    name = "Rewrap"
    steps = (Step.REWRAP_FIRST, Step.REWRAP)

    def __init__(self, desk: Desk, runs: RunStore, records: WrappedRecords, rewrapping: Rewrapping) -> None:
        super().__init__(desk, runs)
        self._records = records
        self._rewrapping = rewrapping

    def pass_over(self, task: Task, cursor: Cursor | None) -> Passed:
        """One page."""
        page = self._records.page(task.shard, cursor, task.run.tenant_id)
        work = PageWork(self.desk.key_ring)
        stale = work.stale(page.rows, self._rewrapping.is_current)
        self.announce(task, "re-wrapping", (record.tenant_id for record in stale))
        for record in stale:
            work.act_on(record.tenant_id, record, self._rewrap, self._records.read, self._rewrapping.is_current)
        return work.passed(page.next_cursor)

    def _rewrap(self, record: WrappedRecord) -> None:
        self._records.rewrap(record, self._rewrapping.rewrapped(record))
