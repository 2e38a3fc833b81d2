"""Which versions an instance uses, by their states and by how old its knowledge of them is."""

from dataclasses import replace
from datetime import timedelta

import pytest

from phone_vault.domain.errors import KeyUnavailable, NotFound, TamperedStore
from phone_vault.domain.keys import INDEXING, UNWRAPPING, KeyState, KeyUse
from phone_vault.services.key_ring import KeyRing
from tests.unit.services.jobs import Jobs

BRANCH, INDEX = KeyUse.BRANCH, KeyUse.INDEX
PENDING, ACTIVE, DECRYPT_ONLY, CLOSED, RETIRED, DESTROYED = KeyState
MAX_AGE = timedelta(seconds=300)


@pytest.fixture
def jobs() -> Jobs:
    """A tenant with two versions of both keys, the second one active."""
    jobs = Jobs()
    jobs.add_tenants("acme")
    for use in (BRANCH, INDEX):
        jobs.rotate(use=str(use), tenant_id="acme")
    put(jobs, INDEX, DECRYPT_ONLY, 1)
    put(jobs, INDEX, ACTIVE, 2)
    return jobs


def put(jobs: Jobs, use: KeyUse, state: KeyState, version: int) -> None:
    """A version into a state."""
    row = jobs.version("acme", use, version)
    wrapped = b"" if state is DESTROYED else row.wrapped
    jobs.store.overwrite(replace(row, state=state, wrapped=wrapped, changed_at=jobs.clock.now(), proven=True))


class TestBranchKeys:
    """One wraps, some unwrap."""

    def test_a_version_that_others_may_know_is_not_put_to_use_again(self, jobs: Jobs) -> None:
        jobs.store.overwrite(replace(jobs.version("acme", BRANCH, 2), compromised=True))
        with pytest.raises(TamperedStore):
            jobs.key_ring().active_branch_key("acme")

    def test_a_pending_version_wraps_nothing(self, jobs: Jobs) -> None:
        put(jobs, BRANCH, ACTIVE, 1)
        put(jobs, BRANCH, PENDING, 2)
        assert jobs.key_ring().active_branch_key("acme")[0] == 1

    @pytest.mark.parametrize("state", [ACTIVE, DECRYPT_ONLY])
    def test_versions_that_wrap_or_have_wrapped_unwrap(self, jobs: Jobs, state: KeyState) -> None:
        put(jobs, BRANCH, state, 1)
        assert jobs.key_ring().branch_key("acme", 1).name == "branch#1"

    @pytest.mark.parametrize("state", [PENDING, CLOSED, RETIRED, DESTROYED])
    def test_other_versions_are_refused(self, jobs: Jobs, state: KeyState) -> None:
        put(jobs, BRANCH, state, 1)
        with pytest.raises(KeyUnavailable, match=str(state)):
            jobs.key_ring().branch_key("acme", 1)

    def test_jobs_take_retired_versions_too(self, jobs: Jobs) -> None:
        put(jobs, BRANCH, RETIRED, 1)
        assert rescuing(jobs).branch_key("acme", 1).name == "branch#1"

    def test_nobody_takes_destroyed_ones(self, jobs: Jobs) -> None:
        put(jobs, BRANCH, DESTROYED, 1)
        with pytest.raises(KeyUnavailable):
            rescuing(jobs).branch_key("acme", 1)

    def test_a_stale_instance_wraps_under_the_version_before_until_its_age(self, jobs: Jobs) -> None:
        ring = jobs.key_ring()
        assert ring.active_branch_key("acme")[0] == 2
        jobs.rotate(use="branch", tenant_id="acme")
        jobs.clock.advance(MAX_AGE - timedelta(microseconds=1))
        assert ring.active_branch_key("acme")[0] == 2
        jobs.clock.advance(timedelta(microseconds=1))
        assert ring.active_branch_key("acme")[0] == 3

    def test_a_stale_instance_reads_under_a_version_that_it_knows_as_pending(self, jobs: Jobs) -> None:
        put(jobs, BRANCH, PENDING, 2)
        put(jobs, BRANCH, ACTIVE, 1)
        ring = jobs.key_ring()
        ring.active_branch_key("acme")
        put(jobs, BRANCH, ACTIVE, 2)
        assert ring.branch_key("acme", 2).name == "branch#2"

    def test_a_stale_instance_uses_a_retired_version_no_longer_than_its_age(self, jobs: Jobs) -> None:
        ring = jobs.key_ring()
        ring.branch_key("acme", 1)
        put(jobs, BRANCH, RETIRED, 1)
        ring.branch_key("acme", 1)
        jobs.clock.advance(MAX_AGE)
        with pytest.raises(KeyUnavailable):
            ring.branch_key("acme", 1)

    def test_a_key_unwrapped_late_is_used_no_longer_than_the_state_is_known(self, jobs: Jobs) -> None:
        ring = jobs.key_ring()
        ring.index_keys("acme")  # reads the rows, unwraps no branch key
        put(jobs, BRANCH, RETIRED, 1)
        jobs.clock.advance(MAX_AGE - timedelta(seconds=1))
        ring.branch_key("acme", 1)
        jobs.clock.advance(timedelta(seconds=1))
        with pytest.raises(KeyUnavailable):
            ring.branch_key("acme", 1)

    def test_a_tenant_without_an_active_version_is_tampered_with(self, jobs: Jobs) -> None:
        put(jobs, BRANCH, DECRYPT_ONLY, 2)
        with pytest.raises(TamperedStore):
            jobs.key_ring().active_branch_key("acme")


class TestIndexKeys:
    """One is read, some are written."""

    @pytest.mark.parametrize("state", list(KeyState))
    def test_an_entry_is_written_for_every_version_that_somebody_may_read(self, jobs: Jobs, state: KeyState) -> None:
        put(jobs, INDEX, state, 1)
        assert jobs.key_ring().index_keys("acme").keys() == ({1, 2} if state in INDEXING else {2})

    @pytest.mark.parametrize("state", [state for state in KeyState if state is not ACTIVE])
    def test_the_active_version_alone_is_read(self, jobs: Jobs, state: KeyState) -> None:
        put(jobs, INDEX, state, 1)
        assert jobs.key_ring().read_index_key("acme").keys() == {2}

    def test_under_a_version_that_is_not_proven_no_entry_is_written(self, jobs: Jobs) -> None:
        put(jobs, INDEX, PENDING, 2)
        put(jobs, INDEX, ACTIVE, 1)
        jobs.store.overwrite(replace(jobs.version("acme", INDEX, 2), proven=False))
        assert jobs.key_ring().index_keys("acme").keys() == {1}

    def test_the_version_before_a_pending_one_is_read(self, jobs: Jobs) -> None:
        put(jobs, INDEX, ACTIVE, 1)
        put(jobs, INDEX, PENDING, 2)
        assert jobs.key_ring().read_index_key("acme").keys() == {1}

    def test_a_tenant_that_was_never_used_has_none_to_read(self, jobs: Jobs) -> None:
        assert jobs.key_ring().read_index_key("nobody") == {}

    def test_a_stale_instance_writes_none_for_a_version_that_it_does_not_know(self, jobs: Jobs) -> None:
        ring = jobs.key_ring()
        ring.index_keys("acme")
        jobs.rotate(use="index", tenant_id="acme")
        assert ring.index_keys("acme").keys() == {1, 2}
        jobs.clock.advance(MAX_AGE)
        assert ring.index_keys("acme").keys() == {1, 2, 3}

    def test_a_record_is_compared_under_the_active_version_before_others(self, jobs: Jobs) -> None:
        found = jobs.key_ring().index_key_of("acme", {1, 2})
        assert found is not None
        assert found[0] == 2

    def test_a_record_that_is_not_in_the_active_version_is_compared_under_another(self, jobs: Jobs) -> None:
        found = jobs.key_ring().index_key_of("acme", {1})
        assert found is not None
        assert found[0] == 1

    @pytest.mark.parametrize("state", [CLOSED, RETIRED, DESTROYED])
    def test_a_record_is_not_compared_under_a_version_that_nobody_writes(self, jobs: Jobs, state: KeyState) -> None:
        put(jobs, INDEX, state, 1)
        assert jobs.key_ring().index_key_of("acme", {1}) is None

    def test_destroyed_versions_are_not_asked_of_kms(self, jobs: Jobs) -> None:
        put(jobs, INDEX, DESTROYED, 1)
        ring = jobs.key_ring()
        before = len(jobs.kms.unwrapped)
        ring.index_keys("acme")
        assert [key_id.version for key_id in jobs.kms.unwrapped[before:]] == [2]


class TestMacKeys:
    """They are the same under every version."""

    def test_a_stale_and_a_fresh_instance_have_the_same(self, jobs: Jobs) -> None:
        stale = jobs.key_ring()
        stale.index_keys("acme")
        jobs.rotate(use="index", tenant_id="acme")
        put(jobs, INDEX, DECRYPT_ONLY, 2)
        put(jobs, INDEX, ACTIVE, 3)
        fresh = jobs.key_ring()
        assert stale.subject_key("acme") == fresh.subject_key("acme")
        assert stale.audit_key("acme") == fresh.audit_key("acme")


class TestOffBoarded:
    """No tenant any more."""

    @pytest.fixture
    def left(self, jobs: Jobs) -> Jobs:
        jobs.off_board("acme")
        return jobs

    def test_it_is_not_found(self, left: Jobs) -> None:
        ring = left.key_ring()
        with pytest.raises(NotFound):
            ring.ensure("acme")
        with pytest.raises(NotFound):
            ring.refuse_off_boarded("acme")

    def test_it_is_not_known(self, left: Jobs) -> None:
        assert not left.key_ring().knows("acme")

    def test_it_gets_no_new_keys(self, left: Jobs) -> None:
        ring = left.key_ring()
        with pytest.raises(NotFound):
            ring.ensure("acme")
        assert {row.state for row in left.store.keys_of("acme").keys} == {DESTROYED}

    def test_none_of_its_keys_is_used(self, left: Jobs) -> None:
        ring = left.key_ring()
        assert ring.index_keys("acme") == {}
        assert ring.read_index_key("acme") == {}
        for version in (1, 2):
            with pytest.raises(KeyUnavailable):
                ring.branch_key("acme", version)

    def test_its_refusals_are_authenticated_by_the_vault_s_key(self, left: Jobs) -> None:
        ring = left.key_ring()
        assert ring.audit_key("acme") == ring.audit_key(None)

    def test_it_is_refused_as_soon_as_it_is_noted_though_its_keys_are_still_there(self, jobs: Jobs) -> None:
        rows = jobs.store.keys_of("acme").keys
        jobs.off_board("acme")
        for row in rows:
            jobs.store.overwrite(row)
        with pytest.raises(NotFound):
            jobs.key_ring().refuse_off_boarded("acme")

    def test_one_that_had_no_keys_is_not_found_either(self, jobs: Jobs) -> None:
        jobs.off_board("nobody")
        with pytest.raises(NotFound):
            jobs.key_ring().ensure("nobody")
        with pytest.raises(NotFound):
            jobs.key_ring().refuse_off_boarded("nobody")

    def test_a_stale_instance_serves_it_no_longer_than_its_age(self, jobs: Jobs) -> None:
        ring = jobs.key_ring()
        ring.active_branch_key("acme")
        jobs.off_board("acme")
        ring.refuse_off_boarded("acme")
        jobs.clock.advance(MAX_AGE)
        with pytest.raises(NotFound):
            ring.refuse_off_boarded("acme")

    def test_an_instance_that_has_met_it_before_its_first_use_finds_it_gone(self, jobs: Jobs) -> None:
        ring = jobs.key_ring()
        assert not ring.knows("late")
        jobs.off_board("late")
        with pytest.raises(NotFound):
            ring.ensure("late")


def rescuing(jobs: Jobs) -> KeyRing:
    """Of a job that moves records on."""
    return jobs.key_ring(unwrapping=UNWRAPPING | {RETIRED})
