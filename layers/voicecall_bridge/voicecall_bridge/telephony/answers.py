"""One HTTP answer to a result or an error: the one place that maps them."""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import urllib3

from voicecall_bridge.telephony.errors import (
    Effect,
    LimitExceeded,
    OutcomeUnknown,
    Rejected,
    TelephonyError,
    Unauthorized,
    Unavailable,
    remark_in,
    remark_of,
    remarks_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from voicecall_bridge.deadline import Deadline

BODY_LIMIT = 4 * 1024 * 1024
"""Bytes that are read of an answer; the documented ones have a few hundred."""
REMARK_LIMIT = 64 * 1024
"""Bytes that are read of a failure: its reason stands at the beginning."""
_MEMBER = re.compile(r'\s*[{,]\s*(?=")')
_COLON = re.compile(r"\s*:\s*")
_END = re.compile(r"\s*[,}]")
_CHUNK = 256 * 1024
SKEW_SECONDS = 60
"""A larger difference of the clocks is named as a likely cause of a 401."""
LIMITS = b"SCV_LIMITS_ERROR"
"""Salesforce's word for a limit of the org; it comes with 429, and with 400."""
# These statuses say that the request was not processed (RFC 9110, 15.6). With any other 5xx it may
# have taken effect: the fault came later, or a gateway got no answer.
_NOT_TAKEN_UP = frozenset({501, 503, 505})


@dataclass(frozen=True, slots=True)
class SalesforceResult:
    """Salesforce's answer: one shape on the way from here to the flow.

    Attributes:
        members: of the answer; none where Salesforce answers with nothing.
        attempts: requests that were sent.
        unknown_attempts: those of them with an unknown outcome, before the last one was answered.
        superseded: why nothing was sent, a word; empty where something was.
        held_back: properties that were not sent, because Salesforce has newer ones.
    """

    members: Mapping[str, object] = field(default_factory=dict, repr=False)
    attempts: int = 0
    unknown_attempts: int = 0
    superseded: str = ""
    held_back: tuple[str, ...] = ()

    @property
    def voice_call_id(self) -> str:
        """The record's id, of the answer to a create."""
        return str(self.members["voiceCallId"])

    @property
    def remarks(self) -> tuple[str, ...]:
        """Salesforce's `errors` of a request that succeeded (triggers, validation)."""
        return remarks_of(self.members.get("errors"))


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx answer with a JSON object, or with nothing (`empty`)."""

    status: int
    request_id: str
    members: dict[str, object] = field(repr=False)
    empty: bool = False

    def unreadable(self, text: str, remark: str = "") -> OutcomeUnknown:
        """The error for an answer that lacks what it must say, with what it says instead."""
        return OutcomeUnknown(
            text,
            status=self.status,
            code="OUTCOME_UNKNOWN",
            remark=remark or remark_in(self.members),
            request_id=self.request_id,
            effect=Effect.UNKNOWN,
        )


def read_answer(response: requests.Response, deadline: Deadline) -> Answer:
    """Reads a streamed response.

    Raises:
        TelephonyError: for every status but 2xx, and for a 2xx without a JSON object as body.
        urllib3.exceptions.HTTPError: the connection broke while the body of a 2xx was read.
    """
    request_id = _request_id(response)
    if not 200 <= response.status_code < 300:
        try:
            body, _ = _body(response, deadline, REMARK_LIMIT)
        except urllib3.exceptions.HTTPError:
            body = b""  # the status decides, and it has arrived
        raise error_of(response, body, request_id)
    body, whole = _body(response, deadline, BODY_LIMIT)
    members = _members(body) if whole else _members_so_far(body.decode(errors="replace"))
    answer = Answer(response.status_code, request_id, members or {}, empty=not body)
    if members is None:
        # Salesforce's REST APIs list errors, and gateways answer in plain text.
        said = remark_of(body[:REMARK_LIMIT])
        raise answer.unreadable("the answer is not a JSON object", said)
    return answer


def error_of(response: requests.Response, body: bytes, request_id: str) -> TelephonyError:
    """The error for an answer other than 2xx."""
    status = response.status_code
    remark = remark_of(body)
    if status in (401, 403):
        return Unauthorized(
            f"Salesforce refuses the token ({status}){_skew(response)}",
            status=status,
            remark=remark,
            request_id=request_id,
        )
    if status == 429 or (status == 400 and LIMITS in body):
        return LimitExceeded(
            "a limit of the Salesforce org is reached",
            status=status,
            code="429",
            remark=remark,
            request_id=request_id,
            retry_after=_retry_after(response),
        )
    if status >= 500:
        return Unavailable(
            f"Salesforce fails ({status})",
            status=status,
            remark=remark,
            request_id=request_id,
            effect=Effect.NONE if status in _NOT_TAKEN_UP else Effect.UNKNOWN,
            retry_after=_retry_after(response),
        )
    cure = "; check SCRT_ENDPOINT_BASE" if status < 400 else ""
    if status == 404:  # either may be the cause
        cure = "; it knows no such VoiceCall, or SCRT_ENDPOINT_BASE is not the API's address"
    return Rejected(
        f"Salesforce refuses the request ({status}){cure}",
        status=status,
        remark=remark,
        request_id=request_id,
    )


def _body(response: requests.Response, deadline: Deadline, limit: int) -> tuple[bytes, bool]:
    """The body, and whether it is whole."""
    # A server that sends a byte now and then never reaches a read time-out, and one may send
    # without end: check clock and size after each part.
    body = bytearray()
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        body += chunk
        if len(body) > limit or not deadline.allows(0.0):
            return bytes(body[:limit]), False
    return bytes(body), True


def _members(body: bytes) -> dict[str, object] | None:
    """The members of the JSON object; empty for an empty body, which some operations answer."""
    try:
        members = json.loads(body) if body else {}
    except (ValueError, RecursionError):  # RecursionError: nested too deeply
        return None
    return members if isinstance(members, dict) else None


def _members_so_far(text: str) -> dict[str, object] | None:
    """The members of a JSON object that was not read to its end, as far as they are whole."""
    decoder, members, place = json.JSONDecoder(), dict[str, object](), 0
    with suppress(ValueError, RecursionError):  # cut off within a member: those before are whole
        while start := _MEMBER.match(text, place):
            name, place = decoder.raw_decode(text, start.end())
            colon = _COLON.match(text, place)
            value, place = decoder.raw_decode(text, colon.end() if colon else place)
            if not colon or not _END.match(text, place):
                break  # a number may go on behind the end
            members[name] = value
    return members or None


def _request_id(response: requests.Response) -> str:
    headers = response.headers
    return str(headers.get("X-Request-Id") or headers.get("X-SFDC-Request-Id") or "")[:100]


def _retry_after(response: requests.Response) -> float | None:
    """Seconds of Retry-After, given as a number or as a date (RFC 9110, 10.2.3)."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value[:9])
    at = _date(value)
    return None if at is None else max(0.0, at - time.time())


def _skew(response: requests.Response) -> str:
    at = _date(response.headers.get("Date", ""))
    if at is None or abs(at - time.time()) < SKEW_SECONDS:
        return ""
    return f"; this clock is {time.time() - at:+.0f} s off Salesforce's"


def _date(value: str) -> float | None:
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
