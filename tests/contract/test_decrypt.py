"""Decrypt, to the letter of the contract."""

import base64
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.integration.support.messages import (
    SUITE,
    client,
    decrypt,
    decrypt_all,
    encrypt,
    invoke_decrypt,
    keys,
    message_key,
    message_row,
    raw,
    text,
)
from tests.integration.support.numbers import AMERICAN, BRITISH
from tests.integration.support.policy import EVERYONE, POLICY, SENDER
from tests.integration.support.vault import Vault, open_vault, problem

MASKED_ONLY = {
    "match": "direct:helpdesk",
    "tenants": EVERYONE,
    "functions": ["Decrypt"],
    "purposes": EVERYONE,
    "views": ["masked"],
}
LONGEST = 4096


@pytest.fixture(scope="module")
def vault() -> Iterator[Vault]:
    with open_vault({**POLICY, "principals": [MASKED_ONLY, *POLICY["principals"]]}) as opened:
        yield opened


def text_at(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def test_the_answer_has_the_number_and_its_expiry(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant)["message"]
    assert decrypt(vault, tenant, message) == {
        "number": "+447400123456",
        "expires_at": text_at(vault.clock.now() + timedelta(days=90)),
    }


def test_a_cold_function_reads_it_too(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant)["message"]
    vault.cloud.restart()
    assert decrypt(vault, tenant, message)["number"] == "+447400123456"


# What a message was not made for.


def test_another_subject_is_refused(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant)["message"]
    encrypt(vault, tenant, "subject-b")
    assert problem(decrypt(vault, tenant, message, "subject-b")) == "invalid-message"


def test_a_subject_that_nobody_knows_is_refused_alike(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant)["message"]
    assert problem(decrypt(vault, tenant, message, "subject-z")) == "invalid-message"


def test_another_purpose_is_refused(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant)["message"]
    encrypt(vault, tenant, purpose="delivery")
    assert problem(decrypt(vault, tenant, message, purpose="delivery")) == "invalid-message"


def test_another_tenant_is_refused(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant)["message"]
    other = vault.tenant()
    encrypt(vault, other)
    assert problem(decrypt(vault, other, message)) == "invalid-message"


def test_a_tenant_that_was_never_used_is_refused_alike(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant)["message"]
    assert problem(decrypt(vault, vault.tenant(), message)) == "invalid-message"


def test_a_message_of_a_stored_number_is_none_of_an_applications(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    (row,) = vault.rows("Numbers", tenant)
    assert problem(decrypt(vault, tenant, text(row["message"]["B"]))) == "invalid-message"


def test_a_message_under_the_key_for_a_later_generation_is_refused(vault: Vault, tenant: str) -> None:
    encrypt(vault, tenant)
    assert problem(decrypt(vault, tenant, text(forged(vault, tenant, generation="2")))) == "invalid-message"


@pytest.mark.parametrize("generation", ["0", "-1", "01", " 1", "1_0", "\u0661", "", "one"])
def test_a_generation_in_another_spelling_is_refused(vault: Vault, tenant: str, generation: str) -> None:
    encrypt(vault, tenant)
    assert problem(decrypt(vault, tenant, text(forged(vault, tenant, generation=generation)))) == "invalid-message"


def test_a_context_with_more_in_it_is_refused(vault: Vault, tenant: str) -> None:
    encrypt(vault, tenant)
    assert problem(decrypt(vault, tenant, text(forged(vault, tenant, colour="red")))) == "invalid-message"


def test_another_use_is_refused(vault: Vault, tenant: str) -> None:
    encrypt(vault, tenant)
    assert problem(decrypt(vault, tenant, text(forged(vault, tenant, use="number")))) == "invalid-message"


def test_what_the_plain_sdk_makes_under_the_very_key_and_context_is_read(vault: Vault, tenant: str) -> None:
    """So that the tests above refuse for what they change, and for nothing else."""
    encrypt(vault, tenant)
    assert decrypt(vault, tenant, text(forged(vault, tenant)))["number"] == "+12015550123"


def forged(vault: Vault, tenant: str, **changes: str) -> bytes:
    """A message under the tenant's own message key, with another context."""
    context = {
        "tenant": tenant,
        "subject": message_row(vault, tenant)["subject_ref"]["S"],
        "purpose": "account_security",
        "generation": "1",
        "use": "message",
        **changes,
    }
    message, _ = client().encrypt(
        source=b"+12015550123",
        key_provider=keys(message=message_key(vault, tenant)),
        encryption_context=context,
        algorithm=SUITE,
    )
    return bytes(message)


# Damage.


def test_a_flipped_bit_in_any_byte_is_refused(vault: Vault, tenant: str) -> None:
    """Another bit of each byte in turn; the unit tests take every bit."""
    message = raw(encrypt(vault, tenant))
    flipped = [message[:at] + bytes([each ^ 1 << at % 8]) + message[at + 1 :] for at, each in enumerate(message)]
    results = decrypt_all(vault, tenant, flipped)
    assert {problem(each) for each in results} == {"invalid-message"}


def test_every_truncation_is_refused(vault: Vault, tenant: str) -> None:
    message = raw(encrypt(vault, tenant))
    results = decrypt_all(vault, tenant, [message[:length] for length in range(len(message))])
    assert {problem(each) for each in results} == {"invalid-message"}


def test_whatever_follows_a_message_has_it_refused(vault: Vault, tenant: str) -> None:
    message = raw(encrypt(vault, tenant))
    tails = [b"\x00", b"=", message, os.urandom(LONGEST - len(message))]
    results = decrypt_all(vault, tenant, [message + tail for tail in tails])
    assert [problem(each) for each in results] == ["invalid-message"] * len(tails)


def test_halves_of_two_messages_are_refused(vault: Vault, tenant: str) -> None:
    one, other = raw(encrypt(vault, tenant)), raw(encrypt(vault, tenant, number=AMERICAN))
    joined = {one[:cut] + other[cut:] for cut in range(len(one))} - {one, other}
    results = decrypt_all(vault, tenant, sorted(joined))
    assert {problem(each) for each in results} == {"invalid-message"}


def test_noise_is_refused(vault: Vault, tenant: str) -> None:
    encrypt(vault, tenant)
    noise = [os.urandom(length) for length in (0, 1, 40, 400, LONGEST)]
    assert {problem(each) for each in decrypt_all(vault, tenant, noise)} == {"invalid-message"}


@pytest.mark.parametrize("length", [LONGEST + 1, LONGEST + 2, 10 * LONGEST])
def test_more_than_4_kb_is_refused(vault: Vault, tenant: str, length: int) -> None:
    message = raw(encrypt(vault, tenant)).ljust(length, b"\x00")
    assert problem(decrypt(vault, tenant, text(message))) == "invalid-message"


def test_more_than_one_encrypted_data_key_is_refused(vault: Vault, tenant: str) -> None:
    encrypt(vault, tenant)
    key = message_key(vault, tenant)
    message, _ = client(data_keys=2).encrypt(
        source=b"+12015550123",
        key_provider=keys(message=key, other=os.urandom(32)),
        encryption_context={
            "tenant": tenant,
            "subject": message_row(vault, tenant)["subject_ref"]["S"],
            "purpose": "account_security",
            "generation": "1",
            "use": "message",
        },
        algorithm=SUITE,
    )
    assert problem(decrypt(vault, tenant, text(message))) == "invalid-message"


@pytest.mark.parametrize("change", ["{}\n", " {}", "{}=", "!{}", "-{}", "{}\u00e9"], ids=repr)
def test_a_message_that_is_not_base64_is_refused(vault: Vault, tenant: str, change: str) -> None:
    message = encrypt(vault, tenant)["message"]
    assert problem(decrypt(vault, tenant, change.format(message))) == "invalid-message"


def test_base64_in_another_spelling_is_refused(vault: Vault, tenant: str) -> None:
    """Bits of the last character that stand for nothing: two texts would be one message."""
    padded = next(text(message) for message in iter(lambda: raw(encrypt(vault, tenant)), None) if len(message) % 3)
    digits = padded.rstrip("=")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = digits[:-1] + alphabet[alphabet.index(digits[-1]) + 1] + "=" * (len(padded) - len(digits))
    assert base64.b64decode(other) == base64.b64decode(padded)
    assert problem(decrypt(vault, tenant, other)) == "invalid-message"


# Time.


def test_a_message_reads_one_second_before_the_end_and_not_at_the_moment(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant, purpose="delivery")["message"]
    vault.clock.advance(days=30, seconds=-1)
    assert "number" in decrypt(vault, tenant, message, purpose="delivery")
    vault.clock.advance(seconds=1)
    assert problem(decrypt(vault, tenant, message, purpose="delivery")) == "purpose-not-permitted"


def test_a_use_moves_the_end_of_what_lasts_from_the_last_use(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant)["message"]
    vault.clock.advance(days=80)
    assert decrypt(vault, tenant, message)["expires_at"] == text_at(vault.clock.now() + timedelta(days=90))


def test_a_use_keeps_all_messages_of_the_subject_and_purpose_alive(vault: Vault, tenant: str) -> None:
    used, kept = encrypt(vault, tenant)["message"], encrypt(vault, tenant, number=AMERICAN)["message"]
    vault.clock.advance(days=80)
    decrypt(vault, tenant, used)
    vault.clock.advance(days=80)
    assert decrypt(vault, tenant, kept)["number"] == "+12015550123"


def test_the_first_use_of_a_day_is_stored_and_no_other(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant)["message"]
    vault.clock.advance(days=1)
    first = text_at(vault.clock.now())
    decrypt(vault, tenant, message)
    vault.clock.advance(hours=1)
    decrypt(vault, tenant, message)
    assert message_row(vault, tenant)["last_used"] == {"M": {"account_security": {"S": first}}}


def test_a_refused_use_is_no_use(vault: Vault, tenant: str) -> None:
    message = raw(encrypt(vault, tenant))
    decrypt(vault, tenant, text(message[:-1] + bytes([message[-1] ^ 1])))
    assert message_row(vault, tenant)["last_used"] == {"M": {}}


# Shape and order.


WRONG: dict[str, dict[str, Any]] = {
    "unknown field": {"colour": "red"},
    "number": {"number": BRITISH},
    "view": {"view": "masked"},
    "token": {"token": "tok_" + "0" * 25},
    "message null": {"message": None},
    "message list": {"message": ["AAAA"]},
    "message object": {"message": {}},
    "purpose null": {"purpose": None},
    "subject with hash": {"subject_id": "a#b"},
    "reason too long": {"reason": "r" * 501},
    "reason with a number": {"reason": "called +12015550123"},
    "reference outside a batch": {"reference": "row 1"},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
def test_a_request_of_wrong_shape_is_refused(vault: Vault, tenant: str, change: dict[str, Any]) -> None:
    request = {"tenant_id": tenant, "subject_id": "s", "message": "AAAA", "purpose": "delivery"}
    assert problem(invoke_decrypt(vault, request | change)) == "invalid-request"


@pytest.mark.parametrize("field", ["subject_id", "message", "purpose"])
def test_a_field_that_is_missing_is_named(vault: Vault, field: str) -> None:
    request = {"subject_id": "s", "message": "AAAA", "purpose": "delivery"}
    del request[field]
    answer = invoke_decrypt(vault, request)
    assert [each["pointer"] for each in answer["problem"]["errors"]] == [f"/{field}"]


FIRST: list[tuple[str, dict[str, Any], str | None]] = [
    ("invalid-request", {"colour": "red", "subject_id": "a@b", "message": "AAAA", "purpose": "x"}, SENDER),
    ("identifier-not-pseudonymous", {"subject_id": "a@b", "message": "AAAA", "purpose": "x"}, SENDER),
    ("invalid-request", {"subject_id": "a b", "message": "AAAA", "purpose": "x"}, SENDER),
    ("invalid-message", {"message": "not base64", "purpose": "x"}, SENDER),
    ("invalid-message", {"message": "AAAA", "purpose": "x"}, SENDER),
    ("invalid-message", {"purpose": "x"}, SENDER),
    ("invalid-message", {"tenant_id": "another"}, SENDER),
    ("principal-not-permitted", {}, SENDER),
    ("invalid-message", {"subject_id": "another"}, None),
]


@pytest.mark.parametrize(("name", "request_", "principal"), FIRST, ids=[str(at) for at in range(len(FIRST))])
def test_of_several_problems_the_contracts_first_is_reported(
    vault: Vault, tenant: str, name: str, request_: dict[str, Any], principal: str | None
) -> None:
    message = encrypt(vault, tenant)["message"]
    vault.clock.advance(days=90)
    request = {"tenant_id": tenant, "subject_id": "subject-a", "message": message, "purpose": "account_security"}
    assert problem(invoke_decrypt(vault, request | request_, principal=principal)) == name


def test_a_purpose_that_nobody_registered_is_reported_for_its_own_message(vault: Vault, tenant: str) -> None:
    encrypt(vault, tenant)
    message = text(forged(vault, tenant, purpose="astrology"))
    assert problem(decrypt(vault, tenant, message, purpose="astrology")) == "purpose-not-registered"


def test_a_key_that_is_gone_is_not_found(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant)["message"]
    vault.delete("RecordKeys", message_row(vault, tenant))
    assert problem(decrypt(vault, tenant, message)) == "not-found"


def test_a_tenant_whose_keys_are_gone_is_not_found(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant)["message"]
    for row in vault.rows("KeyRing", tenant):
        vault.delete("KeyRing", row)
    vault.cloud.restart()
    assert problem(decrypt(vault, tenant, message)) == "not-found"


def test_an_ended_purpose_is_reported_before_a_key_that_is_not_available(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant, purpose="delivery")["message"]
    vault.clock.advance(days=30)
    vault.cloud.restart()
    decrypt(vault, tenant, message, purpose="delivery")  # which needs the subject key, but no message key
    with vault.denied("Decrypt", "kms:Decrypt"):
        assert problem(decrypt(vault, tenant, message, purpose="delivery")) == "purpose-not-permitted"


def test_the_view_full_is_needed(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant)["message"]
    request = {"tenant_id": tenant, "subject_id": "subject-a", "message": message, "purpose": "account_security"}
    assert problem(invoke_decrypt(vault, request, alias="helpdesk")) == "principal-not-permitted"


# Batches.


def test_a_batch_answers_in_order_with_references(vault: Vault, tenant: str) -> None:
    messages = [encrypt(vault, tenant, number=number)["message"] for number in (BRITISH, AMERICAN)]
    items = [{"message": each, "reference": f"row {at}"} for at, each in enumerate(messages)]
    common = {"tenant_id": tenant, "subject_id": "subject-a", "purpose": "account_security"}
    results = invoke_decrypt(vault, {**common, "items": items})["results"]
    assert [(each["reference"], each["number"]) for each in results] == [
        ("row 0", "+447400123456"),
        ("row 1", "+12015550123"),
    ]


def test_one_bad_item_fails_alone(vault: Vault, tenant: str) -> None:
    good = {"message": encrypt(vault, tenant)["message"]}
    items: list[Any] = [good, {"message": "AAAA"}, None, {**good, "subject_id": "another"}, good]
    common = {"tenant_id": tenant, "subject_id": "subject-a", "purpose": "account_security"}
    results = invoke_decrypt(vault, {**common, "items": items})["results"]
    assert [problem(each) for each in results] == [None, "invalid-message", "invalid-request", "invalid-message", None]


def test_a_message_may_be_common_to_all_items(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant)["message"]
    items = [{"subject_id": "subject-a"}, {"subject_id": "subject-b"}]
    common = {"tenant_id": tenant, "message": message, "purpose": "account_security"}
    results = invoke_decrypt(vault, {**common, "items": items})["results"]
    assert [problem(each) for each in results] == [None, "invalid-message"]


def test_a_bad_message_that_is_common_to_all_items_fails_the_request(vault: Vault, tenant: str) -> None:
    common = {"tenant_id": tenant, "subject_id": "subject-a", "purpose": "account_security", "message": "AAAA"}
    assert problem(invoke_decrypt(vault, {**common, "items": [{}, {}]})) == "invalid-message"


def test_a_batch_of_100_reads_and_writes_twice(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant)["message"]
    decrypt(vault, tenant, message)
    with vault.sending() as sent:
        decrypt_all(vault, tenant, [raw({"message": message})] * 100)
    assert [each.operation for each in sent] == ["BatchGetItem", "TransactWriteItems"] * 2
