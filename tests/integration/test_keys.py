"""The key hierarchy: made once, unwrapped by KMS, held for a bounded time."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from phone_vault.local import FunctionError
from tests.integration.support.threads import at_once, overtaken
from tests.integration.support.vault import Vault, problem
from tests.integration.support.wire import to

CACHE_SECONDS = 300


@contextmanager
def disabled(vault: Vault, key: str = "KekId") -> Iterator[None]:
    vault.kms.disable_key(KeyId=vault.cloud.outputs[key])
    try:
        yield
    finally:
        vault.kms.enable_key(KeyId=vault.cloud.outputs[key])


def test_first_use_makes_one_key_of_each_use(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    rows = vault.rows("KeyRing", tenant)
    assert sorted(row["key_version"]["S"] for row in rows) == ["audit#1", "branch#1", "index#1", "subject#1"]


def test_first_use_by_many_at_once_makes_one_set_of_keys(vault: Vault, tenant: str) -> None:
    """All numbers are readable afterwards: nobody went on with keys that were not stored."""
    answers = at_once(8, lambda at: vault.protect(tenant, f"s-{at}"))
    assert len(vault.rows("KeyRing", tenant)) == 4
    vault.cloud.restart()
    assert {vault.reveal(tenant, each["token"])["number"] for each in answers} == {"+447400123456"}
    assert len(vault.lookup(tenant)["matches"]) == 8


def test_a_first_use_that_is_overtaken_goes_on_with_the_keys_of_the_faster(vault: Vault, tenant: str) -> None:
    """Both found no keys and wrapped some; the slower one's are never stored."""
    slow, fast = overtaken(
        vault.wire,
        lambda: vault.protect(tenant, "slow"),
        lambda: vault.protect(tenant, "fast"),
        lambda sent: sent.operation == "TransactWriteItems" and sent.concerns("KeyRing"),
    )
    vault.cloud.restart()
    assert {vault.reveal(tenant, each["token"]).get("number") for each in (slow, fast)} == {"+447400123456"}
    assert len(vault.lookup(tenant)["matches"]) == 2


def test_refusals_of_many_at_once_make_one_audit_key_of_the_vaults_own(vault: Vault) -> None:
    functions = ("Protect", "Reveal", "Lookup", "Verify") * 2
    at_once(8, lambda at: vault.invoke(functions[at], []))
    assert len(vault.rows("KeyRing", "#vault")) == 1
    assert not vault.broken_entries()


def test_audit_keys_are_wrapped_by_storage_and_all_others_by_the_kek(vault: Vault, tenant: str) -> None:
    with vault.sending() as sent:
        vault.protect(tenant)
    wrapped = {
        each.body["EncryptionContext"]["use"]: each.body["KeyId"].rpartition("/")[2]
        for each in to("kms", sent)
        if each.operation == "Encrypt" and each.body["EncryptionContext"]["tenant"] == tenant
    }
    kek, storage = vault.cloud.outputs["KekId"], vault.cloud.outputs["StorageKeyId"]
    assert wrapped == {"branch": kek, "index": kek, "subject": kek, "audit": storage}


@pytest.mark.parametrize("function", ["Protect", "Reveal", "Lookup", "Verify"])
def test_a_disabled_kek_stops_a_cold_function_at_once(vault: Vault, tenant: str, function: str) -> None:
    token = vault.protect(tenant)["token"]
    vault.cloud.restart()
    with disabled(vault):
        assert problem(call(vault, function, tenant, token)) == "key-unavailable"


@pytest.mark.parametrize("function", ["Protect", "Reveal", "Lookup", "Verify"])
def test_a_disabled_kek_stops_a_warm_function_within_the_cache_age(vault: Vault, tenant: str, function: str) -> None:
    token = vault.protect(tenant)["token"]
    call(vault, function, tenant, token)
    with disabled(vault):
        vault.clock.advance(seconds=CACHE_SECONDS)
        assert problem(call(vault, function, tenant, token)) == "key-unavailable"


def test_a_key_is_served_until_one_second_before_its_age(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    vault.reveal(tenant, token)
    with disabled(vault):
        vault.clock.advance(seconds=CACHE_SECONDS - 1)
        assert "number" in vault.reveal(tenant, token)


def test_being_used_makes_a_key_no_younger(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    vault.reveal(tenant, token)
    with disabled(vault):
        vault.clock.advance(seconds=CACHE_SECONDS / 2)
        vault.reveal(tenant, token)
        vault.clock.advance(seconds=CACHE_SECONDS / 2)
        assert problem(vault.reveal(tenant, token)) == "key-unavailable"


@pytest.mark.parametrize("function", ["Protect", "Reveal", "Lookup", "Verify"])
def test_a_refusal_for_a_disabled_kek_is_audited_under_the_tenants_own_key(
    vault: Vault, tenant: str, function: str
) -> None:
    """The trail outlives the Kek: its keys are wrapped by the Storage key."""
    token = vault.protect(tenant)["token"]
    vault.cloud.restart()
    with disabled(vault), vault.audited() as entries:
        call(vault, function, tenant, token)
    assert [(each["outcome"], each["problem"], each["keyed_by"]) for each in entries] == [
        ("refused", "key-unavailable", f"{tenant}/1")
    ]
    assert not vault.broken_entries()


def test_a_first_use_while_the_kek_is_disabled_is_refused_and_leaves_no_keys(vault: Vault, tenant: str) -> None:
    with disabled(vault):
        assert problem(vault.protect(tenant)) == "key-unavailable"
    assert not vault.rows("KeyRing", tenant)


def test_an_enabled_kek_works_again(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    vault.cloud.restart()
    with disabled(vault):
        vault.reveal(tenant, token)
    assert "number" in vault.reveal(tenant, token)


def test_a_kek_pending_deletion_is_key_unavailable(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    vault.cloud.restart()
    kek = vault.cloud.outputs["KekId"]
    vault.kms.schedule_key_deletion(KeyId=kek, PendingWindowInDays=30)
    try:
        assert problem(vault.reveal(tenant, token)) == "key-unavailable"
    finally:
        vault.kms.cancel_key_deletion(KeyId=kek)
        vault.kms.enable_key(KeyId=kek)
    assert "number" in vault.reveal(tenant, token)


def test_a_disabled_storage_key_reveals_nothing(vault: Vault, tenant: str) -> None:
    """No audit key, no entry; no entry, no number."""
    token = vault.protect(tenant)["token"]
    vault.cloud.restart()
    with disabled(vault, "StorageKeyId"):
        assert problem(vault.reveal(tenant, token)) == "audit-unavailable"


def test_a_restart_loses_nothing(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    vault.cloud.restart()
    assert vault.reveal(tenant, token)["number"] == "+447400123456"
    assert vault.verify(tenant, token) == {"match": True}
    assert vault.protect(tenant)["token"] == token


def test_a_function_does_not_hold_a_key_that_another_has_unwrapped(vault: Vault, tenant: str) -> None:
    """Caches hang on the function's own object: Lookup's first use asks KMS itself."""
    vault.protect(tenant)
    vault.cloud.restart()
    vault.protect(tenant)
    with vault.sending() as sent:
        vault.lookup(tenant)
    assert len(to("kms", sent)) == 1


def test_one_instance_asks_kms_once_for_a_batch(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    vault.cloud.restart()
    with vault.sending() as sent:
        vault.invoke("Reveal", {"tenant_id": tenant, "purpose": "account_security", "items": [{"token": token}] * 20})
    assert len(to("kms", sent)) == 2


def test_a_branch_version_that_does_not_exist_is_a_fault(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    (row,) = vault.rows("RecordKeys", token)
    vault.put("RecordKeys", {**row, "branch_key_version": {"N": "2"}})
    with pytest.raises(FunctionError):
        vault.reveal(tenant, token)


def call(vault: Vault, function: str, tenant: str, token: str) -> Any:
    match function:
        case "Protect":
            return vault.protect(tenant, "another")
        case "Reveal":
            return vault.reveal(tenant, token)
        case "Lookup":
            return vault.lookup(tenant)
        case _:
            return vault.verify(tenant, token)


def test_a_batch_asks_kms_once_for_a_key_that_is_not_served_and_keeps_the_order_of_problems(
    vault: Vault, tenant: str
) -> None:
    token = vault.protect(tenant)["token"]
    vault.cloud.restart()
    items = [{"token": token}, {"token": f"tok_{'0' * 25}"}, {"token": token}]
    with disabled(vault), vault.sending() as sent:
        answer = vault.invoke("Reveal", {"tenant_id": tenant, "purpose": "account_security", "items": items})
    assert [problem(each) for each in answer["results"]] == ["key-unavailable", "not-found", "key-unavailable"]
    assert [each.operation for each in to("kms", sent)] == ["Decrypt", "Decrypt"]  # the branch key, the audit key
