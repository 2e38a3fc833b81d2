"""What is due, how long caches may be behind, and what a census proves."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from phone_vault.domain.keys import KeyId, KeyState, KeyUse, WrappedKey
from phone_vault.domain.policy import RotationPeriods
from phone_vault.domain.policy_file import parse
from phone_vault.domain.rotation import LEAVING, LONGEST_FUNCTION, Census, is_due, wait_of
from tests.unit.samples import POLICY

CHANGED = datetime(2026, 1, 1, tzinfo=UTC)
WAIT = timedelta(minutes=6)
TICK = timedelta(seconds=1)


def key(use: KeyUse, state: KeyState, version: int = 1) -> WrappedKey:
    """A version that came into its state at `CHANGED`."""
    return WrappedKey(
        KeyId("acme", use, version), b"wrapped", state, CHANGED - timedelta(days=90), "key", changed_at=CHANGED
    )


def census(
    begun_at: datetime = CHANGED + WAIT,
    *,
    on_version: Mapping[str, int] | None = None,
    in_index: Mapping[str, int] | None = None,
    indexed: int = 0,
    unreadable: int = 0,
) -> Census:
    """One of a tenant with ten stored numbers."""
    return Census(
        "acme", begun_at, on_version or {}, 10, 0, in_index=in_index or {}, indexed=indexed, unreadable=unreadable
    )


class TestDue:
    """By the age of the active version."""

    PERIODS = RotationPeriods(branch_days=90, index_days=365)

    @pytest.mark.parametrize(("use", "days"), [(KeyUse.BRANCH, 90), (KeyUse.INDEX, 365)])
    def test_a_version_is_due_at_its_age_and_not_before(self, use: KeyUse, days: int) -> None:
        made = replace(key(use, KeyState.ACTIVE), created_at=CHANGED)
        at = CHANGED + timedelta(days=days)
        assert is_due(made, self.PERIODS, at)
        assert not is_due(made, self.PERIODS, at - TICK)

    def test_its_age_counts_from_its_making_not_from_its_activation(self) -> None:
        made = replace(key(KeyUse.BRANCH, KeyState.ACTIVE), created_at=CHANGED, changed_at=CHANGED + timedelta(days=80))
        assert is_due(made, self.PERIODS, CHANGED + timedelta(days=90))


class TestWait:
    """As long as anybody may act on keys that were read before."""

    def test_it_is_the_cache_age_and_the_longest_invocation(self) -> None:
        policy = parse({**POLICY, "branch_key_cache_seconds": 120})
        assert wait_of(policy) == timedelta(seconds=120) + LONGEST_FUNCTION

    def test_unless_set_it_is_six_minutes(self) -> None:
        assert wait_of(parse(POLICY)) == timedelta(minutes=6)


class TestUnused:
    """What lets a version retire."""

    LEAVING_STATES = ((KeyUse.BRANCH, KeyState.DECRYPT_ONLY), (KeyUse.INDEX, KeyState.CLOSED))

    @pytest.mark.parametrize(("use", "state"), LEAVING_STATES)
    def test_a_census_of_after_the_wait_that_counts_none_proves_it(self, use: KeyUse, state: KeyState) -> None:
        assert census().proves_unused(key(use, state), WAIT)

    @pytest.mark.parametrize(("use", "state"), LEAVING_STATES)
    def test_one_that_began_before_the_wait_was_over_does_not(self, use: KeyUse, state: KeyState) -> None:
        assert not census(CHANGED + WAIT - TICK).proves_unused(key(use, state), WAIT)

    @pytest.mark.parametrize(("use", "state"), LEAVING_STATES)
    def test_a_single_record_on_the_version_refutes_it(self, use: KeyUse, state: KeyState) -> None:
        assert not census(on_version={f"{use}/1": 1}).proves_unused(key(use, state), WAIT)

    def test_records_on_other_versions_do_not(self) -> None:
        others = census(on_version={"branch/2": 9, "branch/11": 9, "index/1": 9})
        assert others.proves_unused(key(KeyUse.BRANCH, KeyState.DECRYPT_ONLY), WAIT)

    def test_a_row_that_does_not_read_may_be_on_any_version(self) -> None:
        assert not census(unreadable=1).proves_unused(key(KeyUse.BRANCH, KeyState.DECRYPT_ONLY), WAIT)

    @pytest.mark.parametrize(
        ("use", "state"),
        [(use, state) for use in KeyUse for state in KeyState if state not in LEAVING[use]],
    )
    def test_a_version_in_another_state_is_not_about_to_leave(self, use: KeyUse, state: KeyState) -> None:
        assert not census().proves_unused(key(use, state), WAIT)

    def test_a_version_of_which_nobody_knows_since_when_is_not_proven_unused(self) -> None:
        undated = replace(key(KeyUse.BRANCH, KeyState.DECRYPT_ONLY), changed_at=None)
        assert not census().proves_unused(undated, WAIT)


class TestFilled:
    """What lets a pending version of the index be read."""

    PENDING = key(KeyUse.INDEX, KeyState.PENDING, version=2)

    def test_every_record_of_the_index_stands_in_it(self) -> None:
        assert census(in_index={"index/1": 7, "index/2": 7}, indexed=7).proves_filled(self.PENDING, WAIT)

    def test_records_outside_the_index_do_not_count(self) -> None:
        assert census(in_index={}, indexed=0).proves_filled(self.PENDING, WAIT)

    def test_one_record_that_lacks_it_refutes_it(self) -> None:
        assert not census(in_index={"index/1": 7, "index/2": 6}, indexed=7).proves_filled(self.PENDING, WAIT)

    def test_no_record_in_it_refutes_it(self) -> None:
        assert not census(in_index={"index/1": 7}, indexed=7).proves_filled(self.PENDING, WAIT)

    def test_entries_without_positions_prove_nothing(self) -> None:
        counted = census(on_version={"index/2": 7}, in_index={"index/1": 7, "index/2": 6}, indexed=7)
        assert not counted.proves_filled(self.PENDING, WAIT)

    def test_a_census_that_began_before_the_wait_was_over_proves_nothing(self) -> None:
        early = census(CHANGED + WAIT - TICK, in_index={"index/2": 7}, indexed=7)
        assert not early.proves_filled(self.PENDING, WAIT)

    def test_a_row_that_does_not_read_may_lack_it(self) -> None:
        assert not census(in_index={"index/2": 7}, indexed=7, unreadable=1).proves_filled(self.PENDING, WAIT)


def test_records_are_counted_by_use_and_version() -> None:
    counted = census(on_version={"branch/1": 3, "index/1": 4})
    assert counted.records_on(KeyId("acme", KeyUse.BRANCH, 1)) == 3
    assert counted.records_on(KeyId("acme", KeyUse.INDEX, 1)) == 4
    assert counted.records_on(KeyId("acme", KeyUse.INDEX, 2)) == 0
