"""What is watched, and who is told."""

from phone_vault.services.tally import Measure
from tests.infrastructure.templates import Template, of_type, source

ALARM: Template = of_type("observability", "AWS::CloudWatch::Alarm")["BreakGlassAlarm"]["Properties"]
VARIABLES = source("functions")["Globals"]["Function"]["Environment"]["Variables"]


def test_a_single_use_of_rights_for_emergencies_raises_an_alarm_within_a_minute() -> None:
    assert (ALARM["Threshold"], ALARM["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")
    assert (ALARM["Statistic"], ALARM["Period"], ALARM["EvaluationPeriods"]) == ("Sum", 60, 1)


def test_the_alarm_watches_the_metric_that_the_functions_count() -> None:
    assert ALARM["MetricName"] == Measure.BREAK_GLASS_USES
    assert ALARM["Namespace"] == VARIABLES["POWERTOOLS_METRICS_NAMESPACE"]
    assert ALARM["Dimensions"] == [{"Name": "service", "Value": VARIABLES["POWERTOOLS_SERVICE_NAME"]}]


def test_where_nobody_uses_them_there_is_no_alarm() -> None:
    assert ALARM["TreatMissingData"] == "notBreaching"


def test_the_topic_is_told_if_there_is_one() -> None:
    assert ALARM["AlarmActions"] == {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], []]}
