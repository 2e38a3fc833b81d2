"""The audit trail, recomputed with nothing but hashlib, hmac and KMS."""

import json
from typing import Any

import pytest

from tests.integration.support.numbers import AMERICAN, BRITISH
from tests.integration.support.policy import SENDER
from tests.integration.support.vault import Vault, problem, writes

UNKNOWN = "tok_" + "0" * 25


@pytest.mark.parametrize("function", ["Protect", "Reveal", "Lookup", "Verify"])
def test_an_operation_leaves_one_entry(vault: Vault, tenant: str, function: str) -> None:
    token = vault.protect(tenant)["token"]
    with vault.audited() as entries:
        vault.invoke(function, request(function, tenant, token))
    (entry,) = entries
    assert entry["function"] == function
    assert entry["outcome"] in {"merged", "revealed", "looked-up", "match"}


@pytest.mark.parametrize("function", ["Protect", "Reveal", "Lookup", "Verify"])
@pytest.mark.parametrize("items", [1, 7, 100])
def test_a_batch_leaves_one_entry_for_each_item(vault: Vault, tenant: str, function: str, items: int) -> None:
    token = vault.protect(tenant)["token"]
    good, bad = request(function, tenant, token), {"colour": "red"}
    with vault.audited() as entries:
        vault.invoke(function, {"items": [good if at % 3 else bad for at in range(items)]})
    refused = [each for each in entries if each["outcome"] == "refused"]
    assert (len(entries), len(refused)) == (items, len(range(0, items, 3)))


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "shape": ({"colour": "red"}, "invalid-request"),
    "registered": ({"purpose": "astrology"}, "purpose-not-registered"),
    "token": ({"token": UNKNOWN}, "not-found"),
    "purpose": ({"purpose": "delivery"}, "purpose-not-permitted"),
}


@pytest.mark.parametrize("function", ["Reveal", "Verify"])
@pytest.mark.parametrize(("change", "name"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_refusal_leaves_one_entry_that_names_its_problem(
    vault: Vault, tenant: str, function: str, change: dict[str, Any], name: str
) -> None:
    token = vault.protect(tenant)["token"]
    with vault.audited() as entries:
        vault.invoke(function, request(function, tenant, token) | change)
    assert [(each["outcome"], each["problem"]) for each in entries] == [("refused", name)]


@pytest.mark.parametrize("payload", [None, [], 7, {"items": []}, {"items": [{}] * 101}], ids=str)
def test_a_payload_that_is_nothing_at_all_leaves_one_entry(vault: Vault, payload: object) -> None:
    with vault.audited() as entries:
        vault.invoke("Lookup", payload)
    assert [each["problem"] for each in entries] == ["invalid-request"]


def test_a_refused_caller_is_named_in_the_entry(vault: Vault, tenant: str) -> None:
    with vault.audited() as entries:
        vault.invoke("Lookup", request("Lookup", tenant, UNKNOWN), principal=SENDER)
    assert [(each["principal"], each["authentication"]) for each in entries] == [([SENDER], "iam")]


def test_an_entry_says_when_who_what_for_and_about_whom(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    (row,) = vault.rows("RecordKeys", token)
    payload = request("Reveal", tenant, token) | {"reason": "case 12"}
    with vault.audited() as entries:
        vault.invoke("Reveal", payload, principal="arn:aws:iam::123456789012:role/path/otp-sender")
    (entry,) = entries
    said = {name: entry[name] for name in ("at", "function", "principal", "tenant_id", "purpose", "reason", "token")}
    assert said == {
        "at": vault.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "function": "Reveal",
        "principal": [SENDER],
        "tenant_id": tenant,
        "purpose": ["account_security"],
        "reason": "case 12",
        "token": [token],
    }
    assert entry["subject_ref"] == row["subject_ref"]["S"]


def test_no_entry_holds_a_subject_id(vault: Vault, tenant: str) -> None:
    subject = "subject-id-that-must-not-be-copied"
    token = vault.protect(tenant, subject)["token"]
    vault.reveal(tenant, token)
    vault.lookup(tenant)
    vault.verify(tenant, token)
    assert subject not in json.dumps(vault.entries())


def test_a_mismatch_is_told_from_a_match_in_the_trail(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    with vault.audited() as entries:
        vault.verify(tenant, token)
        vault.verify(tenant, token, AMERICAN)
    assert sorted(each["outcome"] for each in entries) == ["match", "mismatch"]


def test_a_masked_reveal_is_told_from_a_full_one_in_the_trail(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    with vault.audited() as entries:
        vault.reveal(tenant, token)
        vault.reveal(tenant, token, view="masked")
    assert sorted(each["outcome"] for each in entries) == ["masked", "revealed"]


def test_a_protect_is_one_transaction_with_its_entry(vault: Vault, tenant: str) -> None:
    vault.protect(tenant, "warm-up")
    with vault.sending() as sent:
        vault.protect(tenant)
    assert [each.name for each in sent] == ["dynamodb.TransactWriteItems"]
    tables = sorted(table for table, _ in writes(sent))
    assert tables == ["AuditTrail", "LookupIndex", "Numbers", "RecordKeys", "Subjects"]


def test_a_last_use_is_one_transaction_with_its_entry(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    with vault.sending() as sent:
        vault.reveal(tenant, token)
    tables = sorted(table for table, _ in writes(sent))
    assert tables == ["AuditTrail", "RecordKeys"]
    assert sent[-1].operation == "TransactWriteItems"


def test_a_read_is_audited_before_it_is_answered(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    vault.reveal(tenant, token)
    for function in ("Reveal", "Lookup", "Verify"):
        with vault.sending() as sent:
            vault.invoke(function, request(function, tenant, token))
        assert sent[-1].operation == "PutItem"


def test_an_instance_writes_one_chain_without_gaps(vault: Vault, tenant: str) -> None:
    vault.cloud.restart()
    with vault.audited() as entries:
        token = vault.protect(tenant)["token"]
        for _ in range(5):
            vault.reveal(tenant, token)
        vault.invoke("Reveal", {"items": [{"token": token}] * 3, "tenant_id": tenant, "purpose": "account_security"})
    reveals = [each for each in entries if each["function"] == "Reveal"]
    assert len({each["chain"] for each in reveals}) == 1
    assert [each["sequence"] for each in reveals] == list(range(1, 9))


def test_a_restarted_instance_begins_a_chain_of_its_own(vault: Vault, tenant: str) -> None:
    with vault.audited() as entries:
        vault.lookup(tenant)
        vault.cloud.restart()
        vault.lookup(tenant)
    assert len({each["chain"] for each in entries}) == 2


def test_the_chain_goes_on_across_tenants_each_under_its_own_key(vault: Vault) -> None:
    tenants = [vault.tenant(), vault.tenant()]
    for each in tenants:
        vault.protect(each)
    vault.cloud.restart()
    with vault.audited() as entries:
        for each in (*tenants, tenants[0]):
            vault.lookup(each)
    assert [each["keyed_by"] for each in entries] == [f"{each}/1" for each in (*tenants, tenants[0])]
    assert not vault.broken_entries()


def test_every_entry_so_far_stands_under_an_independent_recomputation(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant, purposes={"account_security": {}, "delivery": {}})["token"]
    for function in ("Protect", "Reveal", "Lookup", "Verify"):
        vault.invoke(function, request(function, tenant, token))
        vault.invoke(function, {"items": [request(function, tenant, token), {}, []]})
    assert len(vault.rows("AuditTrail")) >= 17
    assert not vault.broken_entries()


def changed_entry(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "entry": {"S": row["entry"]["S"].replace('"outcome":"revealed"', '"outcome":"masked"')}}


def test_the_recomputation_sees_a_changed_entry(vault: Vault, tenant: str) -> None:
    """The proof that the check above can fail."""
    victim = revealed_entry(vault, tenant)
    vault.put("AuditTrail", changed_entry(victim))
    try:
        assert vault.broken_entries()
    finally:
        vault.put("AuditTrail", victim)


def test_the_recomputation_sees_a_dropped_entry(vault: Vault, tenant: str) -> None:
    victim = revealed_entry(vault, tenant)
    vault.lookup(tenant)
    vault.delete("AuditTrail", victim)
    try:
        assert vault.broken_entries()
    finally:
        vault.put("AuditTrail", victim)


def test_the_recomputation_sees_an_entry_moved_to_another_tenants_key(vault: Vault, tenant: str) -> None:
    victim = revealed_entry(vault, tenant)
    other = vault.tenant()
    vault.protect(other)
    forged = victim["entry"]["S"].replace(f'"keyed_by":"{tenant}/1"', f'"keyed_by":"{other}/1"')
    vault.put("AuditTrail", {**victim, "entry": {"S": forged}})
    try:
        assert vault.broken_entries()
    finally:
        vault.put("AuditTrail", victim)


def revealed_entry(vault: Vault, tenant: str) -> dict[str, Any]:
    """Row of an entry that another one follows."""
    token = vault.protect(tenant)["token"]
    for _ in range(2):
        vault.reveal(tenant, token)
    rows = sorted(vault.rows("AuditTrail", "Reveal#"), key=lambda row: int(row["sequence"]["N"]))
    return next(row for row in rows if token in row["entry"]["S"])


# Without an entry nothing happens.


@pytest.mark.parametrize("function", ["Protect", "Reveal", "Lookup", "Verify"])
@pytest.mark.parametrize("how", ["warm", "cold"])
def test_without_the_audit_table_it_is_audit_unavailable_and_nothing_changed(
    vault: Vault, tenant: str, function: str, how: str
) -> None:
    token = vault.protect(tenant)["token"]
    vault.clock.advance(days=1)
    if how == "cold":
        vault.cloud.restart()
    before = vault.tables(tenant)
    with vault.denied(function, "dynamodb:PutItem", "arn:aws:dynamodb:*:*:table/phone-vault-AuditTrail"):
        answer = vault.invoke(function, request(function, tenant, token) | fresh(function))
    assert problem(answer) == "audit-unavailable"
    assert vault.tables(tenant) == before


@pytest.mark.parametrize("view", ["full", "masked"])
def test_without_the_audit_table_a_later_use_of_the_day_is_not_answered_either(
    vault: Vault, tenant: str, view: str
) -> None:
    token = vault.protect(tenant)["token"]
    vault.reveal(tenant, token)
    with vault.denied("Reveal", "dynamodb:PutItem", "arn:aws:dynamodb:*:*:table/phone-vault-AuditTrail"):
        assert problem(vault.reveal(tenant, token, view=view)) == "audit-unavailable"


@pytest.mark.parametrize("function", ["Protect", "Reveal", "Lookup", "Verify"])
def test_a_batch_without_the_audit_table_answers_each_item_with_audit_unavailable(
    vault: Vault, tenant: str, function: str
) -> None:
    token = vault.protect(tenant)["token"]
    items = [request(function, tenant, token)] * 3 + [{"colour": "red"}]
    with vault.denied(function, "dynamodb:PutItem", "arn:aws:dynamodb:*:*:table/phone-vault-AuditTrail"):
        results = vault.invoke(function, {"items": items})["results"]
    assert [problem(each) for each in results] == ["audit-unavailable"] * 4


def test_even_a_refusal_needs_its_entry(vault: Vault) -> None:
    with vault.denied("Lookup", "dynamodb:PutItem", "arn:aws:dynamodb:*:*:table/phone-vault-AuditTrail"):
        assert problem(vault.invoke("Lookup", {"colour": "red"})) == "audit-unavailable"


def test_the_trail_is_whole_after_it_was_unavailable(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    with vault.denied("Reveal", "dynamodb:PutItem"):
        vault.reveal(tenant, token)
    vault.reveal(tenant, token)
    assert not vault.broken_entries()


def request(function: str, tenant: str, token: str) -> dict[str, Any]:
    match function:
        case "Protect":
            return {
                "tenant_id": tenant,
                "subject_id": "subject-a",
                "number": BRITISH,
                "purposes": {"account_security": {}},
            }
        case "Reveal":
            return {"tenant_id": tenant, "token": token, "purpose": "account_security"}
        case "Lookup":
            return {"tenant_id": tenant, "number": BRITISH, "purpose": "account_security"}
        case _:
            return {"tenant_id": tenant, "token": token, "number": BRITISH, "purpose": "account_security"}


def fresh(function: str) -> dict[str, Any]:
    """What makes a Protect write more than its entry."""
    return {"purposes": {"delivery": {}}} if function == "Protect" else {}
