"""What is watched of what the functions count, and who is told."""

import pytest

from phone_vault.handlers.entry_point import WATCHED
from phone_vault.services.tally import Measure
from tests.infrastructure.templates import TEMPLATE_OF, Template, of_type, source

ALARMS: dict[Measure, Template] = {
    Measure.BREAK_GLASS_USES: of_type("observability", "AWS::CloudWatch::Alarm")["BreakGlassAlarm"]["Properties"],
    Measure.CIRCUIT_BREAKER_TRIPS: of_type("retention", "AWS::CloudWatch::Alarm")["CircuitBreakerAlarm"]["Properties"],
    Measure.ROTATION_FAILURES: of_type("lifecycle", "AWS::CloudWatch::Alarm")["KeysNotRotatedAlarm"]["Properties"],
}
"""Somebody used rights for emergencies; a purge has left out a tenant of which too much would have gone; keys of a
tenant, or a KMS key, could not be rotated."""
COUNTED_BY = {
    Measure.BREAK_GLASS_USES: ("functions", "privacy"),
    Measure.CIRCUIT_BREAKER_TRIPS: (TEMPLATE_OF["AdvancePurge"],),
    Measure.ROTATION_FAILURES: (TEMPLATE_OF["RotateKeys"],),
}

every_alarm = pytest.mark.parametrize("measure", ALARMS)


@every_alarm
def test_a_single_one_raises_an_alarm_within_a_minute(measure: Measure) -> None:
    alarm = ALARMS[measure]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")
    assert (alarm["Statistic"], alarm["Period"], alarm["EvaluationPeriods"]) == ("Sum", 60, 1)


@every_alarm
def test_the_alarm_watches_the_metric_that_the_functions_count(measure: Measure) -> None:
    alarm = ALARMS[measure]
    assert alarm["MetricName"] == measure
    for template in COUNTED_BY[measure]:
        variables = source(template)["Globals"]["Function"]["Environment"]["Variables"]
        assert alarm["Namespace"] == variables["POWERTOOLS_METRICS_NAMESPACE"]
        assert alarm["Dimensions"] == [{"Name": "service", "Value": variables["POWERTOOLS_SERVICE_NAME"]}]


def test_an_alarm_stands_on_what_is_counted_for_all_functions_together() -> None:
    assert ALARMS.keys() == set(WATCHED)


@every_alarm
def test_where_there_is_none_there_is_no_alarm(measure: Measure) -> None:
    assert ALARMS[measure]["TreatMissingData"] == "notBreaching"


@every_alarm
def test_the_topic_is_told_if_there_is_one(measure: Measure) -> None:
    assert ALARMS[measure]["AlarmActions"] == {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], []]}
