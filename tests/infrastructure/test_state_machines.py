"""The state machines: what each may do, what it keeps, and what becomes of it when something fails."""

from fnmatch import fnmatchcase

import pytest

from phone_vault.domain import errors
from phone_vault.domain.problems import PROBLEM_TYPES
from tests.infrastructure.roles import OTHER_ROLES, Grant, grants
from tests.infrastructure.state_machines import MACHINES, Machine
from tests.infrastructure.templates import (
    ACCOUNT,
    DEPLOYED,
    JOBS,
    ROOT,
    STATE_MACHINES,
    Template,
    listed,
    of_type,
    resolve,
    source,
    translation,
)

LAMBDAS_OWN = {
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Sandbox.Timedout",
}
"""Faults of Lambda; the last two are a function that ended without an answer, or took too long."""
TASKS = {
    f"{machine.name} {name}": task for machine in MACHINES.values() for name, task in machine.of_kind("Task").items()
}
MAPS = {
    f"{machine.name} {name}": each for machine in MACHINES.values() for name, each in machine.of_kind("Map").items()
}

ASKED_OF_WORKERS = {task["Resource"] for task in TASKS.values()} - {"${RotateKeys}"}

every_machine = pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
every_task = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
every_map = pytest.mark.parametrize("each", MAPS.values(), ids=MAPS)


def role(machine: Machine) -> list[Grant]:
    """What it is granted."""
    return list(grants(OTHER_ROLES[f"{machine.name}Role"]))


# Passes.


@every_map
def test_a_pass_is_a_distributed_map(each: Template) -> None:
    assert each["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}


# What fails.


@every_task
def test_a_task_is_tried_again_for_what_passes_by_itself(task: Template) -> None:
    (retry,) = task["Retry"]
    raised = {kind.__name__ for kind in (errors.AuditUnavailable, errors.KeyUnavailable, errors.StoreUnavailable)}
    own = raised if task["Resource"] in ASKED_OF_WORKERS else set()  # a job answers what refuses it
    assert set(retry["ErrorEquals"]) == LAMBDAS_OWN | own
    assert retry["BackoffRate"] > 1
    assert retry["JitterStrategy"] == "FULL"


@every_machine
def test_an_error_that_is_caught_is_named_and_leads_to_the_failure_of_its_problem(machine: Machine) -> None:
    for task in machine.of_kind("Task").values():
        for catch in task.get("Catch", ()):
            (name,) = catch["ErrorEquals"]
            if name != "States.DataLimitExceeded":
                assert machine.states[catch["Next"]]["Error"] == PROBLEM_TYPES[getattr(errors, name)].name


# What it keeps.


@every_machine
def test_what_an_execution_is_given_and_answers_is_not_logged(machine: Machine) -> None:
    arn = f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/aws/vendedlogs/states/phone-vault-{machine.name}:*"
    logging = resolve(machine.properties["LoggingConfiguration"], DEPLOYED | {f"{machine.name}LogGroup.Arn": arn})
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ERROR", False)


@every_machine
def test_its_log_group_is_encrypted_and_for_a_time(machine: Machine) -> None:
    group = translation(machine.template)["Resources"][f"{machine.name}LogGroup"]
    assert (group["DeletionPolicy"], group["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert group["Properties"]["KmsKeyId"] == {"Ref": "StorageKeyArn"}
    assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


@every_machine
def test_the_storage_key_serves_its_log_group(machine: Machine) -> None:
    group = translation(machine.template)["Resources"][f"{machine.name}LogGroup"]
    policy = resolve(of_type("data", "AWS::KMS::Key")["Storage"]["Properties"]["KeyPolicy"])
    patterns = next(
        statement["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
        for statement in policy["Statement"]
        if statement["Sid"] == "CloudWatchLogsEncryptsItsGroups"
    )
    arn = f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:{resolve(group['Properties']['LogGroupName'])}"
    assert any(fnmatchcase(arn, pattern) for pattern in patterns)


# How it is set up.


@every_machine
def test_it_is_named_after_the_vault(machine: Machine) -> None:
    assert resolve(machine.properties["StateMachineName"]) == STATE_MACHINES[machine.name].rpartition(":")[2]
    assert machine.properties["StateMachineType"] == "STANDARD"
    assert machine.properties["TracingConfiguration"] == {"Enabled": True}


@every_machine
def test_every_name_that_it_is_given_is_used_and_no_other(machine: Machine) -> None:
    given = machine.properties["DefinitionSubstitutions"]
    assert {f"${{{name}}}" for name in given} == {task["Resource"] for task in machine.of_kind("Task").values()}
    assert given == {name: {"Fn::GetAtt": [f"{name}Function", "Arn"]} for name in given}


@every_machine
def test_its_role_invokes_exactly_the_functions_that_it_asks(machine: Machine) -> None:
    allowed = {grant.resource for grant in role(machine) if grant.action == "lambda:InvokeFunction"}
    tasks = machine.of_kind("Task").values()
    assert allowed == {DEPLOYED[f"{task['Resource'][2:-1]}Function.Arn"] for task in tasks}
    assert allowed < {DEPLOYED[f"{name}Function.Arn"] for name in JOBS}


@every_machine
def test_its_role_starts_and_follows_executions_of_itself_alone(machine: Machine) -> None:
    of_states = {(each.action, each.resource) for each in role(machine) if each.action.startswith("states:")}
    own = STATE_MACHINES[machine.name]
    followed = {
        (f"states:{action}", f"{own.replace(':stateMachine:', ':execution:')}{of}*")
        for action in ("DescribeExecution", "StopExecution")
        for of in (":", "/")  # those of a map have its label behind a slash
    }
    assert of_states == {("states:StartExecution", own)} | followed


@every_machine
def test_its_role_reaches_no_table_and_no_key(machine: Machine) -> None:
    assert {each.action.partition(":")[0] for each in role(machine)} == {"lambda", "logs", "states", "xray"}


@every_machine
def test_its_role_has_of_logs_what_step_functions_asks_for_and_no_more(machine: Machine) -> None:
    """With PutResourcePolicy, which AWS has no narrower form of: see the Developer Guide, "Using CloudWatch Logs"."""
    of_logs = {each.action for each in role(machine) if each.action.startswith("logs:")}
    deliveries = {f"logs:{verb}LogDelivery" for verb in ("Create", "Get", "Update", "Delete")}
    policies = {"logs:PutResourcePolicy", "logs:DescribeResourcePolicies"}
    assert of_logs == deliveries | policies | {"logs:ListLogDeliveries", "logs:DescribeLogGroups"}


@every_machine
def test_its_role_is_for_this_state_machine_alone(machine: Machine) -> None:
    properties = OTHER_ROLES[f"{machine.name}Role"]["Properties"]
    (trust,) = resolve(properties["AssumeRolePolicyDocument"])["Statement"]
    own = STATE_MACHINES[machine.name]
    assert trust["Principal"] == {"Service": "states.amazonaws.com"}
    assert trust["Condition"] == {
        "ArnLike": {"aws:SourceArn": [own, f"{own}/*"]},
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
    }


@every_machine
def test_no_function_may_start_it(machine: Machine) -> None:
    starting = {
        name
        for name, granted in OTHER_ROLES.items()
        for grant in grants(granted)
        if grant.action == "states:StartExecution" and STATE_MACHINES[machine.name] in listed(grant.resource)
    }
    assert starting == {f"{machine.name}Role", f"{machine.name}ScheduleRole"}


@every_machine
def test_the_definition_is_a_file_of_its_own(machine: Machine) -> None:
    written = source(machine.template)["Resources"][f"{machine.name}StateMachine"]["Properties"]
    assert (ROOT / "infrastructure" / written["DefinitionUri"]).resolve() == machine.file
