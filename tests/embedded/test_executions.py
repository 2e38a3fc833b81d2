"""Executions by the API: started, described, listed and stopped."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from phone_vault.local import LocalCloud
from tests.embedded.machines import definition, deploy_machine, distributed_map, task
from tests.embedded.probes import deploy

DONE = {"Done": {"Type": "Pass", "Parameters": {"got.$": "$.n"}, "End": True}}
FAILED = {"Failed": {"Type": "Fail", "Error": "circuit-breaker-open", "Cause": "too many"}}
ENDLESS = {
    "Print": task({"print": ["began"], "pause": 0.1}, ResultPath=None, Next="Again"),
    "Again": {"Type": "Pass", "Next": "Print"},
}


def _start(cloud: LocalCloud, machine: str, **execution_input: Any) -> str:
    started = cloud.client("stepfunctions").start_execution(stateMachineArn=machine, input=json.dumps(execution_input))
    return str(started["executionArn"])


def _described(cloud: LocalCloud, execution: str) -> dict[str, Any]:
    answer: dict[str, Any] = cloud.client("stepfunctions").describe_execution(executionArn=execution)
    return answer


def _ended(cloud: LocalCloud, execution: str) -> dict[str, Any]:
    while (answer := _described(cloud, execution))["status"] == "RUNNING":
        time.sleep(0.005)
    return answer


def _began(cloud: LocalCloud) -> int:
    return cloud.logs.count("began")


def _wait_until_it_began(cloud: LocalCloud) -> None:
    while not _began(cloud):
        time.sleep(0.005)


def test_an_execution_answers_its_output(cloud: LocalCloud) -> None:
    answer = _ended(cloud, _start(cloud, deploy_machine(cloud, DONE), n=1))
    assert (answer["status"], json.loads(answer["output"])) == ("SUCCEEDED", {"got": 1})


def test_a_failed_execution_answers_error_and_cause(cloud: LocalCloud) -> None:
    answer = _ended(cloud, _start(cloud, deploy_machine(cloud, FAILED)))
    assert (answer["status"], answer["error"], answer["cause"]) == ("FAILED", "circuit-breaker-open", "too many")


def test_an_execution_is_dated_by_the_embedded_clock(cloud: LocalCloud) -> None:
    answer = _ended(cloud, _start(cloud, deploy_machine(cloud, DONE), n=1))
    assert {answer["startDate"], answer["stopDate"]} == {datetime(2026, 1, 1, tzinfo=UTC)}


def test_executions_need_no_names(cloud: LocalCloud) -> None:
    machine = deploy_machine(cloud, DONE)
    assert _start(cloud, machine, n=1) != _start(cloud, machine, n=1)


def test_executions_are_listed_by_their_status(cloud: LocalCloud) -> None:
    machine = deploy_machine(cloud, DONE)
    execution = _start(cloud, machine, n=1)
    _ended(cloud, execution)
    stepfunctions = cloud.client("stepfunctions")
    found = {
        status: [each["executionArn"] for each in stepfunctions.list_executions(**query)["executions"]]
        for status in ("SUCCEEDED", "RUNNING")
        for query in [{"stateMachineArn": machine, "statusFilter": status}]
    }
    assert found == {"SUCCEEDED": [execution], "RUNNING": []}


def test_a_stopped_execution_is_aborted_at_once_with_its_reason(cloud: LocalCloud) -> None:
    deploy(cloud)
    execution = _start(cloud, deploy_machine(cloud, ENDLESS, Function="phone-vault-Probe"))
    cloud.client("stepfunctions").stop_execution(executionArn=execution, error="stopped", cause="by an operator")
    answer = _described(cloud, execution)
    assert (answer["status"], answer["error"], answer["cause"]) == ("ABORTED", "stopped", "by an operator")


@pytest.mark.parametrize("where", ["alone", "map", "parallel"])
def test_a_stopped_execution_starts_nothing_more(cloud: LocalCloud, where: str) -> None:
    deploy(cloud)
    in_map = {"Map": distributed_map(ENDLESS, MaxConcurrency=1, End=True)}
    branches = [definition(in_map), definition(ENDLESS)]
    in_parallel = {"Parallel": {"Type": "Parallel", "Branches": branches, "End": True}}
    states: dict[str, Any] = {"alone": ENDLESS, "map": in_map, "parallel": in_parallel}[where]
    execution = _start(cloud, deploy_machine(cloud, states, Function="phone-vault-Probe"), shards=[1, 2], run="r")
    _wait_until_it_began(cloud)
    cloud.client("stepfunctions").stop_execution(executionArn=execution)
    time.sleep(0.15)
    began = _began(cloud)
    time.sleep(0.25)
    assert (_described(cloud, execution)["status"], _began(cloud)) == ("ABORTED", began)


def test_what_runs_while_an_execution_is_stopped_finishes(cloud: LocalCloud) -> None:
    deploy(cloud)
    states = {"Print": task({"print": ["began", "ended"], "pause": 0.1}, End=True)}
    execution = _start(cloud, deploy_machine(cloud, states, Function="phone-vault-Probe"))
    _wait_until_it_began(cloud)
    cloud.client("stepfunctions").stop_execution(executionArn=execution)
    time.sleep(0.3)
    assert cloud.logs == ["began", "ended"]


def test_stopping_what_has_ended_changes_nothing(cloud: LocalCloud) -> None:
    execution = _start(cloud, deploy_machine(cloud, DONE), n=1)
    _ended(cloud, execution)
    cloud.client("stepfunctions").stop_execution(executionArn=execution)
    assert _described(cloud, execution)["status"] == "SUCCEEDED"


def test_nothing_runs_any_more_when_the_cloud_closes() -> None:
    with LocalCloud() as cloud:
        deploy(cloud)
        _start(cloud, deploy_machine(cloud, ENDLESS, Function="phone-vault-Probe"))
        _wait_until_it_began(cloud)
    began = _began(cloud)
    time.sleep(0.3)
    assert _began(cloud) == began
