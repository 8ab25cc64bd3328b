"""Alarms of the streams: late, unread, given up, silent."""

import re
from typing import Any

import pytest

from simulator.sam.intrinsics import Resolver
from tests.template.deployment import deployed
from tests.template.test_alarms import alarms, read_by, watched

STREAMS = ["ContactEvents", "ContactRecords", "ContactLens"]


@pytest.mark.parametrize("kind", STREAMS)
def test_what_is_late_raises_an_alarm_before_it_is_given_up(
    resources: dict[str, Any], functions: dict[str, Any], kind: str
) -> None:
    alarm = alarms(resources)[f"{kind}LateAlarm"]
    assert watched(alarm) == [("IteratorAge", {"FunctionName": {"Ref": f"{kind}Function"}})]
    events = functions[f"{kind}Function"]["Properties"]["Events"]["Stream"]["Properties"]
    late_ms = alarm["Threshold"] + alarm["EvaluationPeriods"] * alarm["Period"] * 1000
    assert late_ms < events["MaximumRecordAgeInSeconds"] * 1000 / 2, "half an hour to mend it"


@pytest.mark.parametrize("kind", STREAMS)
def test_a_stream_without_a_reader_has_an_alarm(
    resources: dict[str, Any], functions: dict[str, Any], kind: str
) -> None:
    """Given records that come in and a function that is not invoked, or never was, which has
    neither errors nor age; then it rings. The stream is the one that the mapping reads, an existing
    one too: its metrics have its name."""
    found, words = read_by(resources, f"{kind}UnreadAlarm")
    assert (found, words) == ({f"{kind}ArriveSignal", f"{kind}NotInvokedSignal"}, {"AND"})
    arrive = alarms(resources)[f"{kind}ArriveSignal"]
    ((incoming, of_stream),) = watched(arrive)
    assert (incoming, arrive["ComparisonOperator"]) == (
        "IncomingRecords",
        "GreaterThanOrEqualToThreshold",
    )
    silent = alarms(resources)[f"{kind}NotInvokedSignal"]
    assert watched(silent) == [("Invocations", {"FunctionName": {"Ref": f"{kind}Function"}})]
    assert (silent["ComparisonOperator"], silent["Threshold"]) == ("LessThanThreshold", 1)
    assert {each["Period"] * each["EvaluationPeriods"] for each in (arrive, silent)} == {900}
    read = functions[f"{kind}Function"]["Properties"]["Events"]["Stream"]["Properties"]["Stream"]
    own, arn = "stream-of-the-stack", "arn:aws:kinesis:us-west-2:111122223333:stream/of-the-house"
    for given, name in (("", own), (arn, "of-the-house")):
        names = {f"{each}Stream": own for each in ("ContactRecord", "ContactLens", "ContactEvent")}
        arns = {f"{each}StreamArn": given for each in ("ContactRecord", "ContactLens")}
        stack = deployed(**names, **arns)
        if given and "StreamArn" not in str(read):
            continue
        assert stack.resolve(of_stream["StreamName"]) == name


@pytest.mark.parametrize("kind", STREAMS)
def test_what_is_given_up_rings(
    resources: dict[str, Any], functions: dict[str, Any], kind: str
) -> None:
    """Source of the metrics: Lambda developer guide, "Types of metrics for Lambda functions"."""
    found, words = read_by(resources, f"{kind}GivenUpAlarm")
    assert words == {"OR"}
    # SAM names a mapping by function and event; its Ref is the UUID.
    mapping = {"EventSourceMappingUUID": {"Ref": f"{kind}FunctionStream"}}
    assert {name: watched(alarms(resources)[name]) for name in found} == {
        f"{kind}KeptSignal": [("OnFailureDestinationDeliveredEventCount", mapping)],
        f"{kind}DroppedSignal": [("DroppedEventCount", mapping)],
        f"{kind}LostSignal": [
            ("DestinationDeliveryFailures", {"FunctionName": {"Ref": f"{kind}Function"}})
        ],
    }
    # The first two are counted only where the mapping says so.
    events = functions[f"{kind}Function"]["Properties"]["Events"]["Stream"]["Properties"]
    assert events["MetricsConfig"] == {"Metrics": ["EventCount"]}


@pytest.mark.parametrize("kind", ["ContactEvents", "ContactRecords"])
def test_silence_rings_in_business_hours_only_and_only_where_asked_for(
    flat: dict[str, Any], kind: str
) -> None:
    """Given what was read in a period, its hour and its day; CloudWatch metric math, "IF", "HOUR"
    and "DAY" (Monday is 1), read as Python reads them. The count of read records is 0 in a silent
    period. A stream without a reader has an alarm of its own."""
    resource = flat["Resources"][f"{kind}SilenceAlarm"]
    given = {name: each.get("Default", "x") for name, each in flat["Parameters"].items()}
    assert not Resolver(given, flat["Conditions"]).condition(resource["Condition"])
    given["SilenceMinutes"] = 60
    resolver = Resolver(given, flat["Conditions"])
    assert resolver.condition(resource["Condition"])
    alarm = resource["Properties"]
    ((metric, _),) = watched(alarm)
    assert metric == "GetRecords.Records"
    expression = " ".join(resolver.resolve(alarm["Metrics"][0]["Expression"]).split())
    condition, met, unmet = re.fullmatch(r"IF\((.*), (\w+), (\d)\)", expression).groups()  # type: ignore[union-attr]

    def rings(read: int, day: int, hour: int) -> bool:
        names = {"read": read, "DAY": lambda _: day, "HOUR": lambda _: hour}
        value = int(eval(met if eval(condition.replace("AND", "and"), names) else unmet, names))
        assert alarm["ComparisonOperator"] == "LessThanThreshold"
        return value < int(alarm["Threshold"])

    assert rings(0, day=1, hour=8)
    assert rings(0, day=5, hour=17)
    assert not rings(3, day=3, hour=12)
    assert not rings(0, day=3, hour=7)
    assert not rings(0, day=3, hour=18)
    assert not rings(0, day=6, hour=12)


def test_each_silence_is_as_long_as_it_says(flat: dict[str, Any]) -> None:
    minutes = flat["Parameters"]["SilenceMinutes"]["AllowedValues"]
    seconds = {each: {"Seconds": each * 60} for each in minutes if each}
    assert flat["Mappings"]["Silence"] == {str(key): each for key, each in seconds.items()}


def test_what_connect_could_not_invoke_rings(flat: dict[str, Any]) -> None:
    """Given an entry of the flow's log with Results that are not the function's own error, then it
    counts. Source of the entries: administrator guide, "Flow logs stored in an Amazon CloudWatch
    log group"; the texts as the field has them."""
    found = flat["Resources"]["InvocationNotMadeFilter"]
    assert found["Condition"].endswith("KnowsFlowLogs")
    pattern = " ".join(found["Properties"]["FilterPattern"]["Fn::Sub"].split())
    assert pattern == (
        '{ $.ContactFlowModuleType = "InvokeExternalResource" '
        '&& $.Parameters.FunctionArn = "*:function:${ContactFlowFunction}*" '
        '&& $.Results = "*" && $.Results != "The Lambda Function Returned An Error." }'
    )
    (metric,) = found["Properties"]["MetricTransformations"]
    alarm = flat["Resources"]["InvocationNotMadeAlarm"]["Properties"]
    assert (metric["MetricNamespace"], metric["MetricName"]) == (
        alarm["Namespace"],
        alarm["MetricName"],
    )
    assert "${AWS::StackName}" in str(metric["MetricNamespace"])


def test_an_event_that_a_rule_cannot_deliver_has_an_alarm(resources: dict[str, Any]) -> None:
    found, words = read_by(resources, "EventRuleLostAlarm")
    assert words == {"OR"}
    rules = {name for name, each in resources.items() if each["Type"] == "AWS::Events::Rule"}
    looked_at = [watched(alarms(resources)[name]) for name in found]
    assert {metric for ((metric, _),) in looked_at} == {"InvocationsFailedToBeSentToDlq"}
    # The rule of Contact Lens' files is there only where a bucket was named.
    names = [of["RuleName"] for ((_, of),) in looked_at]
    assert {(each["Fn::If"][1] if "Fn::If" in each else each)["Ref"] for each in names} == rules
