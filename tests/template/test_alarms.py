"""Alarms: what is lost, late or broken is told, and to the topic."""

import re
from typing import Any

import pytest

from simulator.sam.intrinsics import Resolver
from tests.template.deployment import deployed
from voicecall_bridge.settings.contact_flow import ContactFlowSettings

LAMBDA = "AWS/Lambda"
OF_CODE_DEPLOY = "ContactFlowNewVersionErrorAlarm"


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


def test_every_alarm_tells_the_topics_there_are(resources: dict[str, Any]) -> None:
    """Given a topic that is there, one that the stack makes, or both."""
    found = alarms(resources)
    del found[OF_CODE_DEPLOY]
    assert len(found) >= 22
    told = [
        {"Fn::If": [condition, {"Ref": topic}, {"Ref": "AWS::NoValue"}]}
        for condition, topic in (
            ("HasAlarmTopic", "AlarmTopicArn"),
            ("MakesAlarmTopic", "AlarmTopic"),
        )
    ]
    for name, alarm in found.items():
        assert alarm["AlarmActions"] == told, name
        assert alarm["OKActions"] == told, name
        assert alarm["TreatMissingData"] == "notBreaching", name
        assert alarm["AlarmDescription"].endswith("."), name


def test_codedeploys_alarm_sends_no_message(resources: dict[str, Any]) -> None:
    """Given an error of the flow function, then ContactFlowErrorAlarm alone sends a message."""
    alarm = alarms(resources)[OF_CODE_DEPLOY]
    assert "AlarmActions" not in alarm
    assert "OKActions" not in alarm


@pytest.mark.parametrize(
    ("topic", "email", "told"),
    [
        ("", "", ["made"]),
        ("", "a@example.com", ["made"]),
        ("arn:aws:sns:x", "", ["arn:aws:sns:x"]),
        ("arn:aws:sns:x", "a@example.com", ["arn:aws:sns:x", "made"]),
    ],
)
def test_an_alarm_has_always_a_topic(
    template: dict[str, Any], topic: str, email: str, told: list[str]
) -> None:
    """Given neither topic nor address, then the stack makes a topic: a list of none is refused."""
    stack = deployed(AlarmTopicArn=topic, AlarmEmail=email, AlarmTopic="made")
    passed = template["Resources"]["MonitoringStack"]["Properties"]["Parameters"]
    assert stack.resolve(passed["AlarmActions"]).split(",") == told


def test_without_monitoring_nothing_of_it_is_made(flat: dict[str, Any]) -> None:
    """CodeDeploy's alarm stays: a deployment needs it."""
    given = {name: each.get("Default", "given") for name, each in flat["Parameters"].items()}
    conditions = Resolver({**given, "Monitoring": "no"}, flat["Conditions"])
    made = [
        name
        for name, each in flat["Resources"].items()
        if each["Type"].startswith(("AWS::CloudWatch::", "AWS::SNS::", "AWS::Logs::Query"))
        and ("Condition" not in each or conditions.condition(each["Condition"]))
    ]
    assert made == [OF_CODE_DEPLOY]


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


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_each_function_that_breaks_off_or_is_not_started_raises_an_alarm(
    resources: dict[str, Any], functions: dict[str, Any], metric: str
) -> None:
    for function in functions:
        found = [
            alarm
            for alarm in alarms(resources).values()
            if watched(alarm) == [(metric, {"FunctionName": {"Ref": function}})]
        ]
        assert [(each["Namespace"], each["Statistic"], each["Threshold"]) for each in found] == [
            (LAMBDA, "Sum", 1)
        ], function


def test_every_stream_that_is_read_late_raises_an_alarm(
    expanded: dict[str, Any], resources: dict[str, Any]
) -> None:
    late = [
        dimensions["FunctionName"]
        for alarm in alarms(resources).values()
        for name, dimensions in watched(alarm)
        if name == "IteratorAge"
    ]
    read = [
        each["Properties"]["FunctionName"]
        for each in expanded["Resources"].values()
        if each["Type"] == "AWS::Lambda::EventSourceMapping"
    ]
    assert sorted(map(str, late)) == sorted(map(str, read))


@pytest.mark.parametrize("limit", range(1, 9))
def test_callers_that_wait_nearly_the_whole_budget_raise_an_alarm(
    flat: dict[str, Any], limit: int
) -> None:
    """Given each time limit of the flow's block, then nine tenths of what the function allows
    itself: what hangs is answered at the end of the budget."""
    alarm = flat["Resources"]["ContactFlowSlowAlarm"]["Properties"]
    assert (alarm["MetricName"], alarm["ExtendedStatistic"]) == ("Duration", "p99")
    assert alarm["Threshold"] == {
        "Fn::FindInMap": ["SlowAnswer", {"Ref": "FlowTimeLimitSeconds"}, "Milliseconds"]
    }
    milliseconds = flat["Mappings"]["SlowAnswer"][str(limit)]["Milliseconds"]
    settings = ContactFlowSettings.from_environment(
        {
            "CONTACT_CENTER_SECRET": "s",
            "LEDGER_TABLE": "t",
            "DEAD_LETTER_QUEUE_URL": "https://q",
            "FLOW_TIME_LIMIT_SECONDS": str(limit),
        }
    )
    assert milliseconds == round(settings.budget_seconds * 900)


OWN = "VoiceCallBridge"


def test_what_the_bridge_itself_counts_is_watched_for_this_stack_alone(
    resources: dict[str, Any],
) -> None:
    """Given two stacks in one account, then neither wakes the other's operators."""
    stack = {"service": {"Ref": "AWS::StackName"}}
    own = {
        name: dimensions
        for alarm in alarms(resources).values()
        for name, dimensions in watched(alarm)
        if OWN in str([alarm.get("Namespace"), alarm.get("Metrics")])
    }
    assert {"LimitError", "LedgerFault", "Defect", "DeadLetterLost", "Failed"} <= set(own)
    assert all(dimensions == stack for dimensions in own.values())


def test_one_call_in_ten_without_a_voice_call_raises_an_alarm(resources: dict[str, Any]) -> None:
    """Given what flows were told in five minutes, then failed and deferred count, and three at
    least: CloudWatch metric math, "IF", read as Python reads it."""
    alarm = alarms(resources)["WithoutVoiceCallAlarm"]
    expression = alarm["Metrics"][0]["Expression"]
    condition, share, otherwise = re.fullmatch(
        r"IF\((.*?), (.*), (0)\)", re.sub(r"FILL\((\w+), 0\)", r"\1", expression)
    ).groups()  # type: ignore[union-attr]

    def percent(**counted: int) -> float:
        names = {"failed": 0, "deferred": 0, "created": 0, "existing": 0, **counted}
        return float(eval(share if eval(condition, names) else otherwise, names))

    threshold = alarm["Threshold"]
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    assert percent(failed=2) <= threshold, "two of two: a quiet night"
    assert percent(failed=3) > threshold
    assert percent(deferred=3, created=26) > threshold
    assert percent(failed=1, deferred=2, created=20, existing=7) <= threshold
    assert percent(created=500) <= threshold


def test_what_is_filled_up_with_zeros_is_looked_at_again(resources: dict[str, Any]) -> None:
    """Given data that comes a minute late, then the alarm still sees it: FILL has made a 0 of it by
    then, for which an alarm that looks at the newest period alone stays OK for ever. Source:
    CloudWatch user guide, metric math, FILL: its note on alarms ("M out of N")."""
    filled = {name: each for name, each in alarms(resources).items() if "FILL(" in str(each)}
    assert len(filled) >= 4
    for name, alarm in filled.items():
        (period,) = {each["MetricStat"]["Period"] for each in alarm["Metrics"][1:]}
        spare = alarm["EvaluationPeriods"] - alarm["DatapointsToAlarm"]
        assert spare * period >= 240, name


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
def test_a_stream_that_nobody_reads_raises_an_alarm(
    resources: dict[str, Any], functions: dict[str, Any], kind: str
) -> None:
    """Given records that come in and a function that is never called, which has neither errors nor
    age; then it is told. The stream is the one that the mapping reads, a stream of one's own too:
    its metrics have its name. CloudWatch metric math, "IF", read as Python reads it."""
    alarm = alarms(resources)[f"{kind}UnreadAlarm"]
    (incoming, of_stream), called = watched(alarm)
    assert incoming == "IncomingRecords"
    assert called == ("Invocations", {"FunctionName": {"Ref": f"{kind}Function"}})
    read = functions[f"{kind}Function"]["Properties"]["Events"]["Stream"]["Properties"]["Stream"]
    own, arn = "stream-of-the-stack", "arn:aws:kinesis:us-west-2:111122223333:stream/of-the-house"
    for given, name in (("", own), (arn, "of-the-house")):
        stack = deployed(
            ContactRecordStreamArn=given, ContactRecordStream=own, ContactEventStream=own
        )
        if given and "ContactRecordStreamArn" not in str(read):
            continue
        assert stack.resolve(of_stream["StreamName"]) == name
    expression = re.sub(r"FILL\((\w+), 0\)", r"\1", alarm["Metrics"][0]["Expression"])
    condition, met, unmet = re.fullmatch(r"IF\((.*), (\d), (\d)\)", expression).groups()  # type: ignore[union-attr]

    def rings(incoming: int, invocations: int) -> bool:
        names = {"incoming": incoming, "invocations": invocations}
        value = int(met if eval(condition.replace("AND", "and"), names) else unmet)
        return value >= int(alarm["Threshold"])

    assert rings(5, 0)
    assert not rings(5, 1)
    assert not rings(0, 0), "a quiet night"
    assert not rings(0, 3), "what came before"


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
