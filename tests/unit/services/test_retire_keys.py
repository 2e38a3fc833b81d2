"""A version is refused once a census proves that nothing is on it, and destroyed once no backup needs it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from phone_vault.domain.keys import KeyState, KeyUse, WrappedKey
from phone_vault.domain.rotation import Census
from tests.unit.services.jobs import OPERATOR, WAITING_PERIOD, Jobs, problem

BRANCH, INDEX = KeyUse.BRANCH, KeyUse.INDEX
WAIT = timedelta(minutes=6)
TICK = timedelta(seconds=1)
THE_OLD_ONE = {"tenant_id": "acme", "use": "branch", "version": 1}


@pytest.fixture
def jobs() -> Jobs:
    """A tenant whose branch key was rotated."""
    jobs = Jobs()
    jobs.add_tenants("acme")
    jobs.rotate(use="branch", tenant_id="acme")
    return jobs


def count(jobs: Jobs, on_version: Mapping[str, int] | None = None, unreadable: int = 0) -> None:
    """A census as of now."""
    jobs.runs.save_census(Census("acme", jobs.clock.now(), on_version or {}, 3, 0, unreadable=unreadable))


def in_state(jobs: Jobs, state: KeyState, use: KeyUse = BRANCH) -> WrappedKey:
    """The first version in this state, since now."""
    row = replace(jobs.version("acme", use, 1), state=state, changed_at=jobs.clock.now())
    jobs.store.overwrite(row)
    return row


def retired(jobs: Jobs) -> None:
    """The old version is retired."""
    jobs.clock.advance(WAIT)
    count(jobs)
    assert jobs.retire(**THE_OLD_ONE)["state"] == "retired"


class TestRetire:
    """From then on refused."""

    def test_by_a_census_of_after_the_wait_that_counts_none(self, jobs: Jobs) -> None:
        jobs.clock.advance(WAIT)
        count(jobs, {"branch/2": 3})
        assert jobs.retire(**THE_OLD_ONE) == {**THE_OLD_ONE, "state": "retired"}
        assert jobs.version("acme", BRANCH, 1).changed_at == jobs.clock.now()

    def test_its_bytes_are_kept(self, jobs: Jobs) -> None:
        before = jobs.version("acme", BRANCH, 1).wrapped
        retired(jobs)
        assert jobs.version("acme", BRANCH, 1).wrapped == before

    def test_a_closed_version_of_the_index_too(self, jobs: Jobs) -> None:
        in_state(jobs, KeyState.CLOSED, INDEX)
        jobs.clock.advance(WAIT)
        count(jobs, {"index/2": 3})
        assert jobs.retire(tenant_id="acme", use="index", version=1)["state"] == "retired"

    def test_by_a_census_of_the_future_it_is_in_use(self, jobs: Jobs) -> None:
        jobs.clock.advance(WAIT)
        jobs.runs.save_census(Census("acme", jobs.clock.now() + TICK, {}, 3, 0))
        assert problem(jobs.retire(**THE_OLD_ONE)) == "version-in-use"

    def test_with_records_that_no_census_knows_of_it_is_in_use(self, jobs: Jobs) -> None:
        jobs.clock.advance(WAIT)
        count(jobs)
        jobs.uses.records = 2
        assert jobs.retire(**THE_OLD_ONE)["problem"]["records"] == 2

    def test_without_a_census_it_is_in_use(self, jobs: Jobs) -> None:
        jobs.clock.advance(WAIT)
        assert problem(jobs.retire(**THE_OLD_ONE)) == "version-in-use"

    def test_by_a_census_of_before_the_wait_it_is_in_use(self, jobs: Jobs) -> None:
        jobs.clock.advance(WAIT - TICK)
        count(jobs)
        jobs.clock.advance(WAIT)
        assert problem(jobs.retire(**THE_OLD_ONE)) == "version-in-use"

    def test_with_records_on_it_it_is_in_use_and_their_count_is_told(self, jobs: Jobs) -> None:
        jobs.clock.advance(WAIT)
        count(jobs, {"branch/1": 2})
        assert jobs.retire(**THE_OLD_ONE)["problem"]["records"] == 2

    def test_without_a_census_the_records_are_counted(self, jobs: Jobs) -> None:
        jobs.uses.records = 5
        assert jobs.retire(**THE_OLD_ONE)["problem"]["records"] == 5

    def test_with_rows_that_do_not_read_it_is_in_use(self, jobs: Jobs) -> None:
        jobs.clock.advance(WAIT)
        count(jobs, unreadable=1)
        assert problem(jobs.retire(**THE_OLD_ONE)) == "version-in-use"

    def test_a_version_of_the_index_that_is_still_written_is_in_use(self, jobs: Jobs) -> None:
        in_state(jobs, KeyState.DECRYPT_ONLY, INDEX)
        jobs.clock.advance(WAIT)
        count(jobs)
        assert problem(jobs.retire(tenant_id="acme", use="index", version=1)) == "version-in-use"

    @pytest.mark.parametrize("state", [KeyState.PENDING, KeyState.ACTIVE])
    @pytest.mark.parametrize("use", [BRANCH, INDEX])
    def test_a_version_that_nothing_has_taken_the_place_of_is_a_conflict(
        self, jobs: Jobs, use: KeyUse, state: KeyState
    ) -> None:
        in_state(jobs, state, use)
        jobs.clock.advance(WAIT)
        count(jobs)
        assert problem(jobs.retire(tenant_id="acme", use=str(use), version=1)) == "conflict"

    def test_twice_is_once(self, jobs: Jobs) -> None:
        retired(jobs)
        assert jobs.retire(**THE_OLD_ONE)["state"] == "retired"
        assert jobs.outcomes().count("key-retired") == 1


class TestDestroy:
    """From then on nobody has it."""

    @staticmethod
    def destroy(jobs: Jobs) -> dict[str, Any]:
        return jobs.retire(**THE_OLD_ONE, destroy=True)

    def test_after_the_waiting_period_the_bytes_are_gone(self, jobs: Jobs) -> None:
        retired(jobs)
        jobs.clock.advance(WAITING_PERIOD)
        assert self.destroy(jobs) == {**THE_OLD_ONE, "state": "destroyed"}
        assert jobs.version("acme", BRANCH, 1).wrapped == b""

    def test_before_it_is_a_conflict_that_says_when(self, jobs: Jobs) -> None:
        retired(jobs)
        jobs.clock.advance(WAITING_PERIOD - TICK)
        answer = self.destroy(jobs)
        assert problem(answer) == "conflict"
        assert "2026-02-12T00:06:00Z" in answer["problem"]["detail"]
        assert jobs.version("acme", BRANCH, 1).wrapped

    @pytest.mark.parametrize("state", [KeyState.PENDING, KeyState.ACTIVE, KeyState.DECRYPT_ONLY, KeyState.CLOSED])
    def test_a_version_that_is_not_retired_is_a_conflict(self, jobs: Jobs, state: KeyState) -> None:
        in_state(jobs, state)
        jobs.clock.advance(WAITING_PERIOD)
        count(jobs)
        assert problem(self.destroy(jobs)) == "conflict"

    def test_records_that_a_restore_has_brought_back_keep_it(self, jobs: Jobs) -> None:
        retired(jobs)
        jobs.clock.advance(WAITING_PERIOD)
        count(jobs, {"branch/1": 4})
        assert self.destroy(jobs)["problem"]["records"] == 4

    def test_so_do_those_that_no_census_has_counted_yet(self, jobs: Jobs) -> None:
        retired(jobs)
        jobs.clock.advance(WAITING_PERIOD)
        jobs.uses.records = 1
        assert self.destroy(jobs)["problem"]["records"] == 1

    def test_twice_is_once(self, jobs: Jobs) -> None:
        retired(jobs)
        jobs.clock.advance(WAITING_PERIOD)
        self.destroy(jobs)
        assert self.destroy(jobs)["state"] == "destroyed"
        assert jobs.outcomes().count("key-destroyed") == 1


class TestRequests:
    """Who is asked about."""

    @pytest.mark.parametrize(("tenant", "version"), [("nobody", 1), ("acme", 3)], ids=["tenant", "version"])
    def test_what_does_not_exist_is_not_found(self, jobs: Jobs, tenant: str, version: int) -> None:
        assert problem(jobs.retire(tenant_id=tenant, use="branch", version=version)) == "not-found"

    def test_an_off_boarded_tenant_is_not_found(self, jobs: Jobs) -> None:
        jobs.off_board("acme")
        assert problem(jobs.retire(**THE_OLD_ONE)) == "not-found"

    @pytest.mark.parametrize(
        "request_",
        [
            {"version": 1},
            {"use": "branch"},
            {"use": "audit", "version": 1},
            {"use": "kms", "version": 1},
            {"use": "branch", "version": 0},
            {"use": "branch", "version": "1"},
            {"use": "branch", "version": 1, "destroy": "yes"},
            {"use": "branch", "version": 1, "force": True},
        ],
    )
    def test_another_request_is_refused(self, jobs: Jobs, request_: dict[str, Any]) -> None:
        assert problem(jobs.retire(tenant_id="acme", **request_)) == "invalid-request"

    def test_its_reason_stands_in_the_audit_trail(self, jobs: Jobs) -> None:
        jobs.clock.advance(WAIT)
        count(jobs)
        jobs.retire(**THE_OLD_ONE, reason="ticket 7")
        assert '"reason":"ticket 7"' in jobs.log.entries[-1].text
        assert '"outcome":"key-retired"' in jobs.log.entries[-1].text


class TestContention:
    """Another caller writes the same row."""

    def test_what_another_caller_has_retired_meanwhile_is_retired(self, jobs: Jobs) -> None:
        jobs.clock.advance(WAIT)
        count(jobs)
        jobs.disturbances.before("store.change", lambda: jobs.retire(**THE_OLD_ONE))
        assert jobs.retire_keys(watched=True)(OPERATOR, THE_OLD_ONE)["state"] == "retired"
        assert jobs.outcomes().count("key-retired") == 1

    def test_a_row_that_changes_at_every_attempt_is_reported(self, jobs: Jobs) -> None:
        jobs.clock.advance(WAIT)
        count(jobs)

        def touch() -> None:
            row = jobs.version("acme", BRANCH, 1)
            jobs.store.overwrite(replace(row, wrapped=jobs.kms.rewrap(row)[0]))

        jobs.disturbances.before("store.change", *[touch] * 5)
        assert problem(jobs.retire_keys(watched=True)(OPERATOR, THE_OLD_ONE)) == "store-unavailable"
