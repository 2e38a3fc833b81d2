"""New versions: one for each rotation, proven, and whatever fails for one tenant fails for that one alone."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from phone_vault.domain.errors import StoreUnavailable
from phone_vault.domain.keys import VAULT, WRAPPED_TOGETHER, KeyId, KeyState, KeyUse, RotationReason, WrappedKey
from phone_vault.services.rotate_keys import ON_DEMAND_ROTATIONS, ROWS_MOVED_FOR
from phone_vault.services.tally import Measure
from tests.fakes import THE_KMS_KEY, Killed
from tests.unit.services.jobs import OPERATOR, Jobs, problem

BRANCH, INDEX = KeyUse.BRANCH, KeyUse.INDEX
PENDING, ACTIVE, DECRYPT_ONLY = KeyState.PENDING, KeyState.ACTIVE, KeyState.DECRYPT_ONLY
PATIENCE_SECONDS = 5
A_YEAR = timedelta(days=365)


@pytest.fixture
def jobs() -> Jobs:
    """Two tenants with keys."""
    return made("acme", "other")


def made(*tenants: str) -> Jobs:
    """A vault of these tenants."""
    jobs = Jobs()
    jobs.add_tenants(*tenants)
    return jobs


def rotated(tenant: str, use: str, before: int, state: str = "active") -> dict[str, Any]:
    """One of the answer's `rotated`."""
    return {"tenant_id": tenant, "use": use, "from": before, "to": before + 1, "state": state}


class TestBranch:
    """A version in place of another, in one call."""

    def test_a_new_version_is_active_when_the_call_ends(self, jobs: Jobs) -> None:
        assert jobs.rotate(use="branch", tenant_id="acme") == {"rotated": [rotated("acme", "branch", 1)]}
        assert jobs.states("acme", BRANCH) == {1: DECRYPT_ONLY, 2: ACTIVE}

    def test_no_other_tenant_is_touched(self, jobs: Jobs) -> None:
        jobs.rotate(use="branch", tenant_id="acme")
        assert jobs.states("other", BRANCH) == {1: ACTIVE}

    def test_no_other_use_is_touched(self, jobs: Jobs) -> None:
        jobs.rotate(use="branch", tenant_id="acme")
        assert jobs.states("acme", INDEX) == {1: ACTIVE}

    def test_without_a_tenant_all_are_rotated(self, jobs: Jobs) -> None:
        answer = jobs.rotate(use="branch")
        assert answer == {"rotated": [rotated("acme", "branch", 1), rotated("other", "branch", 1)]}

    def test_versions_count_on(self, jobs: Jobs) -> None:
        for before in (1, 2, 3):
            assert jobs.rotate(use="branch", tenant_id="acme")["rotated"] == [rotated("acme", "branch", before)]

    def test_new_record_keys_go_under_the_new_version_and_old_ones_read(self, jobs: Jobs) -> None:
        before = jobs.key_ring().branch_key("acme", 1)
        jobs.rotate(use="branch", tenant_id="acme")
        ring = jobs.key_ring()
        assert ring.active_branch_key("acme")[0] == 2
        assert ring.branch_key("acme", 1) == before != ring.branch_key("acme", 2)

    def test_the_superseded_version_is_not_marked_unless_it_is_compromised(self, jobs: Jobs) -> None:
        jobs.rotate(use="branch", tenant_id="acme")
        assert not jobs.version("acme", BRANCH, 1).compromised

    def test_a_compromise_marks_it(self, jobs: Jobs) -> None:
        jobs.rotate(use="branch", tenant_id="acme", reason="compromise")
        assert jobs.version("acme", BRANCH, 1).compromised
        assert not jobs.version("acme", BRANCH, 2).compromised

    def test_a_compromise_does_not_wait_for_the_period(self, jobs: Jobs) -> None:
        answer = jobs.rotate(tenant_id="acme", reason="compromise")
        assert answer["rotated"] == [rotated("acme", "branch", 1), rotated("acme", "index", 1, "pending")]


class TestIndex:
    """A version beside another, until a Rotation has filled it."""

    def test_a_new_version_stays_pending(self, jobs: Jobs) -> None:
        assert jobs.rotate(use="index", tenant_id="acme") == {"rotated": [rotated("acme", "index", 1, "pending")]}
        assert jobs.states("acme", INDEX) == {1: ACTIVE, 2: PENDING}

    def test_a_pending_version_is_answered_as_it_is_and_not_made_twice(self, jobs: Jobs) -> None:
        answers = [jobs.rotate(use="index", tenant_id="acme") for _ in range(3)]
        assert answers == [{"rotated": [rotated("acme", "index", 1, "pending")]}] * 3
        assert jobs.outcomes().count("key-made") == 1

    def test_it_carries_the_keys_that_are_not_rotated(self, jobs: Jobs) -> None:
        before = jobs.key_ring()
        expected = before.subject_key("acme"), before.audit_key("acme").key
        jobs.rotate(use="index", tenant_id="acme")
        pending = jobs.version("acme", INDEX, 2)
        jobs.store.overwrite(replace(jobs.version("acme", INDEX, 1), state=DECRYPT_ONLY))
        jobs.store.overwrite(replace(pending, state=ACTIVE))
        after = jobs.key_ring()
        assert (after.subject_key("acme"), after.audit_key("acme").key) == expected
        assert len({key.expose() for key in after.index_keys("acme").values()}) == 2

    def test_it_is_read_by_nobody_and_written_by_all(self, jobs: Jobs) -> None:
        jobs.rotate(use="index", tenant_id="acme")
        ring = jobs.key_ring()
        assert ring.read_index_key("acme").keys() == {1}
        assert ring.index_keys("acme").keys() == {1, 2}

    def test_the_pending_version_knows_of_the_compromise(self, jobs: Jobs) -> None:
        jobs.rotate(use="index", tenant_id="acme", reason="compromise")
        assert jobs.version("acme", INDEX, 2).made_for is RotationReason.COMPROMISE
        assert not jobs.version("acme", INDEX, 1).compromised

    def test_one_that_was_pending_before_is_told_of_it_once(self, jobs: Jobs) -> None:
        jobs.rotate(use="index", tenant_id="acme")
        for _ in range(2):
            jobs.rotate(use="index", tenant_id="acme", reason="compromise")
        assert jobs.version("acme", INDEX, 2).made_for is RotationReason.COMPROMISE
        assert jobs.outcomes().count("key-urgent") == 1


class TestDue:
    """Without a use: what is as old as the policy's period."""

    def test_young_keys_are_left_alone(self, jobs: Jobs) -> None:
        jobs.clock.advance(timedelta(days=89, hours=23))
        assert jobs.rotate() == {"rotated": []}

    def test_branch_keys_are_due_first(self, jobs: Jobs) -> None:
        jobs.clock.advance(timedelta(days=90))
        assert jobs.rotate() == {"rotated": [rotated("acme", "branch", 1), rotated("other", "branch", 1)]}

    def test_index_keys_follow(self, jobs: Jobs) -> None:
        jobs.clock.advance(A_YEAR)
        assert {each["use"] for each in jobs.rotate()["rotated"]} == {"branch", "index"}

    def test_a_stated_schedule_is_no_order_to_rotate_now(self, jobs: Jobs) -> None:
        assert jobs.rotate(reason="scheduled") == {"rotated": []}

    def test_a_call_after_it_finds_nothing_due(self, jobs: Jobs) -> None:
        jobs.clock.advance(timedelta(days=90))
        jobs.rotate()
        assert jobs.rotate() == {"rotated": []}

    def test_a_pending_version_is_answered_though_nothing_is_due(self, jobs: Jobs) -> None:
        jobs.rotate(use="index", tenant_id="acme")
        assert jobs.rotate() == {"rotated": [rotated("acme", "index", 1, "pending")]}

    def test_the_policy_s_period_counts(self) -> None:
        jobs = made("acme")
        jobs.policy = {**jobs.policy, "rotation": {"branch_days": 7}}
        jobs.clock.advance(timedelta(days=7))
        assert jobs.rotate() == {"rotated": [rotated("acme", "branch", 1)]}


class TestTenants:
    """Who is rotated."""

    @pytest.mark.parametrize("use", [None, "branch", "index", "kms"])
    def test_an_unknown_tenant_is_not_found(self, jobs: Jobs, use: str | None) -> None:
        assert problem(jobs.rotate(tenant_id="nobody", **({"use": use} if use else {}))) == "not-found"

    @pytest.mark.parametrize("use", [None, "branch", "index", "kms"])
    def test_an_off_boarded_tenant_is_not_found(self, jobs: Jobs, use: str | None) -> None:
        jobs.off_board("acme")
        assert problem(jobs.rotate(tenant_id="acme", **({"use": use} if use else {}))) == "not-found"

    @pytest.mark.parametrize("use", ["branch", "index", "kms"])
    def test_an_off_boarded_tenant_is_passed_over(self, jobs: Jobs, use: str) -> None:
        jobs.off_board("acme")
        answer = jobs.rotate(use=use)
        assert [each["tenant_id"] for each in answer["rotated"]] == ["other"]
        assert "failed" not in answer

    @pytest.mark.parametrize("use", ["branch", "index", "kms"])
    def test_the_vault_itself_is_never_in_the_answer(self, jobs: Jobs, use: str) -> None:
        answer = jobs.rotate(use=use)
        assert VAULT not in str(answer)
        assert "failed" not in answer

    @pytest.mark.parametrize(
        "payload",
        [
            {"use": "audit"},
            {"use": "subject"},
            {"reason": "because"},
            {"tenant_id": "#vault"},
            {"tenant": "acme"},
            {"use": None},
            [],
            None,
        ],
    )
    def test_another_request_is_refused(self, jobs: Jobs, payload: object) -> None:
        assert problem(jobs.rotate_keys()(OPERATOR, payload)) == "invalid-request"
        assert jobs.outcomes() == ["refused"]


class TestTwoAtOnce:
    """Two rotations make one version."""

    def test_two_that_read_before_either_writes_make_one_version(self) -> None:
        jobs = made("acme")
        jobs.store.meeting = threading.Barrier(2, timeout=PATIENCE_SECONDS)
        answers: list[dict[str, Any]] = []
        threads = [threading.Thread(target=lambda: answers.append(jobs.rotate(use="branch"))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
        assert answers == [{"rotated": [rotated("acme", "branch", 1)]}] * 2
        assert jobs.states("acme", BRANCH) == {1: DECRYPT_ONLY, 2: ACTIVE}

    @pytest.mark.parametrize("use", [BRANCH, INDEX])
    def test_one_that_gets_in_before_any_call_of_the_other_makes_the_only_version(self, use: KeyUse) -> None:
        state = {BRANCH: {1: DECRYPT_ONLY, 2: ACTIVE}, INDEX: {1: ACTIVE, 2: PENDING}}
        period = {BRANCH: timedelta(days=90), INDEX: A_YEAR}
        calls = calls_of(period[use])
        for at in range(len(calls)):
            jobs = made("acme")
            jobs.clock.advance(period[use])
            let_in_before(jobs, calls, at, jobs.rotate)
            jobs.rotate_keys(watched=True)(OPERATOR, {})
            assert jobs.states("acme", use) == state[use]

    def test_a_compromise_that_comes_second_marks_the_version_all_the_same(self) -> None:
        jobs = made("acme")
        jobs.disturbances.before("store.change", lambda: jobs.rotate(use="branch"))
        answer = jobs.rotate_keys(watched=True)(OPERATOR, {"use": "branch", "reason": "compromise"})
        assert answer == {"rotated": [rotated("acme", "branch", 1)]}
        assert jobs.version("acme", BRANCH, 1).compromised
        assert jobs.outcomes().count("key-compromised") == 1

    def test_keys_that_change_at_every_attempt_are_reported(self) -> None:
        jobs = made("acme")
        jobs.disturbances.before("store.change", *[lambda: touch(jobs)] * 20)
        assert problem(jobs.rotate_keys(watched=True)(OPERATOR, {"use": "branch", "tenant_id": "acme"})) == (
            "store-unavailable"
        )


class TestCrashes:
    """The instance is gone after any call; the next call ends as if it had been the only one."""

    @pytest.mark.parametrize("age", [timedelta(days=90), A_YEAR], ids=["branch", "both"])
    def test_a_call_that_was_cut_off_is_made_good_by_the_next_one(self, age: timedelta) -> None:
        undisturbed = made("acme", "other")
        undisturbed.clock.advance(age)
        undisturbed.rotate_keys(watched=True)(OPERATOR, {})
        for calls in range(1, len(undisturbed.disturbances.calls) + 1):
            jobs = made("acme", "other")
            jobs.clock.advance(age)
            jobs.disturbances.kill_after(calls)
            with pytest.raises(Killed):
                jobs.rotate_keys(watched=True)(OPERATOR, {})
            jobs.rotate()
            assert jobs.end_state() == undisturbed.end_state()
            for outcome in ("key-made", "key-activated"):
                assert jobs.outcomes().count(outcome) == undisturbed.outcomes().count(outcome)

    def test_a_rotation_of_a_kms_key_that_was_cut_off_is_ended_by_the_next_call(self) -> None:
        undisturbed = made("acme", "other")
        undisturbed.clock.advance(A_YEAR)
        undisturbed.rotate_keys(watched=True)(OPERATOR, {"use": "kms"})
        calls = undisturbed.disturbances.calls
        last_move = len(calls) - calls[::-1].index("store.change")
        for survived in range(1, last_move):  # once the last row is moved, a call is a new order
            jobs = made("acme", "other")
            jobs.clock.advance(A_YEAR)
            jobs.disturbances.kill_after(survived)
            with pytest.raises(Killed):
                jobs.rotate_keys(watched=True)(OPERATOR, {"use": "kms"})
            jobs.clock.advance(timedelta(seconds=3))
            jobs.rotate(use="kms")
            assert jobs.end_state() == undisturbed.end_state()


class TestFailures:
    """One tenant's."""

    @pytest.mark.parametrize("use", ["branch", "index"])
    def test_a_kms_key_that_is_disabled_stops_no_other_tenant(self, jobs: Jobs, use: str) -> None:
        jobs.kms.kms_keys["acme"] = "its own"
        jobs.kms.disabled_kms_keys.add("its own")
        answer = jobs.rotate(use=use)
        assert [each["tenant_id"] for each in answer["rotated"]] == ["other"]
        assert {"whose": "acme", "use": use, "problem": "key-unavailable"} in answer["failed"]

    def test_a_row_that_was_tampered_with_stops_no_other_tenant(self, jobs: Jobs) -> None:
        jobs.store.overwrite(replace(jobs.version("acme", INDEX, 1), wrapped=b"other"))
        answer = jobs.rotate(use="index")
        assert answer == {
            "rotated": [rotated("other", "index", 1, "pending")],
            "failed": [{"whose": "acme", "use": "index", "problem": "tampered-store"}],
        }

    @pytest.mark.parametrize("use", [BRANCH, INDEX])
    def test_a_row_that_is_missing_is_told(self, jobs: Jobs, use: KeyUse) -> None:
        jobs.store.remove(KeyId("acme", use, 1))
        answer = jobs.rotate(use=str(use))
        assert answer["failed"] == [{"whose": "acme", "use": str(use), "problem": "tampered-store"}]

    @pytest.mark.parametrize(("use", "given_up"), [(BRANCH, KeyState.DESTROYED), (INDEX, KeyState.CLOSED)])
    def test_a_pending_version_whose_proof_does_not_fit_is_given_up(
        self, jobs: Jobs, use: KeyUse, given_up: KeyState
    ) -> None:
        jobs.store.overwrite(pending_version(jobs, "acme", use, proof=b"another"))
        answer = jobs.rotate(use=str(use))
        assert [each["tenant_id"] for each in answer["rotated"]] == ["other"]
        assert answer["failed"] == [{"whose": "acme", "use": str(use), "problem": "tampered-store"}]
        assert jobs.states("acme", use) == {1: ACTIVE, 2: given_up}

    @pytest.mark.parametrize(("use", "state"), [(BRANCH, ACTIVE), (INDEX, PENDING)])
    def test_what_is_given_up_is_followed_by_another_version(self, jobs: Jobs, use: KeyUse, state: KeyState) -> None:
        jobs.store.overwrite(pending_version(jobs, "acme", use, proof=b"another"))
        jobs.rotate(use=str(use), tenant_id="acme")
        (rotated_again,) = jobs.rotate(use=str(use), tenant_id="acme")["rotated"]
        assert (rotated_again["from"], rotated_again["to"], rotated_again["state"]) == (1, 3, str(state))

    def test_keys_that_do_not_read_stop_no_other_tenant(self, jobs: Jobs) -> None:
        jobs.store.unreadable.add("acme")
        answer = jobs.rotate(use="branch")
        assert answer["rotated"] == [rotated("other", "branch", 1)]
        assert {each["whose"] for each in answer["failed"]} == {"acme"}

    def test_keys_that_do_not_read_stop_no_kms_key(self, jobs: Jobs) -> None:
        jobs.store.unreadable.add("acme")
        answer = jobs.rotate(use="kms")
        assert answer["rotated"] == [rotated("other", "kms", 1)]
        assert answer["failed"] == [{"whose": "acme", "use": "kms", "problem": "tampered-store"}]

    def test_of_the_one_tenant_that_is_asked_for_it_is_the_answer(self, jobs: Jobs) -> None:
        jobs.kms.disabled = {BRANCH}
        assert problem(jobs.rotate(use="branch", tenant_id="acme")) == "key-unavailable"

    def test_it_stands_in_the_audit_trail(self, jobs: Jobs) -> None:
        jobs.store.overwrite(pending_version(jobs, "acme", BRANCH, proof=b"another"))
        jobs.rotate(use="branch")
        (entry,) = [each.text for each in jobs.log.entries if '"outcome":"failed"' in each.text]
        assert '"details":{"problem":"tampered-store","use":"branch","whose":"acme"}' in entry

    def test_each_tenant_that_fails_is_counted(self, jobs: Jobs) -> None:
        """To Lambda the answer is a success."""
        jobs.store.unreadable.add("acme")
        rotate_keys = jobs.rotate_keys()
        rotate_keys(OPERATOR, {"use": "kms"})
        assert rotate_keys.desk.tally.take()[0][Measure.ROTATION_FAILURES] == 1

    def test_a_scan_for_tenants_that_is_refused_is_counted(self, jobs: Jobs) -> None:
        jobs.store.is_reachable = False
        rotate_keys = jobs.rotate_keys()
        rotate_keys(OPERATOR, {})
        assert rotate_keys.desk.tally.take()[0][Measure.ROTATION_FAILURES] == 1

    def test_nothing_is_counted_when_nothing_fails(self, jobs: Jobs) -> None:
        rotate_keys = jobs.rotate_keys()
        rotate_keys(OPERATOR, {"use": "branch"})
        assert Measure.ROTATION_FAILURES not in rotate_keys.desk.tally.take()[0]

    def test_a_store_that_does_not_answer_is_the_answer(self, jobs: Jobs) -> None:
        jobs.store.is_reachable = False
        assert problem(jobs.rotate(use="branch")) == "store-unavailable"

    @pytest.mark.parametrize("use", [BRANCH, INDEX])
    def test_no_version_is_made_without_its_audit_entry(self, jobs: Jobs, use: KeyUse) -> None:
        jobs.log.failure = StoreUnavailable("DynamoDB does not answer")
        jobs.rotate(use=str(use), tenant_id="acme")
        assert jobs.states("acme", use) == {1: ACTIVE}

    @pytest.mark.parametrize("use", [BRANCH, INDEX])
    def test_no_version_is_made_without_an_audit_key(self, jobs: Jobs, use: KeyUse) -> None:
        jobs.kms.disabled = {KeyUse.AUDIT}
        assert problem(jobs.rotate(use=str(use), tenant_id="acme")) == "audit-unavailable"
        assert jobs.states("acme", use) == {1: ACTIVE}


class TestKms:
    """New material, and every row under it."""

    def test_one_rotation_for_a_key_of_many_tenants(self, jobs: Jobs) -> None:
        answer = jobs.rotate(use="kms")
        assert answer == {"rotated": [rotated("acme", "kms", 1), rotated("other", "kms", 1)]}
        assert {kms_key: len(each) for kms_key, each in jobs.kms_keys.on_demand.items()} == {THE_KMS_KEY: 1}

    def test_one_rotation_for_each_key(self, jobs: Jobs) -> None:
        jobs.kms.kms_keys["acme"] = "its own"
        jobs.rotate(use="kms")
        assert {kms_key: len(each) for kms_key, each in jobs.kms_keys.on_demand.items()} == {
            THE_KMS_KEY: 1,
            "its own": 1,
        }

    def test_every_row_is_re_encrypted(self, jobs: Jobs) -> None:
        jobs.rotate(use="branch")
        before = {row.key_id: row.wrapped for row in rows(jobs)}
        jobs.rotate(use="kms")
        assert all(row.wrapped != before[row.key_id] for row in rows(jobs))
        assert {jobs.kms.material[row.wrapped] for row in rows(jobs) if row.kms_key == THE_KMS_KEY} == {1}

    def test_no_plaintext_is_asked_for(self, jobs: Jobs) -> None:
        jobs.rotate(use="kms")
        unwrapped = {key_id.use for key_id in jobs.kms.unwrapped}
        assert unwrapped == {KeyUse.AUDIT}  # for the audit entries

    def test_the_keys_stay_the_same(self, jobs: Jobs) -> None:
        before = jobs.key_ring()
        expected = before.branch_key("acme", 1), before.index_keys("acme"), before.audit_key("acme")
        jobs.rotate(use="kms")
        after = jobs.key_ring()
        assert (after.branch_key("acme", 1), after.index_keys("acme"), after.audit_key("acme")) == expected

    def test_yearly_rotations_count_among_the_versions(self, jobs: Jobs) -> None:
        jobs.kms_keys.yearly[THE_KMS_KEY] = 3
        assert jobs.rotate(use="kms", tenant_id="acme") == {"rotated": [rotated("acme", "kms", 4)]}

    def test_with_none_left_it_is_a_conflict(self, jobs: Jobs) -> None:
        long_ago = jobs.clock.now() - A_YEAR
        jobs.kms_keys.on_demand[THE_KMS_KEY] = [long_ago] * ON_DEMAND_ROTATIONS
        assert problem(jobs.rotate(use="kms")) == "conflict"
        assert problem(jobs.rotate(use="kms", tenant_id="acme")) == "conflict"

    def test_with_none_left_of_one_key_the_others_are_rotated(self, jobs: Jobs) -> None:
        jobs.kms.kms_keys["acme"] = "its own"
        jobs.kms_keys.on_demand["its own"] = [jobs.clock.now() - A_YEAR] * ON_DEMAND_ROTATIONS
        assert jobs.rotate(use="kms") == {
            "rotated": [rotated("other", "kms", 1)],
            "failed": [{"whose": "its own", "use": "kms", "problem": "conflict"}],
        }

    @pytest.mark.parametrize("fraction", [0, 1, 500_000, 999_999])
    def test_twice_is_two_rotations_whatever_the_fraction_of_the_second(self, jobs: Jobs, fraction: int) -> None:
        jobs.clock.advance(timedelta(hours=1, microseconds=fraction))
        jobs.rotate(use="kms")
        jobs.clock.advance(timedelta(minutes=1))
        assert jobs.rotate(use="kms", tenant_id="acme") == {"rotated": [rotated("acme", "kms", 2)]}

    def test_a_clock_that_is_behind_that_of_kms_leaves_no_row_behind(self, jobs: Jobs) -> None:
        jobs.kms_keys.ahead = timedelta(seconds=2)
        jobs.clock.advance(timedelta(hours=1))
        jobs.rotate(use="kms")
        jobs.clock.advance(timedelta(minutes=1))
        assert jobs.rotate(use="kms")["rotated"] == [rotated("acme", "kms", 2), rotated("other", "kms", 2)]

    def test_interrupted_it_goes_on_without_another_rotation(self, jobs: Jobs) -> None:
        jobs.clock.advance(timedelta(hours=1))
        jobs.disturbances.fail_always("kms.rewrap", ConnectionError())
        with pytest.raises(ConnectionError):
            jobs.rotate_keys(watched=True)(OPERATOR, {"use": "kms"})
        jobs.clock.advance(timedelta(hours=23))
        assert jobs.rotate(use="kms") == {"rotated": [rotated("acme", "kms", 1), rotated("other", "kms", 1)]}
        assert {jobs.kms.material[row.wrapped] for row in rows(jobs) if row.kms_key == THE_KMS_KEY} == {1}

    def test_tenants_one_by_one_share_one_rotation(self, jobs: Jobs) -> None:
        jobs.clock.advance(timedelta(hours=1))
        for tenant in ("acme", "other"):
            jobs.rotate(use="kms", tenant_id=tenant)
        assert len(jobs.kms_keys.on_demand[THE_KMS_KEY]) == 1

    def test_a_tenant_that_cannot_be_moved_keeps_others_from_no_later_rotation(self, jobs: Jobs) -> None:
        jobs.clock.advance(timedelta(hours=1))
        jobs.store.overwrite(replace(jobs.version("acme", BRANCH, 1), wrapped=b"other"))
        assert jobs.rotate(use="kms")["failed"] == [{"whose": "acme", "use": "kms", "problem": "tampered-store"}]
        jobs.clock.advance(ROWS_MOVED_FOR)
        assert jobs.rotate(use="kms")["rotated"] == [rotated("other", "kms", 2)]

    def test_a_destroyed_version_is_not_taken_for_one_left_behind(self, jobs: Jobs) -> None:
        destroyed = replace(jobs.version("acme", BRANCH, 1), state=KeyState.DESTROYED, wrapped=b"")
        jobs.rotate(use="branch", tenant_id="acme")
        jobs.store.overwrite(destroyed)
        jobs.clock.advance(timedelta(hours=1))
        jobs.rotate(use="kms")
        jobs.clock.advance(timedelta(minutes=1))
        assert jobs.rotate(use="kms")["rotated"][0] == rotated("acme", "kms", 2)
        assert jobs.version("acme", BRANCH, 1) == destroyed

    def test_until_the_new_material_is_listed_no_row_is_moved(self, jobs: Jobs) -> None:
        jobs.kms_keys.looks_until_listed = 1
        jobs.clock.advance(timedelta(hours=1))
        assert problem(jobs.rotate(use="kms")) == "key-unavailable"
        assert all(row.moved_at is None for row in rows(jobs))
        jobs.clock.advance(timedelta(minutes=1))
        assert jobs.rotate(use="kms")["rotated"] == [rotated("acme", "kms", 1), rotated("other", "kms", 1)]
        assert len(jobs.kms_keys.on_demand[THE_KMS_KEY]) == 1

    def test_a_row_that_is_written_meanwhile_is_moved_all_the_same(self, jobs: Jobs) -> None:
        jobs.disturbances.before("store.change", lambda: jobs.rotate(use="branch"))
        jobs.rotate_keys(watched=True)(OPERATOR, {"use": "kms"})
        assert {jobs.kms.material[row.wrapped] for row in rows(jobs) if row.kms_key == THE_KMS_KEY} == {1}
        assert jobs.states("acme", BRANCH) == {1: DECRYPT_ONLY, 2: ACTIVE}


class TestMoving:
    """Rows under another KMS key than the policy's."""

    @pytest.mark.parametrize("request_", [{}, {"use": "branch"}, {"use": "index"}, {"use": "kms"}])
    def test_they_are_moved_whatever_is_rotated(self, jobs: Jobs, request_: dict[str, str]) -> None:
        jobs.kms.kms_keys["acme"] = "its own"
        jobs.rotate(**request_)
        kms_keys = {row.key_id.use: row.kms_key for row in jobs.store.keys_of("acme").keys}
        assert kms_keys == {use: jobs.kms.kms_key_for(KeyId("acme", use, 1)) for use in kms_keys}

    def test_no_kms_key_is_rotated_for_it(self, jobs: Jobs) -> None:
        jobs.kms.kms_keys["acme"] = "its own"
        assert jobs.rotate() == {"rotated": []}
        assert jobs.kms_keys.on_demand == {}

    def test_what_is_in_place_is_not_written(self, jobs: Jobs) -> None:
        jobs.rotate()
        assert jobs.kms.rewrapped == []
        assert jobs.outcomes() == []

    def test_a_move_is_dated_and_keeps_everything_else(self, jobs: Jobs) -> None:
        before = jobs.version("acme", BRANCH, 1)
        jobs.kms.kms_keys["acme"] = "its own"
        jobs.clock.advance(timedelta(days=1))
        jobs.rotate()
        after = jobs.version("acme", BRANCH, 1)
        assert after == replace(before, wrapped=after.wrapped, kms_key="its own", moved_at=jobs.clock.now())

    def test_a_retired_version_is_moved_too(self, jobs: Jobs) -> None:
        jobs.rotate(use="branch", tenant_id="acme")
        jobs.store.overwrite(replace(jobs.version("acme", BRANCH, 1), state=KeyState.RETIRED))
        jobs.kms.kms_keys["acme"] = "its own"
        jobs.rotate()
        assert jobs.version("acme", BRANCH, 1).kms_key == "its own"


def pending_version(jobs: Jobs, tenant: str, use: KeyUse, proof: bytes) -> WrappedKey:
    """A second version as another instance may have left it."""
    key_id = KeyId(tenant, use, 2)
    wrapped, kms_key = jobs.kms.wrap(key_id, bytes(32 * len(WRAPPED_TOGETHER[use])))
    return WrappedKey(key_id, wrapped, PENDING, jobs.clock.now(), kms_key, proof, changed_at=jobs.clock.now())


def rows(jobs: Jobs) -> list[WrappedKey]:
    """Of all tenants and the vault."""
    return [row for tenant in jobs.store.tenants() for row in jobs.store.keys_of(tenant).keys]


def touch(jobs: Jobs) -> None:
    """Another instance moves the branch keys to other bytes."""
    for row in jobs.store.keys_of("acme").of_use(BRANCH):
        jobs.store.overwrite(replace(row, wrapped=jobs.kms.rewrap(row)[0]))


def calls_of(age: timedelta) -> list[str]:
    """Of one undisturbed rotation of what is due."""
    jobs = made("acme")
    jobs.clock.advance(age)
    jobs.rotate_keys(watched=True)(OPERATOR, {})
    return jobs.disturbances.calls


def let_in_before(jobs: Jobs, calls: list[str], at: int, act: Callable[[], object]) -> None:
    """Another instance acts before this one of the calls."""
    earlier = calls[:at].count(calls[at])
    jobs.disturbances.before(calls[at], *[lambda: None] * earlier, act)
