"""The states that our machines are made of do what AWS's do."""

from datetime import timedelta
from typing import Any

import pytest

from phone_vault.local import ExecutionFailed, LocalCloud
from tests.embedded.machines import PROBE_ARN, definition, deploy_machine, distributed_map, task
from tests.embedded.probes import deploy

ECHO = task({"shard.$": "$.shard", "run.$": "$.run"}, ResultSelector={"event.$": "$.Payload.event"}, End=True)
FAILING = task({"fail.$": "$.shard"}, End=True)
CATCH_ALL = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Caught"}]
CAUGHT = {"Type": "Pass", "End": True}


def _many(shards: int) -> dict[str, Any]:
    return {"shards": list(range(shards)), "run": "r"}


@pytest.fixture
def vault(cloud: LocalCloud) -> LocalCloud:
    """With the function that the machines invoke."""
    deploy(cloud)
    return cloud


def _run(cloud: LocalCloud, states: dict[str, Any], execution_input: Any) -> Any:
    deploy_machine(cloud, states, Function="phone-vault-Probe")
    return cloud.execute("Work", execution_input)


def _error_of(cloud: LocalCloud, states: dict[str, Any], execution_input: Any) -> str:
    with pytest.raises(ExecutionFailed) as failed:
        _run(cloud, states, execution_input)
    return failed.value.error


@pytest.mark.parametrize(
    ("execution_input", "way"),
    [
        ({}, "absent"),
        ({"many": 6, "go": True}, "many"),
        ({"many": 6, "go": False, "name": "a"}, "named"),
        ({"many": 5, "go": True, "name": "b"}, "default"),
    ],
)
def test_a_choice_takes_the_first_way_that_holds(cloud: LocalCloud, execution_input: dict[str, Any], way: str) -> None:
    many = [{"Variable": "$.many", "NumericGreaterThan": 5}, {"Variable": "$.go", "BooleanEquals": True}]
    choices = [
        {"Variable": "$.many", "IsPresent": False, "Next": "absent"},
        {"And": many, "Next": "many"},
        {"Variable": "$.name", "StringEquals": "a", "Next": "named"},
    ]
    ways = {name: {"Type": "Pass", "Result": name, "End": True} for name in ("absent", "many", "named", "default")}
    choice = {"Type": "Choice", "Choices": choices, "Default": "default"}
    assert _run(cloud, {"Choose": choice, **ways}, execution_input) == way


def test_a_choice_about_what_is_absent_fails(cloud: LocalCloud) -> None:
    done = {"Variable": "$.done", "BooleanEquals": True, "Next": "Done"}
    states = {"Choose": {"Type": "Choice", "Choices": [done], "Default": "Done"}, "Done": {"Type": "Succeed"}}
    assert _error_of(cloud, states, {}) == "States.Runtime"


def test_a_choice_may_ask_first_whether_it_is_there(cloud: LocalCloud) -> None:
    present = {"Variable": "$.done", "IsPresent": True}
    done = {"And": [present, {"Variable": "$.done", "BooleanEquals": True}], "Next": "Done"}
    states = {"Choose": {"Type": "Choice", "Choices": [done], "Default": "Done"}, "Done": {"Type": "Succeed"}}
    assert _run(cloud, states, {}) == {}


def _caught_if_too_long(error: str) -> dict[str, Any]:
    ask = {"Type": "Task", "Resource": PROBE_ARN, "Catch": [{"ErrorEquals": [error], "Next": "Caught"}], "End": True}
    return {"Ask": ask, "Caught": {"Type": "Pass", "Result": "caught", "End": True}}


def test_an_answer_that_is_too_long_is_caught_by_its_name(vault: LocalCloud) -> None:
    assert _run(vault, _caught_if_too_long("States.DataLimitExceeded"), {"long": "x" * 261_900}) == "caught"


def test_an_answer_that_is_too_long_is_not_caught_with_all_others(vault: LocalCloud) -> None:
    error = _error_of(vault, _caught_if_too_long("States.ALL"), {"long": "x" * 261_900})
    assert error == "States.DataLimitExceeded"


def test_a_function_is_invoked_by_its_arn_alone(vault: LocalCloud) -> None:
    ask = {"Type": "Task", "Resource": PROBE_ARN, "OutputPath": "$.event", "End": True}
    assert _run(vault, {"Ask": ask}, {"name": "x"}) == {"name": "x"}


def test_a_result_is_put_where_its_path_says(vault: LocalCloud) -> None:
    ask = task({"n.$": "$.n"}, ResultSelector={"seen.$": "$.Payload.event.n"}, ResultPath="$.asked", End=True)
    assert _run(vault, {"Ask": ask}, {"n": 1}) == {"n": 1, "asked": {"seen": 1}}


def test_a_result_without_a_path_is_dropped(vault: LocalCloud) -> None:
    assert _run(vault, {"Ask": task({}, ResultPath=None, End=True)}, {"n": 1}) == {"n": 1}


def test_a_loop_goes_back_to_its_task_until_a_choice_ends_it(vault: LocalCloud) -> None:
    before = vault.clock.now()
    done = {"Variable": "$.asked.n", "NumericGreaterThan": 4, "Next": "Done"}
    states = {
        "Count": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "Ask"},
        "Ask": task({"n.$": "$.n"}, ResultSelector={"n.$": "$.Payload.event.n"}, ResultPath="$.asked", Next="Wait"),
        "Wait": {"Type": "Wait", "SecondsPath": "$.n", "Next": "More"},
        "More": {"Type": "Choice", "Choices": [done], "Default": "Count"},
        "Done": {"Type": "Succeed"},
    }
    assert _run(vault, states, {"n": 0}) == {"n": 5, "asked": {"n": 5}}
    assert vault.clock.now() - before == timedelta(seconds=1 + 2 + 3 + 4 + 5)


@pytest.mark.parametrize("resource", ["arn:aws:states:::lambda:invoke", PROBE_ARN])
def test_an_error_keeps_its_name_and_cause_through_catch_and_fail(vault: LocalCloud, resource: str) -> None:
    ask = {
        **task({"fail": "no luck"}),
        "Resource": resource,
        "Catch": [{**CATCH_ALL[0], "Next": "Failed"}],
        "End": True,
    }
    if resource == PROBE_ARN:
        ask["Parameters"] = {"fail": "no luck"}
    failed = {"Type": "Fail", "ErrorPath": "$.error.Error", "CausePath": "$.error.Cause"}
    assert _error_of(vault, {"Ask": ask, "Failed": failed}, {}) == "PermissionError"


def test_a_distributed_map_runs_its_children_over_the_items_in_order(vault: LocalCloud) -> None:
    answers = _run(vault, {"Map": distributed_map({"Ask": ECHO}, End=True)}, {"shards": list(range(20)), "run": "r"})
    assert answers == [{"event": {"shard": shard, "run": "r"}} for shard in range(20)]


def test_a_map_over_nothing_answers_nothing(vault: LocalCloud) -> None:
    assert _run(vault, {"Map": distributed_map({"Ask": ECHO}, End=True)}, {"shards": [], "run": "r"}) == []


def test_a_map_has_as_many_children_as_there_are_items(vault: LocalCloud) -> None:
    note = {"Note": {"Type": "Pass", "Parameters": {"shard.$": "$.shard"}, "End": True}}
    answers = _run(vault, {"Map": distributed_map(note, MaxConcurrency=1, End=True)}, _many(1200))
    assert len(answers) == 1200


def test_maps_run_side_by_side(vault: LocalCloud) -> None:
    dropped = definition({"Left": distributed_map({"Ask": ECHO}, ResultPath=None, End=True)})
    kept = definition({"Right": distributed_map({"Ask": ECHO}, ResultPath="$.answers", End=True)})
    given = {"shards": [1], "run": "r"}
    states = {"Both": {"Type": "Parallel", "Branches": [dropped, kept], "End": True}}
    assert _run(vault, states, given) == [given, {**given, "answers": [{"event": {"shard": 1, "run": "r"}}]}]


def test_a_childs_failure_fails_its_map_by_the_threshold(vault: LocalCloud) -> None:
    given = {"shards": ["a", "b"], "run": "r"}
    assert _error_of(vault, {"Map": distributed_map({"Ask": FAILING}, End=True)}, given) == (
        "States.ExceedToleratedFailureThreshold"
    )


def test_a_maps_failure_is_caught(vault: LocalCloud) -> None:
    failing = distributed_map({"Ask": FAILING}, Catch=CATCH_ALL, End=True)
    caught = _run(vault, {"Map": failing, "Caught": CAUGHT}, {"shards": ["a"], "run": "r"})
    assert caught["error"]["Error"] == "States.ExceedToleratedFailureThreshold"


def test_a_maps_failure_is_caught_around_the_maps_beside_it(vault: LocalCloud) -> None:
    branches = [
        definition({"Left": distributed_map({"Ask": FAILING}, End=True)}),
        definition({"Right": distributed_map({"Ask": ECHO}, End=True)}),
    ]
    states = {
        "Both": {"Type": "Parallel", "Branches": branches, "Catch": CATCH_ALL, "End": True},
        "Caught": CAUGHT,
    }
    caught = _run(vault, states, {"shards": ["a"], "run": "r"})
    assert caught["error"]["Error"] == "States.ExceedToleratedFailureThreshold"


def test_a_map_tolerates_as_many_failures_as_it_says(vault: LocalCloud) -> None:
    tolerant = distributed_map({"Ask": FAILING}, ToleratedFailureCount=2, End=True)
    assert _run(vault, {"Map": tolerant}, {"shards": ["a", "b"], "run": "r"}) == [None, None]


def test_a_failed_map_starts_no_further_children(vault: LocalCloud) -> None:
    failing = distributed_map({"Ask": FAILING}, MaxConcurrency=1, End=True)
    _error_of(vault, {"Map": failing}, {"shards": ["a", "b", "c"], "run": "r"})
    assert sum(line.startswith("[ERROR]") for line in vault.logs) == 1


def test_children_retry_by_the_errors_name(vault: LocalCloud) -> None:
    retry = [{"ErrorEquals": ["PermissionError"], "IntervalSeconds": 1, "MaxAttempts": 2}]
    failing = distributed_map({"Ask": {**FAILING, "Retry": retry}}, End=True)
    _error_of(vault, {"Map": failing}, {"shards": ["a"], "run": "r"})
    assert sum(line.startswith("[ERROR]") for line in vault.logs) == 3


def test_children_that_run_at_once_have_instances_of_their_own(vault: LocalCloud) -> None:
    sleep = task({"sleep": 0.2}, OutputPath="$.Payload", End=True)
    instances = _run(vault, {"Map": distributed_map({"Sleep": sleep}, End=True)}, {"shards": [1, 2, 3], "run": "r"})
    assert len(set(instances)) == 3


def test_a_map_runs_no_more_children_at_once_than_it_may(vault: LocalCloud) -> None:
    sleep = task({"sleep": 0.02}, OutputPath="$.Payload", End=True)
    two = distributed_map({"Sleep": sleep}, MaxConcurrency=2, End=True)
    assert len(set(_run(vault, {"Map": two}, {"shards": list(range(10)), "run": "r"}))) == 2


def test_children_lose_no_updates(vault: LocalCloud) -> None:
    key = {"record_id": {"S": "counter"}}
    count = {
        "TableName": "phone-vault-Numbers",
        "Key": key,
        "UpdateExpression": "ADD times :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    deploy(vault, {"Effect": "Allow", "Action": "dynamodb:UpdateItem", "Resource": "*"}, name="Counter")
    counting = distributed_map({"Count": task({"call": ["dynamodb", "update_item", count]}, End=True)}, End=True)
    deploy_machine(vault, {"Map": counting}, Function="phone-vault-Counter")
    vault.execute("Work", {"shards": list(range(64)), "run": "r"})
    stored = vault.client("dynamodb").get_item(TableName="phone-vault-Numbers", Key=key)["Item"]
    assert stored["times"] == {"N": "64"}


def test_the_context_tells_the_embedded_time(cloud: LocalCloud) -> None:
    told = {"started.$": "$$.Execution.StartTime", "entered.$": "$$.State.EnteredTime"}
    states = {
        "Wait": {"Type": "Wait", "Seconds": 60, "Next": "Tell"},
        "Tell": {"Type": "Pass", "Parameters": told, "End": True},
    }
    assert _run(cloud, states, {}) == {"started": "2026-01-01T00:00:00.000Z", "entered": "2026-01-01T00:01:00.000Z"}
