"""Alarms: what is lost, late or broken rings once, in time, and to the topic."""

import re
from typing import Any

import pytest

from simulator.sam.intrinsics import Resolver
from tests.template.deployment import deployed
from voicecall_bridge.settings.contact_flow import ContactFlowSettings

LAMBDA = "AWS/Lambda"
METRIC = "AWS::CloudWatch::Alarm"
COMPOSITE = "AWS::CloudWatch::CompositeAlarm"
OF_CODE_DEPLOY = "ContactFlowNewVersionErrorAlarm"
LASTING = {
    *("WithoutVoiceCallAlarm", "ContactFlowSlowAlarm", "LimitAlarm", "LedgerFaultAlarm"),
    "DescribeContactThrottledAlarm",
    *("SettingFaultAlarm", "DeadLetterAgeAlarm", "EventRuleDeadLetterAgeAlarm"),
    *("RetryOverdueAlarm", "ContactEventRetriesUnreadAlarm", "ContactRecordRetriesUnreadAlarm"),
    *(
        f"{kind}{what}Alarm"
        for kind in ("ContactEvents", "ContactRecords")
        for what in ("Throttle", "Late", "Unread", "Silence")
    ),
    *("ContactLensThrottleAlarm", "ContactLensLateAlarm", "ContactLensUnreadAlarm"),
    *("WaitingDeadLetterAlarm", "PostCallAnalysisErrorAlarm", "PostCallAnalysisThrottleAlarm"),
}
"""Alarms of lasting states: they also send a message when the state is over."""


MOMENTS = {
    *("Errors", "Throttles", "NumberOfMessagesSent", "InvocationsFailedToBeSentToDlq"),
    *("OnFailureDestinationDeliveredEventCount", "DroppedEventCount"),
    *("DestinationDeliveryFailures", "Defect", "DeadLetterLost", "SecondVoiceCall"),
    "InvocationNotMade",
}
"""Metrics of what happens at a moment."""


def properties_of(resources: dict[str, Any], *kinds: str) -> dict[str, dict[str, Any]]:
    return {name: each["Properties"] for name, each in resources.items() if each["Type"] in kinds}


def alarms(resources: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Metric alarms, signals too."""
    return properties_of(resources, METRIC)


def messengers(resources: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The alarms that send messages."""
    both = properties_of(resources, METRIC, COMPOSITE)
    return {name: each for name, each in both.items() if name.endswith("Alarm")}


def signals(resources: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: each for name, each in alarms(resources).items() if name.endswith("Signal")}


def read_by(resources: dict[str, Any], composite: str) -> tuple[set[str], set[str]]:
    """The signals in a composite alarm's rule, and the words between them."""
    rule = resources[composite]["Properties"]["AlarmRule"]["Fn::Sub"]
    found = set(re.findall(r'ALARM\("\$\{(\w+)\.Arn\}"\)', rule))
    rest = re.sub(r'ALARM\("[^"]*"\)', "", rule)
    return found, set(rest.split())


def watched(alarm: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Metric and dimensions of each metric that an alarm looks at."""
    metrics = [
        each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each
    ]
    return [
        (
            metric["MetricName"],
            {each["Name"]: each["Value"] for each in metric.get("Dimensions", [])},
        )
        for metric in metrics or [alarm]
    ]


def test_every_alarm_notifies_the_topics_there_are(resources: dict[str, Any]) -> None:
    """Given a topic that is there, one that the stack makes, or both."""
    found = messengers(resources)
    del found[OF_CODE_DEPLOY]
    assert len(found) >= 25
    actions = [
        {"Fn::If": [condition, {"Ref": topic}, {"Ref": "AWS::NoValue"}]}
        for condition, topic in (
            ("HasAlarmTopic", "AlarmTopicArn"),
            ("MakesAlarmTopic", "AlarmTopic"),
        )
    ]
    for name, alarm in found.items():
        assert alarm["AlarmActions"] == actions, name
        assert alarm.get("OKActions") == (actions if name in LASTING else None), name
        assert alarm["AlarmDescription"].endswith("."), name
    assert found.keys() >= LASTING


def test_one_thing_sends_one_message(resources: dict[str, Any]) -> None:
    """Given an event of a moment, then its alarm rings within the minute, rings once until a
    quarter of an hour has passed without such an event, and sends nothing when that time is
    over."""
    moments = {
        name: each
        for name, each in alarms(resources).items()
        if each.get("MetricName") in MOMENTS and each.get("DatapointsToAlarm") == 1
    }
    assert len(moments) >= 20
    for name, alarm in moments.items():
        assert name not in LASTING
        assert (alarm["Statistic"], alarm["Threshold"]) == ("Sum", 1), name
        assert (alarm["Period"], alarm["EvaluationPeriods"]) == (60, 15), name
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold", name
    others = {
        name for name, each in alarms(resources).items() if each.get("MetricName") in MOMENTS
    } - moments.keys()
    # The throttle alarms of streams also report the end. CodeDeploy asks once a minute.
    # An invocation for a file is tried three times: one error says nothing yet.
    assert others == {
        *("ContactEventsThrottleAlarm", "ContactRecordsThrottleAlarm", "ContactLensThrottleAlarm"),
        *("PostCallAnalysisErrorAlarm", "PostCallAnalysisThrottleAlarm", OF_CODE_DEPLOY),
    }


def test_a_signal_sends_nothing_and_is_read_by_one_alarm(resources: dict[str, Any]) -> None:
    """It may be in alarm on a quiet night. Its description names the alarm that reads it."""
    readers: dict[str, list[str]] = {name: [] for name in signals(resources)}
    for composite in properties_of(resources, COMPOSITE):
        for signal in read_by(resources, composite)[0]:
            readers[signal].append(composite)
    assert readers
    for name, properties in signals(resources).items():
        assert not {"AlarmActions", "OKActions"} & properties.keys(), name
        (reader,) = readers[name]
        assert properties["AlarmDescription"].endswith(f"Read by {reader}."), name


WRITTEN_TOGETHER = [{"Asked", "WithoutVoiceCall"}]
"""Metrics that the bridge never writes alone (tests/unit/test_observability.py)."""


def test_no_expression_has_a_metric_that_may_not_exist(resources: dict[str, Any]) -> None:
    """Given a metric without any data, then an expression over it and another has no result, and
    FILL fills nothing: such an alarm never rings (CloudWatch user guide, metric math)."""
    calculating = {name: each for name, each in alarms(resources).items() if "Metrics" in each}
    assert calculating
    for name, alarm in calculating.items():
        metrics = {metric for metric, _ in watched(alarm)}
        assert len(metrics) == 1 or metrics in WRITTEN_TOGETHER, name
        assert "FILL" not in str(alarm), name


def test_missing_data_rings_where_it_is_what_is_looked_for(resources: dict[str, Any]) -> None:
    """A function that was never invoked has no data. All else is quiet without data."""
    breaching = {
        name for name, each in alarms(resources).items() if each["TreatMissingData"] == "breaching"
    }
    assert breaching == {
        *("ContactEventsNotInvokedSignal", "ContactRecordsNotInvokedSignal"),
        "ContactLensNotInvokedSignal",
    }
    for name, alarm in alarms(resources).items():
        assert alarm["TreatMissingData"] in ("breaching", "notBreaching"), name


def test_codedeploys_alarm_sends_no_message(resources: dict[str, Any]) -> None:
    """Given an error of the flow function, then ContactFlowErrorAlarm alone sends a message."""
    alarm = alarms(resources)[OF_CODE_DEPLOY]
    assert "AlarmActions" not in alarm
    assert "OKActions" not in alarm


@pytest.mark.parametrize(
    ("topic", "email", "actions"),
    [
        ("", "", ["made"]),
        ("", "a@example.com", ["made"]),
        ("arn:aws:sns:x", "", ["arn:aws:sns:x"]),
        ("arn:aws:sns:x", "a@example.com", ["arn:aws:sns:x", "made"]),
    ],
)
def test_an_alarm_has_always_a_topic(
    template: dict[str, Any], topic: str, email: str, actions: list[str]
) -> None:
    """Given neither topic nor address, then the stack makes a topic: a list of none is refused."""
    stack = deployed(AlarmTopicArn=topic, AlarmEmail=email, AlarmTopic="made")
    passed = template["Resources"]["MonitoringStack"]["Properties"]["Parameters"]
    assert stack.resolve(passed["AlarmActions"]).split(",") == actions


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


def test_a_new_dead_letter_in_any_queue_rings_and_an_old_one_does_not_ring_again(
    resources: dict[str, Any],
) -> None:
    """Given dead letters that stay, then only their age rings, at half of their retention."""
    queues = {name for name, each in resources.items() if each["Type"] == "AWS::SQS::Queue"}
    retries = {"ContactEventRetryQueue", "ContactRecordRetryQueue"}
    for queue in queues - retries - {"WaitingQueue", "WaitingDeadLetterQueue"}:
        dimensions = {"QueueName": {"Fn::GetAtt": [queue, "QueueName"]}}
        found = {
            metric: alarm
            for alarm in alarms(resources).values()
            for metric, of in watched(alarm)
            if of == dimensions
        }
        assert found.keys() == {"NumberOfMessagesSent", "ApproximateAgeOfOldestMessage"}, queue
        age = found["ApproximateAgeOfOldestMessage"]
        retention = resources[queue]["Properties"]["MessageRetentionPeriod"]
        assert (age["Statistic"], age["EvaluationPeriods"]) == ("Maximum", 1)
        assert age["Threshold"] == retention / 2
    # Failed records wait by design; the alarm rings if Lambda does not take them from the queue.
    for queue in retries:
        unread = alarms(resources)[queue.replace("RetryQueue", "RetriesUnreadAlarm")]
        assert watched(unread) == [
            (
                "ApproximateNumberOfMessagesVisible",
                {"QueueName": {"Fn::GetAtt": [queue, "QueueName"]}},
            )
        ]
        assert unread["Statistic"] == "Minimum"
    # Lines wait in the one by design. SQS itself moves dead letters into the other and does not
    # count them as sent (developer guide, "Available CloudWatch metrics for Amazon SQS").
    waiting = alarms(resources)["WaitingDeadLetterAlarm"]
    assert watched(waiting) == [
        (
            "ApproximateNumberOfMessagesVisible",
            {"QueueName": {"Fn::GetAtt": ["WaitingDeadLetterQueue", "QueueName"]}},
        )
    ]


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_each_function_that_breaks_off_or_is_not_started_rings(
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
        and "StartingPosition" in each["Properties"]
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
    """Given two stacks in one account, then neither rings the other's alarms."""
    stack = {"service": {"Ref": "AWS::StackName"}}
    own = {
        name: dimensions
        for alarm in alarms(resources).values()
        for name, dimensions in watched(alarm)
        if OWN in str([alarm.get("Namespace"), alarm.get("Metrics")])
        # That one comes from Connect's log and has the stack's name in its namespace.
        and name != "InvocationNotMade"
    }
    assert {"LimitError", "LedgerFault", "Defect", "DeadLetterLost", "Asked"} <= set(own)
    assert all(dimensions == stack for dimensions in own.values())


def reached(alarm: dict[str, Any], **counted: int) -> bool:
    """Whether an expression's result reaches the alarm's threshold: CloudWatch metric math, "IF",
    read as Python reads it."""
    expression = alarm["Metrics"][0]["Expression"]
    condition, met, unmet = re.fullmatch(r"IF\((.*?), (.*), (\d)\)", expression).groups()  # type: ignore[union-attr]
    value = float(eval(met if eval(condition, counted) else unmet, counted))
    above = alarm["ComparisonOperator"] == "GreaterThanThreshold"
    threshold = float(alarm["Threshold"])
    return value > threshold if above else value >= threshold


def test_calls_without_their_voice_call_ring_one_alarm(resources: dict[str, Any]) -> None:
    """Given what was asked for in five minutes, then one in ten and at least three ring; in an hour
    in which few call, even one call rings if none got its VoiceCall."""
    found, words = read_by(resources, "WithoutVoiceCallAlarm")
    assert (found, words) == ({"MostCallsFailSignal", "EveryCallFailsSignal"}, {"OR"})
    most, every = (
        alarms(resources)[name] for name in ("MostCallsFailSignal", "EveryCallFailsSignal")
    )
    assert not reached(most, without=2, asked=2), "few calls: the hour's"
    assert reached(most, without=3, asked=3)
    assert reached(most, without=3, asked=29)
    assert not reached(most, without=3, asked=30)
    assert not reached(most, without=0, asked=500)
    assert reached(every, without=1, asked=1)
    assert not reached(every, without=1, asked=2)
    assert {each["MetricStat"]["Period"] for each in most["Metrics"][1:]} == {300}
    assert {each["MetricStat"]["Period"] for each in every["Metrics"][1:]} == {3600}
    # Data that comes late is seen in the period after.
    assert most["EvaluationPeriods"] - most["DatapointsToAlarm"] == 1
