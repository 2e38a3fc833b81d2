"""Rows "Reveal, Verify, Decrypt" and "Lookup" of the table "What each state allows"."""

from typing import Any

import pytest

from tests.contract.states.making import (
    ALL_ENDED,
    BLOCKED,
    CANONICAL,
    CASE,
    ENDED,
    HELD,
    LIVE,
    OBJECTED,
    RESTRICTED,
    SHREDDED,
    STATES,
    WITHDRAWN,
    Kept,
    kept,
)
from tests.integration.support.vault import Vault, problem

EXPECTED = {
    LIVE: None,
    ENDED: "purpose-not-permitted",
    WITHDRAWN: "purpose-not-permitted",
    OBJECTED: "purpose-not-permitted",
    RESTRICTED: "restricted",
    HELD: None,
    ALL_ENDED: "purpose-not-permitted",
    BLOCKED: "erased",
    SHREDDED: "erased",
}
FOUND = {LIVE, HELD}
KEPT = [state for state in STATES if state not in (HELD, BLOCKED, SHREDDED)]
"""What a hold can be placed on beside."""
READING = pytest.mark.parametrize("function", ["reveal", "verify", "decrypt"])


def read(it: Kept, function: str, purpose: str = "", **more: Any) -> str | None:
    """The problem; None for the number itself, or that it matches."""
    answer = getattr(it, function)(purpose, **more)
    if problem(answer) is None:
        assert answer.get("number") == CANONICAL or answer.get("match") is True
    return problem(answer)


def test_every_state_has_its_cell() -> None:
    assert EXPECTED.keys() == STATES.keys()


@READING
@pytest.mark.parametrize("state", STATES)
def test_reading_in_each_state(vault: Vault, tenant: str, state: str, function: str) -> None:
    assert read(STATES[state](vault, tenant), function) == EXPECTED[state]


@pytest.mark.parametrize("state", STATES)
def test_looking_up_in_each_state(vault: Vault, tenant: str, state: str) -> None:
    assert STATES[state](vault, tenant).is_found() is (state in FOUND)


@READING
def test_a_purpose_that_ended_leaves_the_others_readable(vault: Vault, tenant: str, function: str) -> None:
    it = STATES[ENDED](vault, tenant)
    if function != "decrypt":  # a message is for one purpose
        assert read(it, function, "account_security") is None


@pytest.mark.parametrize("function", ["reveal", "verify"])
def test_a_restriction_of_a_token_is_that_of_the_number_alone(vault: Vault, tenant: str, function: str) -> None:
    it = kept(vault, tenant)
    it.restrict(token=it.token)
    assert read(it, function) == "restricted"
    assert read(it, "decrypt") is None


@READING
def test_lifted_it_reads_as_before(vault: Vault, tenant: str, function: str) -> None:
    it = STATES[RESTRICTED](vault, tenant)
    it.restrict("lift")
    assert read(it, function) is None
    assert it.is_found()


# For `legal_hold`, with the case as the reason.


@READING
@pytest.mark.parametrize("state", KEPT)
def test_what_is_held_is_read_for_its_case_whatever_else_ended(
    vault: Vault, tenant: str, state: str, function: str
) -> None:
    it = STATES[state](vault, tenant)
    it.hold()
    assert read(it, function, "legal_hold", reason=CASE) is None


@READING
def test_an_erasure_that_a_hold_blocks_leaves_the_case_its_number(vault: Vault, tenant: str, function: str) -> None:
    it = STATES[BLOCKED](vault, tenant)
    assert read(it, function, "legal_hold", reason=CASE) is None


@READING
@pytest.mark.parametrize("state", [LIVE, SHREDDED])
def test_what_is_not_held_is_not_read_for_a_case(vault: Vault, tenant: str, state: str, function: str) -> None:
    it = STATES[state](vault, tenant)
    expected = "purpose-not-permitted" if state == LIVE else "erased"
    assert read(it, function, "legal_hold", reason=CASE) == expected


@READING
@pytest.mark.parametrize("reason", ["another case", None])
def test_what_is_held_is_not_read_for_another_case(
    vault: Vault, tenant: str, reason: str | None, function: str
) -> None:
    it = STATES[HELD](vault, tenant)
    more = {} if reason is None else {"reason": reason}
    assert read(it, function, "legal_hold", **more) == "purpose-not-permitted"


@READING
def test_a_released_case_reads_nothing_any_more(vault: Vault, tenant: str, function: str) -> None:
    it = STATES[HELD](vault, tenant)
    it.hold("release")
    assert read(it, function, "legal_hold", reason=CASE) == "purpose-not-permitted"
    assert read(it, function) is None


def test_of_a_hold_on_a_token_the_subjects_messages_are_not_held(vault: Vault, tenant: str) -> None:
    it = kept(vault, tenant)
    it.hold(token=it.token)
    assert read(it, "reveal", "legal_hold", reason=CASE) is None
    assert read(it, "decrypt", "legal_hold", reason=CASE) == "purpose-not-permitted"


@READING
def test_a_withdrawal_reaches_every_instance_at_once(vault: Vault, tenant: str, function: str) -> None:
    it = kept(vault, tenant, "marketing_sms")
    assert read(it, function) is None  # the instance is warm, and has used the record before
    it.withdraw()
    assert read(it, function) == "purpose-not-permitted"


@READING
def test_once_its_tombstone_is_silent_a_shredded_number_is_not_found(vault: Vault, tenant: str, function: str) -> None:
    it = STATES[SHREDDED](vault, tenant)
    vault.clock.advance(days=90)
    assert read(it, function) == "not-found"
