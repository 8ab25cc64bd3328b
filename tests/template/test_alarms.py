"""Alarms: what is lost, late or broken is told, and to the topic."""

import re
from typing import Any

import pytest

LAMBDA = "AWS/Lambda"


def alarms(resources: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: resource["Properties"]
        for name, resource in resources.items()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }


def watched(alarm: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Metric and dimensions of each metric that an alarm looks at."""
    metrics = [
        each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each
    ]
    return [
        (metric["MetricName"], {each["Name"]: each["Value"] for each in metric["Dimensions"]})
        for metric in metrics or [alarm]
    ]


def test_every_alarm_tells_the_topic_if_there_is_one(resources: dict[str, Any]) -> None:
    found = alarms(resources)
    assert len(found) >= 6
    for name, alarm in found.items():
        told = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
        assert alarm["AlarmActions"] == told, name
        assert alarm["OKActions"] == told, name
        assert alarm["TreatMissingData"] == "notBreaching", name
        assert alarm["AlarmDescription"].endswith("."), name


def test_one_letter_in_any_queue_raises_an_alarm(resources: dict[str, Any]) -> None:
    queues = {name for name, each in resources.items() if each["Type"] == "AWS::SQS::Queue"}
    guarded = set()
    for alarm in alarms(resources).values():
        if alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible":
            assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
            assert (alarm["Threshold"], alarm["Statistic"]) == (1, "Maximum")
            assert (alarm["Namespace"], alarm["EvaluationPeriods"]) == ("AWS/SQS", 1)
            (dimension,) = alarm["Dimensions"]
            assert dimension["Value"]["Fn::GetAtt"][1] == "QueueName"
            guarded.add(dimension["Value"]["Fn::GetAtt"][0])
    assert guarded == queues


@pytest.mark.parametrize(
    "function", ["ContactEventsFunction", "ContactRecordsFunction", "RedriveFunction"]
)
def test_one_error_where_no_caller_sees_it_raises_an_alarm(
    resources: dict[str, Any], function: str
) -> None:
    """A flow's caller gets the error itself; nobody gets those of a stream or an event."""
    found = [
        alarm
        for alarm in alarms(resources).values()
        if watched(alarm) == [("Errors", {"FunctionName": {"Ref": function}})]
    ]
    assert [(each["Namespace"], each["Statistic"], each["Threshold"]) for each in found] == [
        (LAMBDA, "Sum", 1)
    ]


@pytest.mark.parametrize("kind", ["ContactEvents", "ContactRecords"])
def test_what_is_late_raises_an_alarm_before_it_is_given_up(
    resources: dict[str, Any], functions: dict[str, Any], kind: str
) -> None:
    alarm = alarms(resources)[f"{kind}LateAlarm"]
    assert watched(alarm) == [("IteratorAge", {"FunctionName": {"Ref": f"{kind}Function"}})]
    events = functions[f"{kind}Function"]["Properties"]["Events"]["Stream"]["Properties"]
    late_ms = alarm["Threshold"] + alarm["EvaluationPeriods"] * alarm["Period"] * 1000
    assert late_ms < events["MaximumRecordAgeInSeconds"] * 1000 / 2, "half an hour to mend it"


@pytest.mark.parametrize("kind", ["ContactEvents", "ContactRecords"])
def test_what_is_given_up_raises_an_alarm(
    resources: dict[str, Any], functions: dict[str, Any], kind: str
) -> None:
    """Source of the metrics: Lambda developer guide, "Types of metrics for Lambda functions"."""
    alarm = alarms(resources)[f"{kind}GivenUpAlarm"]
    # SAM names a mapping by function and event; its Ref is the UUID.
    mapping = {"EventSourceMappingUUID": {"Ref": f"{kind}FunctionStream"}}
    assert watched(alarm) == [
        ("OnFailureDestinationDeliveredEventCount", mapping),
        ("DroppedEventCount", mapping),
        ("DestinationDeliveryFailures", {"FunctionName": {"Ref": f"{kind}Function"}}),
    ]
    # All of them count, and one is enough.
    expression, *terms = alarm["Metrics"]
    assert re.findall(r"FILL\((\w+), 0\)", expression["Expression"]) == [
        each["Id"] for each in terms
    ]
    assert [each["ReturnData"] for each in alarm["Metrics"]] == [True, False, False, False]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")
    # The first two are counted only where the mapping says so.
    events = functions[f"{kind}Function"]["Properties"]["Events"]["Stream"]["Properties"]
    assert events["MetricsConfig"] == {"Metrics": ["EventCount"]}
