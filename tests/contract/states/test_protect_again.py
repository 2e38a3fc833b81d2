"""Row "Protect again" of the table "What each state allows", and Encrypt, which follows it."""

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
    consent,
    kept,
)
from tests.integration.support.messages import decrypt, encrypt
from tests.integration.support.numbers import AMERICAN
from tests.integration.support.vault import Vault, problem

REFUSED = {OBJECTED: "purpose-not-permitted", RESTRICTED: "restricted", BLOCKED: "conflict"}
GRANTED = [LIVE, ENDED, WITHDRAWN, HELD, ALL_ENDED]
GRANTED_ANEW = [ENDED, WITHDRAWN, ALL_ENDED]


def test_every_state_has_its_cell() -> None:
    assert {*REFUSED, *GRANTED, SHREDDED} == STATES.keys()


# Protect.


@pytest.mark.parametrize("state", GRANTED)
def test_protect_again_keeps_the_token_and_makes_it_usable(vault: Vault, tenant: str, state: str) -> None:
    it = STATES[state](vault, tenant)
    answer = it.protect()
    assert (answer["token"], answer["created"]) == (it.token, False)
    assert "number" in it.reveal()


@pytest.mark.parametrize("state", REFUSED)
def test_protect_again_is_refused(vault: Vault, tenant: str, state: str) -> None:
    it = STATES[state](vault, tenant)
    before = vault.tables(tenant)
    assert problem(it.protect()) == REFUSED[state]
    assert vault.tables(tenant) == before


def test_protect_after_the_shredding_gives_a_new_token(vault: Vault, tenant: str) -> None:
    it = STATES[SHREDDED](vault, tenant)
    answer = it.protect()
    assert (answer["created"], answer["token"] != it.token) == (True, True)
    assert problem(it.reveal()) == "erased"
    assert "number" in vault.reveal(tenant, answer["token"], it.purpose)


def test_a_live_purpose_keeps_its_start(vault: Vault, tenant: str) -> None:
    it = kept(vault, tenant)
    before = it.protect()["purposes"][it.purpose]
    vault.clock.advance(days=5)
    assert it.protect()["purposes"][it.purpose] == before


def test_a_newer_consent_moves_a_live_purpose(vault: Vault, tenant: str) -> None:
    it = kept(vault, tenant, "marketing_sms")
    before = it.reveal(view="masked")["expires_at"]
    assert it.protect()["purposes"][it.purpose]["expires_at"] > before


@pytest.mark.parametrize("whom", ["subject", "token"])
def test_a_withdrawn_purpose_needs_a_consent_that_is_newer(vault: Vault, tenant: str, whom: str) -> None:
    it = kept(vault, tenant, "marketing_sms")
    it.withdraw(**({"subject_id": SUBJECT} if whom == "subject" else {"token": it.token}))
    for ago in (0, 1):  # of the withdrawal's own second, and of before
        purposes = {"marketing_sms": {"consent": consent(vault, seconds=ago)}}
        assert problem(vault.protect(tenant, SUBJECT, purposes=purposes)) == "consent-required"
    assert problem(vault.protect(tenant, SUBJECT, purposes={"marketing_sms": {}})) == "consent-required"
    vault.clock.advance(seconds=1)
    assert "marketing_sms" in it.protect()["purposes"]


def test_what_ended_before_does_not_come_back_with_another_purpose(vault: Vault, tenant: str) -> None:
    it = STATES[ALL_ENDED](vault, tenant)
    assert it.protect("account_security")["purposes"].keys() == {"account_security"}
    assert problem(it.reveal("delivery")) == "purpose-not-permitted"


def test_what_is_protected_again_stays_held(vault: Vault, tenant: str) -> None:
    it = STATES[HELD](vault, tenant)
    it.protect("account_security")
    assert "number" in it.reveal("legal_hold", reason=CASE)


def test_a_restricted_token_leaves_the_subjects_other_numbers_free(vault: Vault, tenant: str) -> None:
    it = kept(vault, tenant)
    it.restrict(token=it.token)
    assert problem(it.protect()) == "restricted"
    assert it.protect(number=AMERICAN)["created"]


def test_lifted_it_is_protected_again(vault: Vault, tenant: str) -> None:
    it = STATES[RESTRICTED](vault, tenant)
    it.restrict("lift")
    assert it.protect()["token"] == it.token


# Numbers that are stored later.


@pytest.mark.parametrize(
    ("state", "expected"),
    [(LIVE, None), (ENDED, None), (RESTRICTED, "restricted"), (HELD, None), (ALL_ENDED, None), (BLOCKED, "conflict")],
)
def test_another_number_of_the_subject(vault: Vault, tenant: str, state: str, expected: str | None) -> None:
    assert problem(STATES[state](vault, tenant).protect(number=AMERICAN)) == expected


def test_another_number_of_a_held_subject_is_held(vault: Vault, tenant: str) -> None:
    it = STATES[HELD](vault, tenant)
    token = it.protect(number=AMERICAN)["token"]
    assert "number" in vault.reveal(tenant, token, "legal_hold", reason=CASE)
    it.hold("release")
    assert problem(vault.reveal(tenant, token, "legal_hold", reason=CASE)) == "purpose-not-permitted"


def test_another_number_after_a_withdrawal_needs_a_newer_consent(vault: Vault, tenant: str) -> None:
    it = STATES[WITHDRAWN](vault, tenant)
    stale = {"marketing_sms": {"consent": consent(vault, days=1)}}
    assert problem(vault.protect(tenant, SUBJECT, AMERICAN, stale)) == "consent-required"
    assert it.protect("delivery", number=AMERICAN)["created"]
    assert problem(vault.protect(tenant, SUBJECT, AMERICAN, stale)) == "consent-required"
    assert "marketing_sms" in it.protect(number=AMERICAN)["purposes"]


def test_of_a_subject_that_is_being_erased_no_number_is_taken(vault: Vault, tenant: str) -> None:
    """The instance that erases was stopped between its first write and the destruction."""
    it = kept(vault, tenant)
    with vault.denied("Erase", "dynamodb:UpdateItem"):
        assert problem(it.erase()) == "store-unavailable"
    assert problem(it.protect(number=AMERICAN)) == "conflict"
    assert it.erase()["erased"] == 1
    assert it.protect(number=AMERICAN)["created"]


# Encrypt.


@pytest.mark.parametrize("state", [*GRANTED, SHREDDED])
def test_encrypt_again_makes_a_message_that_is_readable(vault: Vault, tenant: str, state: str) -> None:
    it = STATES[state](vault, tenant)
    message = it.encrypt()["message"]
    assert "number" in decrypt(vault, tenant, message, SUBJECT, it.purpose)


@pytest.mark.parametrize("state", REFUSED)
def test_encrypt_again_is_refused(vault: Vault, tenant: str, state: str) -> None:
    it = STATES[state](vault, tenant)
    before = vault.tables(tenant)
    assert problem(it.encrypt()) == REFUSED[state]
    assert vault.tables(tenant) == before


@pytest.mark.parametrize("state", [*GRANTED_ANEW, SHREDDED])
def test_a_message_key_granted_anew_revives_no_message(vault: Vault, tenant: str, state: str) -> None:
    it = STATES[state](vault, tenant)
    it.encrypt()
    assert problem(it.decrypt()) == "purpose-not-permitted"


@pytest.mark.parametrize("state", [LIVE, HELD])
def test_a_live_message_key_keeps_its_messages_readable(vault: Vault, tenant: str, state: str) -> None:
    it = STATES[state](vault, tenant)
    it.encrypt()
    assert "number" in it.decrypt()


def test_a_message_key_of_a_withdrawn_consent_needs_a_newer_one(vault: Vault, tenant: str) -> None:
    it = STATES[WITHDRAWN](vault, tenant)
    stale = encrypt(vault, tenant, SUBJECT, purpose=it.purpose, consent=consent(vault, days=1))
    assert problem(stale) == "consent-required"
    assert problem(encrypt(vault, tenant, SUBJECT, purpose=it.purpose)) == "consent-required"


def test_a_consent_granted_by_consent_revives_no_message_either(vault: Vault, tenant: str) -> None:
    it = STATES[WITHDRAWN](vault, tenant)
    grant = {"subject_id": SUBJECT, "purpose": it.purpose, "action": "grant", **consent(vault)}
    it.done(vault.invoke("Consent", {"tenant_id": tenant, **grant}))
    assert problem(it.decrypt()) == "purpose-not-permitted"
    message = encrypt(vault, tenant, SUBJECT, purpose=it.purpose)["message"]
    assert "number" in decrypt(vault, tenant, message, SUBJECT, it.purpose)


@pytest.mark.parametrize(("state", "expected"), [(HELD, None), (RESTRICTED, "restricted"), (BLOCKED, "conflict")])
def test_a_first_message_key_for_another_purpose(vault: Vault, tenant: str, state: str, expected: str | None) -> None:
    it = STATES[state](vault, tenant)
    answer = it.encrypt("account_security")
    assert problem(answer) == expected
    if expected is None:
        read = decrypt(vault, tenant, answer["message"], SUBJECT, "legal_hold", reason=CASE)
        assert "number" in read
