"""The state machine Rotation: what it may do, what it keeps, and that its protocol is the one that rotation needs."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

import pytest
import yaml

from phone_vault.domain import errors, ports
from phone_vault.domain.rotation import Step
from tests.infrastructure.roles import OTHER_ROLES, grants
from tests.infrastructure.templates import (
    ACCOUNT,
    DEPLOYED,
    JOBS,
    ROOT,
    ROTATION,
    Template,
    listed,
    of_type,
    resolve,
    source,
    translation,
)

DEFINITION = ROOT / "infrastructure/state_machines/rotation.asl.yaml"
MACHINE: Template = yaml.safe_load(DEFINITION.read_text())
PROPERTIES: Template = of_type("lifecycle", "AWS::StepFunctions::StateMachine")["RotationStateMachine"]["Properties"]
LOG_GROUP = f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/aws/vendedlogs/states/phone-vault-Rotation:*"
LAMBDAS_OWN = {
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Sandbox.Timedout",
}
"""Faults of Lambda; the last two are a function that ended without an answer, or took too long."""


def states(machine: Template) -> Iterator[tuple[str, Template]]:
    """Those of maps too."""
    for name, state in machine["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from states(state["ItemProcessor"])


STATES = dict(states(MACHINE))
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
MAPS = {name: state for name, state in STATES.items() if state["Type"] == "Map"}

every_task = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
every_map = pytest.mark.parametrize("each", MAPS.values(), ids=MAPS)


def next_states(machine: Template, name: str) -> set[str]:
    """Where a state may lead, failures aside."""
    state = machine["States"][name]
    choices = [*state.get("Choices", ()), *state.get("Catch", ())]
    named = {state.get("Next"), state.get("Default"), *(way["Next"] for way in choices)} - {None}
    return {each for each in named if machine["States"][each]["Type"] != "Fail"}


def ways(machine: Template, start: str, taken: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """All ways from a state to an end."""
    taken = (*taken, start)
    onward = next_states(machine, start)
    if not onward:
        yield taken
    for each in onward:
        yield from ways(machine, each, taken)


FINISHED = list(ways(MACHINE, MACHINE["StartAt"]))


# The protocol.


def test_there_is_a_way_through_for_each_choice() -> None:
    """Whether to rotate (in two ways, of which one is a long answer), and four times whether to make a pass."""
    assert len(FINISHED) == 3 * 2**4


@pytest.mark.parametrize("earlier_and_later", [("RotateKeys", "Begin"), ("Rewrap", "LastCensus"), ("Close", "Sweep")])
def test_one_step_comes_before_another(earlier_and_later: tuple[str, str]) -> None:
    earlier, later = earlier_and_later
    with_both = [way for way in FINISHED if earlier in way and later in way]
    assert with_both
    assert all(way.index(earlier) < way.index(later) for way in with_both)


@pytest.mark.parametrize("after_caches", ["Rewrap", "ReEncrypt", "Reindex", "FirstCensus", "LastCensus"])
def test_what_must_not_be_added_to_afterwards_waits_for_caches(after_caches: str) -> None:
    through = [way for way in FINISHED if after_caches in way]
    assert through
    assert all(way.index("WaitForCaches") < way.index(after_caches) for way in through)


def test_an_index_version_is_written_until_nobody_reads_it_and_swept_when_nobody_writes_it() -> None:
    for way in FINISHED:
        if "Sweep" in way:
            swept = way[way.index("Settle") : way.index("Sweep") + 1]
            assert swept == ("Settle", "Sweep?", "WaitForReaders", "Close", "WaitForWriters", "Sweep")


def test_a_version_is_retired_by_a_census_that_is_the_last_thing_before() -> None:
    assert all(way[-2:] == ("LastCensus", "Finish") for way in FINISHED)


def test_the_whole_input_is_looked_at_before_anything_is_done() -> None:
    assert MACHINE["StartAt"] == "Plan"
    assert STATES["Plan"]["Parameters"] == {"step": "plan", "rotation.$": "$"}


def test_every_way_leads_to_the_end() -> None:
    assert {way[-1] for way in FINISHED} == {"Finish"}


def test_every_wait_says_what_for_and_is_as_long_as_the_run_says() -> None:
    waits = [state for state in STATES.values() if state["Type"] == "Wait"]
    assert len(waits) == 3
    assert all(wait["Comment"] and wait["SecondsPath"] == "$.run.wait_seconds" for wait in waits)


def test_there_is_one_pass_a_step() -> None:
    assert {each["ItemSelector"]["step"] for each in MAPS.values()} == set(Step)
    assert len(MAPS) == len(Step)


@every_map
def test_a_pass_is_a_distributed_map_over_the_shards(each: Template) -> None:
    assert each["ItemsPath"] == "$.run.shards"
    assert each["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}


@every_map
def test_a_part_of_a_pass_asks_its_worker_for_page_after_page_until_it_is_done(each: Template) -> None:
    part = each["ItemProcessor"]
    pages = part["StartAt"]
    (asked,) = next_states(part, pages)
    assert part["States"][asked]["Choices"] == [
        {"Variable": "$.done", "BooleanEquals": True, "Next": part["States"][asked]["Choices"][0]["Next"]}
    ]
    assert part["States"][asked]["Default"] == pages


# What fails.


@every_task
def test_a_task_is_tried_again_for_what_passes_by_itself(task: Template) -> None:
    (retry,) = task["Retry"]
    own = {kind.__name__ for kind in (errors.AuditUnavailable, errors.KeyUnavailable, errors.StoreUnavailable)}
    assert set(retry["ErrorEquals"]) == LAMBDAS_OWN | own | {ports.Contended.__name__}
    assert retry["BackoffRate"] > 1
    assert retry["JitterStrategy"] == "FULL"


@every_task
def test_an_error_that_is_caught_is_named(task: Template) -> None:
    caught = {name for catch in task.get("Catch", ()) for name in catch["ErrorEquals"]}
    assert all(hasattr(errors, name) or name == "States.DataLimitExceeded" for name in caught)


def test_a_refusal_ends_the_execution_by_its_problems_name() -> None:
    failures = {name: state["Error"] for name, state in STATES.items() if state["Type"] == "Fail" and "Error" in state}
    assert failures == {"InvalidRequest": "invalid-request", "NotFound": "not-found", "Overtaken": "conflict"}


# What it keeps.


def test_no_state_is_given_a_result_but_what_decides_about_the_next() -> None:
    kept = {name: state.get("ResultPath", "$") for name, state in STATES.items() if state["Type"] in ("Map", "Task")}
    assert {name for name, path in kept.items() if path is not None} == {
        "Plan",
        "RotateKeys",
        "Begin",
        "Settle",
        "Finish",
        *(f"{name}Pages" for name in MAPS),
    }


def test_what_an_execution_is_given_and_answers_is_not_logged() -> None:
    logging = resolve(PROPERTIES["LoggingConfiguration"], DEPLOYED | {"RotationLogGroup.Arn": LOG_GROUP})
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ERROR", False)


def test_its_log_group_is_encrypted_and_for_a_time() -> None:
    group = translation("lifecycle")["Resources"]["RotationLogGroup"]
    assert (group["DeletionPolicy"], group["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert group["Properties"]["KmsKeyId"] == {"Ref": "StorageKeyArn"}
    assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_the_storage_key_serves_its_log_group() -> None:
    name = resolve(translation("lifecycle")["Resources"]["RotationLogGroup"]["Properties"]["LogGroupName"])
    policy = resolve(of_type("data", "AWS::KMS::Key")["Storage"]["Properties"]["KeyPolicy"])
    patterns = next(
        statement["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
        for statement in policy["Statement"]
        if statement["Sid"] == "CloudWatchLogsEncryptsItsGroups"
    )
    arn = f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:{name}"
    assert any(fnmatchcase(arn, pattern) for pattern in patterns)


# How it is set up.


def test_it_is_named_after_the_vault() -> None:
    assert resolve(PROPERTIES["StateMachineName"]) == ROTATION.rpartition(":")[2]
    assert PROPERTIES["StateMachineType"] == "STANDARD"
    assert PROPERTIES["TracingConfiguration"] == {"Enabled": True}


def test_it_ends_before_the_schedule_starts_the_next_one() -> None:
    assert MACHINE["TimeoutSeconds"] < 7 * 86_400


def test_every_name_that_it_is_given_is_used_and_no_other() -> None:
    given = PROPERTIES["DefinitionSubstitutions"]
    assert {f"${{{name}}}" for name in given} == {task["Resource"] for task in TASKS.values()}
    assert given == {name: {"Fn::GetAtt": [f"{name}Function", "Arn"]} for name in given}


def test_its_role_invokes_exactly_the_functions_that_it_asks() -> None:
    allowed = {g.resource for g in grants(OTHER_ROLES["RotationRole"]) if g.action == "lambda:InvokeFunction"}
    assert allowed == {DEPLOYED[f"{task['Resource'][2:-1]}Function.Arn"] for task in TASKS.values()}
    assert allowed < {DEPLOYED[f"{name}Function.Arn"] for name in JOBS}


def test_its_role_starts_and_follows_executions_of_itself_alone() -> None:
    of_states = {(g.action, g.resource) for g in grants(OTHER_ROLES["RotationRole"]) if g.action.startswith("states:")}
    execution = ROTATION.replace(":stateMachine:", ":execution:")
    followed = {
        (f"states:{action}", f"{execution}{of}*")
        for action in ("DescribeExecution", "StopExecution")
        for of in (":", "/")  # those of a map have its label behind a slash
    }
    assert of_states == {("states:StartExecution", ROTATION)} | followed


def test_its_role_reaches_no_table_and_no_key() -> None:
    services = {grant.action.partition(":")[0] for grant in grants(OTHER_ROLES["RotationRole"])}
    assert services == {"lambda", "logs", "states", "xray"}


def test_its_role_has_of_logs_what_step_functions_asks_for_and_no_more() -> None:
    """With PutResourcePolicy, which AWS has no narrower form of: see the Developer Guide, "Using CloudWatch Logs"."""
    of_logs = {g.action for g in grants(OTHER_ROLES["RotationRole"]) if g.action.startswith("logs:")}
    deliveries = {f"logs:{verb}LogDelivery" for verb in ("Create", "Get", "Update", "Delete")}
    policies = {"logs:PutResourcePolicy", "logs:DescribeResourcePolicies"}
    assert of_logs == deliveries | policies | {"logs:ListLogDeliveries", "logs:DescribeLogGroups"}


def test_its_role_is_for_this_state_machine_alone() -> None:
    (trust,) = resolve(OTHER_ROLES["RotationRole"]["Properties"]["AssumeRolePolicyDocument"])["Statement"]
    assert trust["Principal"] == {"Service": "states.amazonaws.com"}
    assert trust["Condition"] == {
        "ArnLike": {"aws:SourceArn": [ROTATION, f"{ROTATION}/*"]},
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
    }


def test_no_function_may_start_it() -> None:
    starting = {
        name
        for name, role in OTHER_ROLES.items()
        for grant in grants(role)
        if grant.action == "states:StartExecution" and ROTATION in listed(grant.resource)
    }
    assert starting == {"RotationRole", "RotationScheduleRole"}


def test_the_definition_is_a_file_of_its_own() -> None:
    written = source("lifecycle")["Resources"]["RotationStateMachine"]["Properties"]
    assert (ROOT / "infrastructure" / written["DefinitionUri"]).resolve() == DEFINITION
