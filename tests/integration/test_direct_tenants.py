"""Direct wrapping: KMS itself wraps each record key, so that each reveal is a call of KMS that says what for."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from phone_vault.local import FunctionError
from tests.integration.support.messages import decrypt, decrypt_all, encrypt, message_row, raw
from tests.integration.support.roles import role_client
from tests.integration.support.tenants import disabled, error_code, with_tenants
from tests.integration.support.vault import Vault, open_vault, problem
from tests.integration.support.wire import Sent, to

_NAMES = itertools.count(1)


@pytest.fixture(scope="module")
def vault() -> Iterator[Vault]:
    with open_vault(with_tenants({f"direct-{number}": {"wrapping": "direct"} for number in range(1, 60)})) as opened:
        yield opened


@pytest.fixture
def tenant() -> str:
    """Of direct wrapping, and used by nobody yet."""
    return f"direct-{next(_NAMES)}"


def contexts(sent: list[Sent], operation: str) -> list[dict[str, str]]:
    """Of the calls of KMS among these requests."""
    return [dict(each.body["EncryptionContext"]) for each in to("kms", sent) if each.operation == operation]


def kek(vault: Vault) -> str:
    return vault.cloud.outputs["KekId"]


# What goes over the wire.


def test_a_protect_has_kms_wrap_the_record_key_for_tenant_and_token(vault: Vault, tenant: str) -> None:
    vault.protect(tenant, "warm-up")
    with vault.sending() as sent:
        token = vault.protect(tenant)["token"]
    assert contexts(sent, "Encrypt") == [{"tenant": tenant, "token": token}]


def test_a_warm_protect_asks_kms_nothing_else(vault: Vault, tenant: str) -> None:
    vault.protect(tenant, "warm-up")
    with vault.sending() as sent:
        vault.protect(tenant)
    assert len(to("kms", sent)) == 1


def test_a_reveal_is_one_call_of_kms_for_tenant_and_token(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    vault.reveal(tenant, token)
    with vault.sending() as sent:
        assert vault.reveal(tenant, token)["number"] == "+447400123456"
    assert [each.body["EncryptionContext"] for each in to("kms", sent)] == [{"tenant": tenant, "token": token}]


def test_every_reveal_of_a_batch_is_a_call_of_its_own(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    vault.reveal(tenant, token)
    with vault.sending() as sent:
        vault.invoke("Reveal", {"tenant_id": tenant, "purpose": "account_security", "items": [{"token": token}] * 5})
    assert contexts(sent, "Decrypt") == [{"tenant": tenant, "token": token}] * 5


@pytest.mark.parametrize("function", ["Protect", "Reveal", "Encrypt", "Decrypt"])
def test_a_cold_function_calls_kms_twice_at_most(vault: Vault, tenant: str, function: str) -> None:
    token, message = vault.protect(tenant)["token"], encrypt(vault, tenant)["message"]
    vault.cloud.restart()
    calls = {
        "Protect": lambda: vault.protect(tenant, "another"),
        "Reveal": lambda: vault.reveal(tenant, token),
        "Encrypt": lambda: encrypt(vault, tenant),
        "Decrypt": lambda: decrypt(vault, tenant, message),
    }
    with vault.sending() as sent:
        assert problem(calls[function]()) is None
    assert len(to("kms", sent)) <= 2


def test_a_refused_reveal_is_no_call_of_kms(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    vault.reveal(tenant, token)
    with vault.sending() as sent:
        assert problem(vault.reveal(tenant, token, "delivery")) == "purpose-not-permitted"
    assert not to("kms", sent)


def test_a_decrypt_is_one_call_of_kms_for_tenant_and_message_key(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant)["message"]
    decrypt(vault, tenant, message)
    name = message_row(vault, tenant)["record_id"]["S"].removeprefix(f"{tenant}#")
    with vault.sending() as sent:
        assert decrypt(vault, tenant, message)["number"] == "+447400123456"
    assert [each.body["EncryptionContext"] for each in to("kms", sent)] == [{"tenant": tenant, "token": name}]


def test_a_decrypt_that_ends_in_a_refusal_is_no_call_of_kms(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant, purpose="delivery")["message"]
    decrypt(vault, tenant, message, purpose="delivery")
    vault.clock.advance(days=30)
    decrypt(vault, tenant, message, purpose="delivery")  # its keys have grown too old meanwhile
    with vault.sending() as sent:
        assert problem(decrypt(vault, tenant, message, purpose="delivery")) == "purpose-not-permitted"
    assert not to("kms", sent)


def test_a_row_says_that_no_branch_key_wraps_it(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    (row,) = vault.rows("RecordKeys", token)
    assert row["branch_key_version"] == {"N": "0"}


def test_looking_up_and_verifying_need_no_record_key(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    vault.lookup(tenant)
    vault.verify(tenant, token)
    with vault.sending() as sent:
        assert len(vault.lookup(tenant)["matches"]) == 1
        assert vault.verify(tenant, token) == {"match": True}
    assert not to("kms", sent)


# The Kek.


def test_a_disabled_kek_stops_a_warm_reveal_at_once(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    vault.reveal(tenant, token)
    with disabled(vault, kek(vault)):
        assert problem(vault.reveal(tenant, token)) == "key-unavailable"
    assert vault.reveal(tenant, token)["number"] == "+447400123456"


def test_a_disabled_kek_stops_a_warm_protect_at_once_and_nothing_is_stored(vault: Vault, tenant: str) -> None:
    vault.protect(tenant, "warm-up")
    before = vault.tables(tenant)
    with disabled(vault, kek(vault)):
        assert problem(vault.protect(tenant)) == "key-unavailable"
    assert vault.tables(tenant) == before


def test_a_disabled_kek_stops_warm_messages_at_once(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant)["message"]
    decrypt(vault, tenant, message)
    with disabled(vault, kek(vault)):
        answers = [encrypt(vault, tenant), encrypt(vault, tenant, "another"), decrypt(vault, tenant, message)]
    assert [problem(each) for each in answers] == ["key-unavailable"] * 3


def test_a_reveal_that_the_kek_stops_is_audited(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    vault.cloud.restart()
    with disabled(vault, kek(vault)), vault.audited() as entries:
        vault.reveal(tenant, token)
    assert [(each["outcome"], each["problem"], each["token"]) for each in entries] == [
        ("refused", "key-unavailable", [token])
    ]


def test_one_number_that_kms_does_not_serve_fails_alone(vault: Vault, tenant: str) -> None:
    direct = vault.protect(tenant)["token"]
    branch = vault.protect("of-branch-wrapping")["token"]
    vault.reveal("of-branch-wrapping", branch)
    items = [{"tenant_id": tenant, "token": direct}, {"tenant_id": "of-branch-wrapping", "token": branch}]
    with disabled(vault, kek(vault)):
        results = vault.invoke("Reveal", {"purpose": "account_security", "items": items})["results"]
    assert [problem(each) for each in results] == ["key-unavailable", None]


# A tampered store.


def test_record_keys_that_were_swapped_are_a_fault(vault: Vault, tenant: str) -> None:
    one, other = (vault.protect(tenant, subject)["token"] for subject in ("a", "b"))
    (row,), (stranger,) = vault.rows("RecordKeys", one), vault.rows("RecordKeys", other)
    vault.put("RecordKeys", {**row, "wrapped_key": stranger["wrapped_key"]})
    with pytest.raises(FunctionError, match="TamperedStore"):
        vault.reveal(tenant, one)


def test_a_record_key_of_another_tenant_is_a_fault(vault: Vault, tenant: str) -> None:
    other = f"direct-{next(_NAMES)}"
    (row,) = vault.rows("RecordKeys", vault.protect(tenant)["token"])
    (stranger,) = vault.rows("RecordKeys", vault.protect(other)["token"])
    vault.put("RecordKeys", {**row, "wrapped_key": stranger["wrapped_key"]})
    with pytest.raises(FunctionError, match="TamperedStore"):
        vault.reveal(tenant, row["record_id"]["S"].partition("#")[2])


def test_a_row_that_claims_a_branch_key_is_a_fault(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    (row,) = vault.rows("RecordKeys", token)
    vault.put("RecordKeys", {**row, "branch_key_version": {"N": "1"}})
    with pytest.raises(FunctionError, match="TamperedStore"):
        vault.reveal(tenant, token)


def test_a_row_of_branch_wrapping_that_claims_kms_is_a_fault(vault: Vault) -> None:
    token = vault.protect("of-branch-wrapping", "claims")["token"]
    (row,) = vault.rows("RecordKeys", token)
    vault.put("RecordKeys", {**row, "branch_key_version": {"N": "0"}})
    with pytest.raises(FunctionError, match="TamperedStore"):
        vault.reveal("of-branch-wrapping", token)


def test_message_keys_that_were_swapped_are_a_fault(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant)["message"]
    encrypt(vault, tenant, purpose="delivery")
    row, stranger = message_row(vault, tenant), message_row(vault, tenant, "delivery")
    vault.put("RecordKeys", {**row, "wrapped_key": stranger["wrapped_key"]})
    with pytest.raises(FunctionError, match="TamperedStore"):
        decrypt(vault, tenant, message)


def test_a_flipped_bit_in_any_byte_of_a_message_is_refused(vault: Vault, tenant: str) -> None:
    message = raw(encrypt(vault, tenant))
    flipped = [message[:at] + bytes([each ^ 1 << at % 8]) + message[at + 1 :] for at, each in enumerate(message)]
    assert {problem(each) for each in decrypt_all(vault, tenant, flipped)} == {"invalid-message"}


# What a role may not.


def test_a_role_wraps_with_no_other_context_than_tenant_and_token(vault: Vault, tenant: str) -> None:
    wrong: list[dict[str, str]] = [
        {},
        {"tenant": tenant},
        {"token": "tok_a"},
        {"tenant": tenant, "token": "tok_a", "colour": "red"},
        {"tenant": tenant, "token": "m#ref#delivery"},
    ]
    kms = role_client(vault, "Protect", "kms")
    for context in wrong:
        with pytest.raises(ClientError) as refused:
            kms.encrypt(KeyId=kek(vault), Plaintext=b"key", EncryptionContext=context)
        assert error_code(refused.value) == "AccessDeniedException"


@pytest.mark.parametrize("function", ["Protect", "Lookup", "Verify", "Decrypt", "Encrypt"])
def test_only_reveal_unwraps_the_record_key_of_a_stored_number(vault: Vault, tenant: str, function: str) -> None:
    token = vault.protect(tenant)["token"]
    (row,) = vault.rows("RecordKeys", token)
    wrapped: dict[str, Any] = {
        "CiphertextBlob": row["wrapped_key"]["B"],
        "EncryptionContext": {"tenant": tenant, "token": token},
    }
    assert len(role_client(vault, "Reveal", "kms").decrypt(**wrapped)["Plaintext"]) == 32
    with pytest.raises(ClientError) as refused:
        role_client(vault, function, "kms").decrypt(**wrapped)
    assert error_code(refused.value) == "AccessDeniedException"


@pytest.mark.parametrize("function", ["Encrypt", "Decrypt"])
def test_a_function_of_messages_cannot_read_the_row_of_a_stored_number(
    vault: Vault, tenant: str, function: str
) -> None:
    record_id = {"record_id": {"S": f"{tenant}#{vault.protect(tenant)['token']}"}}
    with pytest.raises(ClientError) as refused:
        role_client(vault, function, "dynamodb").batch_get_item(
            RequestItems={vault.table("RecordKeys"): {"Keys": [record_id]}}
        )
    assert error_code(refused.value) == "AccessDeniedException"
