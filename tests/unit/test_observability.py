"""The bridge's log and metrics: documented keys and counters, never free text of a call."""

import json
from typing import Any

import pytest

from tests.samples.members import CONTACT_ID, CUSTOMER
from tests.unit.captured_log import CapturedLog
from tests.unit.samples import VOICE_CALL_ID
from voicecall_bridge.observability import Delivery, Disposition
from voicecall_bridge.telephony.errors import Effect, LimitExceeded, Unavailable

KEYS = {
    "ContactId",
    "source",
    "method",
    "disposition",
    "reason",
    "status",
    "voiceCallId",
    "errorCode",
    "errorText",
    "attempts",
    "durationMs",
    "payloadKept",
    "inputId",
}
POWERTOOLS_KEYS = {"level", "message", "timestamp", "service"}


@pytest.fixture
def logged() -> CapturedLog:
    return CapturedLog()


def delivery(**changes: Any) -> Delivery:
    facts: dict[str, Any] = {
        "source": "contact_flow",
        "contact_id": CONTACT_ID,
        "method": "createVoiceCall",
        "disposition": Disposition.DELIVERED,
        "status": "created",
        "voice_call_id": VOICE_CALL_ID,
        "attempts": 2,
        "milliseconds": 31,
        "input_id": "shardId-000000000000:1",
    }
    return Delivery(**facts | changes)


def metrics(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("contact_id", "expected"),
    [
        (CONTACT_ID, CONTACT_ID),
        ("01234567-0123-0123-0123-012345678901", "01234567-0123-0123-0123-012345678901"),
        (VOICE_CALL_ID, VOICE_CALL_ID),
        ("", ""),
        *((text, "unknown") for text in ("+12065550100", "12065550100", "206-555-0100", "1234")),
        *(
            (text, "unknown")
            for text in ("ada@example.com", "Ada Lovelace", "a.b", "a/b", "x" * 65)
        ),
    ],
)
def test_what_a_flow_passes_for_a_contact_is_logged_if_it_can_be_one(
    logged: CapturedLog, contact_id: str, expected: str
) -> None:
    logged.observer.delivered(delivery(contact_id=contact_id))
    logged.observer.report("text", contact_id)
    logged.observer.retry_later("s", contact_id, "c")
    logged.observer.failed_attempt(contact_id, Unavailable("x"))
    assert [line["ContactId"] for line in logged.lines()] == [expected] * 4


def test_one_line_a_delivery(logged: CapturedLog) -> None:
    logged.observer.delivered(delivery())
    (line,) = logged.lines()
    assert set(line) - POWERTOOLS_KEYS == KEYS
    assert line["message"] == "delivery"
    assert line["level"] == "INFO"
    assert {key: line[key] for key in KEYS} == {
        "ContactId": CONTACT_ID,
        "source": "contact_flow",
        "method": "createVoiceCall",
        "disposition": "delivered",
        "reason": "",
        "status": "created",
        "voiceCallId": VOICE_CALL_ID,
        "errorCode": "",
        "errorText": "",
        "attempts": 2,
        "durationMs": 31,
        "payloadKept": "",
        "inputId": "shardId-000000000000:1",
    }


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        (Disposition.DELIVERED, "Delivered"),
        (Disposition.SUPERSEDED, "Superseded"),
        (Disposition.SKIPPED, "Skipped"),
        (Disposition.DEAD_LETTERED, "DeadLettered"),
    ],
)
@pytest.mark.parametrize("reason", ["", "429"])
def test_each_disposition_is_a_metric(
    logged: CapturedLog,
    capsys: pytest.CaptureFixture[str],
    disposition: Disposition,
    name: str,
    reason: str,
) -> None:
    """Source: CloudWatch user guide, embedded metric format."""
    logged.observer.delivered(delivery(disposition=disposition, reason=reason, status=""))
    logged.observer.flush()
    # The total comes first, for an alarm; then, where there is a reason, the count by reason.
    total, *by_reason = metrics(capsys)
    assert "reason" not in total
    assert [metric["reason"] for metric in by_reason] == ([reason] if reason else [])
    metric = by_reason[0] if reason else total
    (directive,) = metric["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Test"
    assert directive["Metrics"] == [{"Name": name, "Unit": "Count"}]
    assert total[name] == metric[name] == [1.0]
    dimensions = {key for group in directive["Dimensions"] for key in group}
    assert ("reason" in dimensions) is bool(reason)


def test_counters_are_added_up_and_flushed_once(
    logged: CapturedLog, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        logged.observer.count("LedgerFault")
    logged.observer.count("FailedAttempt", "errorCode", "503")
    logged.observer.count("FailedAttempt", "errorCode", "429")
    logged.observer.flush()
    lines = metrics(capsys)
    assert [line["LedgerFault"] for line in lines if "LedgerFault" in line] == [[3.0]]
    failed = {line["errorCode"]: line["FailedAttempt"] for line in lines if "errorCode" in line}
    assert failed == {"503": [1.0], "429": [1.0]}
    logged.observer.flush()
    assert metrics(capsys) == []


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (LimitExceeded("limit", status=429, remark=CUSTOMER), "SCV_LIMITS_ERROR"),
        (Unavailable("fails", status=503, remark=CUSTOMER), "attempt failed"),
    ],
)
def test_a_failed_attempt(logged: CapturedLog, error: Unavailable, message: str) -> None:
    """Source: Salesforce's monitoring guide looks for SCV_LIMITS_ERROR."""
    error.request_id, error.attempts, error.effect = "r1", 2, Effect.UNKNOWN
    logged.observer.failed_attempt(CONTACT_ID, error)
    (line,) = logged.lines()
    assert (line["message"], line["level"]) == (message, "WARNING")
    assert set(line) - POWERTOOLS_KEYS == {
        "ContactId",
        "errorCode",
        "error",
        "effect",
        "requestId",
        "attempts",
    }
    assert line["ContactId"] == CONTACT_ID
    assert line["errorCode"] == str(error.status)
    assert CUSTOMER not in json.dumps(line)
    limits = {"LimitError": 1} if error.status == 429 else {}
    assert logged.counted() == {"FailedAttempt": 1, **limits}


@pytest.mark.parametrize(
    ("status", "code", "name"),
    [
        ("created", "", "Created"),
        ("existing", "", "Existing"),
        ("deferred", "503", "Deferred"),
        ("failed", "401", "Failed"),
    ],
)
def test_each_answer_is_a_metric(
    logged: CapturedLog, capsys: pytest.CaptureFixture[str], status: str, code: str, name: str
) -> None:
    """Given an answer about a VoiceCall, then it is counted, also by errorCode where there is one.
    The usual answer costs no further line of metrics."""
    logged.observer.delivered(delivery(status=status, error_code=code))
    logged.observer.flush()
    total, *by_code = metrics(capsys)
    assert (total["Delivered"], total[name]) == ([1.0], [1.0])
    assert [(each["errorCode"], each[name]) for each in by_code] == (
        [(code, [1.0])] if code else []
    )


@pytest.mark.parametrize(
    ("status", "without"), [("created", 0.0), ("existing", 0.0), ("deferred", 1.0), ("failed", 1.0)]
)
def test_what_was_asked_for_and_what_was_missing_are_written_together(
    logged: CapturedLog, capsys: pytest.CaptureFixture[str], status: str, without: float
) -> None:
    """An alarm divides one by the other, and a metric without data has no quotient."""
    logged.observer.delivered(delivery(status=status))
    logged.observer.flush()
    (total,) = metrics(capsys)
    assert (total["Asked"], total["WithoutVoiceCall"]) == ([1.0], [without])


@pytest.mark.parametrize("status", ["deferred", "failed"])
def test_what_is_asked_about_a_voice_call_counts_apart(logged: CapturedLog, status: str) -> None:
    """Given a route or a callback that failed, then no VoiceCall counts as missing."""
    logged.observer.delivered(delivery(status=status, creates=False))
    assert logged.counted() == {"Delivered": 1, "Unanswered": 1}
    logged.observer.delivered(delivery(status="done", creates=False))
    assert logged.counted() == {"Delivered": 2, "Unanswered": 1}


@pytest.mark.parametrize("status", ["", "warm", "other"])
def test_what_says_nothing_of_a_voice_call_counts_as_delivery_alone(
    logged: CapturedLog, status: str
) -> None:
    logged.observer.delivered(delivery(status=status, error_code="400"))
    assert logged.counted() == {"Delivered": 1}


@pytest.mark.parametrize(("code", "faults"), [("LEDGER_UNAVAILABLE", 1), ("503", 0)])
def test_what_is_delivered_again_for_want_of_the_ledger_is_a_ledger_fault(
    logged: CapturedLog, code: str, faults: int
) -> None:
    logged.observer.retry_later("contact_events", CONTACT_ID, code, "ConnectTimeoutError")
    assert logged.counted() == {"RetryLater": 1} | ({"LedgerFault": faults} if faults else {})
    (line,) = logged.lines()
    assert set(line) - POWERTOOLS_KEYS == {"ContactId", "source", "errorCode", "error"}
    assert (line["errorCode"], line["error"]) == (code, "ConnectTimeoutError")


@pytest.mark.parametrize("number", [1, 99, 100, 101, 250])
def test_durations_are_all_written_in_lines_that_cloudwatch_takes(
    logged: CapturedLog, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    """Source: CloudWatch user guide, embedded metric format: at most 100 values a metric."""
    for milliseconds in range(number):
        logged.observer.took("CallStartToVoiceCall", milliseconds)
    logged.observer.flush()
    lines = metrics(capsys)
    assert [value for line in lines for value in line["CallStartToVoiceCall"]] == [*range(number)]
    assert all(len(line["CallStartToVoiceCall"]) <= 100 for line in lines)
    units = {
        unit["Unit"] for line in lines for unit in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    }
    assert units == {"Milliseconds"}
    logged.observer.flush()
    assert metrics(capsys) == []


def test_a_defect_says_where_and_not_what(logged: CapturedLog) -> None:
    try:
        raise ValueError(CUSTOMER)
    except ValueError as error:
        logged.observer.defect(error, CONTACT_ID)
    (line,) = logged.lines()
    assert line["error"] == "ValueError"
    assert "test_a_defect_says_where_and_not_what" in line["place"]
    assert CUSTOMER not in json.dumps(line)
    assert logged.counted() == {"Defect": 1}


def test_a_report_carries_fields(logged: CapturedLog) -> None:
    logged.observer.report("ledger fault", CONTACT_ID, step="begin", error="ReadTimeoutError")
    (line,) = logged.lines()
    assert (line["level"], line["message"]) == ("ERROR", "ledger fault")
    assert (line["ContactId"], line["step"]) == (CONTACT_ID, "begin")
