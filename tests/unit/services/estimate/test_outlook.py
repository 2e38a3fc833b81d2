"""The key versions of a tenant as a rotation will find and leave them."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from phone_vault.domain.inventory import KeyVersion, OffBoarded, RingRow
from phone_vault.domain.keys import VAULT, KeyId, KeyState, KeyUse
from phone_vault.domain.policy_file import parse
from phone_vault.services.estimate.outlook import Outlook, Wanted, outlooks_of
from tests.unit.samples import POLICY

NOW = datetime(2027, 6, 1, tzinfo=UTC)
DUE, NOT_DUE = NOW - timedelta(days=400), NOW - timedelta(days=1)


def version(
    use: KeyUse,
    number: int = 1,
    state: KeyState = KeyState.ACTIVE,
    made: datetime = NOT_DUE,
    tenant: str = "acme",
) -> KeyVersion:
    return KeyVersion(KeyId(tenant, use, number), state, made, "kek")


def expected(ring: Iterable[RingRow | None], wanted: Wanted | None = None, tenant: str = "acme") -> Outlook:
    return outlooks_of(ring, parse(POLICY), "kek", wanted or Wanted(), NOW)[tenant]


BOTH = [version(KeyUse.BRANCH), version(KeyUse.INDEX)]
BOTH_DUE = [version(KeyUse.BRANCH, made=DUE), version(KeyUse.INDEX, made=DUE)]


def test_what_is_not_due_stays() -> None:
    found = expected(BOTH)
    assert (found.made, found.active_branch, found.live_index, found.dead_index) == (set(), 1, {1}, set())


def test_what_is_due_is_made() -> None:
    found = expected(BOTH_DUE)
    assert found.made == {KeyUse.BRANCH, KeyUse.INDEX}
    assert (found.active_branch, found.leaving_branch) == (2, {1})
    assert (found.live_index, found.pending_index, found.dead_index) == ({1, 2}, 2, {1})


def test_a_use_that_is_named_is_made_now_and_the_other_is_not() -> None:
    assert expected(BOTH, Wanted(use=KeyUse.INDEX)).made == {KeyUse.INDEX}
    assert expected(BOTH_DUE, Wanted(use=KeyUse.BRANCH)).made == {KeyUse.BRANCH}


def test_a_compromise_makes_both_now() -> None:
    found = expected(BOTH, Wanted(is_compromised=True))
    assert (found.made, found.is_compromised) == ({KeyUse.BRANCH, KeyUse.INDEX}, True)


def test_another_tenant_than_the_one_that_is_named_stays() -> None:
    assert expected(BOTH_DUE, Wanted(tenant_id="other")).made == set()


def test_without_new_keys_none_is_made() -> None:
    assert expected(BOTH_DUE, Wanted(makes_keys=False)).made == set()


def test_an_index_version_that_is_pending_is_not_made_twice() -> None:
    pending = version(KeyUse.INDEX, 2, KeyState.PENDING)
    found = expected([*BOTH_DUE, pending])
    assert (found.made, found.found_pending, found.pending_index) == ({KeyUse.BRANCH}, {KeyUse.INDEX}, 2)


def test_records_leave_versions_that_are_gone() -> None:
    states = {1: KeyState.DESTROYED, 2: KeyState.RETIRED, 3: KeyState.CLOSED, 4: KeyState.DECRYPT_ONLY}
    old = [version(KeyUse.INDEX, number, state) for number, state in states.items()]
    found = expected([version(KeyUse.BRANCH), *old, version(KeyUse.INDEX, 5)])
    assert (found.live_index, found.dead_index, found.leaving_index) == ({4, 5}, {1, 2, 3, 4}, {3, 4})


def test_a_compromised_version_that_is_still_in_use_is_seen() -> None:
    old = replace(version(KeyUse.BRANCH, 1, KeyState.DECRYPT_ONLY), compromised=True)
    assert expected([old, version(KeyUse.BRANCH, 2), version(KeyUse.INDEX)]).is_compromised


def test_a_tenant_that_has_left_is_not_served() -> None:
    assert not expected([*BOTH_DUE, OffBoarded("acme", NOW)]).is_served


def test_the_vault_itself_is_no_tenant() -> None:
    assert not expected([version(KeyUse.AUDIT, tenant=VAULT)], tenant=VAULT).is_served


def test_rows_that_do_not_read_are_left_out() -> None:
    assert expected([None, *BOTH]).ring_rows == 2
