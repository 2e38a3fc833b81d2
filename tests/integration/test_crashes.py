"""A failure between any two AWS calls: a retry completes, nothing is left over, nothing is shown without its entry."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.integration.support.vault import Vault, problem
from tests.integration.support.wire import Answer, Choice, Crash, Fault, Sent, error

UNAVAILABLE = {"store-unavailable", "audit-unavailable", "key-unavailable"}
SUBJECT = "subject-x"
UNREPORTED = [Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.RESPONSE_LOST]


@dataclass(frozen=True, slots=True)
class Scenario:
    """An operation, in a state that makes it take so many calls."""

    calls: int
    prepare: Callable[[Vault, str], str]
    """Brings the tenant there; answers what `act` is given."""
    act: Callable[[Vault, str, str], Any]


def warm(vault: Vault, tenant: str) -> str:
    vault.protect(tenant, "warm-up")
    return ""


def stored(vault: Vault, tenant: str) -> str:
    vault.protect(tenant, "warm-up")
    return str(vault.protect(tenant, SUBJECT)["token"])


def nothing(_vault: Vault, _tenant: str) -> str:
    return ""


def stored_and_cold(vault: Vault, tenant: str) -> str:
    token = stored(vault, tenant)
    vault.cloud.restart()
    return token


def protect(vault: Vault, tenant: str, _token: str) -> Any:
    return vault.protect(tenant, SUBJECT)


def merge(vault: Vault, tenant: str, _token: str) -> Any:
    return vault.protect(tenant, SUBJECT, purposes={"delivery": {}})


def reveal(vault: Vault, tenant: str, token: str) -> Any:
    return vault.reveal(tenant, token)


WRITES = {
    "new": Scenario(1, warm, protect),
    "again": Scenario(3, stored, protect),
    "merging": Scenario(3, stored, merge),
    "first use of a tenant": Scenario(10, nothing, protect),
}
REVEAL = Scenario(5, stored_and_cold, reveal)
READS = {
    "reveal": REVEAL,
    "lookup": Scenario(5, stored_and_cold, lambda vault, tenant, _: vault.lookup(tenant)),
    "verify": Scenario(5, stored_and_cold, lambda vault, tenant, token: vault.verify(tenant, token)),
}


def cases(scenarios: dict[str, Scenario], faults: Iterable[Fault] = Fault) -> list[Any]:
    return [
        pytest.param(scenario, at, fault, id=f"{name}-{at}-{fault.name}")
        for name, scenario in scenarios.items()
        for at in range(scenario.calls)
        for fault in faults
    ]


def only(at: int, fault: Fault | Answer) -> Choice:
    return lambda _sent, ordinal: fault if ordinal == at else None


def attempt(vault: Vault, scenario: Scenario, tenant: str, choice: Choice) -> tuple[str, Any]:
    """The operation meets the fault; after a crash the process is another one."""
    given = scenario.prepare(vault, tenant)
    with vault.wire.failing(choice):
        try:
            return given, scenario.act(vault, tenant, given)
        except Crash:
            vault.cloud.restart()
            return given, None


def state(vault: Vault, tenant: str) -> dict[str, int]:
    tables = ("KeyRing", "RecordKeys", "Numbers", "LookupIndex", "Subjects")
    return {table: len(vault.rows(table, tenant)) for table in tables}


@pytest.mark.parametrize("scenario", [*WRITES.values(), *READS.values()], ids=[*WRITES, *READS])
def test_the_scenarios_make_as_many_calls_as_they_are_said_to(vault: Vault, tenant: str, scenario: Scenario) -> None:
    """So that the tests below leave none out."""
    given = scenario.prepare(vault, tenant)
    with vault.sending() as sent:
        scenario.act(vault, tenant, given)
    assert len(sent) == scenario.calls


@pytest.mark.parametrize(
    ("scenario", "at", "fault"),
    [
        *cases({name: WRITES[name] for name in ("new", "merging")}),
        *cases({name: WRITES[name] for name in ("again", "first use of a tenant")}, UNREPORTED),
    ],
)
def test_a_retried_protect_completes_and_nothing_is_left_over_or_doubled(
    vault: Vault, tenant: str, scenario: Scenario, at: int, fault: Fault
) -> None:
    _, first = attempt(vault, scenario, tenant, only(at, fault))
    assert first is None or "token" in first or problem(first) in UNAVAILABLE
    others = 0 if scenario.prepare is nothing else 1
    assert len({count - others for table, count in state(vault, tenant).items() if table != "KeyRing"}) == 1
    answer = scenario.act(vault, tenant, "")
    assert state(vault, tenant) == {
        "KeyRing": 4,
        "RecordKeys": others + 1,
        "Numbers": others + 1,
        "LookupIndex": others + 1,
        "Subjects": others + 1,
    }
    assert vault.reveal(tenant, answer["token"])["number"] == "+447400123456"
    assert [each["token"] for each in vault.lookup(tenant)["matches"] if each["subject_id"] == SUBJECT] == [
        answer["token"]
    ]


@pytest.mark.parametrize(("scenario", "at", "fault"), cases({"reveal": REVEAL}))
def test_no_number_is_shown_without_its_entry_and_a_retry_shows_it(
    vault: Vault, tenant: str, scenario: Scenario, at: int, fault: Fault
) -> None:
    with vault.audited() as entries:
        token, first = attempt(vault, scenario, tenant, only(at, fault))
    shown = first is not None and "number" in first
    entered = [each for each in entries if each["outcome"] == "revealed" and each["token"] == [token]]
    assert not shown or len(entered) == 1
    assert shown or first is None or problem(first) in UNAVAILABLE
    assert vault.reveal(tenant, token)["number"] == "+447400123456"
    (row,) = vault.rows("RecordKeys", token)
    assert row["revision"] == {"N": "2"}


@pytest.mark.parametrize(
    ("scenario", "at", "fault"),
    cases({name: READS[name] for name in ("lookup", "verify")}, [Fault.RESPONSE_LOST, Fault.SERVER_ERROR]),
)
def test_no_match_is_told_without_its_entry(
    vault: Vault, tenant: str, scenario: Scenario, at: int, fault: Fault
) -> None:
    with vault.audited() as entries:
        _, first = attempt(vault, scenario, tenant, only(at, fault))
    told = first is not None and "problem" not in first
    entered = [each for each in entries if each["outcome"] in ("looked-up", "match")]
    assert not told or len(entered) == 1
    assert told or first is None or problem(first) in UNAVAILABLE


def test_the_trail_is_whole_after_all_that(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    assert vault.rows("AuditTrail")
    assert not vault.broken_entries()


def test_an_entry_whose_first_answer_was_lost_counts_once_and_the_number_is_shown(vault: Vault, tenant: str) -> None:
    """The SDK's own retry meets the row that its first attempt has put."""
    token = stored(vault, tenant)
    vault.reveal(tenant, token)
    with (
        vault.audited() as entries,
        vault.wire.failing(lambda sent, _: Fault.FIRST_RESPONSE_LOST if sent.operation == "PutItem" else None),
    ):
        answer = vault.reveal(tenant, token)
    assert answer["number"] == "+447400123456"
    assert [each["outcome"] for each in entries] == ["revealed"]


def conflict(sent: Sent) -> Answer | None:
    if sent.operation != "TransactWriteItems":
        return None
    reasons = [{"Code": "TransactionConflict"}] + [{"Code": "None"}] * (len(sent.body["TransactItems"]) - 1)
    return error("TransactionCanceledException", CancellationReasons=reasons)


@pytest.mark.parametrize("scenario", [WRITES["new"], WRITES["merging"], REVEAL], ids=["new", "merging", "reveal"])
def test_a_transaction_that_met_another_one_is_tried_again(vault: Vault, tenant: str, scenario: Scenario) -> None:
    """Moto never reports a conflict: it answers one request at a time."""
    conflicts = iter(range(3))
    _, answer = attempt(
        vault, scenario, tenant, lambda sent, _: conflict(sent) if next(conflicts, None) is not None else None
    )
    assert "token" in answer
    assert not vault.broken_entries()


def test_a_record_that_is_always_contended_is_store_unavailable(vault: Vault, tenant: str) -> None:
    _, answer = attempt(vault, WRITES["merging"], tenant, lambda sent, _: conflict(sent))
    assert problem(answer) == "store-unavailable"


@pytest.mark.parametrize(
    "code",
    ["ProvisionedThroughputExceededException", "ThrottlingException", "AccessDeniedException", "ValidationException"],
)
@pytest.mark.parametrize(
    ("function", "operation"),
    [("Reveal", "BatchGetItem"), ("Lookup", "Query"), ("Verify", "BatchGetItem"), ("Protect", "TransactWriteItems")],
)
def test_a_store_that_refuses_is_store_unavailable_and_audited(
    vault: Vault, tenant: str, function: str, operation: str, code: str
) -> None:
    def fails(sent: Sent) -> bool:
        return sent.operation == operation and not sent.concerns("KeyRing")

    token = stored(vault, tenant)
    with (
        vault.audited() as entries,
        vault.wire.failing(lambda sent, _: error(code) if fails(sent) else None),
    ):
        match function:
            case "Reveal":
                answer = vault.reveal(tenant, token)
            case "Lookup":
                answer = vault.lookup(tenant)
            case "Verify":
                answer = vault.verify(tenant, token)
            case _:
                answer = vault.protect(tenant, "another")
    assert problem(answer) == "store-unavailable"
    assert [each["problem"] for each in entries] == ["store-unavailable"]


def test_keys_that_a_read_left_unprocessed_are_read_again(vault: Vault, tenant: str) -> None:
    token = stored(vault, tenant)
    vault.reveal(tenant, token)
    refusals = iter(range(2))

    def unprocessed(sent: Sent, _: int) -> Answer | None:
        if sent.operation == "BatchGetItem" and next(refusals, None) is not None:
            return Answer(200, {"Responses": {}, "UnprocessedKeys": sent.body["RequestItems"]})
        return None

    with vault.wire.failing(unprocessed):
        assert vault.reveal(tenant, token)["number"] == "+447400123456"


def test_keys_that_stay_unprocessed_are_store_unavailable_and_never_not_found(vault: Vault, tenant: str) -> None:
    token = stored(vault, tenant)
    vault.reveal(tenant, token)

    def unprocessed(sent: Sent, _: int) -> Answer | None:
        if sent.operation == "BatchGetItem":
            return Answer(200, {"Responses": {}, "UnprocessedKeys": sent.body["RequestItems"]})
        return None

    with vault.wire.failing(unprocessed):
        assert problem(vault.reveal(tenant, token)) == "store-unavailable"
