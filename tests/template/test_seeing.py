"""Alarms, dashboard and saved queries use what the code logs; the runbook explains them all."""

import ast
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.sam.intrinsics import Resolver
from tests.architecture.source_code import package_modules, tree
from tests.template.test_alarms import messengers
from tests.unit.captured_log import CapturedLog
from voicecall_bridge.observability import Delivery, Disposition
from voicecall_bridge.telephony.errors import LimitExceeded

OWN = "VoiceCallBridge"
RUNBOOK = Path(__file__).resolve().parents[2] / "docs" / "runbook.md"

# Lambda developer guide, "Types of metrics for Lambda functions"; SQS developer guide, "Available
# CloudWatch metrics"; EventBridge user guide, "Monitoring"; Kinesis developer guide, "Basic
# stream-level metrics".
OF_AWS = {
    "AWS/Lambda": {
        "DestinationDeliveryFailures",
        "DroppedEventCount",
        "Duration",
        "Errors",
        "Invocations",
        "IteratorAge",
        "OnFailureDestinationDeliveredEventCount",
        "Throttles",
    },
    "AWS/Kinesis": {"GetRecords.Records", "IncomingRecords"},
    "AWS/SQS": {
        "ApproximateAgeOfOldestMessage",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesVisible",
        "NumberOfMessagesSent",
    },
    "AWS/Events": {"InvocationsFailedToBeSentToDlq"},
}
# Amazon Connect administrator guide, "Flow logs stored in an Amazon CloudWatch log group".
OF_CONNECT = {"ContactId", "ContactFlowName", "ContactFlowModuleType"}
# Lambda developer guide, JSON log format, and Powertools for AWS Lambda, Logger.
OF_THE_LOGGER = {"level", "message", "timestamp", "service"}
# Lambda developer guide, JSON log format (an exception's line) and Telemetry API, schema reference
# (platform.report, platform.restoreReport: record.status).
OF_LAMBDA = {"errorType", "errorMessage", "record"}
BROKEN_OFF = {"timeout", "failure", "error"}
# README, the flow's block: the answer's `status`.
STATUSES = ("created", "existing", "deferred", "failed")
# CloudWatch Logs user guide, query syntax.
WORDS = {
    *("fields", "filter", "stats", "sort", "limit", "by", "as", "and", "or", "asc", "desc"),
    *("count", "latest", "earliest", "in"),
}


def calls(method: str) -> Iterator[ast.Call]:
    """Each call `x.method(...)` in the package."""
    for path in package_modules().values():
        for node in ast.walk(tree(path)):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == method
            ):
                yield node


def constants(call: ast.Call) -> list[str]:
    values = [each.value for each in call.args if isinstance(each, ast.Constant)]
    assert all(isinstance(value, str) for value in values)
    return [str(value) for value in values]


def all_logged() -> CapturedLog:
    """The log with every end of an input and every fault."""
    logged = CapturedLog()
    for disposition, status in itertools.product(Disposition, STATUSES):
        # A delivered input has no reason, an existing call no errorCode.
        reason = "" if disposition is Disposition.DELIVERED else "r"
        code = "e" if status in ("deferred", "failed") else ""
        logged.observer.delivered(
            Delivery("s", "c", "m", disposition, reason, status, error_code=code)
        )
    logged.observer.delivered(
        Delivery("s", "c", "m", Disposition.DEAD_LETTERED, "r", "failed", creates=False)
    )
    logged.observer.failed_attempt("c", LimitExceeded("limit", status=429))
    logged.observer.retry_later("s", "c", "e")
    logged.observer.defect(ValueError())
    return logged


def emitted() -> set[tuple[str, str]]:
    """(metric, dimension beside the service or "") that the code emits."""
    found = {(name, dimension) for name, dimension, _ in all_logged().observer._counters}
    for call in (*calls("count"), *calls("took")):
        # Names that are put together are those of `all_logged`; str.count has nothing in capitals.
        if (texts := constants(call)) and texts[0][:1].isupper():
            found.add((texts[0], texts[1] if len(texts) > 1 else ""))
    return found


def logged() -> set[str]:
    """Keys of the log lines."""
    found = {key for line in all_logged().lines() for key in line}
    for call in calls("report"):
        found |= {each.arg for each in call.keywords if each.arg}
    return found | OF_THE_LOGGER | OF_LAMBDA


def test_what_operators_ask_for_first_is_counted() -> None:
    """The outcomes of calls, limits, retries, and durations."""
    names = emitted()
    assert {
        ("Created", ""),
        ("Existing", ""),
        ("Deferred", ""),
        ("Failed", "errorCode"),
        ("Retry", ""),
        ("LimitError", ""),
        ("UnknownOutcome", ""),
        ("Superseded", ""),
        ("Skipped", "reason"),
        ("DeadLettered", "reason"),
        ("CallStartToVoiceCall", ""),
        ("LedgerFault", ""),
    } <= names
    assert {dimension for _, dimension in names} == {"", "reason", "errorCode", "field", "setting"}


def of_alarms(resources: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for resource in resources.values():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            alarm = resource["Properties"]
            stats = [
                each["MetricStat"]["Metric"]
                for each in alarm.get("Metrics", [])
                if "MetricStat" in each
            ]
            for metric in stats or [alarm]:
                if metric["MetricName"] != "InvocationNotMade":  # counted from Connect's log
                    yield metric["Namespace"], metric["MetricName"]


@pytest.fixture(scope="module")
def dashboard(resources: dict[str, Any]) -> dict[str, Any]:
    """The dashboard's body as CloudWatch gets it; each reference is left as it is."""
    whole = resources["Dashboard"]["Properties"]["DashboardBody"]
    values = {name: name for name in re.findall(r"\$\{([^!}]+)\}", str(whole))}
    values |= {"AWS::StackName": "stack", "FlowTimeLimitSeconds": "8"}
    on = {"Fn::Equals": ["a", "a"]}
    resolver = Resolver(values, {"KnowsFlowLogs": on, "WatchesSilence": on})
    body = json.loads(resolver.resolve(whole))
    assert isinstance(body, dict)
    return body


def of_dashboard(dashboard: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(namespace, metric, dimension beside the service) of each line in each picture."""
    for widget in dashboard["widgets"]:
        for metric in widget["properties"].get("metrics", []):
            if isinstance(metric[0], dict):
                found = re.fullmatch(
                    r"SEARCH\('\{(\w+),service,(\w+)\} MetricName=\"(\w+)\" service=\"stack\"', "
                    r"'Sum', 300\)",
                    metric[0]["expression"],
                )
                assert found, metric
                yield found[1], found[3], found[2]
            else:
                yield metric[0], metric[1], ""


def test_every_metric_of_an_alarm_is_one_that_is_emitted(resources: dict[str, Any]) -> None:
    own = {name for name, dimension in emitted() if not dimension}
    checked = list(of_alarms(resources))
    assert len(checked) >= 22
    for namespace, metric in checked:
        assert metric in (own if namespace == OWN else OF_AWS[namespace]), metric


def test_every_metric_of_the_dashboard_is_one_that_is_emitted(dashboard: dict[str, Any]) -> None:
    checked = list(of_dashboard(dashboard))
    assert len(checked) >= 30
    own = emitted()
    for namespace, metric, dimension in checked:
        if namespace == OWN:
            assert (metric, dimension) in own
        else:
            assert metric in OF_AWS[namespace]


def test_the_dashboard_shows_every_alarm(
    resources: dict[str, Any], dashboard: dict[str, Any]
) -> None:
    (shown,) = [each for each in dashboard["widgets"] if each["type"] == "alarm"]
    named = [each.removesuffix(".Arn") for each in shown["properties"]["alarms"]]
    assert sorted(named) == sorted(messengers(resources))


def test_the_pictures_do_not_cover_each_other(dashboard: dict[str, Any]) -> None:
    """CloudWatch's dashboard is 24 columns wide (dashboard body structure and syntax)."""
    taken: set[tuple[int, int]] = set()
    for widget in dashboard["widgets"]:
        columns = range(widget["x"], widget["x"] + widget["width"])
        rows = range(widget["y"], widget["y"] + widget["height"])
        fields = set(itertools.product(columns, rows))
        assert max(columns) < 24
        assert not taken & fields, widget["properties"]["title"]
        taken |= fields


def queries(resources: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: each["Properties"]
        for name, each in resources.items()
        if each["Type"] == "AWS::Logs::QueryDefinition"
    }


def test_every_field_of_a_query_is_one_that_a_log_line_has(resources: dict[str, Any]) -> None:
    known = logged()
    found = queries(resources)
    assert len(found) >= 5
    for name, query in found.items():
        lines = [line for line in query["QueryString"].splitlines() if not line.startswith("#")]
        text = re.sub(r'"[^"]*"', "", "\n".join(lines))
        made = set(re.findall(r"\bas (\w+)", text))
        fields = set(re.findall(r"(?<![@\w])[A-Za-z]\w*", text)) - WORDS - made
        others = OF_CONNECT if name == "OneCallQuery" else set()
        assert fields <= known | others, (name, fields - known - others)
        assert fields & known, name


def test_every_text_a_query_looks_for_is_one_that_is_logged(resources: dict[str, Any]) -> None:
    """Given a line's message or source in a query, then the package writes it."""
    written = {
        node.value
        for path in package_modules().values()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    placeholder = "00000000-0000-0000-0000-000000000000"
    for query in queries(resources).values():
        lines = [line for line in query["QueryString"].splitlines() if not line.startswith("#")]
        sought = set(re.findall(r'"([^"]*)"', "\n".join(lines)))
        assert sought <= written | BROKEN_OFF | {"", "ERROR", placeholder}, sought - written


def test_trouble_shows_what_an_operator_looks_for(resources: dict[str, Any]) -> None:
    """Given an error line, then every field that identifies its cause is a column: the fields that
    the package adds, and those that Lambda writes for an exception and for a function that broke
    off."""
    query = queries(resources)["TroubleQuery"]["QueryString"]
    (columns,) = re.findall(r"^\| fields (.+)$", query, re.MULTILINE)
    logged = {each.arg for call in calls("report") for each in call.keywords if each.arg}
    assert len(logged) >= 6
    assert logged | {"errorType", "errorMessage", "record.status"} <= set(columns.split(", "))
    (ends,) = re.findall(r"record\.status in \[(.+?)\]", query)
    assert {each.strip('"') for each in ends.split(", ")} == BROKEN_OFF


def test_one_call_is_looked_for_in_every_functions_log_and_in_connects(
    resources: dict[str, Any],
) -> None:
    """Redrives apart: their answer says what they did, and they log no call."""
    groups = queries(resources)["OneCallQuery"]["LogGroupNames"]
    functions = {
        name for name, each in resources.items() if each["Type"] == "AWS::Logs::LogGroup"
    } - {"RedriveLogGroup"}
    assert {each["Ref"] for each in groups if "Ref" in each} == functions
    assert [each for each in groups if "Ref" not in each] == [
        {"Fn::If": ["KnowsFlowLogs", {"Ref": "ConnectFlowLogGroupName"}, {"Ref": "AWS::NoValue"}]}
    ]


def sections() -> dict[str, str]:
    """Alarm -> what the runbook says of it."""
    parts = re.split(r"^#+ (.*)$", RUNBOOK.read_text(encoding="utf-8"), flags=re.MULTILINE)
    texts = dict(zip(parts[1::2], parts[2::2], strict=True))
    return {title.strip("`"): text for title, text in texts.items() if title.endswith("Alarm`")}


def test_the_runbook_knows_every_alarm_and_no_other(resources: dict[str, Any]) -> None:
    assert set(sections()) == messengers(resources).keys()


def test_the_runbook_says_what_to_do_first() -> None:
    for name, text in sections().items():
        assert text.count("**First:**") == 1, name
        assert len(text.partition("**First:**")[0].strip()) > 40, f"{name}: what it means"
        assert len(text.partition("**First:**")[2].strip()) > 40, f"{name}: what to do"


def test_the_runbook_explains_every_metric() -> None:
    text = RUNBOOK.read_text(encoding="utf-8")
    table = {
        name
        for row in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    assert {name for name, _ in emitted()} <= table
    assert table & {name for name, _ in emitted()} == {name for name in table if name[:1].isupper()}


def test_the_runbook_names_queries_that_are_there(resources: dict[str, Any]) -> None:
    names = {each["Name"]["Fn::Sub"].partition("/")[2] for each in queries(resources).values()}
    named = set(re.findall(r"query \*([^*]+)\*", RUNBOOK.read_text(encoding="utf-8")))
    assert named == names
