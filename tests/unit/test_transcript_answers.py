"""What Salesforce's answers say about lines."""

from typing import Any

import pytest

from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.errors import (
    Effect,
    LimitExceeded,
    OutcomeUnknown,
    Rejected,
    TelephonyError,
    Unauthorized,
    Unavailable,
)
from voicecall_bridge.use_cases.transcript_answers import Verdict, of_entries, of_error


def entries(*found: Any) -> SalesforceResult:
    return SalesforceResult({"errorResponse": {"errorResponseEntries": list(found)}}, 1)


@pytest.mark.parametrize(
    ("status", "message", "verdict", "code"),
    [
        (200, "", Verdict.TAKEN, ""),
        (299, "", Verdict.TAKEN, ""),
        (300, "", Verdict.LATER, "300"),
        (399, "", Verdict.LATER, "399"),
        (400, "RESOURCE_EXHAUSTED: try later", Verdict.LATER, "RESOURCE_EXHAUSTED"),
        (400, "SCV_LIMITS_ERROR", Verdict.LATER, "SCV_LIMITS_ERROR"),
        (400, "content is required", Verdict.REFUSED, "400"),
        (404, "no such call", Verdict.LATER, "NO_VOICE_CALL"),
        (409, "transcription paused", Verdict.PAUSED, "TRANSCRIPTION_PAUSED"),
        (429, "", Verdict.LATER, "429"),
        (499, "", Verdict.REFUSED, "499"),
        (500, "", Verdict.LATER, "500"),
        (0, "", Verdict.LATER, "OUTCOME_UNKNOWN"),
        ("400", "content is required", Verdict.REFUSED, "400"),
    ],
)
def test_entries_of_a_207(status: object, message: str, verdict: Verdict, code: str) -> None:
    found = of_entries(entries({"vendorCallKey": "c-1", "status": status, "message": message}))
    assert (found["c-1"].verdict, found["c-1"].code) == (verdict, code)


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"errorResponse": None},
        {"errorResponse": {"errorResponseEntries": "x"}},
        {"errorResponse": {"errorResponseEntries": []}},
        {"result": "Accepted"},
    ],
)
def test_a_call_that_no_entry_names_was_taken(members: dict[str, Any]) -> None:
    assert of_entries(SalesforceResult(members, 1)) == {}


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (LimitExceeded("x", status=429, retry_after=3.0), Verdict.LATER),
        (Unavailable("x", status=503), Verdict.LATER),
        (OutcomeUnknown("x", effect=Effect.UNKNOWN), Verdict.LATER),
        (Unauthorized("x", status=401), Verdict.LATER),
        (Rejected("x", status=302), Verdict.LATER),
        (Rejected("x", status=404), Verdict.LATER),
        (Rejected("x", status=409), Verdict.PAUSED),
        (Rejected("x", status=400), Verdict.REFUSED),
        (Rejected("x", status=400, remark="RESOURCE_EXHAUSTED"), Verdict.LATER),
    ],
    ids=lambda it: f"{type(it).__name__}{getattr(it, 'status', '')}",
)
def test_requests_that_fail_as_a_whole(error: TelephonyError, verdict: Verdict) -> None:
    result = of_error(error)
    assert result.verdict is verdict
    assert result.retry_after == error.retry_after
