"""Reads Salesforce's answers about lines and conversation events. Pure.

Source: Salesforce's own package (SCVL) and its tests: a 207 has one entry for each call that was
not simply taken; a call without an entry was taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from voicecall_bridge.sources.reading import members, text, whole_number
from voicecall_bridge.telephony.errors import TelephonyError, is_refused

if TYPE_CHECKING:
    from voicecall_bridge.telephony.answers import SalesforceResult

EXHAUSTED = "RESOURCE_EXHAUSTED"
_LIMITS = (EXHAUSTED, "SCV_LIMITS_ERROR")
"""Texts of Salesforce that name a limit, whatever the status is."""
NOT_FOUND = "NO_VOICE_CALL"
PAUSED = "TRANSCRIPTION_PAUSED"


class Verdict(StrEnum):
    """The kinds of result of a line.

    TAKEN: Salesforce has it. PAUSED: transcription is paused (hold, paused recording): it does not
    want it. LATER: the same again can succeed. REFUSED: it cannot.
    """

    TAKEN = "taken"
    PAUSED = "paused"
    LATER = "later"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class LineResult:
    """The result of a line.

    Attributes:
        verdict: see Verdict.
        code: a word of the bridge's, or the status; empty where the line was taken.
        retry_after: seconds that Salesforce asks to wait; None where it does not.
        attempts: requests that were sent.
    """

    verdict: Verdict
    code: str = ""
    retry_after: float | None = None
    attempts: int = 0


ALL_TAKEN = LineResult(Verdict.TAKEN, attempts=1)


def of_entries(answer: SalesforceResult) -> dict[str, LineResult]:
    """The result of each call that an answer names, by its vendorCallKey."""
    response = members(answer.members.get("errorResponse"))
    entries = response.get("errorResponseEntries")
    found = {}
    for entry in map(members, entries if isinstance(entries, list) else []):
        status = whole_number(entry.get("status")) or 0
        message = text(entry.get("message"))
        found[text(entry.get("vendorCallKey"))] = _result(status, message, answer.attempts)
    return found


def of_error(error: TelephonyError) -> LineResult:
    """The result of all lines of a request that failed as a whole."""
    if error.status is not None and not error.retryable:
        result = _result(error.status, error.remark, error.attempts)
        if result.verdict is not Verdict.REFUSED or is_refused(error):
            return result
    return LineResult(Verdict.LATER, error.code, error.retry_after, error.attempts)


def _result(status: int, message: str, attempts: int) -> LineResult:
    if 200 <= status < 300:
        return LineResult(Verdict.TAKEN, attempts=attempts)
    if named := next((limit for limit in _LIMITS if limit in message), ""):
        return LineResult(Verdict.LATER, named, attempts=attempts)
    if status == 404:
        return LineResult(Verdict.LATER, NOT_FOUND, attempts=attempts)
    if status == 409:
        return LineResult(Verdict.PAUSED, PAUSED, attempts=attempts)
    if 400 <= status < 500 and status != 429:
        return LineResult(Verdict.REFUSED, str(status), attempts=attempts)
    return LineResult(Verdict.LATER, str(status) if status else "OUTCOME_UNKNOWN", None, attempts)
