"""A template's schedules, alarms, queues and machines deploy, or stand there by name and ARN, without a warning."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from phone_vault.local import LocalCloud, sources

PARENT = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Nested:
    Type: AWS::Serverless::Application
    Properties: {Location: nested.yaml}
Outputs:
"""
NESTED = """
Transform: AWS::Serverless-2016-10-31
Resources:
  DeadLetters:
    Type: AWS::SQS::Queue
    Properties: {QueueName: vault-dead-letters, KmsMasterKeyId: alias/aws/sqs, MessageRetentionPeriod: 1209600}
  DeadLettersPolicy:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref DeadLetters]
      PolicyDocument: {Version: "2012-10-17", Statement: []}
  Group:
    Type: AWS::Scheduler::ScheduleGroup
    Properties: {Name: vault}
  Schedule:
    Type: AWS::Scheduler::Schedule
    Properties:
      Name: yearly
      GroupName: !Ref Group
      ScheduleExpression: rate(365 days)
      FlexibleTimeWindow: {Mode: "OFF"}
      Target:
        Arn: !Ref Machine
        RoleArn: arn:aws:iam::123456789012:role/scheduler
        DeadLetterConfig: {Arn: !GetAtt DeadLetters.Arn}
  Rule:
    Type: AWS::Events::Rule
    Properties:
      Name: failures
      EventPattern: {source: [aws.states]}
      Targets: [{Id: dead-letters, Arn: !GetAtt DeadLetters.Arn}]
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmName: failed
      Namespace: AWS/States
      MetricName: ExecutionsFailed
      Dimensions: [{Name: StateMachineArn, Value: !Ref Machine}]
      Statistic: Sum
      Period: 60
      EvaluationPeriods: 1
      Threshold: 0
      ComparisonOperator: GreaterThanThreshold
  Logs:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: /aws/vendedlogs/states/machine, RetentionInDays: 30}
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties:
      Name: machine
      Definition: {StartAt: Done, States: {Done: {Type: Succeed}}}
      Role: arn:aws:iam::123456789012:role/workflow
      Logging:
        Level: ERROR
        Destinations: [{CloudWatchLogsLogGroup: {LogGroupArn: !GetAtt Logs.Arn}}]
  Function:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: function
      Handler: tests.embedded.probe.handler
      Runtime: python3.13
      CodeUri: .
      AutoPublishAlias: http
      DeadLetterQueue: {Type: SQS, TargetArn: !GetAtt DeadLetters.Arn}
      EventInvokeConfig:
        MaximumRetryAttempts: 0
        DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt DeadLetters.Arn}}
      Environment: {Variables: {GROUP: !GetAtt Group.Arn}}
Outputs:
"""
EXPECTED = {
    "DeadLetters.Arn": "arn:aws:sqs:eu-west-1:123456789012:vault-dead-letters",
    "DeadLetters.QueueName": "vault-dead-letters",
    "Group": "vault",
    "Group.Arn": "arn:aws:scheduler:eu-west-1:123456789012:schedule-group/vault",
    "Schedule": "yearly",
    "Schedule.Arn": "arn:aws:scheduler:eu-west-1:123456789012:schedule/vault/yearly",
    "Rule": "failures",
    "Rule.Arn": "arn:aws:events:eu-west-1:123456789012:rule/failures",
    "Alarm": "failed",
    "Alarm.Arn": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:failed",
    "Machine": "arn:aws:states:eu-west-1:123456789012:stateMachine:machine",
    "Machine.Arn": "arn:aws:states:eu-west-1:123456789012:stateMachine:machine",
    "Machine.Name": "machine",
    "Logs": "/aws/vendedlogs/states/machine",
}


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCloud]:
    """Of a template that has, in a nested stack, one of each."""
    names = {reference: reference.replace(".", "") for reference in EXPECTED}
    nested = "".join(
        f"  {name}: {{Value: !{'GetAtt' if '.' in reference else 'Ref'} {reference}}}\n"
        for reference, name in names.items()
    )
    parent = "".join(f"  {name}: {{Value: !GetAtt Nested.Outputs.{name}}}\n" for name in names.values())
    (tmp_path / "nested.yaml").write_text(NESTED + nested)
    (tmp_path / "template.yaml").write_text(PARENT + parent)
    monkeypatch.setattr(sources, "template", lambda: tmp_path / "template.yaml")
    with LocalCloud() as opened:
        yield opened


def test_references_resolve_through_the_parent_stack(cloud: LocalCloud) -> None:
    assert cloud.outputs == {reference.replace(".", ""): value for reference, value in EXPECTED.items()}


def test_a_function_beside_them_runs(cloud: LocalCloud) -> None:
    group = cloud.invoke("function", {"environment": "GROUP"})
    assert group == "arn:aws:scheduler:eu-west-1:123456789012:schedule-group/vault"


def test_a_machine_beside_them_runs(cloud: LocalCloud) -> None:
    assert cloud.execute("machine", {"x": 1}) == {"x": 1}
