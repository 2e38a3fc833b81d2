"""The state machine Rotation on the embedded AWS: what ends it, by which name, and what its states hold."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest

from phone_vault.local import ExecutionFailed
from tests.integration.support.numbers import BRITISH
from tests.integration.support.rotation import deploy_with_few_shards
from tests.integration.support.tenants import disabled
from tests.integration.support.vault import Vault, open_vault

OUTPUT = {"rewrapped", "reindexed", "re_encrypted", "failed", "census", "retired", "out_of_reach"}
SUBJECT = "subject-of-rotation"


@pytest.fixture
def vault() -> Iterator[Vault]:
    with open_vault() as opened:
        deploy_with_few_shards(opened)
        opened.protect("acme", SUBJECT)
        yield opened


def error_of(vault: Vault, **asked: Any) -> str:
    with pytest.raises(ExecutionFailed) as failed:
        vault.cloud.execute("Rotation", asked)
    return failed.value.error


def versions(vault: Vault) -> set[str]:
    return {row["key_version"]["S"] for row in vault.rows("KeyRing", "acme")}


def history(vault: Vault) -> str:
    """All inputs and outputs of all states of all executions."""
    step_functions = vault.cloud.client("stepfunctions")
    machine = vault.cloud.outputs["RotationStateMachineArn"]
    executions = step_functions.list_executions(stateMachineArn=machine)["executions"]
    return json.dumps(
        [step_functions.get_execution_history(executionArn=each["executionArn"])["events"] for each in executions],
        default=str,
    )


def test_its_output_is_what_its_last_step_answers(vault: Vault) -> None:
    answer = vault.cloud.execute("Rotation", {"use": "branch"})
    assert answer.keys() == OUTPUT
    assert (answer["rewrapped"], answer["failed"], answer["retired"]) == (1, 0, ["acme/branch/1"])


def test_numbers_are_revealed_and_found_after_a_rotation_of_everything(vault: Vault) -> None:
    token = vault.lookup("acme")["matches"][0]["token"]
    vault.cloud.execute("Rotation", {"reason": "compromise", "re_encrypt": True})
    assert vault.reveal("acme", token)["number"] == BRITISH.replace(" ", "")
    assert [each["token"] for each in vault.lookup("acme")["matches"]] == [token]


@pytest.mark.parametrize(
    "asked",
    [{"tenant": "acme"}, {"rotate": "always"}, {"use": "kms"}, {"reason": "because"}, {"re_encrypt": "yes"}],
    ids=["field", "rotate", "use", "reason", "re_encrypt"],
)
def test_a_faulty_input_is_refused_before_anything_is_done(vault: Vault, asked: dict[str, Any]) -> None:
    before = versions(vault)
    assert error_of(vault, **{"reason": "compromise", **asked}) == "invalid-request"
    assert versions(vault) == before


def test_a_faulty_input_is_refused_by_the_fields_name(vault: Vault) -> None:
    with pytest.raises(ExecutionFailed) as failed:
        vault.cloud.execute("Rotation", {"tenant": "acme"})
    assert json.loads(failed.value.cause)["errorMessage"].startswith("/tenant:")


def test_a_tenant_that_is_none_is_not_found(vault: Vault) -> None:
    assert error_of(vault, tenant_id="nobody") == "not-found"


def test_a_problem_of_making_keys_ends_it_by_the_problems_name(vault: Vault) -> None:
    with disabled(vault, vault.cloud.outputs["KekId"]):
        assert error_of(vault, tenant_id="acme", use="branch") == "key-unavailable"


def test_making_keys_is_asked_again_when_the_store_was_out_of_reach_for_a_while(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance, begun = type(vault.clock).advance, vault.clock.now()
    with ExitStack() as denial:
        denial.enter_context(vault.denied("RotateKeys", "dynamodb:Query"))

        def advance_and_allow(clock: Any, **step: float) -> Any:
            now = advance(clock, **step)
            if now - begun > timedelta(minutes=3):
                denial.close()
            return now

        monkeypatch.setattr(type(vault.clock), "advance", advance_and_allow)
        vault.cloud.execute("Rotation", {"tenant_id": "acme", "use": "branch"})
    assert "branch#2" in versions(vault)


def test_what_passes_by_itself_is_tried_again_and_for_long(vault: Vault) -> None:
    before = vault.clock.now()
    with vault.denied("Census", "dynamodb:Scan"):
        assert error_of(vault, rotate="none") == "States.ExceedToleratedFailureThreshold"
    asked = sum("StoreUnavailable" in line for line in vault.cloud.logs if line.startswith("[ERROR]"))
    assert asked > 8
    assert vault.clock.now() > before


def test_started_again_it_goes_on_where_it_was(vault: Vault) -> None:
    with vault.denied("Census", "dynamodb:Scan"):
        error_of(vault, use="branch")
    (run,) = vault.rows("Operations", "rotation#latest")
    answer = vault.cloud.execute("Rotation", {"rotate": "none"})
    (again,) = vault.rows("Operations", "rotation#latest")
    assert answer["retired"] == ["acme/branch/1"]
    assert (again["finished"], run["finished"]) == ({"S": "yes"}, {"S": "no"})


def test_no_state_holds_a_number_a_token_or_whose_it_is(vault: Vault) -> None:
    token = vault.lookup("acme")["matches"][0]["token"]
    vault.cloud.execute("Rotation", {"reason": "compromise", "re_encrypt": True})
    told = history(vault)
    assert "rotate_keys" in told  # the proof that it tells something
    assert not [each for each in (token, SUBJECT, "7400123456", "7400 123456") if each in told]


def test_waits_are_as_long_as_caches_and_functions_may_be_behind(vault: Vault) -> None:
    before = vault.clock.now()
    vault.cloud.execute("Rotation", {"use": "index"})
    assert (vault.clock.now() - before).total_seconds() == 3 * (300 + 60)
