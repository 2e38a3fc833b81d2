"""Re-indexing, beside applications, crashes and other workers."""

import json
from dataclasses import replace

import pytest

from phone_vault.crypto.numbers import encrypt_number
from phone_vault.domain.errors import AuditUnavailable, StoreUnavailable
from phone_vault.domain.keys import KeyState, KeyUse
from phone_vault.domain.ports import RecordId
from phone_vault.domain.rotation import Step
from phone_vault.domain.stored_number import StoredNumber
from phone_vault.services.reindex import Reindex
from tests.fakes import Killed, Place
from tests.unit.samples import AMERICAN
from tests.unit.services.job_world import JobWorld

SUBJECTS = ("a", "b", "c", "d", "e", "f", "g")
OWN_KEY = "the tenant's own KMS key"


@pytest.fixture
def jobs() -> JobWorld:
    return JobWorld()


@pytest.fixture
def pending(jobs: JobWorld) -> JobWorld:
    """Seven numbers in version 1 of the index, while version 2 is pending."""
    jobs.protect(*SUBJECTS)
    jobs.add_index_version()
    jobs.begin()
    return jobs


@pytest.fixture
def raced(jobs: JobWorld) -> JobWorld:
    """One of them."""
    jobs.protect("a")
    jobs.add_index_version()
    jobs.begin()
    return jobs


def only_record(jobs: JobWorld) -> RecordId:
    [record_id] = jobs.tables.records
    return record_id


def versions(jobs: JobWorld) -> set[tuple[int, ...]]:
    """In which the records stand."""
    return {tuple(sorted(record.index_positions)) for record in jobs.tables.records.values()}


def places(jobs: JobWorld) -> set[Place]:
    """Where the records say that they stand."""
    records = jobs.tables.records.values()
    return {place for record in records for place in jobs.tables.places(record, record.index_positions)}


def test_every_record_comes_to_stand_in_the_pending_version(pending: JobWorld) -> None:
    pending.work(Step.REINDEX)
    assert versions(pending) == {(1, 2)}


def test_what_was_done_is_counted(pending: JobWorld) -> None:
    assert pending.work(Step.REINDEX) == {"done": 7}


def test_every_position_has_its_entry(pending: JobWorld) -> None:
    pending.work(Step.REINDEX)
    assert places(pending) == set(pending.tables.index)


def test_the_number_is_looked_up_in_the_new_version_once_that_is_read(pending: JobWorld) -> None:
    before = pending.lookup()
    pending.work(Step.REINDEX)
    pending.read_newest_index()
    assert (pending.lookup(), len(before)) == (before, 4)


def test_protecting_the_number_again_finds_the_record_once_the_new_version_is_read(pending: JobWorld) -> None:
    pending.work(Step.REINDEX)
    pending.read_newest_index()
    pending.move_on(KeyUse.INDEX, 1, KeyState.CLOSED)
    pending.wait()
    pending.protect(*SUBJECTS)
    assert len(pending.tables.records) == 7


def test_a_current_record_is_neither_written_nor_is_its_message_read(pending: JobWorld) -> None:
    pending.work(Step.REINDEX)
    pending.begin()
    pending.indexed.written.clear()
    pending.disturbances.calls.clear()
    counts = pending.work(Step.REINDEX)
    assert (counts, pending.indexed.written, "indexed.messages" in pending.disturbances.calls) == (
        {"current": 7},
        [],
        False,
    )


def test_nothing_but_the_positions_and_the_revision_changes(raced: JobWorld) -> None:
    before = raced.record(only_record(raced))
    raced.work(Step.REINDEX)
    after = raced.record(only_record(raced))
    changed = {name for name in before.__slots__ if getattr(before, name) != getattr(after, name)}
    assert changed == {"index_positions", "revision"}


def test_the_position_that_was_there_stays(raced: JobWorld) -> None:
    before = raced.record(only_record(raced)).index_positions[1]
    raced.work(Step.REINDEX)
    assert raced.record(only_record(raced)).index_positions[1] == before


def test_the_release_that_gave_the_canonical_form_is_kept(raced: JobWorld) -> None:
    record = raced.record(only_record(raced))
    raced.tables.write(record, index_positions={1: replace(record.index_positions[1], numbering_release="8.0.0")})
    raced.work(Step.REINDEX)
    assert raced.record(only_record(raced)).index_positions[2].numbering_release == "8.0.0"


def test_records_that_were_stored_without_an_index_stay_outside(jobs: JobWorld) -> None:
    jobs.under({"acme": {"index": False}})
    jobs.protect("a")
    jobs.under({})
    jobs.add_index_version()
    jobs.begin()
    assert (jobs.work(Step.REINDEX), versions(jobs)) == ({"current": 1}, {()})


def test_message_keys_are_passed_by(pending: JobWorld) -> None:
    pending.encrypt("a")
    assert pending.work(Step.REINDEX) == {"done": 7}


def test_25_records_are_written_at_once(jobs: JobWorld) -> None:
    jobs.tables.page_rows = 100
    jobs.protect(*map(str, range(60)))
    jobs.add_index_version()
    jobs.begin()
    jobs.work(Step.REINDEX)
    assert jobs.disturbances.calls.count("indexed.index") == 3


def test_a_record_that_lacks_two_versions_gets_both(jobs: JobWorld) -> None:
    jobs.tables.page_rows = 100
    jobs.protect(*map(str, range(30)))
    jobs.add_index_version()
    jobs.read_newest_index()  # without having been filled
    jobs.add_index_version()
    jobs.begin()
    assert (jobs.work(Step.REINDEX), versions(jobs)) == ({"done": 30}, {(1, 2, 3)})


def test_a_run_of_one_tenant_leaves_the_others(pending: JobWorld) -> None:
    pending.protect("a", tenant_id="other")
    pending.add_index_version("other")
    pending.begin(tenant_id="other")
    assert pending.work(Step.REINDEX) == {"done": 1}


def test_rows_of_an_off_boarded_tenant_are_left_alone(pending: JobWorld) -> None:
    pending.off_board("acme")
    assert pending.work(Step.REINDEX) == {}


def test_a_record_whose_branch_version_is_retired_is_re_indexed(pending: JobWorld) -> None:
    pending.rotate()
    pending.move_on(KeyUse.BRANCH, 1, KeyState.RETIRED)
    assert pending.work(Step.REINDEX) == {"done": 7}


# What fails.


def two_records(jobs: JobWorld) -> tuple[StoredNumber, StoredNumber]:
    one, other, *_ = jobs.tables.records.values()
    return one, other


def record_id_of(record: StoredNumber) -> RecordId:
    return RecordId(record.tenant_id, record.token)


def exchange_messages(jobs: JobWorld) -> None:
    one, other = map(record_id_of, two_records(jobs))
    messages = jobs.tables.messages
    messages[one], messages[other] = messages[other], messages[one]


def exchange_positions(jobs: JobWorld) -> None:
    one, other = two_records(jobs)
    jobs.tables.write(one, index_positions=other.index_positions)
    jobs.tables.write(other, index_positions=one.index_positions)


def exchange_subjects(jobs: JobWorld) -> None:
    one, other = two_records(jobs)
    jobs.tables.write(one, subject_id=other.subject_id, subject_ref=other.subject_ref)
    jobs.tables.write(other, subject_id=one.subject_id, subject_ref=one.subject_ref)


def lose_messages(jobs: JobWorld) -> None:
    for record in two_records(jobs):
        del jobs.tables.messages[record_id_of(record)]


def break_keys(jobs: JobWorld) -> None:
    for record in two_records(jobs):
        jobs.tables.write(record, wrapped_key=b"other")


def make_unreadable(jobs: JobWorld) -> None:
    jobs.tables.unreadable |= set(map(record_id_of, two_records(jobs)))


TAMPERING = [
    exchange_messages,
    exchange_positions,
    exchange_subjects,
    lose_messages,
    break_keys,
    make_unreadable,
]


@pytest.mark.parametrize("tamper", TAMPERING, ids=lambda each: each.__name__)
def test_two_tampered_records_have_failed_and_the_others_are_done(pending: JobWorld, tamper: object) -> None:
    assert callable(tamper)
    tamper(pending)
    assert pending.work(Step.REINDEX) == {"done": 5, "failed": 2}


@pytest.mark.parametrize("tamper", TAMPERING, ids=lambda each: each.__name__)
def test_a_tampered_record_gets_no_position(pending: JobWorld, tamper: object) -> None:
    assert callable(tamper)
    bad = [record_id_of(record) for record in two_records(pending)]
    tamper(pending)
    pending.work(Step.REINDEX)
    assert [set(pending.record(each).index_positions) for each in bad] == [{1}, {1}]


def test_another_number_that_is_authentic_for_the_record_has_failed(raced: JobWorld) -> None:
    record_id = only_record(raced)
    record_key = raced.record_keys().unwrap(raced.record(record_id))
    raced.tables.messages[record_id] = encrypt_number(AMERICAN, record_key, *record_id)
    assert raced.work(Step.REINDEX) == {"failed": 1}


def test_the_log_tells_tampering_from_a_race(pending: JobWorld, caplog: pytest.LogCaptureFixture) -> None:
    exchange_messages(pending)
    pending.work(Step.REINDEX)
    reasons = {record.__dict__["reason"] for record in caplog.records if record.name == "phone-vault.records"}
    assert reasons == {"a stored number is not what was written"}


def test_a_record_without_any_live_position_has_failed(jobs: JobWorld) -> None:
    jobs.protect("a")
    jobs.add_index_version()
    jobs.read_newest_index()
    jobs.move_on(KeyUse.INDEX, 1, KeyState.CLOSED)
    jobs.begin()
    assert jobs.work(Step.REINDEX) == {"failed": 1}


def test_a_place_that_another_record_has_is_not_taken_from_it(raced: JobWorld) -> None:
    raced.work(Step.REINDEX)
    record = raced.record(only_record(raced))
    [place] = raced.tables.places(record, [2])
    raced.tables.index[place] = "tok_other"
    raced.tables.write(record, index_positions={1: record.index_positions[1]})
    raced.begin()
    assert (raced.work(Step.REINDEX), raced.tables.index[place]) == ({"failed": 1}, "tok_other")


def test_a_tenant_whose_kms_key_is_disabled_fails_alone(jobs: JobWorld) -> None:
    jobs.kms.kms_keys["other"] = OWN_KEY
    for tenant_id in ("acme", "other"):
        jobs.protect(*SUBJECTS, tenant_id=tenant_id)
        jobs.add_index_version(tenant_id)
    jobs.kms.disabled_kms_keys = {OWN_KEY}
    jobs.begin()
    assert jobs.work(Step.REINDEX) == {"done": 7, "failed": 7}


def test_a_store_that_does_not_answer_ends_the_call(pending: JobWorld) -> None:
    pending.disturbances.fail("indexed.index", StoreUnavailable("DynamoDB does not answer"))
    with pytest.raises(StoreUnavailable):
        pending.work(Step.REINDEX)


# What applications do between read and write.


@pytest.mark.parametrize("call", ["indexed.records", "indexed.messages", "indexed.index"])
def test_a_record_that_is_protected_again_meanwhile_keeps_what_was_granted(raced: JobWorld, call: str) -> None:
    raced.disturbances.before(call, lambda: raced.protect("a", purpose="delivery"))
    raced.work(Step.REINDEX)
    record = raced.record(only_record(raced))
    assert (set(record.grants), set(record.index_positions)) == ({"security", "delivery"}, {1, 2})


def test_a_record_that_has_changed_since_its_page_was_read_is_taken_as_it_is_now(raced: JobWorld) -> None:
    raced.disturbances.before("indexed.records", lambda: raced.protect("a", purpose="delivery"))
    raced.work(Step.REINDEX)
    assert raced.disturbances.calls.count("indexed.index") == 1


@pytest.mark.parametrize("call", ["indexed.records", "indexed.messages", "indexed.index"])
def test_a_record_that_is_erased_meanwhile_does_not_come_back(raced: JobWorld, call: str) -> None:
    raced.disturbances.before(call, lambda: raced.tables.erase(only_record(raced)))
    assert (raced.work(Step.REINDEX), raced.tables.records, raced.tables.index) == ({}, {}, {})


@pytest.mark.parametrize("call", ["indexed.records", "indexed.messages", "indexed.index"])
def test_a_record_that_is_shredded_meanwhile_comes_to_stand_nowhere_else(raced: JobWorld, call: str) -> None:
    record_id = only_record(raced)
    raced.disturbances.before(call, lambda: raced.tables.shred(*record_id))
    assert (raced.work(Step.REINDEX), {place.version for place in raced.tables.index}) == ({}, {1})


def test_one_changed_record_holds_up_no_other_of_its_transaction(pending: JobWorld) -> None:
    pending.disturbances.before("indexed.index", lambda: pending.protect("a", purpose="delivery"))
    assert (pending.work(Step.REINDEX), versions(pending)) == ({"done": 7}, {(1, 2)})


def test_a_record_that_another_worker_has_done_meanwhile_is_current(raced: JobWorld) -> None:
    def other_worker() -> None:
        run = raced.run
        raced.begin()
        raced.call(raced.worker(Reindex), Step.REINDEX)
        raced.run = run

    raced.disturbances.before("indexed.index", other_worker)
    raced.call(raced.worker(Reindex), Step.REINDEX)
    assert raced.counts(Step.REINDEX) == {"current": 1}


def test_a_record_that_changes_before_every_write_is_given_up(raced: JobWorld) -> None:
    def use() -> None:
        raced.tables.write(raced.record(only_record(raced)))

    raced.disturbances.before("indexed.index", *[use] * 6)
    assert raced.work(Step.REINDEX) == {"failed": 1}


# Audit.


def test_the_entry_comes_before_a_number_is_decrypted(raced: JobWorld) -> None:
    raced.disturbances.calls.clear()
    raced.work(Step.REINDEX)
    watched = ("audit.append", "indexed.messages", "indexed.index")
    assert [call for call in raced.disturbances.calls if call in watched] == list(watched)


def test_the_entry_tells_how_many_records_of_which_tenant_and_run(raced: JobWorld) -> None:
    raced.work(Step.REINDEX)
    [entry] = map(json.loads, raced.outcomes("re-indexing"))
    assert (entry["tenant_id"], entry["details"]) == ("acme", {"records": 1, "run": "run-1"})


def test_without_the_audit_trail_nothing_is_read_or_written(pending: JobWorld) -> None:
    pending.disturbances.fail_always("audit.append", StoreUnavailable("DynamoDB does not answer"))
    with pytest.raises(AuditUnavailable):
        pending.work(Step.REINDEX)
    assert (pending.indexed.written, "indexed.messages" in pending.disturbances.calls) == ([], False)


# Crashes and other workers.


def crashing() -> JobWorld:
    jobs = JobWorld()
    jobs.protect(*SUBJECTS)
    jobs.add_index_version()
    jobs.begin()
    jobs.disturbances.calls.clear()
    return jobs


def test_wherever_a_worker_dies_the_next_one_ends_as_an_undisturbed_one() -> None:
    undisturbed = crashing()
    undisturbed.work(Step.REINDEX)
    for calls in range(1, len(undisturbed.disturbances.calls) + 1):
        jobs = crashing()
        jobs.disturbances.kill_after(calls)
        with pytest.raises(Killed):
            jobs.work(Step.REINDEX)
        jobs.work(Step.REINDEX)
        assert (versions(jobs), places(jobs)) == ({(1, 2)}, set(jobs.tables.index))
        assert {record.revision for record in jobs.tables.records.values()} == {2}


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("workers", [2, 4])
def test_workers_that_overlap_write_every_record_once(workers: int, seed: int) -> None:
    jobs = JobWorld()
    jobs.protect(*SUBJECTS)
    jobs.add_index_version()
    jobs.begin(shards=2)
    jobs.work_at_once(Step.REINDEX, workers, seed)
    assert (versions(jobs), places(jobs), len(jobs.indexed.written)) == ({(1, 2)}, set(jobs.tables.index), 7)
