"""Re-encryption after a compromise, beside applications, crashes and other workers."""

import json
from datetime import timedelta

import pytest

from phone_vault.crypto.numbers import decrypt_number
from phone_vault.domain.errors import AuditUnavailable, StoreUnavailable, TamperedStore
from phone_vault.domain.keys import KeyState, KeyUse, RotationReason
from phone_vault.domain.ports import RecordId
from phone_vault.domain.rotation import Step
from phone_vault.services.reindex import Reindex
from tests.fakes import THE_KMS_KEY, Killed, MemoryRunStore
from tests.unit.samples import AMERICAN, BRITISH
from tests.unit.services.job_world import JobWorld

SUBJECTS = ("a", "b", "c", "d", "e", "f", "g")
OWN_KEY = "the tenant's own KMS key"


@pytest.fixture
def jobs() -> JobWorld:
    return JobWorld()


@pytest.fixture
def leaked(jobs: JobWorld) -> JobWorld:
    """Seven numbers, whose branch key version 1 is known to others; they lie under it still."""
    jobs.protect(*SUBJECTS)
    jobs.rotate(reason=RotationReason.COMPROMISE)
    jobs.begin()
    return jobs


@pytest.fixture
def raced(jobs: JobWorld) -> JobWorld:
    """One of them."""
    jobs.protect("a")
    jobs.rotate(reason=RotationReason.COMPROMISE)
    jobs.begin()
    return jobs


def only_record(jobs: JobWorld) -> RecordId:
    [record_id] = jobs.tables.records
    return record_id


def test_every_record_gets_a_new_key(leaked: JobWorld) -> None:
    records = list(leaked.tables.records)
    before = {each: leaked.record_keys().unwrap(leaked.record(each)).expose() for each in records}
    leaked.work(Step.RE_ENCRYPT)
    after = {each: leaked.record_keys().unwrap(leaked.record(each)).expose() for each in records}
    assert not set(before.values()) & set(after.values())


def test_the_old_key_does_not_open_the_new_message(raced: JobWorld) -> None:
    record_id = only_record(raced)
    before = raced.record_keys().unwrap(raced.record(record_id))
    raced.work(Step.RE_ENCRYPT)
    with pytest.raises(TamperedStore):
        decrypt_number(raced.tables.messages[record_id], before, *record_id)


def test_the_numbers_are_still_revealed(leaked: JobWorld) -> None:
    before = {each: leaked.reveal(each) for each in leaked.tables.records}
    leaked.work(Step.RE_ENCRYPT)
    assert {each: leaked.reveal(each) for each in before} == before


def test_the_numbers_are_still_looked_up(leaked: JobWorld) -> None:
    before = leaked.lookup()
    leaked.work(Step.RE_ENCRYPT)
    assert (leaked.lookup(), len(before)) == (before, 4)


def test_the_new_key_is_wrapped_by_the_active_version(leaked: JobWorld) -> None:
    leaked.work(Step.RE_ENCRYPT)
    assert leaked.branch_versions() == {2}


def test_what_was_done_is_counted(leaked: JobWorld) -> None:
    assert leaked.work(Step.RE_ENCRYPT) == {"done": 7}


def test_it_is_no_part_of_re_indexing(leaked: JobWorld) -> None:
    assert leaked.work(Step.REINDEX) == {"current": 7}


def test_nothing_but_the_key_and_the_revision_changes_beside_the_message(raced: JobWorld) -> None:
    before = raced.record(only_record(raced))
    raced.work(Step.RE_ENCRYPT)
    after = raced.record(only_record(raced))
    changed = {name for name in before.__slots__ if getattr(before, name) != getattr(after, name)}
    assert changed == {"wrapped_key", "branch_key_version", "key_made_at", "revision"}


def test_done_again_in_the_same_run_it_changes_nothing(leaked: JobWorld) -> None:
    leaked.work(Step.RE_ENCRYPT)
    leaked.indexed.written.clear()
    leaked.runs = MemoryRunStore(leaked.disturbances)  # the cursors are lost
    leaked.runs.save_run(leaked.run, None)
    assert (leaked.work(Step.RE_ENCRYPT), leaked.indexed.written) == ({"current": 7}, [])


def test_a_later_run_makes_new_keys_again(leaked: JobWorld) -> None:
    leaked.work(Step.RE_ENCRYPT)
    leaked.begin()
    assert leaked.work(Step.RE_ENCRYPT) == {"done": 7}


def test_a_record_that_was_stored_after_caches_had_run_out_keeps_its_key(leaked: JobWorld) -> None:
    leaked.protect("new")
    assert leaked.work(Step.RE_ENCRYPT) == {"done": 7, "current": 1}


def test_a_record_that_was_stored_from_an_older_cache_after_the_run_had_begun_gets_a_new_key(leaked: JobWorld) -> None:
    leaked.clock.advance(timedelta(minutes=-1))
    leaked.protect("new")
    leaked.clock.advance(timedelta(minutes=1))
    assert leaked.work(Step.RE_ENCRYPT) == {"done": 8}


def test_message_keys_are_passed_by(leaked: JobWorld) -> None:
    leaked.encrypt("a")
    assert leaked.work(Step.RE_ENCRYPT) == {"done": 7}


def test_records_outside_the_index_get_new_keys_too(jobs: JobWorld) -> None:
    jobs.under({"acme": {"index": False}})
    [record_id] = jobs.protect("a")
    jobs.begin()
    assert (jobs.work(Step.RE_ENCRYPT), jobs.reveal(record_id)) == ({"done": 1}, BRITISH.disclose())


def test_a_tenant_of_direct_wrapping_gets_new_keys_from_kms(jobs: JobWorld) -> None:
    jobs.under({"acme": {"wrapping": "direct"}})
    [record_id] = jobs.protect("a")
    jobs.begin()
    jobs.work(Step.RE_ENCRYPT)
    record = jobs.record(record_id)
    assert (record.branch_key_version, record.kms_key, jobs.reveal(record_id)) == (
        None,
        THE_KMS_KEY,
        BRITISH.disclose(),
    )


def test_records_under_a_retired_version_get_new_keys(leaked: JobWorld) -> None:
    leaked.move_on(KeyUse.BRANCH, 1, KeyState.RETIRED)
    assert leaked.work(Step.RE_ENCRYPT) == {"done": 7}


# What fails.


def test_a_tampered_record_has_failed_and_the_others_are_done(leaked: JobWorld) -> None:
    bad = next(iter(leaked.tables.records.values()))
    leaked.tables.write(bad, wrapped_key=b"other")
    assert leaked.work(Step.RE_ENCRYPT) == {"done": 6, "failed": 1}


def test_a_record_that_has_lost_its_message_has_failed_and_keeps_its_key(raced: JobWorld) -> None:
    before = raced.record(only_record(raced))
    del raced.tables.messages[only_record(raced)]
    assert (raced.work(Step.RE_ENCRYPT), raced.record(only_record(raced))) == ({"failed": 1}, before)


def test_a_tenant_whose_kms_key_is_disabled_fails_alone(jobs: JobWorld) -> None:
    jobs.kms.kms_keys["other"] = OWN_KEY
    jobs.protect(*SUBJECTS)
    jobs.protect(*SUBJECTS, tenant_id="other")
    jobs.kms.disabled_kms_keys = {OWN_KEY}
    jobs.begin()
    assert jobs.work(Step.RE_ENCRYPT) == {"done": 7, "failed": 7}


# What applications and other workers do between read and write.

BETWEEN = ["indexed.records", "indexed.messages", "indexed.re_encrypt"]


@pytest.mark.parametrize("call", BETWEEN)
def test_a_record_that_is_protected_again_meanwhile_keeps_what_was_granted(raced: JobWorld, call: str) -> None:
    raced.disturbances.before(call, lambda: raced.protect("a", purpose="delivery"))
    assert raced.work(Step.RE_ENCRYPT) == {"done": 1}
    assert set(raced.record(only_record(raced)).grants) == {"security", "delivery"}


@pytest.mark.parametrize("call", BETWEEN)
def test_a_record_that_is_erased_meanwhile_does_not_come_back(raced: JobWorld, call: str) -> None:
    raced.disturbances.before(call, lambda: raced.tables.erase(only_record(raced)))
    assert (raced.work(Step.RE_ENCRYPT), raced.tables.records, raced.tables.messages) == ({}, {}, {})


@pytest.mark.parametrize("call", BETWEEN)
def test_a_record_that_is_shredded_meanwhile_gets_neither_key_nor_message(raced: JobWorld, call: str) -> None:
    record_id = only_record(raced)
    before = raced.tables.messages[record_id]
    raced.disturbances.before(call, lambda: raced.tables.shred(*record_id))
    assert (raced.work(Step.RE_ENCRYPT), raced.record(record_id).wrapped_key) == ({}, b"")
    assert raced.tables.messages[record_id] == before


@pytest.mark.parametrize("call", BETWEEN)
def test_a_record_that_another_worker_re_encrypts_meanwhile_is_current(raced: JobWorld, call: str) -> None:
    """Between the reads of its key and its message too, which then do not belong together: that is no tampering."""
    first = raced.worker(Reindex)

    def other_worker() -> None:
        saved = raced.runs
        raced.runs = MemoryRunStore()
        raced.runs.save_run(raced.run, None)
        raced.call(raced.worker(Reindex), Step.RE_ENCRYPT)
        raced.runs = saved

    raced.disturbances.before(call, other_worker)
    raced.call(first, Step.RE_ENCRYPT)
    assert (raced.counts(Step.RE_ENCRYPT), raced.reveal(only_record(raced))) == ({"current": 1}, BRITISH.disclose())


# Audit.


def test_the_entry_comes_before_a_number_is_decrypted(raced: JobWorld) -> None:
    raced.disturbances.calls.clear()
    raced.work(Step.RE_ENCRYPT)
    watched = ("audit.append", "indexed.messages", "indexed.re_encrypt")
    assert [call for call in raced.disturbances.calls if call in watched] == list(watched)


def test_the_entry_tells_how_many_records_of_which_tenant_and_run(raced: JobWorld) -> None:
    raced.work(Step.RE_ENCRYPT)
    [entry] = map(json.loads, raced.outcomes("re-encrypting"))
    assert (entry["tenant_id"], entry["details"]) == ("acme", {"records": 1, "run": "run-1"})


def test_without_the_audit_trail_nothing_is_read_or_written(leaked: JobWorld) -> None:
    leaked.disturbances.fail_always("audit.append", StoreUnavailable("DynamoDB does not answer"))
    with pytest.raises(AuditUnavailable):
        leaked.work(Step.RE_ENCRYPT)
    assert (leaked.indexed.written, "indexed.messages" in leaked.disturbances.calls) == ([], False)


# Crashes and other workers.


def crashing() -> JobWorld:
    jobs = JobWorld()
    jobs.protect(*SUBJECTS)
    jobs.rotate(reason=RotationReason.COMPROMISE)
    jobs.begin()
    jobs.disturbances.calls.clear()
    return jobs


def test_wherever_a_worker_dies_the_next_one_ends_as_an_undisturbed_one() -> None:
    undisturbed = crashing()
    undisturbed.work(Step.RE_ENCRYPT)
    for calls in range(1, len(undisturbed.disturbances.calls) + 1):
        jobs = crashing()
        jobs.disturbances.kill_after(calls)
        with pytest.raises(Killed):
            jobs.work(Step.RE_ENCRYPT)
        jobs.work(Step.RE_ENCRYPT)
        assert {(row.branch_key_version, row.revision) for row in jobs.tables.records.values()} == {(2, 2)}
        assert {jobs.reveal(each) for each in jobs.tables.records} == {BRITISH.disclose(), AMERICAN.disclose()}


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("workers", [2, 4])
def test_workers_that_overlap_write_every_record_once_and_fail_none(workers: int, seed: int) -> None:
    jobs = JobWorld()
    jobs.protect(*SUBJECTS)
    jobs.rotate(reason=RotationReason.COMPROMISE)
    jobs.begin(shards=2)
    jobs.work_at_once(Step.RE_ENCRYPT, workers, seed)
    assert (len(jobs.indexed.written), jobs.counts(Step.RE_ENCRYPT).get("failed")) == (7, None)
    assert {jobs.reveal(each) for each in jobs.tables.records} == {BRITISH.disclose(), AMERICAN.disclose()}
