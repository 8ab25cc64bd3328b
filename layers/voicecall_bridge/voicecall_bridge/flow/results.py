"""How an invocation by a flow can end, and what the flow gets then."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from voicecall_bridge.observability import Disposition
from voicecall_bridge.telephony.errors import Effect, TelephonyError, remarks_of
from voicecall_bridge.use_cases.outcomes import Creation, InProgress, NotCreated, NotRouted
from voicecall_bridge.voice_call.create import CannotCreate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voicecall_bridge.use_cases.outcomes import Answered

REMARKS_LIMIT = 2000
"""Characters of Salesforce's remarks; Connect refuses an answer of more than 32 KB."""
RESULT_LIMIT = 250
"""Characters of one result; ids have 18."""
FAILURES = (CannotCreate, InProgress, NotCreated, NotRouted, TelephonyError)
"""What a use case raises where a flow does not get what it asked for."""


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
    """The flow passes something that can never work; the text names the cure for its author."""


class FlowFailed(Exception):
    """The flow does not get what it asked for, and wants its Error branch then."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How an invocation ended: the answer, and what the account says of it.

    Attributes:
        status, remarks, code, text: what the answer tells.
        said: Salesforce's own status, for the answer alone.
        results: what a method answers besides, by name.
        remark: Salesforce's own words for a failure: for the answer alone, they may quote the call.
        disposition, reason, attempts, voice_call_id: what the account tells.
        payload_kept: see observability.Delivery.
        done: the flow has got what it asked for, or needs it no more.
    """

    status: Status
    disposition: Disposition
    reason: str = ""
    voice_call_id: str = ""
    said: str = ""
    results: Mapping[str, object] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    code: str = ""
    text: str = ""
    remark: str = ""
    attempts: int = 0
    payload_kept: str = ""
    done: bool = False


def created(made: Creation) -> Ending:
    """There is a VoiceCall."""
    existing = made.existing
    return Ending(
        Status.EXISTING if existing else Status.CREATED,
        Disposition.SUPERSEDED if existing else Disposition.DELIVERED,
        reason="ALREADY_CREATED" if existing else "",
        voice_call_id=made.voice_call_id,
        results={"voiceCallId": made.voice_call_id},
        remarks=made.remarks,
        attempts=made.attempts,
        done=True,
    )


def answered(outcome: Answered) -> Ending:
    """Salesforce did what was asked, or it was not needed."""
    members = outcome.members
    ending = Ending(
        Status.DONE,
        Disposition.DELIVERED,
        said=as_text(members.get("status")),
        results=members,
        remarks=remarks_of(members.get("errors")),
        attempts=outcome.attempts,
        done=True,
    )
    if not outcome.superseded:
        return ending
    ending = replace(ending, disposition=Disposition.SUPERSEDED, reason=outcome.superseded)
    if members:  # an earlier invocation's answer, which is as good
        return ending
    text = "the contact's record was brought to Salesforce before: it is newer, nothing was sent"
    return replace(ending, status=Status.SUPERSEDED, code=outcome.superseded, text=text)


def ended(outcome: Creation | Answered) -> Ending:
    """The ending of a use case that did not raise."""
    return created(outcome) if isinstance(outcome, Creation) else answered(outcome)


def failed(error: Exception) -> Ending:
    """The ending of a use case that raised one of FAILURES."""
    if isinstance(error, NotCreated):
        kept = "ledger" if error.request_kept else ""
        return replace(_refused(error.cause), payload_kept=kept)
    if isinstance(error, TelephonyError):
        return _refused(error)
    if isinstance(error, NotRouted):
        ending = dead(Status.FAILED, "NOT_ROUTED", str(error))
        return replace(ending, remarks=error.remarks, attempts=error.attempts)
    if isinstance(error, CannotCreate):
        ending = dead(Status.FAILED, error.code, str(error))
        return replace(ending, disposition=Disposition.SKIPPED) if error.skipped else ending
    kept = "ledger" if isinstance(error, InProgress) and error.request_kept else ""
    return replace(dead(Status.DEFERRED, "IN_PROGRESS", str(error)), payload_kept=kept)


def dead(status: Status, code: str, text: str) -> Ending:
    """A dead letter."""
    return Ending(status, Disposition.DEAD_LETTERED, reason=code, code=code, text=text)


def answer_of(ending: Ending, vendor_call_key: str, results: Mapping[str, str]) -> dict[str, str]:
    """The flow's answer.

    Args:
        ending: how it ended.
        vendor_call_key: the call it was about.
        results: what the method answers besides, and what each is where it failed.
    """
    return {
        "status": ending.said or ending.status.value,
        **{
            name: as_text(ending.results.get(name)) if ending.done else otherwise
            for name, otherwise in results.items()
        },
        "vendorCallKey": vendor_call_key,
        "errors": "; ".join(ending.remarks)[:REMARKS_LIMIT],
        "errorCode": ending.code,
        "errorMessage": f"{ending.text}: {ending.remark}" if ending.remark else ending.text,
    }


def as_text(value: object) -> str:
    """A member of Salesforce's answer as a flow can take it: lists joined, objects as JSON."""
    return _text(value).encode(errors="replace").decode()[:RESULT_LIMIT]


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    try:
        return ", ".join(map(_text, value)) if isinstance(value, list) else json.dumps(value)
    except RecursionError:  # nested beyond reason
        return ""


def _refused(cause: TelephonyError) -> Ending:
    later = cause.retryable or cause.effect is Effect.UNKNOWN
    ending = dead(Status.DEFERRED if later else Status.FAILED, cause.code, str(cause))
    return replace(ending, remark=cause.remark, attempts=cause.attempts)
