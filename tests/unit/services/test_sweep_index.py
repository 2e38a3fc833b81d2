"""The sweep of index versions that are closed, beside applications, crashes and other workers."""

import json

import pytest

from phone_vault.domain.errors import AuditUnavailable, StoreUnavailable
from phone_vault.domain.keys import KeyState, KeyUse
from phone_vault.domain.ports import RecordId
from phone_vault.domain.rotation import Step
from tests.fakes import Killed, Place
from tests.unit.services.job_world import JobWorld

SUBJECTS = ("a", "b", "c", "d", "e", "f", "g")


def filled(*subjects: str, tenant_id: str = "acme", jobs: JobWorld | None = None) -> JobWorld:
    """Numbers that stand in versions 1 and 2 of the index, of which 2 is read."""
    jobs = jobs or JobWorld()
    jobs.protect(*subjects, tenant_id=tenant_id)
    jobs.add_index_version(tenant_id)
    jobs.begin()
    jobs.work(Step.REINDEX)
    jobs.read_newest_index(tenant_id)
    return jobs


def close(jobs: JobWorld, tenant_id: str = "acme") -> JobWorld:
    """Version 1."""
    jobs.move_on(KeyUse.INDEX, 1, KeyState.CLOSED, tenant_id=tenant_id)
    jobs.begin()
    return jobs


@pytest.fixture
def closed() -> JobWorld:
    return close(filled(*SUBJECTS))


@pytest.fixture
def raced() -> JobWorld:
    """One record."""
    return close(filled("a"))


def only_record(jobs: JobWorld) -> RecordId:
    [record_id] = jobs.tables.records
    return record_id


def positions(jobs: JobWorld) -> set[tuple[int, ...]]:
    """Versions in which the records stand."""
    return {tuple(sorted(record.index_positions)) for record in jobs.tables.records.values()}


def entries(jobs: JobWorld) -> set[int]:
    """Versions that have entries."""
    return {place.version for place in jobs.tables.index}


def test_positions_and_entries_of_a_closed_version_are_taken_away(closed: JobWorld) -> None:
    closed.work(Step.SWEEP)
    assert (positions(closed), entries(closed)) == ({(2,)}, {2})


def test_swept_records_keep_their_newer_positions(closed: JobWorld) -> None:
    before = {each: record.index_positions[2] for each, record in closed.tables.records.items()}
    closed.work(Step.SWEEP)
    assert {each: record.index_positions[2] for each, record in closed.tables.records.items()} == before


def test_what_was_done_is_counted(closed: JobWorld) -> None:
    assert closed.work(Step.SWEEP) == {"done": 7, "current": 7}


def test_numbers_are_still_looked_up(closed: JobWorld) -> None:
    before = closed.lookup()
    closed.work(Step.SWEEP)
    assert (closed.lookup(), len(before)) == (before, 4)


def test_nothing_but_the_positions_and_the_revision_changes(raced: JobWorld) -> None:
    before = raced.record(only_record(raced))
    raced.work(Step.SWEEP)
    after = raced.record(only_record(raced))
    changed = {name for name in before.__slots__ if getattr(before, name) != getattr(after, name)}
    assert changed == {"index_positions", "revision"}


@pytest.mark.parametrize("state", [KeyState.RETIRED, KeyState.DESTROYED])
def test_what_a_restore_brought_back_of_a_later_state_is_swept_too(closed: JobWorld, state: KeyState) -> None:
    closed.move_on(KeyUse.INDEX, 1, state)
    closed.work(Step.SWEEP)
    assert (positions(closed), entries(closed)) == ({(2,)}, {2})


def test_a_version_that_is_still_written_is_left_alone() -> None:
    jobs = filled("a", "b")
    jobs.begin()
    jobs.work(Step.SWEEP)
    assert (positions(jobs), entries(jobs)) == ({(1, 2)}, {1, 2})


def test_a_pending_version_is_left_alone(closed: JobWorld) -> None:
    closed.add_index_version()
    closed.begin()
    closed.work(Step.REINDEX)
    closed.work(Step.SWEEP)
    assert (positions(closed), entries(closed)) == ({(2, 3)}, {2, 3})


def test_entries_that_no_record_knows_of_are_deleted(raced: JobWorld) -> None:
    raced.work(Step.SWEEP)
    raced.tables.index[Place("acme", 1, b"left over", "subject")] = "tok_gone"
    raced.begin()
    assert (raced.work(Step.SWEEP), entries(raced)) == ({"entries": 1, "current": 2}, {2})


def test_entries_of_records_that_another_shard_has_not_swept_yet_are_no_hindrance() -> None:
    jobs = filled(*SUBJECTS)
    jobs.move_on(KeyUse.INDEX, 1, KeyState.CLOSED)
    jobs.begin(shards=4)
    jobs.work(Step.SWEEP)
    assert (positions(jobs), entries(jobs), jobs.counts(Step.SWEEP)["done"]) == ({(2,)}, {2}, 7)


def test_other_tenants_are_left_alone(closed: JobWorld) -> None:
    filled("a", tenant_id="other", jobs=closed)
    closed.begin()
    closed.work(Step.SWEEP)
    assert {place.tenant_id for place in closed.tables.index if place.version == 1} == {"other"}


def test_a_run_of_one_tenant_leaves_the_others() -> None:
    jobs = close(filled("a", tenant_id="other", jobs=close(filled("a"))), "other")
    jobs.begin(tenant_id="other")
    jobs.work(Step.SWEEP)
    assert {place.tenant_id for place in jobs.tables.index if place.version == 1} == {"acme"}


def test_rows_of_an_off_boarded_tenant_are_left_alone(closed: JobWorld) -> None:
    closed.off_board("acme")
    assert (closed.work(Step.SWEEP), entries(closed)) == ({}, {1, 2})


# What fails.


def test_a_record_is_not_taken_out_of_the_only_version_in_which_it_stands(raced: JobWorld) -> None:
    record = raced.record(only_record(raced))
    raced.tables.write(record, index_positions={1: record.index_positions[1]})
    assert (raced.work(Step.SWEEP)["failed"], positions(raced)) == (1, {(1,)})


def test_a_row_that_does_not_read_has_failed_and_the_others_are_done(closed: JobWorld) -> None:
    closed.tables.unreadable.add(closed.tables.names()[0])
    counts = closed.work(Step.SWEEP)
    assert (counts["done"], counts["failed"]) == (6, 1)


# What applications do between read and write.


def test_a_record_that_is_protected_again_meanwhile_keeps_what_was_granted(raced: JobWorld) -> None:
    raced.disturbances.before("swept.take_out", lambda: raced.protect("a", purpose="delivery"))
    raced.work(Step.SWEEP)
    assert set(raced.record(only_record(raced)).grants) == {"security", "delivery"}


def test_a_record_that_is_protected_again_meanwhile_is_swept(raced: JobWorld) -> None:
    raced.disturbances.before("swept.take_out", lambda: raced.protect("a", purpose="delivery"))
    assert (raced.work(Step.SWEEP)["done"], positions(raced)) == (1, {(2,)})


def test_a_record_that_is_erased_meanwhile_does_not_come_back(raced: JobWorld) -> None:
    raced.disturbances.before("swept.take_out", lambda: raced.tables.erase(only_record(raced)))
    assert (raced.work(Step.SWEEP), raced.tables.records) == ({}, {})


def test_a_record_that_changes_before_every_write_is_given_up(raced: JobWorld) -> None:
    raced.disturbances.before("swept.take_out", *[lambda: raced.tables.write(raced.record(only_record(raced)))] * 5)
    assert raced.work(Step.SWEEP)["failed"] == 1


# Audit.


def test_the_entries_come_before_the_acts(raced: JobWorld) -> None:
    raced.tables.index[Place("acme", 1, b"left over", "subject")] = "tok_gone"
    raced.disturbances.calls.clear()
    raced.work(Step.SWEEP)
    watched = ("audit.append", "swept.take_out", "swept.delete_entries")
    calls = [call for call in raced.disturbances.calls if call in watched]
    assert calls == ["audit.append", "swept.take_out", "audit.append", "swept.delete_entries"]


def test_the_entries_tell_how_much_of_which_tenant_and_run(raced: JobWorld) -> None:
    raced.tables.index[Place("acme", 1, b"left over", "subject")] = "tok_gone"
    raced.work(Step.SWEEP)
    told = [(entry["tenant_id"], entry["details"]) for entry in map(json.loads, raced.outcomes("sweeping"))]
    run = raced.run.run_id
    assert told == [("acme", {"records": 1, "run": run}), ("acme", {"entries": 1, "run": run})]


def test_without_the_audit_trail_nothing_is_taken_away(closed: JobWorld) -> None:
    closed.disturbances.fail_always("audit.append", StoreUnavailable("DynamoDB does not answer"))
    with pytest.raises(AuditUnavailable):
        closed.work(Step.SWEEP)
    assert (positions(closed), entries(closed)) == ({(1, 2)}, {1, 2})


# Crashes and other workers.


def crashing() -> JobWorld:
    jobs = close(filled(*SUBJECTS))
    jobs.tables.index[Place("acme", 1, b"left over", "subject")] = "tok_gone"
    jobs.disturbances.calls.clear()
    return jobs


def test_wherever_a_worker_dies_the_next_one_ends_as_an_undisturbed_one() -> None:
    undisturbed = crashing()
    undisturbed.work(Step.SWEEP)
    for calls in range(1, len(undisturbed.disturbances.calls) + 1):
        jobs = crashing()
        jobs.disturbances.kill_after(calls)
        with pytest.raises(Killed):
            jobs.work(Step.SWEEP)
        jobs.work(Step.SWEEP)
        assert (positions(jobs), entries(jobs), len(jobs.lookup())) == ({(2,)}, {2}, 4)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("workers", [2, 4])
def test_workers_that_overlap_take_every_record_out_once(workers: int, seed: int) -> None:
    jobs = filled(*SUBJECTS)
    jobs.move_on(KeyUse.INDEX, 1, KeyState.CLOSED)
    jobs.begin(shards=2)
    jobs.work_at_once(Step.SWEEP, workers, seed)
    assert (positions(jobs), entries(jobs)) == ({(2,)}, {2})
    assert {record.revision for record in jobs.tables.records.values()} == {3}
