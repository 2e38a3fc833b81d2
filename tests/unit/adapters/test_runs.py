"""Runs, how far they have come, and censuses, kept in Operations."""

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from phone_vault.adapters.runs import DynamoRunStore
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.job_ports import RunStore
from phone_vault.domain.ports import Contended
from phone_vault.domain.rotation import Census, Progress, Run, Step
from tests.unit.adapters.record_tables import NOW, RecordTables

LATER = NOW + timedelta(minutes=1)
RUN = Run("run-1", NOW, 4, tenant_id="acme", re_encrypt=True, fingerprint="abc")
LATEST = {"operation_id": "rotation#latest"}
_runs = itertools.count(1)


@pytest.fixture
def runs(vault: RecordTables) -> RunStore:
    """Before the first Rotation."""
    vault.client.delete_item(TableName=vault.names.operations, Key={"operation_id": {"S": "rotation#latest"}})
    return DynamoRunStore(vault.tables, vault.names)


@pytest.fixture
def progress() -> Progress:
    """Of a run of its own, not yet written."""
    return Progress(f"run of test {next(_runs)}", Step.REWRAP, 2, NOW)


def spoil(vault: RecordTables, operation_id: str, attribute: str, value: Any) -> None:
    row = vault.item(vault.names.operations, {"operation_id": operation_id})
    vault.put(vault.names.operations, {**row, attribute: value})


def test_there_is_no_run_before_the_first(runs: RunStore) -> None:
    assert runs.latest() is None


@pytest.mark.parametrize("run", [RUN, Run("run-2", NOW, 1), replace(RUN, finished=True)], ids=["full", "least", "done"])
def test_a_run_reads_back_as_it_was_written(runs: RunStore, run: Run) -> None:
    runs.save_run(run, None)
    assert runs.latest() == run


def test_a_run_takes_the_place_of_the_one_that_was_read(runs: RunStore) -> None:
    runs.save_run(RUN, None)
    done = replace(RUN, finished=True)
    runs.save_run(done, RUN)
    another = Run("run-2", LATER, 2)
    runs.save_run(another, done)
    assert runs.latest() == another


STALE = {
    "none": None,
    "another": replace(RUN, run_id="run-0"),
    "finished": replace(RUN, finished=True),
    "of-other-versions": replace(RUN, fingerprint="xyz"),
}


@pytest.mark.parametrize("before", STALE.values(), ids=STALE)
def test_a_run_does_not_take_the_place_of_another_than_was_read(runs: RunStore, before: Run | None) -> None:
    runs.save_run(RUN, None)
    with pytest.raises(Contended):
        runs.save_run(Run("run-2", LATER, 2), before)
    assert runs.latest() == RUN


def test_a_run_that_is_there_already_was_written_by_the_try_before(runs: RunStore) -> None:
    runs.save_run(RUN, None)
    runs.save_run(RUN, None)
    assert runs.latest() == RUN


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("begun_at", "soon"), ("shards", "4"), ("finished", "perhaps"), ("tenant_id", "a b"), ("run_id", 1)],
)
def test_a_run_that_does_not_read_is_tampered_with(
    vault: RecordTables, runs: RunStore, attribute: str, value: Any
) -> None:
    runs.save_run(RUN, None)
    spoil(vault, "rotation#latest", attribute, value)
    with pytest.raises(TamperedStore):
        runs.latest()


def test_a_step_that_was_not_begun_has_come_nowhere(runs: RunStore, progress: Progress) -> None:
    assert runs.progress(progress.run_id, progress.step, progress.shard) is None


def test_progress_reads_back_as_it_was_saved(runs: RunStore, progress: Progress) -> None:
    counts = {"done": 7, "acme/branch/1": 3, "?/unreadable": 0}
    begun = runs.save_progress(progress)
    further = replace(begun, cursor={"record_id": "acme#x", "table": "records"}, counts=counts)
    saved = runs.save_progress(further)
    assert (begun, saved) == (replace(progress, revision=1), replace(further, revision=2))
    assert runs.progress(progress.run_id, progress.step, progress.shard) == saved


def test_progress_to_the_end_has_no_cursor(runs: RunStore, progress: Progress) -> None:
    begun = runs.save_progress(replace(progress, cursor={"record_id": "acme#x"}))
    done = runs.save_progress(replace(begun, cursor=None, done=True))
    assert runs.progress(progress.run_id, progress.step, progress.shard) == done


def test_steps_and_shards_come_along_on_their_own(runs: RunStore, progress: Progress) -> None:
    for other in (progress, replace(progress, step=Step.SWEEP), replace(progress, shard=3)):
        runs.save_progress(other)
        assert runs.progress(other.run_id, other.step, other.shard) == replace(other, revision=1)


def test_of_two_workers_one_saves(runs: RunStore, progress: Progress) -> None:
    begun = runs.save_progress(progress)
    first = runs.save_progress(replace(begun, counts={"done": 1}))
    with pytest.raises(Contended):
        runs.save_progress(replace(begun, counts={"done": 2}))
    assert runs.progress(progress.run_id, progress.step, progress.shard) == first


def test_of_two_workers_one_begins(runs: RunStore, progress: Progress) -> None:
    runs.save_progress(progress)
    with pytest.raises(Contended):
        runs.save_progress(replace(progress, begun_at=LATER))


def test_progress_that_is_gone_is_not_brought_back(runs: RunStore, progress: Progress) -> None:
    with pytest.raises(Contended):
        runs.save_progress(replace(progress, revision=3))
    assert runs.progress(progress.run_id, progress.step, progress.shard) is None


def test_progress_is_kept_for_90_days(vault: RecordTables, runs: RunStore, progress: Progress) -> None:
    runs.save_progress(progress)
    row = vault.item(vault.names.operations, {"operation_id": f"run#{progress.run_id}#rewrap#2"})
    assert row["expires_ttl"] == int((NOW + timedelta(days=90)).timestamp())


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("begun_at", 7), ("cursor", "x"), ("cursor", {"record_id": 1}), ("counts", {"done": "1"}), ("done", "maybe")],
)
def test_progress_that_does_not_read_is_tampered_with(
    vault: RecordTables, runs: RunStore, progress: Progress, attribute: str, value: Any
) -> None:
    runs.save_progress(progress)
    spoil(vault, f"run#{progress.run_id}#rewrap#2", attribute, value)
    with pytest.raises(TamperedStore):
        runs.progress(progress.run_id, progress.step, progress.shard)


def census(tenant: str) -> Census:
    return Census(
        tenant,
        NOW,
        {"branch/1": 3, "index/1": 2},
        stored_numbers=2,
        message_keys=1,
        direct=4,
        in_index={"index/1": 2},
        indexed=2,
        out_of_reach=5,
        unreadable=6,
    )


def test_a_tenant_has_no_census_before_the_first(runs: RunStore, tenant: str) -> None:
    assert runs.census(tenant) is None


def test_a_census_reads_back_as_it_was_saved(runs: RunStore, tenant: str) -> None:
    runs.save_census(census(tenant))
    assert runs.census(tenant) == census(tenant)


@pytest.mark.parametrize("begun_at", [NOW, LATER], ids=["as-early", "later"])
def test_a_census_takes_the_place_of_an_earlier_one(runs: RunStore, tenant: str, begun_at: Any) -> None:
    runs.save_census(census(tenant))
    after = replace(census(tenant), begun_at=begun_at, stored_numbers=9)
    runs.save_census(after)
    assert runs.census(tenant) == after


def test_a_census_does_not_take_the_place_of_one_that_began_later(runs: RunStore, tenant: str) -> None:
    later = replace(census(tenant), begun_at=LATER)
    runs.save_census(later)
    runs.save_census(census(tenant))
    assert runs.census(tenant) == later


def test_a_census_takes_the_place_of_one_that_has_yet_to_begin(runs: RunStore, tenant: str) -> None:
    """Nobody but a forger writes such a one, and it must not stay."""
    runs.save_census(replace(census(tenant), begun_at=NOW + timedelta(days=3)))
    runs.save_census(census(tenant))
    assert runs.census(tenant) == census(tenant)


@pytest.mark.parametrize(("attribute", "value"), [("on_version", "x"), ("direct", "4"), ("begun_at", "2026")])
def test_a_census_that_does_not_read_is_tampered_with(
    vault: RecordTables, runs: RunStore, tenant: str, attribute: str, value: Any
) -> None:
    runs.save_census(census(tenant))
    spoil(vault, f"census#{tenant}", attribute, value)
    with pytest.raises(TamperedStore):
        runs.census(tenant)


def test_counts_of_very_many_tenants_read_back(runs: RunStore) -> None:
    """More than a row can hold: DynamoDB takes 400 KB."""
    counts = {f"{'t' * 60}{tenant:04}/branch/1": tenant for tenant in range(5_000)}
    progress = runs.save_progress(Progress("many", Step.LAST_CENSUS, 0, NOW, counts=counts))
    assert runs.progress("many", Step.LAST_CENSUS, 0) == progress
    again = runs.save_progress(replace(progress, counts={"acme/branch/1": 1}))
    assert runs.progress("many", Step.LAST_CENSUS, 0) == again
