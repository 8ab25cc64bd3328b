"""The result of an invocation, and the answer that the flow gets."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from voicecall_bridge.observability import Disposition
from voicecall_bridge.telephony.errors import Effect, TelephonyError
from voicecall_bridge.use_cases.results import LeaseTimeout, NotCreated, NotRouted
from voicecall_bridge.voice_call.create import CannotCreate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voicecall_bridge.telephony.answers import SalesforceResult
    from voicecall_bridge.voice_call.create import NotCreatedLive

ANSWER_LIMIT = 30_000
"""Bytes of an answer as JSON: Connect refuses more than 32 KB."""
REMARKS_LIMIT = 6_000
"""Bytes of Salesforce's remarks, and of the text of an error."""
RESULT_LIMIT = 2_500
"""Bytes of one result. An id has 18; a signed address of a recording may have 2,000."""
_KEY = re.compile(r"[0-9A-Za-z_-]{1,100}")
"""The names of keys that Connect takes (administrator guide, "Invoke Lambda functions")."""
LEFT_OUT = "ContactRecordMethods or an attribute of ContactRecordOptOutAttributes leaves it out"
"""Why a contact record is not sent."""
FAILURES = (CannotCreate, LeaseTimeout, NotCreated, NotRouted, TelephonyError)
"""The errors of a use case when a flow's request fails."""


class Status(StrEnum):
    """The answer's `status`; flows branch on it.

    CREATED, EXISTING: the VoiceCall is there. DONE: Salesforce did it; where it answers with a
    status of its own, the flow gets that word. SUPERSEDED: something newer is there, nothing was
    sent. DEFERRED: not known to be done, and a later try can still succeed. FAILED: sending the
    same again cannot help.
    """

    CREATED = "created"
    EXISTING = "existing"
    DONE = "done"
    SUPERSEDED = "superseded"
    DEFERRED = "deferred"
    FAILED = "failed"
    WARM = "warm"


class FlowMistake(Exception):
    """The flow passes something that can never work. The text names the cure."""


class FlowFailed(Exception):
    """The flow's request failed, and the flow asked for its Error branch."""


@dataclass(frozen=True, slots=True)
class Result:
    """A key of a method's answer, beside the keys that every answer has.

    Attributes:
        name: of the key.
        member: of Salesforce's answer, dots between levels; empty: as the key.
        failed: its value where the method failed.
        missing: its value where Salesforce's answer has none.
        needed: without it the flow has not got what it asked for.
    """

    name: str
    member: str = ""
    failed: str = ""
    missing: str = ""
    needed: bool = False


@dataclass(frozen=True, slots=True)
class FlowResult:
    """The result of an invocation: the flow's answer, and the line in the log.

    Attributes:
        status, remarks, code, text: for the answer.
        salesforce_status: Salesforce's own status, for the answer alone.
        members: of Salesforce's answer.
        remark: Salesforce's own words for a failure: for the answer alone, they may quote the call.
        disposition, reason, attempts, voice_call_id: for the log.
        payload_kept: see observability.Delivery.
        done: the request succeeded, or was not needed.
    """

    status: Status
    disposition: Disposition
    reason: str = ""
    voice_call_id: str = ""
    salesforce_status: str = ""
    members: Mapping[str, object] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    code: str = ""
    text: str = ""
    remark: str = ""
    attempts: int = 0
    payload_kept: str = ""
    done: bool = False


def created(made: SalesforceResult) -> FlowResult:
    """The VoiceCall exists."""
    existing = bool(made.superseded)
    return FlowResult(
        Status.EXISTING if existing else Status.CREATED,
        Disposition.SUPERSEDED if existing else Disposition.DELIVERED,
        reason=made.superseded,
        voice_call_id=made.voice_call_id,
        members=made.members,
        remarks=made.remarks,
        attempts=made.attempts,
        done=True,
    )


def answered(outcome: SalesforceResult) -> FlowResult:
    """Salesforce performed the operation, or it was not needed."""
    members = outcome.members
    result = FlowResult(
        Status.DONE,
        Disposition.DELIVERED,
        salesforce_status=as_text(members.get("status")),
        members=members,
        remarks=outcome.remarks,
        attempts=outcome.attempts,
        done=True,
    )
    if outcome.held_back:
        text = "held back, because the contact's record has brought it"
        result = replace(result, text=text, remark=", ".join(outcome.held_back))
    if not outcome.superseded:
        return result
    result = replace(result, disposition=Disposition.SUPERSEDED, reason=outcome.superseded)
    if members:  # the stored answer of an earlier invocation
        return result
    text = "the contact's record was brought to Salesforce before: it is newer, nothing was sent"
    return replace(result, status=Status.SUPERSEDED, code=outcome.superseded, text=text, remark="")


def not_found(error: TelephonyError) -> FlowResult:
    """Salesforce answered 404 to a method that may lack its result."""
    return FlowResult(
        Status.DONE, Disposition.DELIVERED, "NOT_FOUND", attempts=error.attempts, done=True
    )


def without_result(result: FlowResult, names: list[str]) -> FlowResult:
    """Salesforce did the request, and its answer lacks a result that the flow needs."""
    text = f"Salesforce's answer has no {', '.join(names)}"
    failure = dead_lettered(Status.FAILED, "NO_RESULT", text)
    return replace(failure, remarks=result.remarks, attempts=result.attempts)


def nothing_to_ask(contact_id: str, *, remembered: bool) -> FlowResult:
    """There is nothing to ask Salesforce for; `remembered`: the ledger knows the contact's contact
    center now."""
    message = "the ledger remembers it" if remembered else "there is nothing to remember"
    members = {"statusCode": 200, "message": message, "contactId": contact_id}
    return FlowResult(Status.DONE, Disposition.SKIPPED, "NOTHING_TO_DO", members=members, done=True)


def failed(error: Exception) -> FlowResult:
    """The result of a use case that raised one of FAILURES."""
    if isinstance(error, NotCreated):
        kept = "ledger" if error.request_kept else ""
        return replace(_refused(error.cause), payload_kept=kept)
    if isinstance(error, TelephonyError):
        return _refused(error)
    if isinstance(error, NotRouted):
        result = dead_lettered(Status.FAILED, "NOT_ROUTED", str(error))
        return replace(result, remarks=error.remarks, attempts=error.attempts)
    if isinstance(error, CannotCreate):
        result = dead_lettered(Status.FAILED, error.code, str(error))
        return replace(result, disposition=Disposition.SKIPPED) if error.skipped else result
    kept = "ledger" if isinstance(error, LeaseTimeout) and error.request_kept else ""
    return replace(dead_lettered(Status.DEFERRED, "IN_PROGRESS", str(error)), payload_kept=kept)


def not_created_live(error: NotCreatedLive, *, by_record: bool) -> FlowResult:
    """The contact gets no VoiceCall during the call; `by_record`: its contact record makes one."""
    later = (
        "Its contact record makes one when the contact has ended"
        if by_record
        else f"Nor does its contact record make one: {LEFT_OUT}"
    )
    return replace(failed(error), text=f"{error}. {later}")


def dead_lettered(status: Status, code: str, text: str) -> FlowResult:
    """A dead letter."""
    return FlowResult(status, Disposition.DEAD_LETTERED, reason=code, code=code, text=text)


def answer_of(result: FlowResult, vendor_call_key: str, keys: tuple[Result, ...]) -> dict[str, str]:
    """The flow's answer, within what Connect takes.

    Args:
        result: what the invocation results in.
        vendor_call_key: the call it was about.
        keys: what the method answers besides.
    """
    text = ": ".join(filter(None, (result.text, result.remark)))
    answer = {
        "status": result.salesforce_status or result.status.value,
        **{key.name: value_of(result, key) for key in keys},
        "vendorCallKey": vendor_call_key,
        "errors": fitting("; ".join(result.remarks), REMARKS_LIMIT),
        "errorCode": result.code,
        "errorMessage": fitting(text, REMARKS_LIMIT),
    }
    known = {*answer, *((key.member or key.name).partition(".")[0] for key in keys)}
    for name, value in result.members.items():
        # Members that the bridge does not know: the flow may.
        if name in known or not _KEY.fullmatch(name):
            continue
        further = {**answer, name: as_text(value)}
        if _written(further) <= ANSWER_LIMIT:
            answer = further
    return answer


def as_text(value: object) -> str:
    """A member of Salesforce's answer as a flow can take it: lists joined, objects as JSON."""
    return fitting(_text(value).encode(errors="replace").decode(), RESULT_LIMIT)


def fitting(text: str, limit: int) -> str:
    """As much of the text as fits into that many bytes of JSON."""
    while (size := _written(text)) > limit:
        text = text[: min(len(text) - 1, len(text) * limit // size)]
    return text


def _written(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode(errors="replace"))


def value_of(result: FlowResult, key: Result) -> str:
    """A method's own result, as the flow gets it."""
    if not result.done:
        return key.failed
    value: object = result.members
    for name in (key.member or key.name).split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return as_text(value) or key.missing


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    try:
        return ", ".join(map(_text, value)) if isinstance(value, list) else json.dumps(value)
    except RecursionError:  # nested too deeply
        return ""


def _refused(cause: TelephonyError) -> FlowResult:
    later = cause.retryable or cause.effect is Effect.UNKNOWN
    status = Status.DEFERRED if later else Status.FAILED
    result = dead_lettered(status, cause.code, str(cause))
    return replace(result, remark=cause.remark, attempts=cause.attempts)
