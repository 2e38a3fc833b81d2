"""Row "purge" of the table "What each state allows"."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.states.making import (
    ALL_ENDED,
    BLOCKED,
    CASE,
    ENDED,
    HELD,
    LIVE,
    OBJECTED,
    RESTRICTED,
    SHREDDED,
    STATES,
    SUBJECT,
    WITHDRAWN,
    Kept,
    consent,
)
from tests.integration.support.policy import POLICY
from tests.integration.support.vault import Vault, open_vault, problem

DROPPED = [ENDED, WITHDRAWN, OBJECTED]


@pytest.fixture(scope="module")
def vault() -> Iterator[Vault]:
    """No share of a tenant's numbers is too large to be purged unseen; and every purge looks at few days."""
    policy = copy.deepcopy({**POLICY, "circuit_breaker": 1.0})
    policy["purposes"]["account_security"]["retention"]["days"] = 32
    policy["purposes"]["marketing_sms"]["retention"] = {"days": 34, "from": "consent"}
    with open_vault(policy) as opened:
        yield opened


def purge(vault: Vault) -> Any:
    return vault.cloud.execute("Purge", {})


def purposes(it: Kept) -> set[str]:
    """That the number's row still names."""
    (row,) = it.vault.rows("RecordKeys", f"{it.tenant}#{it.token}")
    return set(row["purposes"]["M"])


def is_swept(it: Kept) -> bool:
    rows = [row for row in it.vault.rows("RecordKeys", f"{it.tenant}#") if "swept" not in row]
    left = [it.vault.rows(table, f"{it.tenant}#") for table in ("Numbers", "LookupIndex")]
    members = [row for row in it.vault.rows("Subjects", f"{it.tenant}#") if row["member"]["S"][:2] in ("t#", "m#")]
    return not rows and left == [[], []] and not members


def test_every_state_has_its_cell() -> None:
    assert {LIVE, *DROPPED, RESTRICTED, HELD, ALL_ENDED, BLOCKED, SHREDDED} == STATES.keys()


def test_what_is_live_is_not_purged(vault: Vault, tenant: str) -> None:
    STATES[LIVE](vault, tenant)
    before = vault.tables(tenant)
    purge(vault)
    assert vault.tables(tenant) == before


@pytest.mark.parametrize("state", DROPPED)
def test_a_purpose_that_ended_is_dropped_and_the_others_stay(vault: Vault, tenant: str, state: str) -> None:
    it = STATES[state](vault, tenant)
    kept = purposes(it) - {it.purpose}
    purge(vault)
    assert purposes(it) == kept
    assert "number" in it.reveal("account_security")
    assert problem(it.decrypt()) == "erased"


def test_an_objection_outlives_the_purge_of_its_purpose(vault: Vault, tenant: str) -> None:
    it = STATES[OBJECTED](vault, tenant)
    purge(vault)
    vault.clock.advance(days=1)
    assert problem(it.protect()) == "purpose-not-permitted"


def test_a_withdrawal_outlives_the_purge_of_its_purpose(vault: Vault, tenant: str) -> None:
    STATES[WITHDRAWN](vault, tenant)
    stale = {"marketing_sms": {"consent": consent(vault, days=1)}}
    purge(vault)
    assert problem(vault.protect(tenant, SUBJECT, purposes=stale)) == "consent-required"


@pytest.mark.parametrize("state", [RESTRICTED, HELD])
def test_what_is_restricted_or_held_is_kept_past_its_end(vault: Vault, tenant: str, state: str) -> None:
    it = STATES[state](vault, tenant)
    it.pass_its_end()
    purge(vault)
    assert len(vault.rows("Numbers", f"{tenant}#")) == 1
    it.hold(token=it.token)
    assert "number" in it.reveal("legal_hold", reason=CASE)


@pytest.mark.parametrize(("state", "action"), [(RESTRICTED, "lift"), (HELD, "release")])
def test_once_nothing_keeps_it_the_next_purge_takes_it(vault: Vault, tenant: str, state: str, action: str) -> None:
    it = STATES[state](vault, tenant)
    it.pass_its_end()
    purge(vault)
    vault.clock.advance(days=20)
    purge(vault)
    _ = it.restrict(action) if state == RESTRICTED else it.hold(action)
    purge(vault)
    assert problem(it.reveal()) == "erased"
    assert is_swept(it)


def test_what_has_ended_wholly_is_purged(vault: Vault, tenant: str) -> None:
    it = STATES[ALL_ENDED](vault, tenant)
    assert purge(vault)["purged"] >= 1
    assert (problem(it.reveal()), problem(it.decrypt())) == ("erased", "erased")
    assert is_swept(it)


def test_an_erasure_that_a_hold_blocks_waits_for_it(vault: Vault, tenant: str) -> None:
    it = STATES[BLOCKED](vault, tenant)
    vault.clock.advance(days=1)
    purge(vault)
    assert "number" in it.reveal("legal_hold", reason=CASE)


@pytest.mark.parametrize("denied", ["dynamodb:DeleteItem", "kms:Sign"])
def test_an_erasure_is_finished_by_a_purge_if_the_release_of_its_hold_could_not(
    vault: Vault, tenant: str, denied: str
) -> None:
    it = STATES[BLOCKED](vault, tenant)
    vault.clock.advance(days=20)
    with vault.denied("Hold", denied):
        answer = vault.invoke(
            "Hold", {"tenant_id": tenant, "subject_id": SUBJECT, "action": "release", "case_id": CASE}
        )
        assert problem(answer) in ("store-unavailable", "key-unavailable")
    purge(vault)
    assert is_swept(it)


def test_what_was_shredded_and_not_swept_is_swept(vault: Vault, tenant: str) -> None:
    it = STATES[LIVE](vault, tenant)
    with vault.denied("Erase", "dynamodb:DeleteItem"):
        assert problem(it.erase()) == "store-unavailable"
    assert not is_swept(it)
    purge(vault)
    assert is_swept(it)


def test_of_what_is_shredded_and_swept_nothing_is_left_to_do(vault: Vault, tenant: str) -> None:
    it = STATES[SHREDDED](vault, tenant)
    before = vault.tables(tenant)
    purge(vault)
    assert vault.tables(tenant) == before
    assert problem(it.reveal()) == "erased"
