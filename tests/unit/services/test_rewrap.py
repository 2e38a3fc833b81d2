"""Re-wrapping, beside applications, crashes and other workers."""

import json
from datetime import timedelta

import pytest

from phone_vault.crypto import messages
from phone_vault.domain.errors import AuditUnavailable, StoreUnavailable
from phone_vault.domain.keys import KeyState, KeyUse, RotationReason
from phone_vault.domain.ports import RecordId
from phone_vault.domain.rotation import Step
from phone_vault.services.rewrap import Rewrap
from tests.fakes import THE_KMS_KEY, Killed
from tests.unit.samples import AMERICAN, BRITISH
from tests.unit.services.job_world import JobWorld

SUBJECTS = ("a", "b", "c", "d", "e", "f", "g")
DIRECT = {"acme": {"wrapping": "direct"}}
OWN_KEY = "the tenant's own KMS key"


@pytest.fixture
def jobs() -> JobWorld:
    return JobWorld()


@pytest.fixture
def rotated(jobs: JobWorld) -> JobWorld:
    """Seven numbers and a message key under version 1, of which version 2 has taken the place."""
    jobs.protect(*SUBJECTS)
    jobs.encrypt("a")
    jobs.rotate()
    jobs.begin()
    return jobs


def test_every_record_comes_under_the_active_version(rotated: JobWorld) -> None:
    rotated.work(Step.REWRAP)
    assert rotated.branch_versions() == {2}


def test_what_was_done_is_counted(rotated: JobWorld) -> None:
    assert rotated.work(Step.REWRAP) == {"done": 8}


def test_a_stale_record_is_written_once(rotated: JobWorld) -> None:
    rotated.work(Step.REWRAP)
    assert sorted(rotated.wrapped.written) == sorted(name for _, name in rotated.tables.names())


def test_a_current_record_is_not_written(rotated: JobWorld) -> None:
    rotated.work(Step.REWRAP)
    rotated.begin()
    rotated.wrapped.written.clear()
    assert (rotated.work(Step.REWRAP), rotated.wrapped.written) == ({"current": 8}, [])


def test_a_page_without_a_stale_record_leaves_no_audit_entry(rotated: JobWorld) -> None:
    rotated.work(Step.REWRAP)
    rotated.begin()
    before = len(rotated.world.log.entries)
    rotated.work(Step.REWRAP)
    assert len(rotated.world.log.entries) == before


def test_the_number_is_still_revealed(jobs: JobWorld) -> None:
    [one, other] = jobs.protect("a", "b")
    jobs.rotate()
    jobs.begin()
    jobs.work(Step.REWRAP)
    assert (jobs.reveal(one), jobs.reveal(other)) == (BRITISH.disclose(), AMERICAN.disclose())


def test_a_message_that_the_application_keeps_is_still_decrypted(jobs: JobWorld) -> None:
    message = jobs.encrypt("a")
    jobs.rotate()
    jobs.begin()
    jobs.work(Step.REWRAP)
    request = {"tenant_id": "acme", "subject_id": "a", "message": message, "purpose": "delivery"}
    assert jobs.world.call("Decrypt", request)["number"] == BRITISH.disclose()


def test_nothing_but_the_wrapping_and_the_revision_changes(jobs: JobWorld) -> None:
    [record_id] = jobs.protect("a")
    before = jobs.record(record_id)
    jobs.rotate()
    jobs.begin()
    jobs.work(Step.REWRAP)
    after = jobs.record(record_id)
    changed = {name for name in before.__slots__ if getattr(before, name) != getattr(after, name)}
    assert changed == {"wrapped_key", "branch_key_version", "revision"}


def test_the_first_pass_of_a_compromise_is_a_step_of_its_own(jobs: JobWorld) -> None:
    jobs.protect("a")
    jobs.rotate(reason=RotationReason.COMPROMISE)
    jobs.begin()
    assert (jobs.work(Step.REWRAP_FIRST), jobs.work(Step.REWRAP)) == ({"done": 1}, {"current": 1})


@pytest.mark.parametrize("shards", [1, 3])
def test_the_shards_have_all_records(jobs: JobWorld, shards: int) -> None:
    jobs.protect(*SUBJECTS)
    jobs.rotate()
    jobs.begin(shards=shards)
    assert jobs.work(Step.REWRAP) == {"done": 7}


def test_a_run_of_one_tenant_leaves_the_others(jobs: JobWorld) -> None:
    jobs.protect("a")
    jobs.protect("b", tenant_id="other")
    jobs.rotate("acme")
    jobs.rotate("other")
    jobs.begin(tenant_id="other")
    jobs.work(Step.REWRAP)
    assert {row.tenant_id: row.branch_key_version for row in jobs.tables.records.values()} == {"acme": 1, "other": 2}


# KMS.


def kms_calls_for(records: int) -> int:
    jobs = JobWorld(page_rows=100)
    jobs.store_keys(records)
    jobs.rotate()
    jobs.begin(shards=8)
    before = jobs.kms.calls
    assert jobs.work(Step.REWRAP) == {"done": records}
    return jobs.kms.calls - before


@pytest.fixture
def quick_cipher(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of the real one, which would take ten seconds: here it is not what is looked at."""
    monkeypatch.setattr(messages, "encrypt", lambda plaintext, under, context: plaintext)
    monkeypatch.setattr(messages, "decrypt", lambda message, under, context: message)


@pytest.mark.usefixtures("quick_cipher")
def test_kms_is_called_as_often_for_10_000_records_as_for_1_000() -> None:
    assert kms_calls_for(1_000) == kms_calls_for(10_000)


# Between kinds of wrapping, and between KMS keys.


def test_from_branch_to_direct(jobs: JobWorld) -> None:
    [record_id] = jobs.protect("a")
    jobs.under(DIRECT)
    jobs.begin()
    jobs.work(Step.REWRAP)
    record = jobs.record(record_id)
    assert (record.branch_key_version, record.kms_key, jobs.reveal(record_id)) == (
        None,
        THE_KMS_KEY,
        BRITISH.disclose(),
    )


def test_from_direct_to_branch(jobs: JobWorld) -> None:
    jobs.under(DIRECT)
    [record_id] = jobs.protect("a")
    jobs.under({})
    jobs.begin()
    jobs.work(Step.REWRAP)
    record = jobs.record(record_id)
    assert (record.branch_key_version, record.kms_key, jobs.reveal(record_id)) == (1, None, BRITISH.disclose())


def test_from_one_kms_key_to_another(jobs: JobWorld) -> None:
    jobs.under(DIRECT)
    [record_id] = jobs.protect("a")
    jobs.kms.kms_keys["acme"] = OWN_KEY
    jobs.begin()
    jobs.work(Step.REWRAP)
    record = jobs.record(record_id)
    assert (record.branch_key_version, record.kms_key, jobs.reveal(record_id)) == (None, OWN_KEY, BRITISH.disclose())


def test_from_one_kms_key_to_another_is_one_call_of_kms_a_record(jobs: JobWorld) -> None:
    jobs.under(DIRECT)
    jobs.protect(*SUBJECTS)
    jobs.kms.kms_keys["acme"] = OWN_KEY
    jobs.begin()
    audit_key = 1
    before = jobs.kms.calls
    jobs.work(Step.REWRAP)
    assert jobs.kms.calls - before == len(SUBJECTS) + audit_key


def test_a_directly_wrapped_record_is_current_under_its_kms_key(jobs: JobWorld) -> None:
    jobs.under(DIRECT)
    jobs.protect("a")
    jobs.begin()
    assert jobs.work(Step.REWRAP) == {"current": 1}


# Versions.


def test_a_record_under_a_retired_version_is_re_wrapped(rotated: JobWorld) -> None:
    rotated.move_on(KeyUse.BRANCH, 1, KeyState.RETIRED)
    rotated.work(Step.REWRAP)
    assert rotated.branch_versions() == {2}


def test_a_record_under_a_destroyed_version_has_failed(rotated: JobWorld) -> None:
    rotated.move_on(KeyUse.BRANCH, 1, KeyState.RETIRED, KeyState.DESTROYED)
    assert rotated.work(Step.REWRAP) == {"failed": 8}


# What fails.


def test_a_tampered_record_has_failed_and_the_others_are_done(rotated: JobWorld) -> None:
    bad = next(iter(rotated.tables.records.values()))
    rotated.tables.write(bad, wrapped_key=b"other")
    assert rotated.work(Step.REWRAP) == {"done": 7, "failed": 1}


def test_a_record_with_another_record_s_key_has_failed_and_stays_as_it_is(rotated: JobWorld) -> None:
    one, other, *_ = rotated.tables.records.values()
    rotated.tables.write(one, wrapped_key=other.wrapped_key)
    rotated.work(Step.REWRAP)
    assert rotated.tables.keyed(one.tenant_id, one.token).wrapped_key == other.wrapped_key  # type: ignore[union-attr]


def test_a_row_that_does_not_read_has_failed_and_the_others_are_done(rotated: JobWorld) -> None:
    rotated.tables.unreadable.add(rotated.tables.names()[0])
    assert rotated.work(Step.REWRAP) == {"done": 7, "failed": 1}


@pytest.fixture
def disabled(jobs: JobWorld) -> JobWorld:
    """Two tenants, of which one's own KMS key is disabled."""
    jobs.kms.kms_keys["other"] = OWN_KEY
    jobs.protect(*SUBJECTS)
    jobs.protect(*SUBJECTS, tenant_id="other")
    jobs.rotate("acme")
    jobs.rotate("other")
    jobs.kms.disabled_kms_keys = {OWN_KEY}
    jobs.begin()
    return jobs


def test_a_tenant_whose_kms_key_is_disabled_fails_alone(disabled: JobWorld) -> None:
    assert disabled.work(Step.REWRAP) == {"done": 7, "failed": 7}


def test_a_disabled_kms_key_is_asked_once_in_a_call(disabled: JobWorld) -> None:
    disabled.protect("x")  # so that nothing else is cold
    before = disabled.kms.calls
    disabled.work(Step.REWRAP)
    of_acme, of_other = ["acme/branch/1", "acme/branch/2", "acme/audit/1"], ["other/branch/1", "other/audit/1"]
    assert disabled.kms.calls - before == len([*of_acme, *of_other])


def test_current_records_of_a_disabled_kms_key_are_current(jobs: JobWorld) -> None:
    """Whether a record is stale is asked without KMS."""
    jobs.kms.kms_keys["other"] = OWN_KEY
    jobs.protect(*SUBJECTS, tenant_id="other")
    jobs.kms.disabled_kms_keys = {OWN_KEY}
    jobs.begin()
    assert jobs.work(Step.REWRAP) == {"current": 7}


def test_directly_wrapped_records_of_a_disabled_kms_key_fail_alone(jobs: JobWorld) -> None:
    jobs.kms.kms_keys["other"] = OWN_KEY
    jobs.protect("a", "b")
    jobs.protect("a", "b", tenant_id="other")
    jobs.under({"acme": {"wrapping": "direct"}, "other": {"wrapping": "direct"}})
    jobs.kms.disabled_kms_keys = {OWN_KEY}
    jobs.begin()
    assert jobs.work(Step.REWRAP) == {"done": 2, "failed": 2}


def test_the_log_names_the_tenant_and_no_record(disabled: JobWorld, caplog: pytest.LogCaptureFixture) -> None:
    disabled.work(Step.REWRAP)
    told = [{**record.__dict__} for record in caplog.records if record.name == "phone-vault.records"]
    assert {each["tenant"] for each in told} == {"other"}
    assert not any("tok_" in str(each) for each in told)


def test_rows_of_an_off_boarded_tenant_are_left_alone(rotated: JobWorld) -> None:
    rotated.protect("a", tenant_id="other")
    rotated.rotate("other")
    rotated.off_board("acme")
    assert rotated.work(Step.REWRAP) == {"done": 1}


def test_a_store_that_does_not_answer_ends_the_call(rotated: JobWorld) -> None:
    rotated.disturbances.fail("wrapped.rewrap", StoreUnavailable("DynamoDB does not answer"), at=5)
    with pytest.raises(StoreUnavailable):
        rotated.work(Step.REWRAP)


def test_after_a_failure_of_the_store_the_rest_is_done(rotated: JobWorld) -> None:
    rotated.disturbances.fail("wrapped.rewrap", StoreUnavailable("DynamoDB does not answer"), at=5)
    with pytest.raises(StoreUnavailable):
        rotated.work(Step.REWRAP)
    rotated.work(Step.REWRAP)
    assert rotated.branch_versions() == {2}


# What applications do between read and write.


@pytest.fixture
def raced(jobs: JobWorld) -> JobWorld:
    """One stale record."""
    jobs.protect("a")
    jobs.rotate()
    jobs.begin()
    return jobs


def only_record(jobs: JobWorld) -> RecordId:
    [record_id] = jobs.tables.records
    return record_id


def test_a_record_that_is_protected_again_meanwhile_keeps_what_was_granted(raced: JobWorld) -> None:
    raced.disturbances.before("wrapped.rewrap", lambda: raced.protect("a", purpose="delivery"))
    raced.work(Step.REWRAP)
    assert set(raced.record(only_record(raced)).grants) == {"security", "delivery"}


def test_a_record_that_is_protected_again_meanwhile_is_re_wrapped(raced: JobWorld) -> None:
    raced.disturbances.before("wrapped.rewrap", lambda: raced.protect("a", purpose="delivery"))
    assert (raced.work(Step.REWRAP), raced.branch_versions()) == ({"done": 1}, {2})


def test_a_use_that_is_recorded_meanwhile_stays(raced: JobWorld) -> None:
    raced.disturbances.before("wrapped.rewrap", lambda: raced.reveal(only_record(raced)))
    raced.work(Step.REWRAP)
    assert raced.record(only_record(raced)).last_used.keys() == {"security"}


def test_a_record_that_is_erased_meanwhile_does_not_come_back(raced: JobWorld) -> None:
    raced.disturbances.before("wrapped.rewrap", lambda: raced.tables.erase(only_record(raced)))
    assert (raced.work(Step.REWRAP), raced.tables.records) == ({}, {})


def test_a_record_that_is_shredded_meanwhile_gets_no_key(raced: JobWorld) -> None:
    record_id = only_record(raced)
    raced.disturbances.before("wrapped.rewrap", lambda: raced.tables.shred(*record_id))
    assert (raced.work(Step.REWRAP), raced.record(record_id).wrapped_key) == ({}, b"")


def test_a_tenant_that_is_off_boarded_meanwhile_gets_no_key_that_outlives_its_own(jobs: JobWorld) -> None:
    jobs.protect("a")
    jobs.under(DIRECT)
    jobs.begin()
    jobs.disturbances.before("wrapped.rewrap", lambda: jobs.off_board("acme"))
    assert (jobs.work(Step.REWRAP), jobs.branch_versions()) == ({"failed": 1}, {1})


def test_a_message_key_that_is_renewed_meanwhile_stays_the_new_one(jobs: JobWorld) -> None:
    jobs.encrypt("a")
    jobs.rotate()
    jobs.begin()
    jobs.clock.advance(timedelta(days=31))  # the purpose has ended: the next message gets a key of its own
    kept: list[str] = []
    jobs.disturbances.before("wrapped.rewrap", lambda: kept.append(jobs.encrypt("a")))
    jobs.work(Step.REWRAP)
    request = {"tenant_id": "acme", "subject_id": "a", "message": kept[0], "purpose": "delivery"}
    assert jobs.world.call("Decrypt", request)["number"] == BRITISH.disclose()


def test_a_record_that_changes_before_every_write_is_given_up(raced: JobWorld) -> None:
    def use() -> None:
        record = raced.record(only_record(raced))
        raced.tables.write(record)

    raced.disturbances.before("wrapped.rewrap", *[use] * 5)
    assert raced.work(Step.REWRAP) == {"failed": 1}


def test_a_record_that_changes_before_four_writes_is_done(raced: JobWorld) -> None:
    raced.disturbances.before("wrapped.rewrap", *[lambda: raced.tables.write(raced.record(only_record(raced)))] * 4)
    assert raced.work(Step.REWRAP) == {"done": 1}


def test_a_record_that_another_worker_has_done_meanwhile_is_current(raced: JobWorld) -> None:
    other = raced.worker(Rewrap)
    raced.disturbances.before("wrapped.rewrap", lambda: raced.call(other, Step.REWRAP_FIRST))
    assert raced.work(Step.REWRAP) == {"current": 1}


# Audit.


def test_the_entry_comes_before_the_writes(rotated: JobWorld) -> None:
    rotated.disturbances.calls.clear()
    rotated.work(Step.REWRAP)
    calls = [call for call in rotated.disturbances.calls if call in ("audit.append", "wrapped.rewrap")]
    assert calls == [*["audit.append", *["wrapped.rewrap"] * 3] * 2, "audit.append", *["wrapped.rewrap"] * 2]


def test_the_entry_tells_how_many_records_of_which_tenant_and_run(raced: JobWorld) -> None:
    raced.work(Step.REWRAP)
    [entry] = map(json.loads, raced.outcomes("re-wrapping"))
    assert (entry["tenant_id"], entry["details"]) == ("acme", {"records": 1, "run": "run-1"})


def test_each_tenant_on_a_page_has_an_entry_under_its_own_key(rotated: JobWorld) -> None:
    rotated.tables.page_rows = 100
    rotated.protect("a", tenant_id="other")
    rotated.rotate("other")
    rotated.work(Step.REWRAP)
    entries = [json.loads(text) for text in rotated.outcomes("re-wrapping")]
    assert {entry["keyed_by"]: entry["details"]["records"] for entry in entries} == {"acme/1": 8, "other/1": 1}


def test_without_the_audit_trail_nothing_is_written(rotated: JobWorld) -> None:
    rotated.disturbances.fail_always("audit.append", StoreUnavailable("DynamoDB does not answer"))
    with pytest.raises(AuditUnavailable):
        rotated.work(Step.REWRAP)
    assert (rotated.wrapped.written, rotated.branch_versions()) == ([], {1})


# Crashes and other workers.


def calls_of_an_undisturbed_pass() -> int:
    jobs = crashing()
    jobs.work(Step.REWRAP)
    return len(jobs.disturbances.calls)


def crashing() -> JobWorld:
    jobs = JobWorld()
    jobs.protect(*SUBJECTS)
    jobs.rotate()
    jobs.begin()
    jobs.disturbances.calls.clear()
    return jobs


def test_wherever_a_worker_dies_the_next_one_ends_as_an_undisturbed_one() -> None:
    for calls in range(1, calls_of_an_undisturbed_pass() + 1):
        jobs = crashing()
        jobs.disturbances.kill_after(calls)
        with pytest.raises(Killed):
            jobs.work(Step.REWRAP)
        jobs.work(Step.REWRAP)
        assert {(row.branch_key_version, row.revision) for row in jobs.tables.records.values()} == {(2, 2)}
        assert {jobs.reveal(each) for each in jobs.tables.records} == {BRITISH.disclose(), AMERICAN.disclose()}


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("workers", [2, 4])
def test_workers_that_overlap_write_every_record_once(workers: int, seed: int) -> None:
    jobs = JobWorld()
    jobs.protect(*SUBJECTS)
    jobs.encrypt("a")
    jobs.rotate()
    jobs.begin(shards=2)
    jobs.work_at_once(Step.REWRAP, workers, seed)
    assert (jobs.branch_versions(), len(jobs.wrapped.written)) == ({2}, 8)
