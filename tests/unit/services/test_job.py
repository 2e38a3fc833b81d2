"""What all jobs have in common."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest

from phone_vault.domain.callers import Caller
from phone_vault.domain.errors import AuditUnavailable, Conflict, KeyUnavailable, StoreUnavailable, TamperedStore
from phone_vault.domain.job_requests import JobReader
from phone_vault.domain.keys import KeyUse
from phone_vault.services.job import Job, Worker
from tests.unit.services.jobs import OPERATOR, Jobs, problem

Act = Callable[[], dict[str, Any]]


class Odd(Job):
    """Does as a test says."""

    name = "RotateKeys"
    act: Act = staticmethod(dict)
    told: datetime | None = None

    def perform(self, caller: Caller, reader: JobReader, now: datetime) -> dict[str, Any]:
        """No field."""
        assert caller == OPERATOR
        self.told = now
        reader.finish()
        return self.act()


class OddWorker(Worker, Odd):
    """The same, called by a state machine."""


@pytest.fixture
def jobs() -> Jobs:
    """A tenant with keys."""
    jobs = Jobs()
    jobs.add_tenants("acme")
    return jobs


def job(jobs: Jobs, act: Act = dict, kind: type[Odd] = Odd) -> Odd:
    """An instance."""
    made = kind(jobs.rotate_keys().desk)
    made.act = act
    return made


def raising(failure: Exception) -> Act:
    """What fails."""

    def act() -> dict[str, Any]:
        raise failure

    return act


def test_what_is_done_is_answered(jobs: Jobs) -> None:
    assert job(jobs, lambda: {"done": 1})(OPERATOR, {}) == {"done": 1}


def test_moments_are_to_the_second(jobs: Jobs) -> None:
    made = job(jobs)
    jobs.clock.advance(timedelta(microseconds=1))
    made(OPERATOR, {})
    assert made.told == jobs.clock.now().replace(microsecond=0)


def test_a_refusal_is_answered_as_a_problem(jobs: Jobs) -> None:
    assert problem(job(jobs, raising(Conflict("no")))(OPERATOR, {})) == "conflict"


def test_a_refusal_stands_in_the_audit_trail(jobs: Jobs) -> None:
    job(jobs, raising(Conflict("no")))(OPERATOR, {})
    (entry,) = jobs.log.entries
    assert '"outcome":"refused"' in entry.text
    assert '"problem":"conflict"' in entry.text
    assert '"principal":["direct:operator"' in entry.text


def test_a_refusal_is_answered_though_the_trail_cannot_be_written(jobs: Jobs) -> None:
    jobs.log.failure = StoreUnavailable("DynamoDB does not answer")
    assert problem(job(jobs, raising(AuditUnavailable("no")))(OPERATOR, {})) == "audit-unavailable"


@pytest.mark.parametrize("kind", [Odd, OddWorker])
def test_a_refusal_is_counted_by_its_problem(jobs: Jobs, kind: type[Odd]) -> None:
    made = job(jobs, raising(Conflict("no")), kind)
    with suppress(Conflict):
        made(OPERATOR, {})
    assert made.desk.tally.take()[1] == {"conflict": 1}


def test_a_fault_is_raised_and_stands_in_the_audit_trail(jobs: Jobs) -> None:
    with pytest.raises(TamperedStore):
        job(jobs, raising(TamperedStore("a row")))(OPERATOR, {})
    assert jobs.outcomes() == ["fault"]


def test_a_fault_is_raised_though_the_trail_cannot_be_written(jobs: Jobs) -> None:
    jobs.log.failure = StoreUnavailable("DynamoDB does not answer")
    with pytest.raises(TamperedStore):
        job(jobs, raising(TamperedStore("a row")))(OPERATOR, {})


@pytest.mark.parametrize("payload", [None, [], "x", 1])
def test_a_request_is_an_object(jobs: Jobs, payload: object) -> None:
    assert problem(job(jobs)(OPERATOR, payload)) == "invalid-request"


def test_a_field_that_the_job_does_not_know_is_refused(jobs: Jobs) -> None:
    assert problem(job(jobs)(OPERATOR, {"x": 1})) == "invalid-request"


@pytest.mark.parametrize("refusal", [Conflict("no"), KeyUnavailable("no"), StoreUnavailable("no")])
def test_a_worker_raises_what_refuses_it(jobs: Jobs, refusal: Exception) -> None:
    with pytest.raises(type(refusal)):
        job(jobs, raising(refusal), OddWorker)(OPERATOR, {})


def test_keys_of_an_earlier_call_are_not_believed(jobs: Jobs) -> None:
    made = job(jobs)
    made.desk.key_ring.active_branch_key("acme")
    jobs.rotate(use="branch", tenant_id="acme")
    made.act = lambda: {"version": made.desk.key_ring.active_branch_key("acme")[0]}
    assert made(OPERATOR, {}) == {"version": 2}


def test_the_wait_is_the_policy_s(jobs: Jobs) -> None:
    jobs.policy = {**jobs.policy, "branch_key_cache_seconds": 30}
    assert job(jobs).desk.wait == timedelta(seconds=90)


def test_a_job_needs_no_key_of_a_tenant_for_its_entries(jobs: Jobs) -> None:
    before = len(jobs.kms.unwrapped)
    job(jobs, raising(Conflict("no")))(OPERATOR, {})
    assert {key_id.use for key_id in jobs.kms.unwrapped[before:]} == {KeyUse.AUDIT}
