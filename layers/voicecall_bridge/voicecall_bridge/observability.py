"""The bridge's logs and metrics: one JSON log line a delivery, and counters.

The only place that makes a logger or metrics. Nothing here takes free text of a call: contact ids,
VoiceCall ids, codes, counts and durations only, so no number, attribute, token or key can reach a
log or a metric. `ContactId` is the key Connect's own flow logs use.
"""

from __future__ import annotations

import re
import threading
import traceback
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from voicecall_bridge.telephony.errors import LimitExceeded

if TYPE_CHECKING:
    from voicecall_bridge.telephony.errors import TelephonyError


_ANSWERS = {
    "created": "Created",
    "existing": "Existing",
    "deferred": "Deferred",
    "failed": "Failed",
}
"""The metric of each status of a VoiceCall that was asked for."""
_UNANSWERED = frozenset({"deferred", "failed"})
"""Statuses that say that Salesforce did not do what it was asked for."""
LEDGER_UNAVAILABLE = "LEDGER_UNAVAILABLE"
"""Code of a record that Lambda delivers again because the ledger did not answer."""
_CONTACT_ID = re.compile(
    r"(?=[^A-Za-z]*[A-Za-z])[0-9A-Za-z_-]{1,64}|[0-9]{8}(?:-[0-9]{4}){3}-[0-9]{12}"
)
"""The form of a contact's id, which no number, address or name with its blank has: a flow may pass
any text as the parameter contactId."""
_MOST_TIMES = 99
"""Values of a metric in one line of the embedded metric format, which takes 100 (CloudWatch user
guide, specification). At 100 Powertools writes the line by itself and has nothing left to flush."""


class Disposition(StrEnum):
    """How an input ended; every input ends as exactly one of these."""

    DELIVERED = "delivered"
    SUPERSEDED = "superseded"
    SKIPPED = "skipped"
    DEAD_LETTERED = "dead_lettered"


@dataclass(frozen=True, slots=True)
class Delivery:
    """The end of one input.

    Attributes:
        source: the function's input, e.g. contact_flow.
        input_id: the stream record's id, the same at every delivery; empty for flows.
        contact_id: empty where none could be read.
        method: what was asked for.
        disposition, reason: how it ended; no reason when delivered.
        status: the status of the VoiceCall that was asked for: the answer's status for a flow;
            empty where none was asked for.
        voice_call_id: empty where there is none.
        error_code: empty where there is none.
        attempts: requests sent to Salesforce.
        error_text: the bridge's own words for the error and its cure, never Salesforce's.
        milliseconds: from the event to the answer.
        payload_kept: where a dead letter's payload is: ledger, queue, none, or unknown where the
            answer could not wait for the work to end.
        creates: whether a VoiceCall was asked for, and not something about one.
    """

    source: str
    contact_id: str
    method: str
    disposition: Disposition
    reason: str = ""
    status: str = ""
    voice_call_id: str = ""
    error_code: str = ""
    error_text: str = ""
    attempts: int = 0
    milliseconds: int = 0
    payload_kept: str = ""
    input_id: str = ""
    creates: bool = True


@dataclass(eq=False, repr=False, slots=True)
class Observer:
    """Writes log lines at once and keeps counters until they are flushed.

    Attributes:
        namespace: CloudWatch namespace of the metrics.
        logger: Powertools' logger, without the place in the code: it would always be this module.
    """

    namespace: str = "VoiceCallBridge"
    logger: Logger = field(default_factory=partial(Logger, location=None))
    _counters: Counter[tuple[str, str, str]] = field(default_factory=Counter, init=False)
    _times: defaultdict[str, list[int]] = field(
        default_factory=partial(defaultdict, list), init=False
    )
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def count(self, name: str, dimension: str = "", value: str = "", times: int = 1) -> None:
        """Adds to a metric, with at most one dimension beside the service; 0 is written as well."""
        with self._lock:  # many chains count at the same time
            self._counters[(name, dimension, value)] += times

    def took(self, name: str, milliseconds: int) -> None:
        """Adds one duration to a metric."""
        with self._lock:
            self._times[name].append(milliseconds)

    def delivered(self, delivery: Delivery) -> None:
        """The one line of a delivery; a lost payload is an error, a dead letter a warning."""
        log = self.logger.info
        if delivery.disposition is Disposition.DEAD_LETTERED:
            kept = delivery.payload_kept in ("ledger", "queue")
            log = self.logger.warning if kept else self.logger.error
        log(
            "delivery",
            extra={
                "ContactId": _logged(delivery.contact_id),
                "source": delivery.source,
                "method": delivery.method,
                "disposition": delivery.disposition.value,
                "reason": delivery.reason,
                "status": delivery.status,
                "voiceCallId": delivery.voice_call_id,
                "errorCode": delivery.error_code,
                "errorText": delivery.error_text,
                "attempts": delivery.attempts,
                "durationMs": delivery.milliseconds,
                "payloadKept": delivery.payload_kept,
                "inputId": delivery.input_id,
            },
        )
        name = "".join(part.capitalize() for part in delivery.disposition.split("_"))
        self.count(name)
        if delivery.reason:
            self.count(name, "reason", delivery.reason)
        answer = _ANSWERS.get(delivery.status, "")
        if not delivery.creates:
            answer = "Unanswered" if delivery.status in _UNANSWERED else ""
        if answer:
            self.count(answer)
            if delivery.creates:  # always both: an alarm divides one by the other
                self.count("Asked")
                self.count("WithoutVoiceCall", times=int(delivery.status in _UNANSWERED))
            if delivery.error_code:
                self.count(answer, "errorCode", delivery.error_code)

    def failed_attempt(self, contact_id: str, error: TelephonyError) -> None:
        """One attempt that failed. Salesforce's monitoring guide looks for SCV_LIMITS_ERROR."""
        text = "SCV_LIMITS_ERROR" if isinstance(error, LimitExceeded) else "attempt failed"
        self.logger.warning(
            text,
            extra={
                "ContactId": _logged(contact_id),
                "errorCode": error.code,
                "error": type(error).__name__,
                "effect": error.effect.value,
                "requestId": error.request_id,
                "attempts": error.attempts,
            },
        )
        self.count("FailedAttempt", "errorCode", error.code)
        if isinstance(error, LimitExceeded):
            self.count("LimitError")

    def retry_later(self, source: str, contact_id: str, code: str, detail: str = "") -> None:
        """A record that has not ended: Lambda delivers it again."""
        self.logger.warning(
            "retry later",
            extra={
                "ContactId": _logged(contact_id),
                "source": source,
                "errorCode": code,
                "error": detail,
            },
        )
        self.count("RetryLater", "errorCode", code)
        if code == LEDGER_UNAVAILABLE:
            self.count("LedgerFault")

    def report(self, text: str, contact_id: str = "", **details: str | int) -> None:
        """Something an operator should know of. `text` is the bridge's own wording."""
        self.logger.error(text, extra={"ContactId": _logged(contact_id), **details})

    def setting_fault(self, setting: str, item: str, fault: str) -> None:
        """An item of a setting that is wrong; the rest of the setting is used."""
        self.report("setting fault", setting=setting, item=item, fault=fault)
        self.count("SettingFault")
        self.count("SettingFault", "setting", setting)

    def ledger_fault(self, step: str, fault: Exception, contact_id: str) -> None:
        """The ledger did not do a step, and the work goes on without it."""
        self.count("LedgerFault")
        self.report("ledger fault", contact_id, step=step, error=str(fault))

    def defect(self, error: BaseException, contact_id: str = "") -> None:
        """An unforeseen error: its kind and place, since its text may quote the event."""
        frames = traceback.extract_tb(error.__traceback__)
        place = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        self.report("defect", contact_id, error=type(error).__name__, place=" < ".join(place[::-1]))
        self.count("Defect")

    def flush(self) -> None:
        """Writes counters and durations as CloudWatch metrics (embedded metric format) and clears
        them."""
        with self._lock:
            counters, self._counters = self._counters, Counter()
            times, self._times = self._times, defaultdict(list)
        by_dimension: dict[tuple[str, str], list[tuple[str, int]]] = {}
        for (name, dimension, value), number in counters.items():
            by_dimension.setdefault((dimension, value), []).append((name, number))
        for (dimension, value), numbers in by_dimension.items():
            metrics = EphemeralMetrics(namespace=self.namespace)
            if dimension:
                metrics.add_dimension(dimension, value)
            for name, number in numbers:
                metrics.add_metric(name, MetricUnit.Count, number)
            metrics.flush_metrics()
        for name, taken in times.items():
            for first in range(0, len(taken), _MOST_TIMES):
                metrics = EphemeralMetrics(namespace=self.namespace)
                for milliseconds in taken[first : first + _MOST_TIMES]:
                    metrics.add_metric(name, MetricUnit.Milliseconds, milliseconds)
                metrics.flush_metrics()


def _logged(contact_id: str) -> str:
    """A contact's id as it is logged."""
    known = not contact_id or _CONTACT_ID.fullmatch(contact_id)
    return contact_id if known else "unknown"
