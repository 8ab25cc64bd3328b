"""The errors between the bridge and Salesforce, and the decisions that they leave to the caller.

TelephonyError
├── Unauthorized     401 after a fresh key, 403: the settings of the contact center are wrong
├── Rejected         any other 4xx, a redirect: sending the same again cannot help
├── LimitExceeded    429, or a 400 that names SCV_LIMITS_ERROR: the org's limit; nothing was created
├── Unavailable      5xx, no connection, no credentials: a passing fault
└── OutcomeUnknown   sent, but no answer that can be read: the record may exist

Every error says two things: `retryable`, whether the same request may succeed later, and `effect`,
what is known of the record. The text of an error carries no data of the call; Salesforce's own
message may, so it stands apart in `remark`, for the flow's answer and never for a log.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import ClassVar


class Effect(StrEnum):
    """The effect of a failed call on the record."""

    NONE = "none"
    """Not sent, or refused: no record was made."""
    UNKNOWN = "unknown"
    """Sent, and the answer does not show the outcome: the record may have been made."""


class TelephonyError(Exception):
    """A call to Salesforce that did not succeed.

    Attributes:
        status: HTTP status of the answer, None where there was none.
        code: word for the flow's answer, logs and metrics: the status as text, else a name.
        remark: Salesforce's own message, at most 500 characters; may hold data of the call.
        request_id: Salesforce's id of the request, empty where it sent none.
        effect: what is known of the record.
        attempts: how many requests were sent, this one included.
        retry_after: seconds that Salesforce asks to wait, None where it does not.
    """

    retryable: ClassVar[bool] = False

    def __init__(
        self,
        text: str,
        *,
        status: int | None = None,
        code: str = "",
        remark: str = "",
        request_id: str = "",
        effect: Effect = Effect.NONE,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.code = code or (str(status) if status else "UNREACHABLE")
        self.remark = remark
        self.request_id = request_id
        self.effect = effect
        self.attempts = 0
        self.retry_after = retry_after


class Unauthorized(TelephonyError):
    """The token or the contact center is refused (401, 403)."""


class Rejected(TelephonyError):
    """The request is refused for what it says (4xx) or where it went (3xx)."""


class LimitExceeded(TelephonyError):
    """The org's limit is reached; nothing was created."""

    retryable = True


class Unavailable(TelephonyError):
    """Salesforce, or what is needed to reach it, does not work right now."""

    retryable = True


class OutcomeUnknown(TelephonyError):
    """The request went out and no readable answer came back."""

    retryable = True


def is_refused(error: TelephonyError) -> bool:
    """Whether sending the same again cannot help, now or later. A refused token (401, 403) and a
    redirect (a maintenance page, a wrong address) are not the request's fault: the settings are
    corrected, or the fault passes.
    """
    redirect = error.status is not None and error.status < 400
    return isinstance(error, Rejected) and error.effect is Effect.NONE and not redirect


_REMARK_LIMIT = 500
_MESSAGE_LEVELS = 8  # of objects and lists; the shapes seen have three
_MESSAGE_KEYS = (
    "message",
    "errors",
    "errorMessage",
    "error_description",
    "error",
    "errorCode",
    "code",
)


def remark_of(body: bytes) -> str:
    """Salesforce's message in the body of a failure. Its shape is not documented.

    Reads `message`, `errors` or the like from an object or a list of objects; any other text as it
    is, markup excepted.
    """
    text = body.decode("utf-8", errors="replace").strip()
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):  # RecursionError: nested too deeply
        return "" if text.startswith("<") else text[:_REMARK_LIMIT]
    return remark_in(parsed)


def remark_in(answer: object) -> str:
    """Salesforce's message in an answer that is not a success, whatever its status."""
    return "; ".join(_messages(answer))[:_REMARK_LIMIT]


def remarks_of(errors: object) -> tuple[str, ...]:
    """The `errors` of a successful answer: documented as a list, seen as one string as well."""
    return tuple(_messages(errors))


def _messages(value: object, levels: int = _MESSAGE_LEVELS) -> list[str]:
    if isinstance(value, str):
        # JSON can hold half a surrogate pair. The flow's answer cannot.
        return [value.encode(errors="replace").decode()] if value.strip() else []
    if not levels:
        return []
    if isinstance(value, list):
        return [message for item in value for message in _messages(item, levels - 1)]
    if isinstance(value, dict):
        for key in _MESSAGE_KEYS:
            if found := _messages(value.get(key), levels - 1):
                return found
    return []
