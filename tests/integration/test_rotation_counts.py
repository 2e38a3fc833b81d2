"""What the passes of a Rotation ask of AWS, counted at the wire; and what the state machine's history holds."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.integration.support.numbers import variants
from tests.integration.support.rotation import Run, begun, deploy_with_few_shards, make_pass
from tests.integration.support.vault import Vault, open_vault, problem, writes
from tests.integration.support.wire import Sent, to

FEW, MANY = 30, 240
SUBJECT = "a-subject-that-nobody-else-is"


@pytest.fixture(scope="module")
def vault() -> Iterator[Vault]:
    """Of few shards, so that one call of a worker does much."""
    with open_vault() as opened:
        deploy_with_few_shards(opened)
        yield opened


def stored(vault: Vault, count: int) -> str:
    """A tenant with so many numbers."""
    tenant = vault.tenant()
    common = {"tenant_id": tenant, "purposes": {"account_security": {}}}
    items = [{"subject_id": f"{SUBJECT}-{at}", "number": each} for at, each in enumerate(variants("GB", count))]
    for at in range(0, count, 100):
        answers = vault.invoke("Protect", {**common, "items": items[at : at + 100]})["results"]
        assert all("token" in each for each in answers)
    return tenant


def passed(vault: Vault, run: Run, step: str) -> list[Sent]:
    """What workers that are cold send in one pass."""
    vault.cloud.restart()
    with vault.sending() as sent:
        make_pass(vault, run, step)
    return sent


def rotated(vault: Vault, tenant: str, use: str) -> Run:
    """A new version, and the caches' time is over."""
    run = begun(vault, tenant_id=tenant, use=use)
    vault.clock.advance(seconds=run["wait_seconds"])
    return run


def written(sent: list[Sent], table: str) -> int:
    """Writes of rows of a table."""
    return sum(name == table for name, _ in writes(sent))


def test_re_wrapping_asks_kms_as_often_for_many_records_as_for_few(vault: Vault) -> None:
    calls = []
    for count in (FEW, MANY):
        tenant = stored(vault, count)
        calls.append(len(to("kms", passed(vault, rotated(vault, tenant, "branch"), "rewrap"))))
    assert calls[0] == calls[1] > 0


def test_re_wrapping_is_one_write_for_a_stale_record_and_none_for_a_current_one(vault: Vault) -> None:
    tenant = stored(vault, FEW)
    stale = passed(vault, rotated(vault, tenant, "branch"), "rewrap")
    run = begun(vault, tenant_id=tenant, rotate="none")
    current = passed(vault, run, "rewrap-first")  # the other pass of this run is over
    assert [written(each, "RecordKeys") for each in (stale, current)] == [FEW, 0]


def test_re_indexing_is_one_write_of_a_stale_record_and_one_entry_and_none_of_a_current_one(vault: Vault) -> None:
    tenant = stored(vault, FEW)
    stale = passed(vault, rotated(vault, tenant, "index"), "reindex")
    run = begun(vault, tenant_id=tenant, rotate="none", re_encrypt=True)  # another run than the one before
    current = passed(vault, run, "reindex")
    counted = [[written(each, table) for table in ("RecordKeys", "LookupIndex")] for each in (stale, current)]
    assert counted == [[FEW, FEW], [0, 0]]


def test_re_indexing_asks_kms_as_often_for_many_records_as_for_few(vault: Vault) -> None:
    calls = []
    for count in (FEW, MANY):
        tenant = stored(vault, count)
        calls.append(len(to("kms", passed(vault, rotated(vault, tenant, "index"), "reindex"))))
    assert calls[0] == calls[1] > 0


def test_that_records_are_current_costs_as_many_calls_of_kms_for_many_as_for_few(vault: Vault) -> None:
    calls = []
    for count in (FEW, MANY):
        tenant = stored(vault, count)
        run = begun(vault, tenant_id=tenant, rotate="none")
        calls.append(len(to("kms", passed(vault, run, "rewrap"))))
    assert calls[0] == calls[1]


def histories(vault: Vault) -> Iterator[Mapping[str, Any]]:
    """Everything that Step Functions keeps of executions."""
    machines = vault.cloud.client("stepfunctions")
    [machine] = [each for each in machines.list_state_machines()["stateMachines"] if each["name"].endswith("Rotation")]
    for execution in machines.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]:
        arn = execution["executionArn"]
        yield machines.describe_execution(executionArn=arn)
        yield from machines.get_paginator("get_execution_history").paginate(executionArn=arn)


def test_no_state_of_the_machine_holds_a_number_a_token_a_subject_or_a_key(vault: Vault) -> None:
    tenant, numbers = vault.tenant(), variants("GB", 3)
    tokens = [vault.protect(tenant, f"{SUBJECT}-{at}", each)["token"] for at, each in enumerate(numbers)]
    rows = vault.rows("RecordKeys", f"{tenant}#")
    assert problem(vault.invoke("RotateKeys", {"tenant_id": tenant, "use": "index"})) is None
    output = vault.cloud.execute("Rotation", {"use": "branch", "re_encrypt": True, "tenant_id": tenant})
    assert (output["rewrapped"], output["reindexed"], output["re_encrypted"], output["failed"]) == (3, 3, 3, 0)
    told = json.dumps(list(histories(vault)), default=str)
    assert f"{tenant}/index/2" in told
    secrets = [*(each.removeprefix("+44") for each in numbers), *tokens, SUBJECT]
    secrets += [row[name]["S"] for row in rows for name in ("subject_id", "subject_ref")]
    assert [each for each in secrets if each in told] == []
