"""A failure between any two AWS calls of Encrypt and Decrypt: a retry completes, and nothing is left over."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.integration.support.messages import decrypt, encrypt, message_row
from tests.integration.support.vault import Vault, problem
from tests.integration.support.wire import Choice, Crash, Fault

UNAVAILABLE = {"store-unavailable", "audit-unavailable", "key-unavailable"}


@dataclass(frozen=True, slots=True)
class Scenario:
    """An operation, in a state that makes it take so many calls."""

    calls: int
    prepare: Callable[[Vault, str], str]
    """Brings the tenant there; answers the message that `act` is given."""
    act: Callable[[Vault, str, str], Any]


def nothing(_vault: Vault, _tenant: str) -> str:
    return ""


def used_before(vault: Vault, tenant: str) -> str:
    encrypt(vault, tenant, "warm-up")
    return ""


def encrypted(vault: Vault, tenant: str) -> str:
    return str(encrypt(vault, tenant, purpose="delivery")["message"])


def ended(vault: Vault, tenant: str) -> str:
    message = encrypted(vault, tenant)
    vault.clock.advance(days=30)
    encrypt(vault, tenant, "warm-up")
    return message


def encrypted_and_cold(vault: Vault, tenant: str) -> str:
    message = encrypted(vault, tenant)
    vault.cloud.restart()
    return message


def make(vault: Vault, tenant: str, _message: str) -> Any:
    return encrypt(vault, tenant, purpose="delivery")


def read(vault: Vault, tenant: str, message: str) -> Any:
    return decrypt(vault, tenant, message, purpose="delivery")


ENCRYPTS = {
    "a first key": Scenario(2, used_before, make),
    "a live key": Scenario(2, encrypted, make),
    "an ended key": Scenario(2, ended, make),
    "the first use of a tenant": Scenario(12, nothing, make),
}
DECRYPTS = {"a cold decrypt": Scenario(5, encrypted_and_cold, read)}


def cases(scenarios: dict[str, Scenario]) -> list[Any]:
    return [
        pytest.param(scenario, at, fault, id=f"{name}-{at}-{fault.name}")
        for name, scenario in scenarios.items()
        for at in range(scenario.calls)
        for fault in Fault
    ]


def only(at: int, fault: Fault) -> Choice:
    return lambda _sent, ordinal: fault if ordinal == at else None


def attempt(vault: Vault, scenario: Scenario, tenant: str, choice: Choice) -> tuple[str, Any]:
    """The operation meets the fault; after a crash the process is another one."""
    message = scenario.prepare(vault, tenant)
    with vault.wire.failing(choice):
        try:
            return message, scenario.act(vault, tenant, message)
        except Crash:
            vault.cloud.restart()
            return message, None


@pytest.mark.parametrize("scenario", [*ENCRYPTS.values(), *DECRYPTS.values()], ids=[*ENCRYPTS, *DECRYPTS])
def test_the_scenarios_make_as_many_calls_as_they_are_said_to(vault: Vault, tenant: str, scenario: Scenario) -> None:
    """So that the tests below leave none out."""
    message = scenario.prepare(vault, tenant)
    with vault.sending() as sent:
        scenario.act(vault, tenant, message)
    assert len(sent) == scenario.calls


@pytest.mark.parametrize(("scenario", "at", "fault"), cases(ENCRYPTS))
def test_a_retried_encrypt_completes_with_one_key(
    vault: Vault, tenant: str, scenario: Scenario, at: int, fault: Fault
) -> None:
    _, first = attempt(vault, scenario, tenant, only(at, fault))
    assert first is None or "message" in first or problem(first) in UNAVAILABLE
    answers = [make(vault, tenant, "")] + ([first] if first and "message" in first else [])
    assert {read(vault, tenant, each["message"]).get("number") for each in answers} == {"+447400123456"}
    assert len(vault.rows("KeyRing", tenant)) == 4
    keys = [row for row in vault.rows("RecordKeys", tenant) if row["record_id"]["S"].endswith("#delivery")]
    members = [row for row in vault.rows("Subjects", tenant) if row["member"]["S"] == "m#delivery"]
    assert (len(keys), len(members)) == (1, 1)


@pytest.mark.parametrize(("scenario", "at", "fault"), cases({"an ended key": ENCRYPTS["an ended key"]}))
def test_a_grant_anew_that_failed_revives_nothing_and_counts_one_generation(
    vault: Vault, tenant: str, scenario: Scenario, at: int, fault: Fault
) -> None:
    old, _ = attempt(vault, scenario, tenant, only(at, fault))
    assert problem(read(vault, tenant, old)) == "purpose-not-permitted"
    make(vault, tenant, "")
    assert message_row(vault, tenant, "delivery")["generation"] == {"N": "2"}


@pytest.mark.parametrize(("scenario", "at", "fault"), cases(DECRYPTS))
def test_no_number_is_shown_without_its_entry_and_a_retry_shows_it(
    vault: Vault, tenant: str, scenario: Scenario, at: int, fault: Fault
) -> None:
    with vault.audited() as entries:
        message, first = attempt(vault, scenario, tenant, only(at, fault))
    shown = first is not None and "number" in first
    entered = [each for each in entries if each["outcome"] == "decrypted"]
    assert not shown or len(entered) == 1
    assert shown or first is None or problem(first) in UNAVAILABLE
    assert read(vault, tenant, message)["number"] == "+447400123456"
    assert message_row(vault, tenant, "delivery")["revision"] == {"N": "2"}


def test_the_trail_is_whole_after_all_that(vault: Vault) -> None:
    assert len(vault.rows("AuditTrail")) > 100
    assert not vault.broken_entries()
