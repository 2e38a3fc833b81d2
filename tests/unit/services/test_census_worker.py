"""Counting what each key version has."""

import json
from datetime import timedelta

import pytest

from phone_vault.domain.errors import AuditUnavailable, StoreUnavailable
from phone_vault.domain.keys import KeyState, KeyUse, RotationReason
from phone_vault.domain.rotation import Step
from phone_vault.services.census import TakeCensus
from phone_vault.services.censuses import Censuses
from phone_vault.services.shard_worker import PAGES_PER_CALL
from tests.fakes import Killed
from tests.unit.services.job_world import JobWorld

SUBJECTS = ("a", "b", "c", "d", "e", "f", "g")


@pytest.fixture
def jobs() -> JobWorld:
    return JobWorld()


@pytest.fixture
def stocked(jobs: JobWorld) -> JobWorld:
    """Seven numbers and a message key of one tenant, one number of another."""
    jobs.protect(*SUBJECTS)
    jobs.encrypt("a")
    jobs.protect("a", tenant_id="other")
    jobs.begin()
    return jobs


STOCK = {
    "acme/branch/1": 8,
    "acme/numbers": 7,
    "acme/messages": 1,
    "acme/indexed": 7,
    "acme/index/1": 7,
    "acme/entries/1": 7,
    "other/branch/1": 1,
    "other/numbers": 1,
    "other/indexed": 1,
    "other/index/1": 1,
    "other/entries/1": 1,
}


@pytest.mark.parametrize("step", [Step.FIRST_CENSUS, Step.LAST_CENSUS])
@pytest.mark.parametrize("shards", [1, 4])
def test_records_and_entries_are_counted_by_tenant_and_version(stocked: JobWorld, step: Step, shards: int) -> None:
    stocked.begin(shards=shards)
    assert stocked.work(step) == STOCK


def test_a_run_of_one_tenant_counts_that_one(stocked: JobWorld) -> None:
    stocked.begin(tenant_id="other")
    assert {name.partition("/")[0] for name in stocked.work(Step.LAST_CENSUS)} == {"other"}


def test_directly_wrapped_records_are_on_no_version(jobs: JobWorld) -> None:
    jobs.under({"acme": {"wrapping": "direct"}})
    jobs.protect("a")
    jobs.begin()
    counts = jobs.work(Step.LAST_CENSUS)
    assert (counts["acme/direct"], "acme/branch/1" in counts) == (1, False)


def test_records_under_several_versions_are_told_apart(jobs: JobWorld) -> None:
    jobs.protect("a")
    jobs.rotate()
    jobs.protect("b", "c")
    jobs.begin()
    counts = jobs.work(Step.LAST_CENSUS)
    assert (counts["acme/branch/1"], counts["acme/branch/2"]) == (1, 2)


def test_a_record_counts_for_every_version_of_the_index_in_which_it_stands(jobs: JobWorld) -> None:
    jobs.protect("a")
    jobs.add_index_version()
    jobs.protect("b", "c")
    jobs.begin()
    counts = jobs.work(Step.FIRST_CENSUS)
    assert [counts[f"acme/{what}"] for what in ("index/1", "index/2", "entries/2", "indexed")] == [3, 2, 2, 3]


def test_records_outside_the_index_are_not_among_those_in_it(jobs: JobWorld) -> None:
    jobs.under({"acme": {"index": False}})
    jobs.protect("a")
    jobs.begin()
    assert jobs.work(Step.FIRST_CENSUS) == {"acme/branch/1": 1, "acme/numbers": 1}


def test_entries_are_counted_whether_a_record_knows_of_them_or_not(jobs: JobWorld) -> None:
    [record_id] = jobs.protect("a")
    entries = dict(jobs.tables.index)
    jobs.tables.erase(record_id)
    jobs.tables.index |= entries
    jobs.begin()
    assert jobs.work(Step.LAST_CENSUS) == {"acme/entries/1": 1}


def test_what_is_shredded_is_on_no_version(jobs: JobWorld) -> None:
    [record_id] = jobs.protect("a")
    jobs.tables.shred(*record_id)
    jobs.begin()
    assert jobs.work(Step.LAST_CENSUS) == {"acme/entries/1": 1}


def test_rows_that_do_not_read_are_counted_apart(stocked: JobWorld) -> None:
    stocked.tables.unreadable.add(stocked.tables.names()[0])
    assert stocked.work(Step.LAST_CENSUS)["acme/unreadable"] == 1


def test_the_census_of_all_shards_is_put_together(stocked: JobWorld) -> None:
    stocked.begin(shards=3)
    stocked.work(Step.LAST_CENSUS)
    tenants = {each: stocked.key_ring_store.keys_of(each) for each in ("acme", "other")}
    census = Censuses(stocked.runs).take(stocked.run, Step.LAST_CENSUS, tenants)["acme"]
    assert (census.stored_numbers, census.message_keys, census.on_version) == (7, 1, {"branch/1": 8, "index/1": 7})


# Messages that a compromised version may have opened.


def test_message_keys_of_before_a_compromise_are_out_of_reach(jobs: JobWorld) -> None:
    jobs.encrypt("a")
    jobs.rotate(reason=RotationReason.COMPROMISE)
    jobs.begin()
    jobs.work(Step.REWRAP)
    assert jobs.work(Step.LAST_CENSUS)["acme/old-messages"] == 1


def test_message_keys_that_an_older_cache_made_just_after_a_compromise_are_out_of_reach(jobs: JobWorld) -> None:
    jobs.encrypt("a")
    jobs.rotate(reason=RotationReason.COMPROMISE)
    jobs.clock.advance(timedelta(minutes=-5))
    jobs.encrypt("b")
    jobs.clock.advance(timedelta(minutes=5))
    jobs.begin()
    assert jobs.work(Step.LAST_CENSUS)["acme/old-messages"] == 2


def test_message_keys_of_after_it_are_not(jobs: JobWorld) -> None:
    jobs.encrypt("a")
    jobs.rotate(reason=RotationReason.COMPROMISE)
    jobs.encrypt("b")
    jobs.begin()
    assert jobs.work(Step.LAST_CENSUS)["acme/old-messages"] == 1


def test_a_rotation_by_schedule_puts_none_out_of_reach(jobs: JobWorld) -> None:
    jobs.encrypt("a")
    jobs.rotate()
    jobs.begin()
    assert "acme/old-messages" not in jobs.work(Step.LAST_CENSUS)


def test_a_compromise_that_is_retired_since_still_counts_from_when_it_was_superseded(jobs: JobWorld) -> None:
    jobs.encrypt("a")
    jobs.rotate(reason=RotationReason.COMPROMISE)
    jobs.encrypt("b")
    jobs.clock.advance(timedelta(days=1))
    jobs.move_on(KeyUse.BRANCH, 1, KeyState.RETIRED, KeyState.DESTROYED)
    jobs.begin()
    assert jobs.work(Step.LAST_CENSUS)["acme/old-messages"] == 1


def test_a_version_that_was_given_up_does_not_tell_when_the_one_before_was_superseded(jobs: JobWorld) -> None:
    jobs.protect("a")
    jobs.give_up_a_branch_version()
    jobs.clock.advance(timedelta(days=1))
    jobs.encrypt("a")
    jobs.rotate(reason=RotationReason.COMPROMISE)
    jobs.begin()
    assert jobs.work(Step.LAST_CENSUS)["acme/old-messages"] == 1


# Calls.


def test_it_writes_nothing_but_its_progress(stocked: JobWorld) -> None:
    before = dict(stocked.tables.records), dict(stocked.tables.message_keys), dict(stocked.tables.index)
    stocked.work(Step.LAST_CENSUS)
    assert (stocked.tables.records, stocked.tables.message_keys, stocked.tables.index) == before


def test_a_census_counts_on_in_the_next_call(stocked: JobWorld) -> None:
    stocked.tables.page_rows = 1
    stocked.protect(*map(str, range(PAGES_PER_CALL)))
    worker = stocked.worker(TakeCensus)
    assert not stocked.call(worker, Step.LAST_CENSUS)["done"]
    stocked.finish(Step.LAST_CENSUS, worker)
    assert stocked.counts(Step.LAST_CENSUS)["acme/numbers"] == 7 + PAGES_PER_CALL


def test_it_begins_when_its_first_call_does(stocked: JobWorld) -> None:
    stocked.tables.page_rows = 1
    stocked.protect(*map(str, range(PAGES_PER_CALL)))
    begun_at = stocked.clock.now()
    worker = stocked.worker(TakeCensus)
    stocked.call(worker, Step.LAST_CENSUS)
    stocked.clock.advance(timedelta(hours=1))
    stocked.finish(Step.LAST_CENSUS, worker)
    assert stocked.progress(Step.LAST_CENSUS).begun_at == begun_at


def test_a_call_leaves_one_audit_entry_of_no_tenant(stocked: JobWorld) -> None:
    stocked.work(Step.LAST_CENSUS)
    [entry] = map(json.loads, stocked.outcomes("counting"))
    assert (entry.get("tenant_id"), entry["keyed_by"], entry["details"]) == (
        None,
        "#vault/1",
        {"run": "run-1", "step": "last-census", "shard": 0},
    )


def test_a_call_for_a_done_shard_leaves_none(stocked: JobWorld) -> None:
    stocked.work(Step.LAST_CENSUS)
    stocked.work(Step.LAST_CENSUS)
    assert len(stocked.outcomes("counting")) == 1


def test_without_the_audit_trail_nothing_is_counted(stocked: JobWorld) -> None:
    stocked.disturbances.fail_always("audit.append", StoreUnavailable("DynamoDB does not answer"))
    with pytest.raises(AuditUnavailable):
        stocked.work(Step.LAST_CENSUS)
    assert stocked.runs.progress("run-1", Step.LAST_CENSUS, 0) is None


def test_it_asks_kms_for_nothing_but_the_key_of_its_audit_entry(stocked: JobWorld) -> None:
    stocked.work(Step.LAST_CENSUS)
    before = stocked.kms.calls
    stocked.begin()
    stocked.work(Step.LAST_CENSUS)
    assert stocked.kms.calls - before == 1


# Crashes and other workers.


def crashing() -> JobWorld:
    jobs = JobWorld()
    jobs.protect(*SUBJECTS)
    jobs.encrypt("a")
    jobs.protect("a", tenant_id="other")
    jobs.begin()
    jobs.disturbances.calls.clear()
    return jobs


def test_wherever_a_worker_dies_nothing_is_counted_twice_or_left_out() -> None:
    undisturbed = crashing()
    undisturbed.work(Step.LAST_CENSUS)
    for calls in range(1, len(undisturbed.disturbances.calls) + 1):
        jobs = crashing()
        jobs.disturbances.kill_after(calls)
        with pytest.raises(Killed):
            jobs.work(Step.LAST_CENSUS)
        assert jobs.work(Step.LAST_CENSUS) == STOCK


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("workers", [2, 4])
def test_workers_that_overlap_count_everything_once(workers: int, seed: int) -> None:
    jobs = crashing()
    jobs.begin(shards=2)
    jobs.work_at_once(Step.LAST_CENSUS, workers, seed)
    assert jobs.counts(Step.LAST_CENSUS) == STOCK


# What is kept between calls.


@pytest.mark.parametrize("step", [Step.FIRST_CENSUS, Step.SWEEP])
def test_no_cursor_names_an_entry_of_the_index(stocked: JobWorld, step: Step) -> None:
    """It is the HMAC of a number, and would outlive the number's erasure in the backups of Operations."""
    kept = []
    save = stocked.runs.save_progress
    stocked.runs.save_progress = lambda progress: (kept.append(dict(progress.cursor or {})), save(progress))[1]  # type: ignore[method-assign,func-returns-value]
    stocked.work(step)
    places = [place.text for place in stocked.tables.index]
    assert len(kept) > 1
    assert not [place for place in places if place in str(kept)]
