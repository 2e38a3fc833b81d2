"""Erasures of a subject that were stopped, and that a purge brings to their end: the subject takes numbers again."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.support.purging import purged
from tests.integration.support.vault import Vault, problem
from tests.integration.support.wire import Crash, Fault, Sent

CASE = {"subject_id": "subject-a", "case_id": "case-7"}
OTHER = "+1 201-555-0123"
"""A number that the subject does not have yet."""


def stopped(vault: Vault, function: str, payload: dict[str, Any], when: Callable[[Sent], bool], fault: Fault) -> None:
    """The function is killed at its first such call."""

    def choose(sent: Sent, _ordinal: int) -> Fault | None:
        return fault if when(sent) else None

    with vault.wire.failing(choose), pytest.raises(Crash):
        vault.invoke(function, payload)
    vault.cloud.restart()


def shreds(sent: Sent) -> bool:
    """The single update that destroys a key: others come in transactions."""
    return sent.operation == "UpdateItem" and sent.concerns("RecordKeys")


def plan(vault: Vault, tenant: str) -> str:
    return str(vault.invoke("PlanPurge", {"tenant_id": tenant})["plan_id"])


def test_an_erasure_that_was_stopped_when_the_key_was_gone_ends_with_the_purge(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    order = {"tenant_id": tenant, "subject_id": "subject-a", "reason": "asked for by letter"}
    stopped(vault, "Erase", order, shreds, Fault.CRASH_AFTER)
    assert problem(vault.protect(tenant, number=OTHER)) == "conflict"
    vault.clock.advance(days=1)
    assert purged(vault, plan(vault, tenant))["purged"] == 1
    assert vault.protect(tenant, number=OTHER)["created"] is True


def test_a_release_that_was_stopped_before_the_key_was_gone_ends_with_the_purge(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    vault.invoke("Hold", {"tenant_id": tenant, **CASE, "action": "place", "reason": "court order"})
    vault.invoke("Erase", {"tenant_id": tenant, "subject_id": "subject-a", "reason": "asked for by letter"})
    release = {"tenant_id": tenant, **CASE, "action": "release"}
    stopped(vault, "Hold", release, shreds, Fault.CRASH_BEFORE)
    assert problem(vault.protect(tenant, number=OTHER)) == "conflict"
    vault.clock.advance(days=2)
    assert purged(vault, plan(vault, tenant))["purged"] == 1
    assert vault.protect(tenant, number=OTHER)["created"] is True
