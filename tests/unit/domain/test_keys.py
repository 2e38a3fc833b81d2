"""The states of key versions, and the transitions that exist."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from phone_vault.domain.identifiers import TENANT_ID
from phone_vault.domain.keys import (
    FIRST_USES,
    INDEXING,
    UNWRAPPING,
    VAULT,
    WRAPPED_TOGETHER,
    KeyId,
    KeyState,
    KeyUse,
    TenantKeys,
    WrappedKey,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=90)

PENDING, ACTIVE, DECRYPT_ONLY, CLOSED, RETIRED, DESTROYED = KeyState
TRANSITIONS = {
    (PENDING, ACTIVE),
    (PENDING, CLOSED),
    (ACTIVE, DECRYPT_ONLY),
    (DECRYPT_ONLY, CLOSED),
    (DECRYPT_ONLY, RETIRED),
    (CLOSED, RETIRED),
    *((state, DESTROYED) for state in KeyState if state is not DESTROYED),
}
EVERY_PAIR = [(before, after) for before in KeyState for after in KeyState]


def key(state: KeyState = ACTIVE, version: int = 1, use: KeyUse = KeyUse.BRANCH) -> WrappedKey:
    """A version of the tenant `acme`."""
    return WrappedKey(KeyId("acme", use, version), b"wrapped", state, NOW, "the KMS key", proof=b"proof")


@pytest.mark.parametrize(("before", "after"), sorted(TRANSITIONS))
def test_a_transition_that_exists_is_dated(before: KeyState, after: KeyState) -> None:
    moved = key(before).in_state(after, LATER)
    assert (moved.state, moved.changed_at, moved.created_at) == (after, LATER, NOW)


@pytest.mark.parametrize(("before", "after"), [pair for pair in EVERY_PAIR if pair not in TRANSITIONS])
def test_a_transition_that_does_not_exist_is_refused_by_name(before: KeyState, after: KeyState) -> None:
    with pytest.raises(ValueError, match=f"no transition from {before} to {after}"):
        key(before).in_state(after, LATER)


def test_a_destroyed_version_has_no_bytes_left() -> None:
    assert key(RETIRED).in_state(DESTROYED, LATER).wrapped == b""


@pytest.mark.parametrize(("before", "after"), sorted(pair for pair in TRANSITIONS if pair[1] is not DESTROYED))
def test_every_other_transition_keeps_all_but_state_and_date(before: KeyState, after: KeyState) -> None:
    assert replace(key(before).in_state(after, LATER), state=before, changed_at=None) == key(before)


def test_record_keys_are_read_under_versions_that_wrap_or_have_wrapped() -> None:
    assert {ACTIVE, DECRYPT_ONLY} == UNWRAPPING


def test_entries_are_written_for_versions_that_somebody_may_read() -> None:
    assert {PENDING, ACTIVE, DECRYPT_ONLY} == INDEXING


def test_a_row_lies_wrapped_since_it_was_made_or_moved() -> None:
    assert key().wrapped_at == NOW
    assert replace(key(), moved_at=LATER).wrapped_at == LATER


def test_a_version_is_bound_to_its_tenant_use_and_number() -> None:
    assert KeyId("acme", KeyUse.INDEX, 7).encryption_context == {"tenant": "acme", "use": "index", "version": "7"}


def test_a_version_has_a_name_in_the_table_and_one_in_a_census() -> None:
    key_id = KeyId("acme", KeyUse.INDEX, 7)
    assert (key_id.name, key_id.path) == ("index#7", "acme/index/7")


def test_versions_count_up() -> None:
    assert KeyId("acme", KeyUse.BRANCH, 1).next() == KeyId("acme", KeyUse.BRANCH, 2)


def test_the_vault_is_no_tenant() -> None:
    assert not TENANT_ID.fullmatch(VAULT)


def test_every_use_says_which_keys_its_rows_wrap_and_its_own_comes_first() -> None:
    assert {use: together[0] for use, together in WRAPPED_TOGETHER.items()} == {use: use for use in KeyUse}


def test_what_rows_share_is_made_with_the_first_keys() -> None:
    assert {use for first in FIRST_USES for use in WRAPPED_TOGETHER[first]} == set(FIRST_USES)


class TestTenantKeys:
    """Several versions beside each other."""

    KEYS = TenantKeys(
        (
            key(PENDING, 10),
            key(DECRYPT_ONLY, 2),
            key(ACTIVE, 9),
            key(RETIRED, 1),
            key(ACTIVE, 1, KeyUse.INDEX),
        )
    )

    def test_they_come_oldest_first_by_number(self) -> None:
        assert [each.key_id.version for each in self.KEYS.of_use(KeyUse.BRANCH)] == [1, 2, 9, 10]

    def test_one_is_active(self) -> None:
        assert self.KEYS.active(KeyUse.BRANCH) == key(ACTIVE, 9)

    def test_of_two_that_say_so_the_newer_is(self) -> None:
        assert TenantKeys((key(ACTIVE, 2), key(ACTIVE, 10))).active(KeyUse.BRANCH) == key(ACTIVE, 10)

    def test_one_is_pending(self) -> None:
        assert self.KEYS.pending(KeyUse.BRANCH) == key(PENDING, 10)
        assert self.KEYS.pending(KeyUse.INDEX) is None

    def test_a_version_is_found_by_its_id(self) -> None:
        assert self.KEYS.version(KeyId("acme", KeyUse.BRANCH, 2)) == key(DECRYPT_ONLY, 2)
        assert self.KEYS.version(KeyId("acme", KeyUse.BRANCH, 3)) is None

    def test_a_tenant_without_keys_has_none_of_any_kind(self) -> None:
        assert TenantKeys().active(KeyUse.BRANCH) is None
        assert TenantKeys().of_use(KeyUse.BRANCH) == []
