"""What runs by itself, what becomes of it when it fails, and who is told."""

import json
import re

import pytest

from tests.infrastructure.roles import OTHER_ROLES, grants
from tests.infrastructure.templates import (
    ACCOUNT,
    DEAD_LETTERS,
    DEPLOYED,
    SOURCES,
    STATE_MACHINES,
    Template,
    of_type,
    resolve,
    source,
)

TARGETS = {
    "RotateKeys": ("lambda:InvokeFunction", DEPLOYED["RotateKeysFunction.Arn"]),
    "Rotation": ("states:StartExecution", STATE_MACHINES["Rotation"]),
    "Purge": ("states:StartExecution", STATE_MACHINES["Purge"]),
}
DAYS_BETWEEN = {"RotateKeys": 1, "Rotation": 7, "Purge": 1}
TURNED_OFF_BY = {"RotateKeys": "KeyRotationSchedule", "Rotation": "KeyRotationSchedule", "Purge": "PurgeSchedule"}
"""Parameters of the vault's template."""
NAMES = DEPLOYED | {f"{name}ScheduleRole.Arn": f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in TARGETS}
TEMPLATE_OF = {
    name.removesuffix("Schedule"): template
    for template in SOURCES
    for name in of_type(template, "AWS::Scheduler::Schedule")
}
SCHEDULES = {
    name: of_type(template, "AWS::Scheduler::Schedule")[f"{name}Schedule"]["Properties"]
    for name, template in TEMPLATE_OF.items()
}
ALARMS = {
    name: alarm["Properties"]
    for template in SOURCES
    for name, alarm in of_type(template, "AWS::CloudWatch::Alarm").items()
}

CRON = re.compile(
    r"cron\((?P<minute>[0-5]?\d) (?P<hour>1?\d|2[0-3]) (?P<day>\*|\?|[1-9]|[12]\d|3[01]) (?P<month>\*|[1-9]|1[0-2])"
    r" (?P<weekday>\*|\?|SUN|MON|TUE|WED|THU|FRI|SAT) \*\)"
)
"""As much of it as we use. Source: EventBridge Scheduler User Guide, "Cron-based schedules"."""

every_schedule = pytest.mark.parametrize("name", TARGETS)
every_state_machine = pytest.mark.parametrize("name", STATE_MACHINES)


def target(name: str) -> Template:
    found: Template = resolve(SCHEDULES[name]["Target"], NAMES)
    return found


def is_valid(expression: str) -> bool:
    """Of day and weekday exactly one is a question mark."""
    found = CRON.fullmatch(expression)
    return found is not None and (found["day"] == "?") != (found["weekday"] == "?")


def days_between(expression: str) -> int:
    """How many pass from run to run."""
    found = CRON.fullmatch(expression)
    assert found is not None
    return 1 if (found["day"], found["month"], found["weekday"]) == ("*", "*", "?") else 7


def test_what_runs_by_itself_is_what_is_meant_to() -> None:
    assert SCHEDULES.keys() == TARGETS.keys()


@every_schedule
def test_a_schedule_has_an_expression_that_the_scheduler_takes(name: str) -> None:
    assert is_valid(SCHEDULES[name]["ScheduleExpression"])
    assert SCHEDULES[name]["ScheduleExpressionTimezone"] == "UTC"


@pytest.mark.parametrize(
    "expression",
    ["cron(0 1 * * * *)", "cron(0 1 ? * ? *)", "cron(60 1 * * ? *)", "cron(0 24 * * ? *)", "cron(0 1 * * ?)"],
)
def test_an_expression_that_the_scheduler_refuses_is_found(expression: str) -> None:
    assert not is_valid(expression)


def test_what_is_due_is_made_or_purged_on_its_day_and_records_are_moved_in_the_week() -> None:
    days = {name: days_between(schedule["ScheduleExpression"]) for name, schedule in SCHEDULES.items()}
    assert days == DAYS_BETWEEN


@every_schedule
def test_a_schedule_starts_at_no_fixed_minute(name: str) -> None:
    window = SCHEDULES[name]["FlexibleTimeWindow"]
    assert (window["Mode"], window["MaximumWindowInMinutes"] > 0) == ("FLEXIBLE", True)


@every_schedule
def test_a_schedule_can_be_turned_off(name: str) -> None:
    (stack,) = (
        each["Properties"]["Parameters"]
        for each in source("template")["Resources"].values()
        if each["Properties"]["Location"].endswith(f"/{TEMPLATE_OF[name]}.yaml")
    )
    assert stack[SCHEDULES[name]["State"]["Ref"]] == {"Ref": TURNED_OFF_BY[name]}
    assert source("template")["Parameters"][TURNED_OFF_BY[name]]["AllowedValues"] == ["ENABLED", "DISABLED"]


@every_schedule
def test_a_schedule_is_in_the_vaults_group(name: str) -> None:
    (group,) = of_type("lifecycle", "AWS::Scheduler::ScheduleGroup").values()
    names = NAMES | {"Schedules": resolve(group["Properties"]["Name"])}
    assert resolve(SCHEDULES[name]["GroupName"], names) == "phone-vault"


@every_schedule
def test_a_schedule_asks_for_what_is_due_of_all_tenants(name: str) -> None:
    assert target(name)["Arn"] == TARGETS[name][1]
    assert json.loads(target(name)["Input"]) == {}


@every_schedule
def test_what_a_schedule_cannot_start_is_tried_again_and_then_kept(name: str) -> None:
    assert target(name)["RetryPolicy"]["MaximumRetryAttempts"] > 0
    assert target(name)["DeadLetterConfig"] == {"Arn": DEAD_LETTERS}


@every_schedule
def test_the_role_of_a_schedule_starts_its_target_and_keeps_what_failed(name: str) -> None:
    assert target(name)["RoleArn"] == NAMES[f"{name}ScheduleRole.Arn"]
    granted = {(grant.action, grant.resource) for grant in grants(OTHER_ROLES[f"{name}ScheduleRole"])}
    assert granted == {TARGETS[name], ("sqs:SendMessage", DEAD_LETTERS)}


@every_schedule
def test_the_role_of_a_schedule_is_for_the_vaults_group_alone(name: str) -> None:
    (trust,) = resolve(OTHER_ROLES[f"{name}ScheduleRole"]["Properties"]["AssumeRolePolicyDocument"])["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    group = f"arn:aws:scheduler:eu-west-1:{ACCOUNT}:schedule-group/phone-vault"
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": group}}


# What failed.


def test_what_failed_is_kept_encrypted_for_as_long_as_the_queue_can() -> None:
    (queue,) = (queue for template in SOURCES for queue in of_type(template, "AWS::SQS::Queue").values())
    assert queue["Properties"]["SqsManagedSseEnabled"] is True
    assert queue["Properties"]["MessageRetentionPeriod"] == 14 * 86_400


def test_a_message_in_the_queue_of_what_failed_raises_an_alarm() -> None:
    alarm = ALARMS["DeadLettersAlarm"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/SQS", "ApproximateNumberOfMessagesVisible")
    assert resolve(alarm["Dimensions"]) == [{"Name": "QueueName", "Value": DEAD_LETTERS.rpartition(":")[2]}]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")


@every_state_machine
def test_an_execution_that_does_not_come_to_its_end_raises_an_alarm(name: str) -> None:
    watched = {
        each["MetricStat"]["Metric"]["MetricName"]: resolve(each["MetricStat"]["Metric"]["Dimensions"])
        for each in ALARMS[f"{name}Alarm"]["Metrics"]
        if "MetricStat" in each
    }
    of_it = [{"Name": "StateMachineArn", "Value": STATE_MACHINES[name]}]
    assert watched == dict.fromkeys(("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"), of_it)


@every_state_machine
def test_whatever_is_watched_of_executions_counts(name: str) -> None:
    (sum_of_all,) = (each for each in ALARMS[f"{name}Alarm"]["Metrics"] if "Expression" in each)
    ids = {each["Id"] for each in ALARMS[f"{name}Alarm"]["Metrics"]} - {sum_of_all["Id"]}
    assert set(re.findall(r"FILL\((\w+), 0\)", sum_of_all["Expression"])) == ids


@pytest.mark.parametrize("name", ALARMS)
def test_the_topic_is_told_if_there_is_one(name: str) -> None:
    assert ALARMS[name]["AlarmActions"] == {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], []]}
    assert ALARMS[name]["TreatMissingData"] == "notBreaching"
