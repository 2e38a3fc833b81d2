"""Messages that applications keep: what they cost, who comes at once, what the trail says, a tampered store."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from phone_vault.domain import moments
from phone_vault.local import FunctionError
from tests.integration.support.messages import decrypt, encrypt, message_row, raw, text
from tests.integration.support.numbers import AMERICAN
from tests.integration.support.policy import POLICY
from tests.integration.support.tenants import disabled
from tests.integration.support.threads import at_once
from tests.integration.support.vault import Vault, problem
from tests.integration.support.wire import counts, to

CALLERS = 16
READ_AND_ENTRY = {"dynamodb.BatchGetItem": 1, "dynamodb.PutItem": 1}
READ_AND_TRANSACTION = {"dynamodb.BatchGetItem": 1, "dynamodb.TransactWriteItems": 1}


# What goes over the wire.


def test_a_warm_encrypt_is_a_read_and_an_entry(vault: Vault, tenant: str) -> None:
    encrypt(vault, tenant)
    with vault.sending() as sent:
        encrypt(vault, tenant)
    assert counts(sent) == READ_AND_ENTRY


def test_an_encrypt_that_makes_the_message_key_is_a_read_and_a_transaction(vault: Vault, tenant: str) -> None:
    encrypt(vault, tenant)
    with vault.sending() as sent:
        encrypt(vault, tenant, "another")
    assert counts(sent) == READ_AND_TRANSACTION


def test_a_warm_decrypt_is_a_read_and_an_entry(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant)["message"]
    decrypt(vault, tenant, message)
    with vault.sending() as sent:
        decrypt(vault, tenant, message)
    assert counts(sent) == READ_AND_ENTRY


def test_the_first_decrypt_of_a_day_is_a_read_and_a_transaction(vault: Vault, tenant: str) -> None:
    used, other = encrypt(vault, tenant)["message"], encrypt(vault, tenant, purpose="delivery")["message"]
    decrypt(vault, tenant, used)
    with vault.sending() as sent:
        decrypt(vault, tenant, other, purpose="delivery")
    assert counts(sent) == READ_AND_TRANSACTION


@pytest.mark.parametrize("function", ["Encrypt", "Decrypt"])
def test_a_cold_function_calls_kms_twice(vault: Vault, tenant: str, function: str) -> None:
    message = encrypt(vault, tenant)["message"]
    vault.cloud.restart()
    with vault.sending() as sent:
        decrypt(vault, tenant, message) if function == "Decrypt" else encrypt(vault, tenant)
    assert len(to("kms", sent)) == 2


def test_a_message_of_wrong_shape_is_refused_without_any_key_of_its_tenant(vault: Vault, tenant: str) -> None:
    encrypt(vault, tenant)
    vault.cloud.restart()
    with vault.sending() as sent:
        decrypt(vault, tenant, "AAAA")
    assert tenant not in str([each.body for each in sent])


# At once.


def test_16_first_encrypts_at_once_make_one_key(vault: Vault, tenant: str) -> None:
    answers = at_once(CALLERS, lambda _: encrypt(vault, tenant))
    assert len(vault.rows("RecordKeys", tenant)) == 1
    assert len(vault.rows("Subjects", tenant)) == 1
    assert {decrypt(vault, tenant, each["message"])["number"] for each in answers} == {"+447400123456"}


def test_16_grants_anew_at_once_make_one_generation(vault: Vault, tenant: str) -> None:
    encrypt(vault, tenant, purpose="delivery")
    vault.clock.advance(days=30)
    answers = at_once(CALLERS, lambda _: encrypt(vault, tenant, purpose="delivery"))
    assert message_row(vault, tenant, "delivery")["generation"] == {"N": "2"}
    read = {decrypt(vault, tenant, each["message"], purpose="delivery")["number"] for each in answers}
    assert read == {"+447400123456"}


def test_each_of_16_at_once_has_an_entry(vault: Vault, tenant: str) -> None:
    with vault.audited() as entries:
        at_once(CALLERS, lambda _: encrypt(vault, tenant))
    assert [each["outcome"] for each in entries] == ["encrypted"] * CALLERS


def test_decrypts_at_once_on_the_first_use_of_a_day_store_one_last_use(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant)["message"]
    answers = at_once(CALLERS, lambda _: decrypt(vault, tenant, message))
    assert {each.get("number") for each in answers} == {"+447400123456"}
    assert message_row(vault, tenant)["revision"] == {"N": "2"}


# The audit trail.


def test_an_encrypt_is_entered_with_its_subject_and_purpose(vault: Vault, tenant: str) -> None:
    with vault.audited() as entries:
        encrypt(vault, tenant)
    (entry,) = entries
    assert (entry["function"], entry["outcome"], entry["purpose"]) == ("Encrypt", "encrypted", ["account_security"])
    assert entry["subject_ref"] == message_row(vault, tenant)["subject_ref"]["S"]


def test_a_decrypt_is_entered_with_its_subject_purpose_and_reason(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant)["message"]
    with vault.audited() as entries:
        decrypt(vault, tenant, message, reason="a call back")
    (entry,) = entries
    assert (entry["outcome"], entry["purpose"], entry["reason"]) == ("decrypted", ["account_security"], "a call back")
    assert entry["subject_ref"] == message_row(vault, tenant)["subject_ref"]["S"]


Refused = Callable[[Vault, str, str], Any]
REFUSED: dict[str, tuple[str, Refused]] = {
    "consent": ("consent-required", lambda vault, tenant, _: encrypt(vault, tenant, purpose="marketing_sms")),
    "damaged": ("invalid-message", lambda vault, tenant, message: decrypt(vault, tenant, damaged(message))),
    "ended": (
        "purpose-not-permitted",
        lambda vault, tenant, message: (vault.clock.advance(days=90), decrypt(vault, tenant, message))[1],
    ),
}


@pytest.mark.parametrize(("name", "refused"), REFUSED.values(), ids=list(REFUSED))
def test_a_refusal_says_whom_it_is_about(vault: Vault, tenant: str, name: str, refused: Refused) -> None:
    message = encrypt(vault, tenant)["message"]
    with vault.audited() as entries:
        assert problem(refused(vault, tenant, message)) == name
    (entry,) = entries
    assert (entry["outcome"], entry["problem"]) == ("refused", name)
    assert entry["subject_ref"] == message_row(vault, tenant)["subject_ref"]["S"]


def damaged(message: str) -> str:
    """In its last byte: the header is whole, and says whose it is."""
    changed = bytearray(raw({"message": message}))
    changed[-1] ^= 1
    return text(bytes(changed))


def test_no_entry_has_anything_of_a_message(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant)["message"]
    with vault.audited() as entries:
        decrypt(vault, tenant, message)
    assert message[-24:] not in str(entries)


@pytest.mark.parametrize("function", ["Encrypt", "Decrypt"])
def test_without_an_entry_there_is_no_answer(vault: Vault, tenant: str, function: str) -> None:
    message = encrypt(vault, tenant)["message"]
    decrypt(vault, tenant, message)
    with vault.denied(function, "dynamodb:PutItem"):
        answer = decrypt(vault, tenant, message) if function == "Decrypt" else encrypt(vault, tenant)
    assert problem(answer) == "audit-unavailable"


def test_without_an_entry_no_message_key_is_made(vault: Vault, tenant: str) -> None:
    encrypt(vault, tenant)
    before = vault.tables(tenant)
    with vault.denied("Encrypt", "dynamodb:PutItem", "arn:aws:dynamodb:*:*:table/phone-vault-AuditTrail"):
        assert problem(encrypt(vault, tenant, "another")) == "audit-unavailable"
    assert vault.tables(tenant) == before


@pytest.mark.parametrize("function", ["Encrypt", "Decrypt"])
def test_a_disabled_kek_stops_a_warm_function_within_the_cache_age(vault: Vault, tenant: str, function: str) -> None:
    message = encrypt(vault, tenant)["message"]
    decrypt(vault, tenant, message)
    with disabled(vault, vault.cloud.outputs["KekId"]), vault.audited() as entries:
        vault.clock.advance(seconds=300)
        answer = decrypt(vault, tenant, message) if function == "Decrypt" else encrypt(vault, tenant)
    assert problem(answer) == "key-unavailable"
    assert [(each["problem"], each["keyed_by"]) for each in entries] == [("key-unavailable", f"{tenant}/1")]


# A tampered store.


TAMPERED: dict[str, dict[str, Any]] = {
    "wrapped key": {"wrapped_key": {"B": b"\x02 something else"}},
    "no branch version": {"branch_key_version": {"N": "7"}},
    "branch version text": {"branch_key_version": {"S": "one"}},
    "generation text": {"generation": {"S": "one"}},
    "purposes text": {"purposes": {"S": "all"}},
    "last used text": {"last_used": {"S": "never"}},
}


@pytest.mark.parametrize("function", ["Encrypt", "Decrypt"])
@pytest.mark.parametrize("change", TAMPERED.values(), ids=TAMPERED.keys())
def test_a_tampered_message_key_is_a_fault(vault: Vault, tenant: str, change: dict[str, Any], function: str) -> None:
    message = encrypt(vault, tenant)["message"]
    vault.put("RecordKeys", {**message_row(vault, tenant), **change})
    with pytest.raises(FunctionError, match="TamperedStore"):
        decrypt(vault, tenant, message) if function == "Decrypt" else encrypt(vault, tenant)


@pytest.mark.parametrize("purpose", ["account_security", "delivery"], ids=["same purpose", "another purpose"])
def test_a_wrapped_key_of_another_row_is_a_fault(vault: Vault, tenant: str, purpose: str) -> None:
    message = encrypt(vault, tenant)["message"]
    owner = vault.tenant() if purpose == "account_security" else tenant
    encrypt(vault, owner, number=AMERICAN, purpose=purpose)
    stranger = message_row(vault, owner, purpose)
    vault.put("RecordKeys", {**message_row(vault, tenant), "wrapped_key": stranger["wrapped_key"]})
    with pytest.raises(FunctionError, match="TamperedStore"):
        decrypt(vault, tenant, message)


def test_a_whole_row_of_another_tenant_is_a_fault(vault: Vault, tenant: str) -> None:
    message, other = encrypt(vault, tenant)["message"], vault.tenant()
    encrypt(vault, other, number=AMERICAN)
    row = message_row(vault, tenant)
    vault.put("RecordKeys", {**message_row(vault, other), "record_id": row["record_id"]})
    with pytest.raises(FunctionError, match="TamperedStore"):
        decrypt(vault, tenant, message)


def test_a_whole_row_of_another_purpose_is_a_fault(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant)["message"]
    encrypt(vault, tenant, number=AMERICAN, purpose="delivery")
    row = message_row(vault, tenant)
    vault.put("RecordKeys", {**message_row(vault, tenant, "delivery"), "record_id": row["record_id"]})
    with pytest.raises(FunctionError, match="TamperedStore"):
        decrypt(vault, tenant, message)


def test_an_ended_row_of_another_subject_is_a_fault(vault: Vault, tenant: str) -> None:
    """Before its end is looked at."""
    encrypt(vault, tenant, "subject-b", purpose="delivery")
    stranger = message_row(vault, tenant, "delivery")
    vault.clock.advance(days=30)
    other = vault.tenant()
    message = encrypt(vault, other, purpose="delivery")["message"]
    row = message_row(vault, other, "delivery")
    vault.put("RecordKeys", {**stranger, "record_id": row["record_id"]})
    with pytest.raises(FunctionError, match="TamperedStore"):
        decrypt(vault, other, message, purpose="delivery")


def test_an_earlier_key_put_back_reads_no_message_of_the_later_one(vault: Vault, tenant: str) -> None:
    encrypt(vault, tenant, purpose="delivery")
    earlier = message_row(vault, tenant, "delivery")
    vault.clock.advance(days=30)
    message = encrypt(vault, tenant, purpose="delivery")["message"]
    later = message_row(vault, tenant, "delivery")
    vault.put("RecordKeys", {**later, "wrapped_key": earlier["wrapped_key"]})
    assert problem(decrypt(vault, tenant, message, purpose="delivery")) == "invalid-message"


def test_a_generation_set_back_revives_no_message(vault: Vault, tenant: str) -> None:
    """The key of the ended generation is gone: what the row says of its age does not bring it back."""
    old = encrypt(vault, tenant, purpose="delivery")["message"]
    vault.clock.advance(days=30)
    encrypt(vault, tenant, purpose="delivery")
    vault.put("RecordKeys", {**message_row(vault, tenant, "delivery"), "generation": {"N": "1"}})
    assert problem(decrypt(vault, tenant, old, purpose="delivery")) == "invalid-message"


def test_a_message_key_that_was_lost_is_made_anew_although_its_membership_is_still_there(
    vault: Vault, tenant: str
) -> None:
    """As after a restore: the tables come back as of different moments."""
    encrypt(vault, tenant)
    vault.delete("RecordKeys", message_row(vault, tenant))
    message = encrypt(vault, tenant)["message"]
    assert decrypt(vault, tenant, message)["number"] == "+447400123456"


def test_a_default_jurisdiction_that_became_stricter_tightens_whatever_region_the_number_is_of(
    vault: Vault, tenant: str
) -> None:
    """`fraud` is kept 40 days under the GDPR and 20 under the CCPA; the number is British."""
    encrypt(vault, tenant, purpose="fraud")
    vault.protect(tenant, purposes={"fraud": {}})
    vault.replace_policy({**POLICY, "default_jurisdiction": "CCPA"})
    try:
        ends = {
            encrypt(vault, tenant, purpose="fraud")["expires_at"],
            vault.protect(tenant, purposes={"fraud": {}})["expires_at"],
        }
    finally:
        vault.replace_policy(POLICY)
    assert ends == {moments.to_text(vault.clock.now() + timedelta(days=20))}


def test_a_stored_number_and_a_message_of_one_subject_do_not_meet(vault: Vault, tenant: str) -> None:
    token, message = vault.protect(tenant)["token"], encrypt(vault, tenant, number=AMERICAN)["message"]
    assert vault.reveal(tenant, token)["number"] == "+447400123456"
    assert decrypt(vault, tenant, message)["number"] == "+12015550123"


def test_the_row_of_a_message_key_is_no_token(vault: Vault, tenant: str) -> None:
    encrypt(vault, tenant)
    name = message_row(vault, tenant)["record_id"]["S"].partition("#")[2]
    assert problem(vault.reveal(tenant, name)) == "invalid-request"


def test_no_two_messages_are_alike(vault: Vault, tenant: str) -> None:
    messages = [encrypt(vault, tenant)["message"] for _ in range(20)]
    assert all(one != other for one, other in itertools.combinations(messages, 2))


def test_the_trail_is_whole_after_all_that(vault: Vault) -> None:
    assert not vault.broken_entries()
