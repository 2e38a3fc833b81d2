"""What a Rotation decides between its passes: by a census alone, each step repeatable, each tenant by itself."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from phone_vault.domain.errors import Conflict, InvalidRequest, NotFound
from phone_vault.domain.keys import KeyState, KeyUse
from phone_vault.domain.rotation import Progress, Run, Step
from phone_vault.services.advance_rotation import RESUMED_FOR
from tests.fakes import Killed
from tests.unit.services.jobs import OPERATOR, SHARDS, Jobs

BRANCH, INDEX = KeyUse.BRANCH, KeyUse.INDEX
PENDING, ACTIVE, DECRYPT_ONLY = KeyState.PENDING, KeyState.ACTIVE, KeyState.DECRYPT_ONLY
CLOSED, RETIRED = KeyState.CLOSED, KeyState.RETIRED
WAIT = timedelta(minutes=6)
TICK = timedelta(seconds=1)
FULL = {"acme/numbers": 7, "acme/indexed": 7, "acme/index/1": 7, "acme/index/2": 7, "acme/branch/2": 7}
"""Everything stands in both versions of the index, and is on the new branch key."""


@pytest.fixture
def jobs() -> Jobs:
    """A tenant whose branch and index keys have just been rotated."""
    jobs = Jobs()
    jobs.add_tenants("acme")
    jobs.rotate(use="branch", tenant_id="acme")
    jobs.rotate(use="index", tenant_id="acme")
    return jobs


def begin(jobs: Jobs, **rotation: Any) -> str:
    """The id of a new run."""
    run_id = jobs.advance("begin", rotation=rotation)["run_id"]
    assert isinstance(run_id, str)
    return run_id


def count(jobs: Jobs, run_id: str, step: Step, counts: Mapping[str, int], *, shards: int = SHARDS) -> None:
    """What workers leave: everything in the first shard, nothing in the others."""
    for shard in range(shards):
        found = jobs.runs.progress(run_id, step, shard)
        jobs.runs.save_progress(
            Progress(
                run_id,
                step,
                shard,
                jobs.clock.now(),
                done=True,
                counts=counts if shard == 0 else {},
                revision=found.revision if found else 0,
            )
        )


def filled(jobs: Jobs) -> str:
    """A run that has re-indexed everything and counted it after the wait."""
    run_id = begin(jobs)
    jobs.clock.advance(WAIT)
    count(jobs, run_id, Step.FIRST_CENSUS, FULL)
    return run_id


def swept(jobs: Jobs) -> str:
    """A run that has swept the old version's entries and counted once more."""
    run_id = filled(jobs)
    jobs.advance("settle", run_id=run_id)
    jobs.clock.advance(WAIT)
    jobs.advance("close", run_id=run_id)
    jobs.clock.advance(WAIT)
    count(jobs, run_id, Step.LAST_CENSUS, {name: number for name, number in FULL.items() if name != "acme/index/1"})
    return run_id


class TestPlan:
    """The input of the state machine, before anything is done."""

    def test_by_default_what_is_due_is_rotated(self, jobs: Jobs) -> None:
        assert jobs.advance("plan", rotation={}) == {"rotate": True, "rotate_keys": {}}

    def test_without_any_input_too(self, jobs: Jobs) -> None:
        assert jobs.advance("plan")["rotate"] is True

    def test_nothing_may_be_rotated(self, jobs: Jobs) -> None:
        assert jobs.advance("plan", rotation={"rotate": "none"})["rotate"] is False

    def test_what_is_said_goes_to_rotate_keys(self, jobs: Jobs) -> None:
        said = {"tenant_id": "acme", "use": "branch", "reason": "compromise"}
        assert jobs.advance("plan", rotation={**said, "re_encrypt": True})["rotate_keys"] == said

    def test_an_unknown_tenant_is_not_found(self, jobs: Jobs) -> None:
        with pytest.raises(NotFound):
            jobs.advance("plan", rotation={"tenant_id": "nobody"})

    @pytest.mark.parametrize(
        "rotation",
        [{"rotate": "all"}, {"use": "kms"}, {"reason": "x"}, {"re_encrypt": 1}, {"tenant_id": "#vault"}, {"shards": 1}],
    )
    def test_another_input_is_refused(self, jobs: Jobs, rotation: dict[str, Any]) -> None:
        with pytest.raises(InvalidRequest):
            jobs.advance("plan", rotation=rotation)

    @pytest.mark.parametrize("step", [None, "", "start", 1])
    def test_another_step_is_refused(self, jobs: Jobs, step: Any) -> None:
        with pytest.raises(InvalidRequest):
            jobs.advance(step)


class TestBegin:
    """A run, new or resumed."""

    def test_it_says_what_is_to_be_done(self, jobs: Jobs) -> None:
        begun = jobs.advance("begin", rotation={})
        del begun["run_id"]
        assert begun == {
            "shards": [0, 1],
            "wait_seconds": 360,
            "compromised": False,
            "re_encrypting": False,
            "reindexing": True,
        }

    def test_the_wait_follows_the_policy(self, jobs: Jobs) -> None:
        jobs.policy = {**jobs.policy, "branch_key_cache_seconds": 10}
        assert jobs.advance("begin")["wait_seconds"] == 70

    def test_without_a_pending_version_nothing_is_re_indexed(self) -> None:
        jobs = Jobs()
        jobs.add_tenants("acme")
        assert jobs.advance("begin")["reindexing"] is False

    def test_a_compromised_version_is_left_first(self, jobs: Jobs) -> None:
        jobs.rotate(use="branch", tenant_id="acme", reason="compromise")
        assert jobs.advance("begin")["compromised"] is True

    def test_a_compromised_index_version_is_not_left_by_re_wrapping(self, jobs: Jobs) -> None:
        jobs.rotate(use="index", tenant_id="acme", reason="compromise")
        assert jobs.advance("begin")["compromised"] is False

    def test_once_it_is_retired_it_is_not(self, jobs: Jobs) -> None:
        jobs.rotate(use="branch", tenant_id="acme", reason="compromise")
        compromised = jobs.version("acme", BRANCH, 2)
        jobs.store.overwrite(replace(compromised, state=RETIRED))
        assert jobs.advance("begin")["compromised"] is False

    def test_one_that_was_not_finished_is_resumed(self, jobs: Jobs) -> None:
        run_id = begin(jobs)
        jobs.clock.advance(RESUMED_FOR - TICK)
        assert begin(jobs) == run_id

    def test_one_of_yesterday_is_not(self, jobs: Jobs) -> None:
        run_id = begin(jobs)
        jobs.clock.advance(RESUMED_FOR)
        assert begin(jobs) != run_id

    def test_a_finished_one_is_not(self, jobs: Jobs) -> None:
        run_id = swept(jobs)
        jobs.advance("finish", run_id=run_id)
        assert begin(jobs) != run_id

    @pytest.mark.parametrize("rotation", [{"tenant_id": "acme"}, {"re_encrypt": True}])
    def test_one_of_another_kind_is_not(self, jobs: Jobs, rotation: dict[str, Any]) -> None:
        run_id = begin(jobs)
        assert begin(jobs, **rotation) != run_id

    @pytest.mark.parametrize("use", ["branch", "kms"])
    def test_new_versions_need_a_new_run_and_new_material_does_not(self, jobs: Jobs, use: str) -> None:
        run_id = begin(jobs)
        jobs.rotate(use=use)
        assert (begin(jobs) == run_id) is (use == "kms")

    def test_another_wrapping_needs_a_new_run(self, jobs: Jobs) -> None:
        run_id = begin(jobs)
        jobs.policy = {**jobs.policy, "tenants": {"acme": {"wrapping": "direct"}}}
        assert begin(jobs) != run_id

    def test_of_two_at_once_one_is_told_of_the_other(self, jobs: Jobs) -> None:
        jobs.disturbances.before("runs.save_run", lambda: begin(jobs))
        with pytest.raises(Conflict):
            jobs.advance_rotation(watched=True)(OPERATOR, {"step": "begin"})

    @pytest.mark.parametrize("step", ["settle", "close", "finish"])
    def test_the_steps_of_a_run_that_another_one_has_followed_are_refused(self, jobs: Jobs, step: str) -> None:
        run_id = begin(jobs)
        jobs.clock.advance(RESUMED_FOR)
        begin(jobs)
        with pytest.raises(Conflict):
            jobs.advance(step, run_id=run_id)

    @pytest.mark.parametrize("step", ["settle", "close", "finish"])
    def test_the_steps_of_no_run_are_refused(self, jobs: Jobs, step: str) -> None:
        with pytest.raises(Conflict):
            jobs.advance(step, run_id="none")


class TestSettle:
    """When the new version of the index is read."""

    def test_it_is_read_once_every_record_stands_in_it(self, jobs: Jobs) -> None:
        run_id = filled(jobs)
        assert jobs.advance("settle", run_id=run_id) == {"sweeping": True}
        assert jobs.states("acme", INDEX) == {1: DECRYPT_ONLY, 2: ACTIVE}

    @pytest.mark.parametrize(("reason", "marked"), [("scheduled", set()), ("compromise", {1})])
    def test_after_a_compromise_the_version_before_stays_marked(
        self, jobs: Jobs, reason: str, marked: set[int]
    ) -> None:
        jobs.rotate(use="index", tenant_id="acme", reason=reason)
        jobs.advance("settle", run_id=filled(jobs))
        assert {version for version in (1, 2) if jobs.version("acme", INDEX, version).compromised} == marked

    def test_the_trail_says_why_it_is_read_from_now_on(self, jobs: Jobs) -> None:
        jobs.rotate(use="index", tenant_id="acme", reason="compromise")
        jobs.advance("settle", run_id=filled(jobs))
        last = [each.text for each in jobs.log.entries if '"outcome":"key-activated"' in each.text][-1]
        assert '"reason":"compromise"' in last

    def test_it_is_not_read_before_it_is_proven(self, jobs: Jobs) -> None:
        run_id = filled(jobs)
        pending = jobs.store.keys_of("acme").pending(INDEX)
        assert pending is not None
        jobs.store.overwrite(replace(pending, proven=False))
        jobs.advance("settle", run_id=run_id)
        assert jobs.states("acme", INDEX) == {1: ACTIVE, 2: PENDING}

    def test_it_is_not_read_while_one_record_lacks_it(self, jobs: Jobs) -> None:
        run_id = begin(jobs)
        jobs.clock.advance(WAIT)
        count(jobs, run_id, Step.FIRST_CENSUS, {**FULL, "acme/index/2": 6})
        assert jobs.advance("settle", run_id=run_id) == {"sweeping": False}
        assert jobs.states("acme", INDEX) == {1: ACTIVE, 2: PENDING}

    def test_it_is_not_read_by_a_census_of_before_the_wait(self, jobs: Jobs) -> None:
        run_id = begin(jobs)
        jobs.clock.advance(WAIT - TICK)
        count(jobs, run_id, Step.FIRST_CENSUS, FULL)
        jobs.clock.advance(WAIT)
        jobs.advance("settle", run_id=run_id)
        assert jobs.states("acme", INDEX) == {1: ACTIVE, 2: PENDING}

    def test_it_is_not_read_while_a_row_of_the_tenant_does_not_read(self, jobs: Jobs) -> None:
        run_id = begin(jobs)
        jobs.clock.advance(WAIT)
        count(jobs, run_id, Step.FIRST_CENSUS, {**FULL, "acme/unreadable": 1})
        jobs.advance("settle", run_id=run_id)
        assert jobs.states("acme", INDEX) == {1: ACTIVE, 2: PENDING}

    def test_it_is_not_read_before_every_shard_was_counted(self, jobs: Jobs) -> None:
        run_id = begin(jobs)
        jobs.clock.advance(WAIT)
        count(jobs, run_id, Step.FIRST_CENSUS, FULL, shards=SHARDS - 1)
        with pytest.raises(Conflict):
            jobs.advance("settle", run_id=run_id)

    def test_it_is_not_read_before_every_shard_was_counted_to_its_end(self, jobs: Jobs) -> None:
        run_id = begin(jobs)
        jobs.clock.advance(WAIT)
        count(jobs, run_id, Step.FIRST_CENSUS, FULL)
        last = jobs.runs.progress(run_id, Step.FIRST_CENSUS, SHARDS - 1)
        assert last is not None
        jobs.runs.save_progress(replace(last, done=False))
        with pytest.raises(Conflict):
            jobs.advance("settle", run_id=run_id)

    def test_shards_are_counted_together(self, jobs: Jobs) -> None:
        run_id = filled(jobs)
        more = jobs.runs.progress(run_id, Step.FIRST_CENSUS, 1)
        assert more is not None
        jobs.runs.save_progress(replace(more, counts={"acme/indexed": 1, "acme/index/1": 1}))
        jobs.advance("settle", run_id=run_id)
        assert jobs.states("acme", INDEX) == {1: ACTIVE, 2: PENDING}

    def test_another_tenant_s_records_are_none_of_its_business(self, jobs: Jobs) -> None:
        jobs.add_tenants("acme2")
        jobs.rotate(use="index", tenant_id="acme2")
        run_id = begin(jobs)
        jobs.clock.advance(WAIT)
        count(jobs, run_id, Step.FIRST_CENSUS, {**FULL, "acme2/indexed": 1, "acme2/index/1": 1, "acme2/unreadable": 1})
        jobs.advance("settle", run_id=run_id)
        assert jobs.states("acme", INDEX) == {1: DECRYPT_ONLY, 2: ACTIVE}
        assert jobs.states("acme2", INDEX) == {1: ACTIVE, 2: PENDING}

    def test_a_tenant_without_any_record_is_settled(self, jobs: Jobs) -> None:
        run_id = begin(jobs)
        jobs.clock.advance(WAIT)
        count(jobs, run_id, Step.FIRST_CENSUS, {})
        jobs.advance("settle", run_id=run_id)
        assert jobs.states("acme", INDEX) == {1: DECRYPT_ONLY, 2: ACTIVE}

    def test_branch_versions_stay_as_they_are(self, jobs: Jobs) -> None:
        jobs.advance("settle", run_id=filled(jobs))
        assert jobs.states("acme", BRANCH) == {1: DECRYPT_ONLY, 2: ACTIVE}

    def test_without_a_pending_version_no_census_is_needed(self) -> None:
        jobs = Jobs()
        jobs.add_tenants("acme")
        assert jobs.advance("settle", run_id=begin(jobs)) == {"sweeping": False}

    def test_a_closed_version_that_an_earlier_run_has_left_is_swept(self, jobs: Jobs) -> None:
        jobs.advance("settle", run_id=filled(jobs))
        jobs.store.overwrite(replace(jobs.version("acme", INDEX, 1), state=CLOSED))
        assert jobs.advance("settle", run_id=begin(jobs)) == {"sweeping": True}


class TestClose:
    """When the old version of the index is written no more."""

    def test_it_is_closed_a_wait_after_nobody_is_told_to_read_it(self, jobs: Jobs) -> None:
        run_id = filled(jobs)
        jobs.advance("settle", run_id=run_id)
        jobs.clock.advance(WAIT)
        assert jobs.advance("close", run_id=run_id) == {}
        assert jobs.states("acme", INDEX) == {1: CLOSED, 2: ACTIVE}

    def test_it_is_not_closed_before(self, jobs: Jobs) -> None:
        run_id = filled(jobs)
        jobs.advance("settle", run_id=run_id)
        jobs.clock.advance(WAIT - TICK)
        jobs.advance("close", run_id=run_id)
        assert jobs.states("acme", INDEX) == {1: DECRYPT_ONLY, 2: ACTIVE}

    def test_nothing_else_is_closed(self, jobs: Jobs) -> None:
        run_id = begin(jobs)
        jobs.clock.advance(WAIT)
        jobs.advance("close", run_id=run_id)
        assert jobs.states("acme", INDEX) == {1: ACTIVE, 2: PENDING}
        assert jobs.states("acme", BRANCH) == {1: DECRYPT_ONLY, 2: ACTIVE}


class TestFinish:
    """What the last census lets retire."""

    def test_versions_that_nothing_is_on_are_retired(self, jobs: Jobs) -> None:
        answer = jobs.advance("finish", run_id=swept(jobs))
        assert answer["retired"] == ["acme/branch/1", "acme/index/1"]
        assert jobs.states("acme", BRANCH) == {1: RETIRED, 2: ACTIVE}
        assert jobs.states("acme", INDEX) == {1: RETIRED, 2: ACTIVE}

    @pytest.mark.parametrize(
        ("left", "stays"),
        [
            ({"acme/branch/1": 1}, "acme/branch/1"),
            ({"acme/index/1": 1}, "acme/index/1"),
            ({"acme/entries/1": 1}, "acme/index/1"),
        ],
        ids=["record", "position", "entry"],
    )
    def test_one_thing_left_keeps_its_version(self, jobs: Jobs, left: dict[str, int], stays: str) -> None:
        run_id = swept(jobs)
        count(jobs, run_id, Step.LAST_CENSUS, {**FULL, "acme/index/1": 0} | left)
        answer = jobs.advance("finish", run_id=run_id)
        assert {*answer["retired"], stays} == {"acme/branch/1", "acme/index/1"}
        assert stays not in answer["retired"]
        assert answer["census"][stays] == 1

    def test_a_census_of_before_the_wait_retires_nothing(self, jobs: Jobs) -> None:
        run_id = begin(jobs)
        jobs.clock.advance(WAIT - TICK)
        count(jobs, run_id, Step.LAST_CENSUS, FULL)
        assert jobs.advance("finish", run_id=run_id)["retired"] == []

    def test_a_row_that_does_not_read_retires_nothing(self, jobs: Jobs) -> None:
        run_id = swept(jobs)
        count(jobs, run_id, Step.LAST_CENSUS, {"acme/unreadable": 1})
        assert jobs.advance("finish", run_id=run_id)["retired"] == []

    def test_an_uncounted_shard_is_refused(self, jobs: Jobs) -> None:
        run_id = begin(jobs)
        count(jobs, run_id, Step.LAST_CENSUS, FULL, shards=1)
        with pytest.raises(Conflict):
            jobs.advance("finish", run_id=run_id)

    def test_it_says_what_was_done(self, jobs: Jobs) -> None:
        run_id = swept(jobs)
        count(jobs, run_id, Step.REWRAP_FIRST, {"done": 3, "failed": 2})
        count(jobs, run_id, Step.REWRAP, {"done": 4, "failed": 1, "current": 9})
        count(jobs, run_id, Step.REINDEX, {"done": 5, "failed": 1})
        count(jobs, run_id, Step.RE_ENCRYPT, {"done": 6, "failed": 1})
        count(jobs, run_id, Step.SWEEP, {"done": 7, "failed": 1})
        answer = jobs.advance("finish", run_id=run_id)
        del answer["census"], answer["retired"], answer["out_of_reach"]
        assert answer == {"rewrapped": 7, "reindexed": 5, "re_encrypted": 6, "failed": 1}

    def test_its_census_names_every_version_with_the_records_on_it(self, jobs: Jobs) -> None:
        assert jobs.advance("finish", run_id=swept(jobs))["census"] == {
            "acme/branch/1": 0,
            "acme/branch/2": 7,
            "acme/index/1": 0,
            "acme/index/2": 7,
        }

    def test_a_destroyed_version_is_named_only_with_records_on_it(self, jobs: Jobs) -> None:
        jobs.store.overwrite(replace(jobs.version("acme", BRANCH, 1), state=KeyState.DESTROYED))
        run_id = swept(jobs)
        assert "acme/branch/1" not in jobs.advance("finish", run_id=run_id)["census"]
        count(jobs, run_id, Step.LAST_CENSUS, {"acme/branch/1": 2})
        assert jobs.advance("finish", run_id=run_id)["census"]["acme/branch/1"] == 2

    def test_messages_out_of_reach_are_told_by_tenant(self, jobs: Jobs) -> None:
        run_id = swept(jobs)
        count(jobs, run_id, Step.LAST_CENSUS, {"acme/old-messages": 3})
        assert jobs.advance("finish", run_id=run_id)["out_of_reach"] == {"acme": 3}

    def test_the_census_is_kept(self, jobs: Jobs) -> None:
        jobs.advance("finish", run_id=swept(jobs))
        kept = jobs.runs.census("acme")
        assert kept is not None
        assert (kept.on_version, kept.stored_numbers) == ({"branch/2": 7, "index/2": 7}, 7)

    def test_a_second_call_answers_the_same(self, jobs: Jobs) -> None:
        run_id = swept(jobs)
        assert jobs.advance("finish", run_id=run_id) == jobs.advance("finish", run_id=run_id)

    def test_only_the_tenant_that_is_named_is_finished(self, jobs: Jobs) -> None:
        jobs.add_tenants("other")
        jobs.rotate(use="branch", tenant_id="other")
        run_id = begin(jobs, tenant_id="acme")
        jobs.clock.advance(WAIT)
        count(jobs, run_id, Step.LAST_CENSUS, {"acme/branch/2": 7})
        answer = jobs.advance("finish", run_id=run_id)
        assert answer["retired"] == ["acme/branch/1"]
        assert all(name.startswith("acme/") for name in answer["census"])
        assert jobs.states("other", BRANCH) == {1: DECRYPT_ONLY, 2: ACTIVE}


class TestCrashes:
    """A step that was cut off is called again, and ends as if it had been called once."""

    @pytest.mark.parametrize("step", ["settle", "close", "finish"])
    def test_a_step_ends_the_same_after_a_crash_at_any_call(self, step: str) -> None:
        undisturbed = self.before(step)
        expected = undisturbed.advance_rotation(watched=True)(OPERATOR, self.request(undisturbed, step))
        for calls in range(1, len(undisturbed.disturbances.calls) + 1):
            jobs = self.before(step)
            jobs.disturbances.kill_after(calls)
            with pytest.raises(Killed):
                jobs.advance_rotation(watched=True)(OPERATOR, self.request(jobs, step))
            assert jobs.advance_rotation()(OPERATOR, self.request(jobs, step)) == expected
            assert jobs.end_state() == undisturbed.end_state()

    def test_after_any_call_of_the_beginning_a_run_is_found_again_or_was_none(self) -> None:
        undisturbed = self.before("begin")
        undisturbed.advance_rotation(watched=True)(OPERATOR, {"step": "begin"})
        for calls in range(1, len(undisturbed.disturbances.calls) + 1):
            jobs = self.before("begin")
            jobs.disturbances.kill_after(calls)
            with pytest.raises(Killed):
                jobs.advance_rotation(watched=True)(OPERATOR, {"step": "begin"})
            left = jobs.runs.latest()
            assert begin(jobs) == (left.run_id if left else begin(jobs))

    @staticmethod
    def request(jobs: Jobs, step: str) -> dict[str, str]:
        run = jobs.runs.latest()
        assert isinstance(run, Run)
        return {"step": step, "run_id": run.run_id}

    @staticmethod
    def before(step: str) -> Jobs:
        """Two tenants, just before the step."""
        jobs = Jobs()
        jobs.add_tenants("acme", "other")
        for use in ("branch", "index"):
            jobs.rotate(use=use)
        both = FULL | {name.replace("acme", "other"): number for name, number in FULL.items()}
        after = {name: number for name, number in both.items() if not name.endswith("index/1")}
        if step == "begin":
            return jobs
        run_id = begin(jobs)
        jobs.clock.advance(WAIT)
        count(jobs, run_id, Step.FIRST_CENSUS, both)
        if step != "settle":
            jobs.advance("settle", run_id=run_id)
            jobs.clock.advance(WAIT)
        if step == "finish":
            jobs.advance("close", run_id=run_id)
            jobs.clock.advance(WAIT)
            count(jobs, run_id, Step.LAST_CENSUS, after)
        return jobs


class TestBadTenants:
    """One that fails stops no other."""

    @pytest.fixture
    def both(self) -> Jobs:
        return TestCrashes.before("settle")

    def test_keys_that_do_not_read_stop_no_beginning(self, both: Jobs) -> None:
        both.store.unreadable.add("other")
        assert both.advance("begin")["reindexing"] is True
        assert both.outcomes()[-1] == "failed"

    def test_keys_that_do_not_read_stop_no_other_tenant(self, both: Jobs) -> None:
        both.store.unreadable.add("other")
        both.advance("settle", run_id=TestCrashes.request(both, "settle")["run_id"])
        assert both.states("acme", INDEX) == {1: DECRYPT_ONLY, 2: ACTIVE}
        assert any('"outcome":"failed"' in entry.text and '"whose":"other"' in entry.text for entry in both.log.entries)

    def test_an_audit_key_that_was_tampered_with_stops_no_other_tenant(self, both: Jobs) -> None:
        both.store.overwrite(replace(both.version("acme", KeyUse.AUDIT, 1), wrapped=b"other"))
        both.advance("settle", run_id=TestCrashes.request(both, "settle")["run_id"])
        assert both.states("acme", INDEX) == {1: ACTIVE, 2: PENDING}
        assert both.states("other", INDEX) == {1: DECRYPT_ONLY, 2: ACTIVE}

    def test_keys_that_another_caller_moves_stop_no_other_tenant(self, both: Jobs) -> None:
        both.disturbances.before("store.change", lambda: touch(both, "acme"))
        both.advance_rotation(watched=True)(OPERATOR, TestCrashes.request(both, "settle"))
        assert both.states("acme", INDEX) == {1: ACTIVE, 2: PENDING}
        assert both.states("other", INDEX) == {1: DECRYPT_ONLY, 2: ACTIVE}


def touch(jobs: Jobs, tenant: str) -> None:
    """Another instance moves the index keys to other bytes."""
    for row in jobs.store.keys_of(tenant).of_use(INDEX):
        jobs.store.overwrite(replace(row, wrapped=jobs.kms.rewrap(row)[0]))
