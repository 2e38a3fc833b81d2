"""What the workers over shards have in common."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from phone_vault.domain.errors import Conflict, InvalidRequest, StoreUnavailable
from phone_vault.domain.job_ports import Cursor
from phone_vault.domain.keys import KeyUse
from phone_vault.domain.policy_file import parse
from phone_vault.domain.rotation import Progress, Run, Step
from phone_vault.services.audit_trail import AuditTrail
from phone_vault.services.job import Desk
from phone_vault.services.key_ring import KeyRing
from phone_vault.services.shard_worker import ENOUGH_FOR_A_CALL, PAGES_PER_CALL, Passed, ShardWorker, Task
from phone_vault.services.tally import Tally
from tests.fakes import (
    NEW_YEAR,
    Disturbances,
    ManualClock,
    MemoryAuditLog,
    MemoryKeyRingStore,
    MemoryKeyWrapper,
    MemoryRunStore,
)
from tests.unit.samples import POLICY
from tests.unit.services.job_world import MACHINE

RUN = Run("run-1", NEW_YEAR, shards=2)
REQUEST: Mapping[str, Any] = {"run_id": "run-1", "step": "rewrap", "shard": 0}


class Walker(ShardWorker):
    """Passes over pages that only count themselves, each of which takes some time."""

    name = "Walker"
    steps = (Step.REWRAP, Step.REWRAP_FIRST)

    def __init__(self, setting: "Setting") -> None:
        super().__init__(setting.desk(), setting.runs)
        self.setting = setting
        self.began = 0

    def begin(self, task: Task) -> None:
        self.began += 1

    def pass_over(self, task: Task, cursor: Cursor | None) -> Passed:
        at = int(cursor["at"]) if cursor else 0
        self.setting.passed.append((task.shard.number, at))
        self.setting.clock.advance(self.setting.page_takes)
        is_last = at + 1 == self.setting.pages
        return Passed({"pages": 1}, None if is_last else {"at": str(at + 1)})


class Setting:
    """A run, and the pages of its shards."""

    def __init__(self, pages: int = 3) -> None:
        self.pages = pages
        self.page_takes = timedelta()
        self.passed: list[tuple[int, int]] = []
        self.clock = ManualClock()
        self.disturbances = Disturbances()
        self.runs = MemoryRunStore(self.disturbances)
        self.runs.save_run(RUN, None)
        self.worker = Walker(self)

    def desk(self) -> Desk:
        store, kms, tally = MemoryKeyRingStore(), MemoryKeyWrapper(), Tally()
        ring = KeyRing(store, kms, self.clock, tally, max_age=timedelta(0), capacity=1, mac_keys_from=KeyUse.AUDIT)
        return Desk(parse(POLICY), ring, AuditTrail("Walker", MemoryAuditLog(), ring, self.clock), self.clock, tally)

    def call(self, **fields: Any) -> dict[str, Any]:
        return self.worker(MACHINE, {**REQUEST, **fields})

    def progress(self) -> Progress:
        progress = self.runs.progress("run-1", Step.REWRAP, 0)
        assert progress is not None
        return progress


@pytest.fixture
def setting() -> Setting:
    return Setting()


REFUSED: Mapping[str, Any] = {
    "nothing": {},
    "no object": [],
    "no shard": {"run_id": "run-1", "step": "rewrap"},
    "another worker's step": {**REQUEST, "step": "sweep"},
    "no step": {**REQUEST, "step": "walk"},
    "a shard that the run lacks": {**REQUEST, "shard": 2},
    "a negative shard": {**REQUEST, "shard": -1},
    "an unknown field": {**REQUEST, "cursor": {}},
}


@pytest.mark.parametrize("payload", REFUSED.values(), ids=REFUSED.keys())
def test_a_request_of_another_form_is_refused(setting: Setting, payload: object) -> None:
    with pytest.raises(InvalidRequest):
        setting.worker(MACHINE, payload)


def test_another_run_than_the_latest_is_refused(setting: Setting) -> None:
    with pytest.raises(Conflict):
        setting.call(run_id="run-0")


def test_a_worker_without_any_run_is_refused(setting: Setting) -> None:
    setting.runs = MemoryRunStore()
    setting.worker = Walker(setting)
    with pytest.raises(Conflict):
        setting.call()


def test_the_answer_is_the_request_and_whether_the_shard_is_done(setting: Setting) -> None:
    assert setting.call() == {**REQUEST, "done": True}


def test_each_page_begins_where_the_one_before_it_ended(setting: Setting) -> None:
    setting.call()
    assert setting.passed == [(0, 0), (0, 1), (0, 2)]


def test_a_shard_has_a_cursor_of_its_own(setting: Setting) -> None:
    setting.call()
    setting.call(shard=1)
    assert setting.passed[3:] == [(1, 0), (1, 1), (1, 2)]


def test_a_step_has_a_cursor_of_its_own(setting: Setting) -> None:
    setting.call()
    setting.call(step="rewrap-first")
    assert len(setting.passed) == 6


def test_the_counts_of_all_pages_add_up() -> None:
    setting = Setting(pages=PAGES_PER_CALL + 3)
    setting.call()
    setting.call()
    assert setting.progress().counts == {"pages": PAGES_PER_CALL + 3}


def test_a_call_passes_over_25_pages() -> None:
    setting = Setting(pages=60)
    setting.call()
    assert len(setting.passed) == 25


def test_a_call_that_leaves_pages_says_so() -> None:
    assert Setting(pages=26).call()["done"] is False


def test_the_next_call_goes_on() -> None:
    setting = Setting(pages=30)
    setting.call()
    assert (setting.call()["done"], setting.passed[25]) == (True, (0, 25))


def test_another_instance_goes_on() -> None:
    setting = Setting(pages=30)
    setting.call()
    setting.worker = Walker(setting)
    setting.call()
    assert setting.passed[25] == (0, 25)


def test_a_slow_call_ends_before_its_time_does() -> None:
    setting = Setting(pages=30)
    setting.page_takes = ENOUGH_FOR_A_CALL / 3
    setting.call()
    assert len(setting.passed) == 3


def test_a_done_shard_is_answered_without_a_page(setting: Setting) -> None:
    setting.call()
    setting.passed.clear()
    assert (setting.call()["done"], setting.passed, setting.worker.began) == (True, [], 1)


def test_what_a_call_begins_with_is_done_once_a_call() -> None:
    setting = Setting(pages=30)
    setting.call()
    setting.call()
    assert setting.worker.began == 2


def test_a_step_was_begun_when_its_first_call_was() -> None:
    setting = Setting(pages=30)
    setting.call()
    setting.clock.advance(timedelta(minutes=5))
    setting.call()
    assert setting.progress().begun_at == NEW_YEAR


def test_every_page_is_saved(setting: Setting) -> None:
    setting.call()
    assert setting.progress().revision == 3


def other_worker_saves(setting: Setting, at: int, *, done: bool = False) -> None:
    """Another worker has come this far."""
    stored = setting.runs.progress("run-1", Step.REWRAP, 0) or Progress("run-1", Step.REWRAP, 0, NEW_YEAR)
    cursor = None if done else {"at": str(at)}
    setting.runs.save_progress(replace(stored, cursor=cursor, done=done, counts={"pages": at}))


def test_where_another_worker_was_faster_it_goes_on_from_there() -> None:
    setting = Setting(pages=6)
    setting.disturbances.before("runs.save_progress", lambda: other_worker_saves(setting, 4))
    setting.call()
    assert setting.passed == [(0, 0), (0, 4), (0, 5)]


def test_a_page_that_another_worker_has_counted_is_counted_once() -> None:
    setting = Setting(pages=6)
    setting.disturbances.before("runs.save_progress", lambda: other_worker_saves(setting, 4))
    setting.call()
    assert setting.progress().counts == {"pages": 6}


def test_where_another_worker_has_finished_the_shard_is_done(setting: Setting) -> None:
    setting.disturbances.before("runs.save_progress", lambda: other_worker_saves(setting, 3, done=True))
    assert (setting.call()["done"], setting.passed) == (True, [(0, 0)])


def test_a_store_that_does_not_answer_ends_the_call(setting: Setting) -> None:
    setting.disturbances.fail("runs.save_progress", StoreUnavailable("DynamoDB does not answer"), at=2)
    with pytest.raises(StoreUnavailable):
        setting.call()


def test_after_a_failure_the_page_that_was_not_saved_is_passed_over_again(setting: Setting) -> None:
    setting.disturbances.fail("runs.save_progress", StoreUnavailable("DynamoDB does not answer"), at=2)
    with pytest.raises(StoreUnavailable):
        setting.call()
    setting.call()
    assert (setting.passed, setting.progress().counts) == ([(0, 0), (0, 1), (0, 1), (0, 2)], {"pages": 3})
