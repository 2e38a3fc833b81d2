"""Erase stopped after each of its AWS calls: called again, it ends as if nothing had happened.

One record each: a single one is not handed to threads, whose calls the wire does not hear.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.integration.support.messages import encrypt
from tests.integration.support.vault import Vault, problem
from tests.integration.support.wire import Crash, Fault

SUBJECT = "subject-x"
WHY = {"reason": "asked for by letter"}
UNAVAILABLE = {"store-unavailable", "audit-unavailable", "key-unavailable"}
FAULTS = [Fault.CRASH_AFTER, Fault.RESPONSE_LOST]

_KEYS = ("record_id", "subject_ref", "subject", "index_position", "member")

Prepare = Callable[[Vault, str], dict[str, Any]]


def a_number(vault: Vault, tenant: str) -> dict[str, Any]:
    return {"tenant_id": tenant, "token": vault.protect(tenant, SUBJECT)["token"], **WHY}


def a_subject(vault: Vault, tenant: str) -> dict[str, Any]:
    vault.protect(tenant, SUBJECT)
    return {"tenant_id": tenant, "subject_id": SUBJECT, **WHY}


def messages(vault: Vault, tenant: str) -> dict[str, Any]:
    encrypt(vault, tenant, SUBJECT)
    return {"tenant_id": tenant, "subject_id": SUBJECT, **WHY}


def a_held_number(vault: Vault, tenant: str) -> dict[str, Any]:
    order = a_number(vault, tenant)
    vault.invoke("Hold", {**order, "action": "place", "case_id": "case 7"})
    return order


PREPARED: dict[str, Prepare] = {
    "a number": a_number,
    "a subject": a_subject,
    "messages": messages,
    "a held number": a_held_number,
}


def erase(vault: Vault, payload: Mapping[str, Any]) -> Any:
    return vault.invoke("Erase", payload)


def end_state(vault: Vault, tenant: str) -> dict[str, list[Any]]:
    """All rows of the tenant's records, without what chance and the tenant's name have put there."""
    return {
        table: sorted(
            sorted((name, "" if name in ("revision", "erasure") else repr(value)) for name, value in row.items())
            for row in rows_of(vault, table, tenant)
        )
        for table in ("RecordKeys", "Numbers", "LookupIndex", "Subjects")
    }


def rows_of(vault: Vault, table: str, tenant: str) -> list[dict[str, Any]]:
    chance = {*_KEYS, "wrapped_key", "index_positions", "message", "token", "due"}
    rows = vault.rows(table, f"{tenant}#")
    return [{name: "" if name in chance else value for name, value in row.items()} for row in rows]


def receipts(vault: Vault, tenant: str) -> list[dict[str, Any]]:
    rows = (row for row in vault.rows("Operations", "receipt#") if "receipt" in row)
    found = (json.loads(row["receipt"]["S"]) for row in rows)
    return [each for each in found if each["tenant_id"] == tenant]


@pytest.mark.parametrize("prepare", PREPARED.values(), ids=PREPARED)
def test_an_erase_that_was_stopped_is_finished_by_the_next(vault: Vault, prepare: Prepare) -> None:
    undisturbed = vault.tenant()
    payload = prepare(vault, undisturbed)
    with vault.sending() as sent:
        first = erase(vault, payload)
    assert "receipt" in first
    expected = end_state(vault, undisturbed)
    assert len(sent) > 5
    for fault in FAULTS:
        for at in range(len(sent)):
            tenant = vault.tenant()
            payload = prepare(vault, tenant)
            with vault.wire.failing(lambda _sent, ordinal, at=at, fault=fault: fault if ordinal == at else None):  # type: ignore[misc]
                try:
                    answer = erase(vault, payload)
                except Crash:
                    vault.cloud.restart()
                else:
                    assert "receipt" in answer or problem(answer) in UNAVAILABLE
            answer = erase(vault, payload)
            assert "receipt" in answer, (fault, at)
            assert end_state(vault, tenant) == expected, (fault, at)
            counted = [(each["erased"], each["message_keys"]) for each in receipts(vault, tenant)]
            assert (first["erased"], first["message_keys"]) in counted, (fault, at)
            assert sum(map(sum, counted)) == first["erased"] + first["message_keys"], (fault, at)
    assert not vault.broken_entries()


def test_a_release_that_was_stopped_is_finished_by_the_next(vault: Vault) -> None:
    def prepare(tenant: str) -> dict[str, Any]:
        order = a_subject(vault, tenant)
        vault.invoke("Hold", {**order, "action": "place", "case_id": "case 7"})
        assert len(erase(vault, order)["blocked"]) == 1
        return {"tenant_id": tenant, "subject_id": SUBJECT, "action": "release", "case_id": "case 7"}

    undisturbed = vault.tenant()
    payload = prepare(undisturbed)
    with vault.sending() as sent:
        assert vault.invoke("Hold", payload)["receipts"][0]["erased"] == 1
    expected = end_state(vault, undisturbed)
    for at in range(len(sent)):
        tenant = vault.tenant()
        payload = prepare(tenant)
        with vault.wire.failing(lambda _sent, ordinal, at=at: Fault.CRASH_AFTER if ordinal == at else None):  # type: ignore[misc]
            try:
                vault.invoke("Hold", payload)
            except Crash:
                vault.cloud.restart()
        vault.invoke("Hold", payload)
        assert end_state(vault, tenant) == expected, at
        assert sum(each["erased"] for each in receipts(vault, tenant)) == 1
