"""Row "Erase" of the table "What each state allows"."""

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
    WITHDRAWN,
)
from tests.integration.support.vault import Vault, problem

YES = [LIVE, ENDED, WITHDRAWN, OBJECTED, RESTRICTED, ALL_ENDED]


def test_every_state_has_its_cell() -> None:
    assert {*YES, HELD, BLOCKED, SHREDDED} == STATES.keys()


@pytest.mark.parametrize("state", YES)
def test_erase_destroys_number_and_messages(vault: Vault, tenant: str, state: str) -> None:
    it = STATES[state](vault, tenant)
    answer = it.erase()
    assert (answer["erased"], answer["message_keys"], answer["blocked"]) == (1, 1, [])
    assert (problem(it.reveal()), problem(it.decrypt())) == ("erased", "erased")
    assert vault.rows("Numbers", f"{tenant}#") == []


def test_a_hold_blocks_it_and_every_purpose_ends_now(vault: Vault, tenant: str) -> None:
    it = STATES[HELD](vault, tenant)
    answer = it.erase()
    assert (answer["erased"], answer["message_keys"]) == (0, 0)
    assert it.token in [each["token"] for each in answer["blocked"]]
    for purpose in ("delivery", "account_security", "marketing_sms"):
        assert problem(it.reveal(purpose)) == "erased"
    assert "number" in it.reveal("legal_hold", reason=CASE)


def test_what_a_hold_blocked_is_shredded_when_the_last_one_goes(vault: Vault, tenant: str) -> None:
    it = STATES[BLOCKED](vault, tenant)
    it.hold(token=it.token)
    it.hold("release")
    assert "number" in it.reveal("legal_hold", reason=CASE)
    it.hold("release", token=it.token)
    assert problem(it.reveal("legal_hold", reason=CASE)) == "erased"
    assert vault.rows("Numbers", f"{tenant}#") == []
    assert it.protect()["created"]


def test_while_it_is_blocked_it_has_the_same_receipt(vault: Vault, tenant: str) -> None:
    it = STATES[BLOCKED](vault, tenant)
    assert it.receipt()["id"] == it.receipt()["id"]


def test_once_shredded_nothing_is_erased(vault: Vault, tenant: str) -> None:
    assert STATES[SHREDDED](vault, tenant).erase()["erased"] == 0
