"""Offboard, as an operator calls it, and what applications are answered afterwards."""

import itertools
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from phone_vault.crypto.receipts import checked
from phone_vault.domain.moments import to_text
from phone_vault.local import FunctionError
from tests.integration.support.messages import decrypt, encrypt
from tests.integration.support.tenants import with_tenants
from tests.integration.support.vault import Vault, open_vault, problem
from tests.unit.receipts import file_of

_NAMES = itertools.count(1)
CACHE = timedelta(seconds=300)

WRAPPINGS = pytest.mark.parametrize("wrapping", ["branch", "direct"])


@pytest.fixture(scope="module")
def vault() -> Iterator[Vault]:
    """Tenants `direct-...` are of direct wrapping."""
    with open_vault(with_tenants({f"direct-{number}": {"wrapping": "direct"} for number in range(1, 60)})) as opened:
        yield opened


@pytest.fixture
def tenant(wrapping: str) -> str:
    """Used by nobody yet."""
    return f"{wrapping}-{next(_NAMES)}"


def off_board(vault: Vault, tenant: str, **more: Any) -> Any:
    return vault.invoke("Offboard", {"tenant_id": tenant, "confirm": tenant, **more})


def checked_receipt(vault: Vault, answer: Any) -> dict[str, Any]:
    """As whoever holds the receipt checks it, with the public key from KMS."""
    assert (answer["state"], answer.keys()) == ("destroyed", {"tenant_id", "state", "receipt"})
    public_key = vault.kms.get_public_key(KeyId=vault.cloud.outputs["ReceiptKeyId"])["PublicKey"]
    return checked(file_of(answer["receipt"]), public_key)


def all_functions(vault: Vault, tenant: str, token: str, message: str) -> dict[str, Callable[[], Any]]:
    return {
        "Protect": lambda: vault.protect(tenant, "subject-b"),
        "Reveal": lambda: vault.reveal(tenant, token),
        "Lookup": lambda: vault.lookup(tenant),
        "Verify": lambda: vault.verify(tenant, token),
        "Encrypt": lambda: encrypt(vault, tenant, "subject-b"),
        "Decrypt": lambda: decrypt(vault, tenant, message),
    }


@WRAPPINGS
def test_every_function_refuses_the_tenant_within_the_cache_age(vault: Vault, tenant: str) -> None:
    functions = all_functions(vault, tenant, vault.protect(tenant)["token"], encrypt(vault, tenant)["message"])
    for call in functions.values():
        assert "problem" not in call()
    off_board(vault, tenant)
    vault.clock.advance(seconds=CACHE.total_seconds())
    assert {name: problem(call()) for name, call in functions.items()} == dict.fromkeys(functions, "not-found")


@WRAPPINGS
def test_instances_that_are_cold_refuse_the_tenant_at_once(vault: Vault, tenant: str) -> None:
    functions = all_functions(vault, tenant, vault.protect(tenant)["token"], encrypt(vault, tenant)["message"])
    off_board(vault, tenant)
    vault.cloud.restart()
    assert {name: problem(call()) for name, call in functions.items()} == dict.fromkeys(functions, "not-found")


@WRAPPINGS
def test_the_receipt_is_checked_with_the_public_key_alone(vault: Vault, tenant: str) -> None:
    for number in range(3):
        vault.protect(tenant, f"subject-{number}")
    encrypt(vault, tenant)
    receipt = checked_receipt(vault, off_board(vault, tenant, reason="contract ended"))
    now = vault.clock.now()
    assert {**receipt, "id": "", "signature": "", "fingerprint": "", "tokens": {}} == {
        "id": "",
        "kind": "off-boarding",
        "occasion": sha256(f"offboard#{tenant}".encode()).hexdigest(),
        "tenant_id": tenant,
        "reason": "contract ended",
        "at": to_text(now),
        "policy": sha256(vault.cloud.policy_file.read_bytes()).hexdigest(),
        "counts": {"stored_numbers": 3, "message_keys": 1},
        "by_purpose": {},
        "tokens": {},
        "final_at": to_text(now + timedelta(days=35)),
        "excludes": ["on-demand backups", "exports", "replicas"],
        "leaves": [],
        "blocked": [],
        "signature": "",
        "fingerprint": "",
    }


@WRAPPINGS
def test_called_again_it_answers_the_same_receipt(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    first = off_board(vault, tenant)
    vault.clock.advance(days=1)
    vault.cloud.restart()
    assert off_board(vault, tenant) == first


@WRAPPINGS
def test_no_key_of_the_tenant_is_left_that_opens_anything(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    encrypt(vault, tenant)
    off_board(vault, tenant)
    keys = {row["key_version"]["S"]: row for row in vault.rows("KeyRing", tenant) if "wrapped_key" in row}
    assert [name for name, row in keys.items() if row["wrapped_key"]["B"]] == ["audit#1"]
    records = vault.rows("RecordKeys", f"{tenant}#")
    assert len(records) == 2
    assert not [row for row in records if row["branch_key_version"]["N"] == "0" and "wrapped_key" in row]


@WRAPPINGS
def test_the_trail_stays_whole_and_tells_of_it(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    with vault.audited() as entries:
        off_board(vault, tenant, reason="contract ended")
    assert entries[0]["outcome"] == "off-boarding"
    assert entries[0]["reason"] == "contract ended"
    assert entries[-1]["outcome"] == "off-boarded"
    vault.clock.advance(seconds=CACHE.total_seconds())
    assert problem(vault.lookup(tenant)) == "not-found"
    assert vault.broken_entries() == []


@WRAPPINGS
def test_without_the_confirmation_nothing_happens(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    answer = vault.invoke("Offboard", {"tenant_id": tenant, "confirm": "another"})
    assert problem(answer) == "invalid-request"
    assert [error["pointer"] for error in answer["problem"]["errors"]] == ["/confirm"]
    vault.cloud.restart()
    assert "number" in vault.reveal(tenant, token)


@WRAPPINGS
def test_a_tenant_that_nobody_used_is_not_found(vault: Vault, tenant: str) -> None:
    assert problem(off_board(vault, tenant)) == "not-found"
    assert vault.rows("KeyRing", tenant) == []
    assert "token" in vault.protect(tenant)


@WRAPPINGS
def test_the_vault_itself_cannot_be_named(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    assert problem(off_board(vault, "#vault")) == "invalid-request"


@WRAPPINGS
def test_other_tenants_go_on(vault: Vault, tenant: str, wrapping: str) -> None:
    other = f"{wrapping}-{next(_NAMES)}"
    token = vault.protect(other)["token"]
    vault.protect(tenant)
    off_board(vault, tenant)
    vault.cloud.restart()
    assert "number" in vault.reveal(other, token)


@pytest.mark.parametrize("wrapping", ["direct"])
@pytest.mark.parametrize("call", ["a new number", "a message key", "the key of another purpose"])
def test_an_instance_with_an_old_cache_stores_nothing_for_a_direct_tenant(vault: Vault, tenant: str, call: str) -> None:
    """What KMS wrapped for it would be readable for ever."""
    vault.protect(tenant)
    encrypt(vault, tenant)
    calls: dict[str, Callable[[], Any]] = {
        "a new number": lambda: vault.protect(tenant, "subject-b"),
        "a message key": lambda: encrypt(vault, tenant, "subject-b"),
        "the key of another purpose": lambda: encrypt(vault, tenant, purpose="delivery"),
    }
    off_board(vault, tenant)
    before = vault.tables(tenant)
    assert problem(calls[call]()) == "not-found"
    assert vault.tables(tenant) == before


@pytest.mark.parametrize("wrapping", ["branch"])
def test_what_an_instance_with_an_old_cache_stores_is_unreadable(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    off_board(vault, tenant)
    token = vault.protect(tenant, "subject-b").get("token", "tok_" + "0" * 25)
    vault.cloud.restart()
    assert problem(vault.reveal(tenant, token)) == "not-found"
    assert [
        row["key_version"]["S"] for row in vault.rows("KeyRing", tenant) if row.get("wrapped_key", {}).get("B")
    ] == ["audit#1"]


@WRAPPINGS
def test_a_call_that_could_not_sign_is_ended_by_the_next(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    with vault.denied("Offboard", "kms:Sign"):
        assert problem(off_board(vault, tenant)) == "key-unavailable"
    assert checked_receipt(vault, off_board(vault, tenant))["counts"]["stored_numbers"] == 1


@pytest.mark.parametrize("wrapping", ["direct"])
def test_to_an_instance_with_an_old_cache_a_destroyed_record_is_none_and_no_fault(vault: Vault, tenant: str) -> None:
    functions = all_functions(vault, tenant, vault.protect(tenant)["token"], encrypt(vault, tenant)["message"])
    for call in functions.values():
        call()
    off_board(vault, tenant)
    assert problem(functions["Reveal"]()) in ("erased", "not-found")
    assert problem(functions["Verify"]()) in ("erased", "not-found")
    assert problem(functions["Decrypt"]()) in ("erased", "not-found")
    assert functions["Lookup"]() == {"matches": []}


@WRAPPINGS
def test_a_forged_row_of_its_progress_makes_no_receipt_and_saves_no_key(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    forged = {
        "operation_id": {"S": f"offboard#{tenant}"},
        "state": {"S": "done"},
        "counts": {"M": {"stored_numbers": {"N": "777"}}},
        "revision": {"N": "1"},
        "reason": {"S": "ring +44 7400 123456"},
    }
    vault.put("Operations", forged)
    with pytest.raises(FunctionError, match="TamperedStore"):
        off_board(vault, tenant)
    assert vault.rows("Operations", f"receipt#offboard#{tenant}") == []
    vault.delete("Operations", forged)
    receipt = checked_receipt(vault, off_board(vault, tenant))
    assert (receipt["counts"]["stored_numbers"], receipt["reason"]) == (1, None)
    assert not has_keys_of_its_own(vault, tenant)


@pytest.mark.parametrize("wrapping", ["direct"])
def test_a_row_that_says_it_was_erased_and_has_its_key_loses_it(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    (row,) = vault.rows("RecordKeys", f"{tenant}#")
    vault.put("RecordKeys", {**row, "erased_at": {"S": "2025-01-01T00:00:00Z"}})
    with pytest.raises(FunctionError, match="TamperedStore"):
        vault.reveal(tenant, token)
    assert checked_receipt(vault, off_board(vault, tenant))["counts"]["stored_numbers"] == 1
    assert not has_keys_of_its_own(vault, tenant)


@WRAPPINGS
def test_what_was_erased_in_the_same_second_does_not_count(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    vault.protect(tenant, "subject-b")
    vault.invoke("Erase", {"tenant_id": tenant, "subject_id": "subject-a", "reason": "asked for by letter"})
    assert checked_receipt(vault, off_board(vault, tenant))["counts"]["stored_numbers"] == 1


def has_keys_of_its_own(vault: Vault, tenant: str) -> bool:
    """Whether a row of RecordKeys has a key that KMS itself opens."""
    rows = vault.rows("RecordKeys", f"{tenant}#")
    return any("wrapped_key" in row and row["branch_key_version"]["N"] == "0" for row in rows)


@WRAPPINGS
def test_a_tenant_with_a_number_under_legal_hold_stays(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    case = {"tenant_id": tenant, "token": token, "case_id": "case 7"}
    vault.invoke("Hold", {**case, "action": "place", "reason": "court"})
    assert problem(off_board(vault, tenant)) == "under-legal-hold"
    assert vault.reveal(tenant, token)["number"] == "+447400123456"
    vault.invoke("Hold", {**case, "action": "release"})
    assert off_board(vault, tenant)["state"] == "destroyed"
