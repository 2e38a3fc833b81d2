"""Quotas over many instances, restarts, clocks that are wrong, and a table that is out of reach."""

import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from phone_vault.adapters.clock import SystemClock
from phone_vault.local import FunctionError
from tests.integration.support.messages import encrypt, invoke_decrypt
from tests.integration.support.numbers import AMERICAN, BRITISH
from tests.integration.support.policy import EVERYONE, POLICY
from tests.integration.support.threads import at_once
from tests.integration.support.vault import Vault, open_vault, problem
from tests.integration.support.wire import Fault, Sent, counts

LIMIT = 20
CALLERS = 16
EVERYTHING = {"tenants": EVERYONE, "functions": EVERYONE, "purposes": EVERYONE, "views": ["full", "masked"]}
APPLICATIONS = [f"app-{number}" for number in range(12)]
FUNCTIONS = ("Protect", "Reveal", "Lookup", "Encrypt", "Decrypt")


@pytest.fixture(scope="module")
def vault() -> Iterator[Vault]:
    """In which applications with aliases have quotas; `direct` has none."""
    limited = {**EVERYTHING, "quotas": dict.fromkeys((*FUNCTIONS, "Verify"), LIMIT)}
    principals = [{"match": f"direct:{name}", **limited} for name in APPLICATIONS]
    with open_vault({**POLICY, "principals": [*principals, {"match": "direct", **EVERYTHING}]}) as opened:
        yield opened


@contextmanager
def deployed(vault: Vault, policy: dict[str, Any]) -> Iterator[None]:
    """Another policy meanwhile."""
    before = tomllib.loads(vault.cloud.policy_file.read_text())
    vault.replace_policy(policy)
    try:
        yield
    finally:
        vault.replace_policy(before)


def lookup(vault: Vault, tenant: str, alias: str, items: int = 1) -> list[str | None]:
    """The problem of each item, None for an answer."""
    common = {"tenant_id": tenant, "number": BRITISH, "purpose": "account_security"}
    answer = vault.invoke("Lookup", {**common, "items": [{}] * items}, alias=alias)
    return [problem(each) for each in answer["results"]]


def invoke(vault: Vault, function: str, payload: Any, **how: Any) -> Any:
    """As `Vault.invoke`, of Decrypt too, whose answers the leak sweep must not see."""
    return invoke_decrypt(vault, payload, **how) if function == "Decrypt" else vault.invoke(function, payload, **how)


def rows(vault: Vault, containing: str) -> list[dict[str, Any]]:
    return vault.rows("Operations", containing)


def test_many_instances_at_once_answer_exactly_as_many_as_the_quota(vault: Vault, tenant: str) -> None:
    alias = APPLICATIONS[0]
    lookup(vault, tenant, alias)

    def caller(_: int) -> list[str | None]:
        return [each for size in (1, 3) for each in lookup(vault, tenant, alias, size)]

    told = Counter(each for one in at_once(CALLERS, caller) for each in one)
    assert told == {None: LIMIT - 1, "quota-exceeded": CALLERS * 4 - (LIMIT - 1)}


def test_many_instances_at_once_tell_exactly_as_many_mismatches_as_the_policy_says(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]

    def caller(_: int) -> list[Any]:
        return [vault.verify(tenant, token, AMERICAN) for _ in range(2)]

    answers = [each for one in at_once(CALLERS, caller) for each in one]
    told = Counter(each.get("match", problem(each)) for each in answers)
    assert told == {False: 20, "quota-exceeded": CALLERS * 2 - 20}


def test_no_match_is_told_once_that_many_mismatches_were(vault: Vault, tenant: str) -> None:
    """Guesses and the right number at once: after the last of them nobody learns anything."""
    token = vault.protect(tenant)["token"]
    at_once(CALLERS, lambda _: [vault.verify(tenant, token, AMERICAN) for _ in range(2)])
    problems = at_once(CALLERS, lambda _: problem(vault.verify(tenant, token, BRITISH)))
    assert problems == ["quota-exceeded"] * CALLERS


def test_a_restart_gives_nothing_anew(vault: Vault, tenant: str) -> None:
    lookup(vault, tenant, APPLICATIONS[1], LIMIT)
    vault.cloud.restart()
    assert lookup(vault, tenant, APPLICATIONS[1]) == ["quota-exceeded"]


def test_a_restart_forgets_no_mismatch(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    for _ in range(20):
        vault.verify(tenant, token, AMERICAN)
    vault.cloud.restart()
    assert problem(vault.verify(tenant, token)) == "quota-exceeded"


def test_a_deployment_with_a_larger_quota_counts_on(vault: Vault, tenant: str) -> None:
    alias = APPLICATIONS[2]
    lookup(vault, tenant, alias, LIMIT)
    principals = [{"match": f"direct:{alias}", **EVERYTHING, "quotas": {"Lookup": LIMIT + 2}}]
    with deployed(vault, {**POLICY, "principals": principals}):
        assert lookup(vault, tenant, alias, 3) == [None, None, "quota-exceeded"]


def test_clocks_that_go_forth_and_back_give_nothing_anew(
    vault: Vault, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    told = []
    for hours in (0, 3, -3, 0, 3, -3):
        moment = noon + timedelta(hours=hours)
        monkeypatch.setattr(SystemClock, "now", lambda _, moment=moment: moment)
        told.append(lookup(vault, tenant, APPLICATIONS[3], LIMIT)[0])
    assert told == [None] * 3 + ["quota-exceeded"] * 3


def test_instances_whose_clocks_differ_give_no_more_than_two_hours_quotas(
    vault: Vault, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    told: list[str | None] = []
    for seconds in (-1, 1) * LIMIT:
        moment = noon + timedelta(seconds=seconds)
        monkeypatch.setattr(SystemClock, "now", lambda _, moment=moment: moment)
        told += lookup(vault, tenant, APPLICATIONS[4], 2)
    assert told.count(None) == 2 * LIMIT


def test_a_counter_goes_48_hours_after_its_hour(vault: Vault, tenant: str) -> None:
    lookup(vault, tenant, APPLICATIONS[5])
    (row,) = rows(vault, f"quota#Lookup#direct:{APPLICATIONS[5]}#")
    hour = vault.clock.now().replace(minute=0, second=0, microsecond=0)
    assert int(row["expires_ttl"]["N"]) == int((hour + timedelta(hours=49)).timestamp())


def unreachable(sent: Sent, _: int) -> Fault | None:
    return Fault.SERVER_ERROR if sent.concerns("Operations") else None


@pytest.mark.parametrize("function", FUNCTIONS)
def test_with_the_counters_out_of_reach_nothing_is_done(vault: Vault, tenant: str, function: str) -> None:
    request = {
        "Protect": {"subject_id": "s-2", "number": AMERICAN, "purposes": {"delivery": {}}},
        "Reveal": {"token": vault.protect(tenant)["token"], "purpose": "account_security"},
        "Lookup": {"number": BRITISH, "purpose": "account_security"},
        "Encrypt": {"subject_id": "s-2", "number": BRITISH, "purpose": "account_security"},
        "Decrypt": {
            "subject_id": "subject-a",
            "message": encrypt(vault, tenant)["message"],
            "purpose": "account_security",
        },
    }[function]
    before = vault.tables(tenant)
    with vault.audited() as entries, vault.wire.failing(unreachable):
        answer = invoke(vault, function, {"tenant_id": tenant, **request}, alias=APPLICATIONS[6])
    assert problem(answer) == "store-unavailable"
    assert [(each["problem"], each["tenant_id"]) for each in entries] == [("store-unavailable", tenant)]
    assert vault.tables(tenant) == before


def test_with_the_counters_out_of_reach_verify_tells_nothing(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    with vault.audited() as entries, vault.wire.failing(unreachable):
        answer = vault.verify(tenant, token)
    assert problem(answer) == "store-unavailable"
    assert [each["problem"] for each in entries] == ["store-unavailable"]


def test_a_role_that_may_not_count_answers_nothing(vault: Vault, tenant: str) -> None:
    with vault.denied("Lookup", "dynamodb:UpdateItem"):
        assert lookup(vault, tenant, APPLICATIONS[7]) == ["store-unavailable"]


def test_an_answer_that_was_lost_on_the_way_is_counted_twice_and_never_not_at_all(vault: Vault, tenant: str) -> None:
    lookup(vault, tenant, APPLICATIONS[8])

    def lost(sent: Sent, _: int) -> Fault | None:
        return Fault.FIRST_RESPONSE_LOST if sent.concerns("Operations") else None

    with vault.wire.failing(lost):
        assert lookup(vault, tenant, APPLICATIONS[8]) == [None]
    (row,) = rows(vault, f"quota#Lookup#direct:{APPLICATIONS[8]}#")
    assert row["used"] == {"N": "3"}


@pytest.mark.parametrize("used", ["-5", "1.5"], ids=["negative", "fraction"])
def test_a_counter_that_was_tampered_with_gives_nothing(vault: Vault, tenant: str, used: str) -> None:
    lookup(vault, tenant, APPLICATIONS[9])
    (row,) = rows(vault, f"quota#Lookup#direct:{APPLICATIONS[9]}#")
    vault.put("Operations", {**row, "used": {"N": used}})
    with vault.audited() as entries, pytest.raises(FunctionError, match="TamperedStore"):
        lookup(vault, tenant, APPLICATIONS[9])
    vault.delete("Operations", row)
    assert [each["outcome"] for each in entries] == ["fault"]


# How often the table is asked.


@pytest.mark.parametrize("function", [*FUNCTIONS, "Verify"])
def test_a_quota_is_one_request_more_and_only_where_it_is_set(vault: Vault, tenant: str, function: str) -> None:
    token = vault.protect(tenant)["token"]
    message = encrypt(vault, tenant)["message"]
    use = {"tenant_id": tenant, "purpose": "account_security"}
    request: dict[str, Any] = {
        "Protect": {"tenant_id": tenant, "subject_id": "subject-a", "number": BRITISH, "purposes": {"fraud": {}}},
        "Reveal": {**use, "token": token},
        "Lookup": {**use, "number": BRITISH},
        "Verify": {**use, "token": token, "number": BRITISH},
        "Encrypt": {**use, "subject_id": "subject-a", "number": BRITISH},
        "Decrypt": {**use, "subject_id": "subject-a", "message": message},
    }[function]
    for how in ({}, {"alias": APPLICATIONS[10]}):  # both warm, and past the first use of the day
        invoke(vault, function, request, **how)
        invoke(vault, function, request, **how)
    with vault.sending() as without:
        invoke(vault, function, request)
    with vault.sending() as limited:
        invoke(vault, function, request, alias=APPLICATIONS[10])
    expected = Counter(counts(without)) + Counter({"dynamodb.UpdateItem": 1})
    assert counts(limited) == expected


def test_a_batch_is_one_request_more(vault: Vault, tenant: str) -> None:
    lookup(vault, tenant, APPLICATIONS[11])
    with vault.sending() as sent:
        lookup(vault, tenant, APPLICATIONS[11], 10)
    assert counts(sent)["dynamodb.UpdateItem"] == 1


def test_a_call_that_meets_another_write_is_counted_once(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    vault.clock.advance(days=1)
    requests = {"tenant_id": tenant, "token": token, "purpose": "account_security"}

    def caller(_: int) -> Any:
        return vault.invoke("Reveal", requests, alias=APPLICATIONS[11])

    answers = at_once(8, caller)
    assert [problem(each) for each in answers] == [None] * 8
    (row,) = rows(vault, f"quota#Reveal#direct:{APPLICATIONS[11]}#")
    assert row["used"] == {"N": "8"}
