"""State machines run to their end, over the deployed functions, in embedded time."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from phone_vault.local import ExecutionFailed, LocalCloud
from phone_vault.local.errors import UnknownStateMachine
from tests.embedded.machines import ROLE, deploy_machine, task
from tests.embedded.probes import deploy


def test_a_task_invokes_a_function(cloud: LocalCloud) -> None:
    deploy(cloud)
    ask = task({"name.$": "$.name"}, OutputPath="$.Payload.event", End=True)
    deploy_machine(cloud, {"Ask": ask}, Function="phone-vault-Probe")
    assert cloud.execute("Work", {"name": "x"}) == {"name": "x"}


def test_a_state_machine_of_the_api_runs_too(cloud: LocalCloud) -> None:
    definition = {"StartAt": "Done", "States": {"Done": {"Type": "Pass", "Result": 1, "End": True}}}
    cloud.client("stepfunctions").create_state_machine(
        name="phone-vault-Other", roleArn=ROLE, definition=json.dumps(definition)
    )
    assert cloud.execute("Other") == 1


def test_a_wait_advances_the_clock_instead_of_sleeping(cloud: LocalCloud) -> None:
    deploy_machine(cloud, {"Wait": {"Type": "Wait", "Seconds": 86_400, "End": True}})
    before = cloud.clock.now()
    cloud.execute("Work", {})
    assert cloud.clock.now() - before == timedelta(days=1)


def test_a_wait_by_path_advances_the_clock(cloud: LocalCloud) -> None:
    deploy_machine(cloud, {"Wait": {"Type": "Wait", "SecondsPath": "$.seconds", "End": True}})
    before = cloud.clock.now()
    cloud.execute("Work", {"seconds": 90})
    assert cloud.clock.now() - before == timedelta(seconds=90)


def test_a_wait_until_a_moment_advances_the_clock_to_it(cloud: LocalCloud) -> None:
    deploy_machine(cloud, {"Wait": {"Type": "Wait", "TimestampPath": "$.at", "End": True}})
    cloud.execute("Work", {"at": "2026-02-03T04:05:06Z"})
    assert cloud.clock.now() == datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


def test_a_wait_until_a_moment_in_the_past_does_not_wait(cloud: LocalCloud) -> None:
    deploy_machine(cloud, {"Wait": {"Type": "Wait", "TimestampPath": "$.at", "End": True}})
    before = cloud.clock.now()
    cloud.execute("Work", {"at": "2025-02-03T04:05:06Z"})
    assert cloud.clock.now() == before


def test_a_wait_until_nonsense_fails(cloud: LocalCloud) -> None:
    deploy_machine(cloud, {"Wait": {"Type": "Wait", "TimestampPath": "$.at", "End": True}})
    with pytest.raises(ExecutionFailed) as failed:
        cloud.execute("Work", {"at": "tomorrow"})
    assert failed.value.error == "States.Runtime"


def test_a_failing_task_fails_the_execution_by_its_exceptions_class(cloud: LocalCloud) -> None:
    deploy(cloud)
    deploy_machine(cloud, {"Ask": task({"fail": "no luck"}, End=True)}, Function="phone-vault-Probe")
    with pytest.raises(ExecutionFailed) as failed:
        cloud.execute("Work", {})
    assert failed.value.error == "PermissionError"
    assert json.loads(failed.value.cause)["errorMessage"] == "no luck"


def test_an_error_is_caught_by_its_name(cloud: LocalCloud) -> None:
    deploy(cloud)
    catch = [{"ErrorEquals": ["PermissionError"], "Next": "Caught"}]
    states = {
        "Ask": task({"fail": "no luck"}, Catch=catch, End=True),
        "Caught": {"Type": "Pass", "Result": "caught", "End": True},
    }
    deploy_machine(cloud, states, Function="phone-vault-Probe")
    assert cloud.execute("Work", {}) == "caught"


def test_an_error_is_retried_by_its_name_and_waits_on_the_clock(cloud: LocalCloud) -> None:
    deploy(cloud)
    retry = [{"ErrorEquals": ["PermissionError"], "IntervalSeconds": 60, "BackoffRate": 2.0, "MaxAttempts": 2}]
    deploy_machine(cloud, {"Ask": task({"fail": "no luck"}, Retry=retry, End=True)}, Function="phone-vault-Probe")
    before = cloud.clock.now()
    with pytest.raises(ExecutionFailed):
        cloud.execute("Work", {})
    assert sum(line.startswith("[ERROR]") for line in cloud.logs) == 3
    assert cloud.clock.now() - before == timedelta(seconds=60 + 120)


def test_a_fail_state_fails_by_its_own_name(cloud: LocalCloud) -> None:
    deploy_machine(cloud, {"Fail": {"Type": "Fail", "Error": "circuit-breaker-open", "Cause": "too many"}})
    with pytest.raises(ExecutionFailed) as failed:
        cloud.execute("Work", {})
    assert (failed.value.error, failed.value.cause) == ("circuit-breaker-open", "too many")


def test_an_unknown_state_machine_is_named(cloud: LocalCloud) -> None:
    deploy_machine(cloud, {"Done": {"Type": "Succeed"}})
    with pytest.raises(UnknownStateMachine, match=r"no state machine Missing; deployed are: .*phone-vault-Work"):
        cloud.execute("Missing", {})
