"""What runs by itself, what becomes of it when it fails, and who is told."""

import json
import re

import pytest

from tests.infrastructure.roles import OTHER_ROLES, grants
from tests.infrastructure.templates import (
    ACCOUNT,
    DEAD_LETTERS,
    DEPLOYED,
    ROTATION,
    SOURCES,
    Template,
    of_type,
    resolve,
    source,
)

NAMES = DEPLOYED | {
    f"{name}ScheduleRole.Arn": f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("RotateKeys", "Rotation")
}
SCHEDULES = {
    name.removesuffix("Schedule"): schedule["Properties"]
    for name, schedule in of_type("lifecycle", "AWS::Scheduler::Schedule").items()
}
ALARMS = {name: alarm["Properties"] for name, alarm in of_type("lifecycle", "AWS::CloudWatch::Alarm").items()}
TARGETS = {
    "RotateKeys": ("lambda:InvokeFunction", DEPLOYED["RotateKeysFunction.Arn"]),
    "Rotation": ("states:StartExecution", ROTATION),
}

CRON = re.compile(
    r"cron\((?P<minute>[0-5]?\d) (?P<hour>1?\d|2[0-3]) (?P<day>\*|\?|[1-9]|[12]\d|3[01]) (?P<month>\*|[1-9]|1[0-2])"
    r" (?P<weekday>\*|\?|SUN|MON|TUE|WED|THU|FRI|SAT) \*\)"
)
"""As much of it as we use. Source: EventBridge Scheduler User Guide, "Cron-based schedules"."""

every_schedule = pytest.mark.parametrize("name", TARGETS)


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


def test_versions_are_made_on_the_day_on_which_they_are_due_and_records_moved_in_the_week() -> None:
    days = {name: days_between(schedule["ScheduleExpression"]) for name, schedule in SCHEDULES.items()}
    assert days == {"RotateKeys": 1, "Rotation": 7}


@every_schedule
def test_a_schedule_starts_at_no_fixed_minute(name: str) -> None:
    window = SCHEDULES[name]["FlexibleTimeWindow"]
    assert (window["Mode"], window["MaximumWindowInMinutes"] > 0) == ("FLEXIBLE", True)


@every_schedule
def test_a_schedule_can_be_turned_off(name: str) -> None:
    assert SCHEDULES[name]["State"] == {"Ref": "KeyRotationSchedule"}
    assert source("template")["Parameters"]["KeyRotationSchedule"]["AllowedValues"] == ["ENABLED", "DISABLED"]


@every_schedule
def test_a_schedule_is_in_the_vaults_group(name: str) -> None:
    assert SCHEDULES[name]["GroupName"] == {"Ref": "Schedules"}


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


def test_a_rotation_that_does_not_come_to_its_end_raises_an_alarm() -> None:
    watched = {
        each["MetricStat"]["Metric"]["MetricName"]: resolve(each["MetricStat"]["Metric"]["Dimensions"])
        for each in ALARMS["RotationAlarm"]["Metrics"]
        if "MetricStat" in each
    }
    of_rotation = [{"Name": "StateMachineArn", "Value": ROTATION}]
    assert watched == dict.fromkeys(("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"), of_rotation)


def test_whatever_is_watched_of_rotations_counts() -> None:
    (sum_of_all,) = (each for each in ALARMS["RotationAlarm"]["Metrics"] if "Expression" in each)
    ids = {each["Id"] for each in ALARMS["RotationAlarm"]["Metrics"]} - {sum_of_all["Id"]}
    assert set(re.findall(r"FILL\((\w+), 0\)", sum_of_all["Expression"])) == ids


@pytest.mark.parametrize("name", ALARMS)
def test_the_topic_is_told_if_there_is_one(name: str) -> None:
    assert ALARMS[name]["AlarmActions"] == {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], []]}
    assert ALARMS[name]["TreatMissingData"] == "notBreaching"
