"""Passes over all records and an erasure, each in the middle of the other: the dead stay dead, wherever they stood."""

from collections.abc import Callable
from typing import Any

import pytest

from phone_vault.domain.callers import direct_caller
from phone_vault.domain.keys import KeyState, KeyUse, RotationReason
from phone_vault.domain.ports import RecordId
from phone_vault.domain.rotation import Step
from phone_vault.services.destruction import Destruction
from phone_vault.services.erase import Erase
from phone_vault.services.erasures import Erasures
from phone_vault.services.receipts import Receipts
from phone_vault.services.right import RightStores
from tests.fake_off_boarding import MemoryReceiptStore
from tests.fake_signer import MemorySigner
from tests.fakes import Disturbances, MemoryRetainedStore, MemorySubjectStore
from tests.unit.services.job_world import JobWorld
from tests.unit.services.rights_world import KEY_RECOVERY

OF_SUBJECT = {"tenant_id": "acme", "subject_id": "cust-1", "reason": "by letter"}
CALLS = ("retained.read", "retained.shred", "retained.clear", "receipts.add", "retained.close", "subjects.write")


class Erasing:
    """A rotation about to pass, and an erasure of one subject's number and message key."""

    def __init__(self, prepare: Callable[[JobWorld], None]) -> None:
        self.jobs = JobWorld()
        (self.record_id,) = self.jobs.protect("cust-1")
        self.jobs.encrypt("cust-1")
        prepare(self.jobs)
        self.jobs.begin()
        self.disturbances = Disturbances()
        world = self.jobs.world
        ports = world.ports("Erase", Erase.mac_keys_from)
        self.retained = MemoryRetainedStore(world.log, self.jobs.tables, self.disturbances)
        stores = RightStores(MemorySubjectStore(world.log, self.jobs.tables, self.disturbances), self.retained)
        receipts = MemoryReceiptStore(world.log, self.disturbances)
        self.function = Erase(
            stores,
            Erasures(
                policy=ports["policy"],
                destruction=Destruction(self.retained, tombstone_days=90, at_once=1),
                receipts=Receipts(receipts, MemorySigner(), ports["trail"], key_recovery=KEY_RECOVERY),
                clock=ports["clock"],
            ),
            **ports,
        )

    def erase(self) -> None:
        answer: dict[str, Any] = self.function(direct_caller(None), OF_SUBJECT)
        assert (answer["erased"], answer["message_keys"]) == (1, 1)

    def check_that_nothing_is_left(self) -> None:
        tables = self.jobs.tables
        assert (tables.records, tables.message_keys, tables.messages, tables.index) == ({}, {}, {}, {})
        assert not any(tables.members.values())
        assert all(each.is_swept and not each.positions for each in tables.tombstones.values())
        request = {"tenant_id": "acme", "token": self.record_id.token, "purpose": "security"}
        assert self.jobs.world.problem("Reveal", request) == "erased"


def newer_branch(jobs: JobWorld) -> None:
    jobs.rotate()


def compromised_branch(jobs: JobWorld) -> None:
    jobs.rotate(reason=RotationReason.COMPROMISE)


def newer_index(jobs: JobWorld) -> None:
    jobs.add_index_version()


def closed_index(jobs: JobWorld) -> None:
    jobs.add_index_version()
    jobs.begin()
    jobs.work(Step.REINDEX)
    jobs.read_newest_index()
    jobs.move_on(KeyUse.INDEX, 1, KeyState.CLOSED)
    jobs.wait()


PASSES = {
    Step.REWRAP: (newer_branch, ("wrapped.page", "wrapped.rewrap", "runs.save_progress")),
    Step.RE_ENCRYPT: (
        compromised_branch,
        ("indexed.page", "indexed.records", "indexed.messages", "indexed.re_encrypt", "runs.save_progress"),
    ),
    Step.REINDEX: (
        newer_index,
        ("indexed.page", "indexed.records", "indexed.messages", "indexed.index", "runs.save_progress"),
    ),
    Step.SWEEP: (closed_index, ("swept.records", "swept.take_out", "swept.entries", "runs.save_progress")),
}


@pytest.mark.parametrize(
    ("step", "prepare", "call"),
    [(step, prepare, call) for step, (prepare, calls) in PASSES.items() for call in calls],
)
def test_a_record_that_is_erased_in_the_middle_of_a_pass_stays_dead(
    step: Step, prepare: Callable[[JobWorld], None], call: str
) -> None:
    erasing = Erasing(prepare)
    erasing.jobs.disturbances.before(call, erasing.erase)
    erasing.jobs.work(step)
    erasing.check_that_nothing_is_left()


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("step", "prepare"), [(step, prepare) for step, (prepare, _) in PASSES.items()])
def test_a_pass_in_the_middle_of_an_erasure_brings_nothing_back(
    step: Step, prepare: Callable[[JobWorld], None], call: str
) -> None:
    erasing = Erasing(prepare)
    erasing.disturbances.before(call, lambda: erasing.jobs.work(step))
    erasing.erase()
    erasing.check_that_nothing_is_left()


def test_an_entry_that_a_pass_adds_before_the_shred_is_cleared_too() -> None:
    erasing = Erasing(newer_index)
    erasing.disturbances.before("retained.shred", lambda: erasing.jobs.work(Step.REINDEX))
    erasing.erase()
    assert RecordId("acme", erasing.record_id.token) not in erasing.jobs.tables.records
    erasing.check_that_nothing_is_left()
