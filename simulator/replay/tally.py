"""The tally of a replay: in = delivered + superseded + skipped + dead-lettered.

Two counts that know nothing of each other are held together: what went in is counted where it is
sent, and how it ended is read from the functions' own "delivery" log lines. Dead letters are
looked up where the lines say they are. Pure; the rule is "Nothing is lost silently"
(docs/guarantees.md).
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

DELIVERED: Final = "delivered"
DEAD_LETTERED: Final = "dead_lettered"
GIVEN_UP: Final = "GIVEN_UP"
"""Reason of records that a poller has given up."""
DISPOSITIONS: Final = (DELIVERED, "superseded", "skipped", DEAD_LETTERED)


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """A function's log line on the end of one input; texts that it leaves out are empty."""

    contact_id: str
    source: str
    method: str
    disposition: str
    reason: str
    status: str
    voice_call_id: str
    error_code: str
    attempts: int
    duration_ms: int
    payload_kept: str
    input_id: str = ""
    error_text: str = ""


def delivery_lines(logs: Iterable[str]) -> tuple[DeliveryLine, ...]:
    """The delivery lines among the log lines of an invocation; all other lines are left out."""
    return tuple(
        DeliveryLine(
            contact_id=_text(line, "ContactId"),
            source=_text(line, "source"),
            method=_text(line, "method"),
            disposition=_text(line, "disposition"),
            reason=_text(line, "reason"),
            status=_text(line, "status"),
            voice_call_id=_text(line, "voiceCallId"),
            error_code=_text(line, "errorCode"),
            attempts=_number(line, "attempts"),
            duration_ms=_number(line, "durationMs"),
            payload_kept=_text(line, "payloadKept"),
            input_id=_text(line, "inputId"),
            error_text=_text(line, "errorText"),
        )
        for line in map(_json_object, logs)
        if line.get("message") == "delivery"
    )


@dataclass(frozen=True, slots=True)
class SettingFault:
    """A wrong item of a setting, as a function reports it when it starts or first meets it."""

    setting: str
    item: str
    fault: str


def setting_faults(logs: Iterable[str]) -> tuple[SettingFault, ...]:
    """The setting faults among the log lines of an invocation."""
    return tuple(
        SettingFault(_text(line, "setting"), _text(line, "item"), _text(line, "fault"))
        for line in map(_json_object, logs)
        if line.get("message") == "setting fault"
    )


@dataclass(frozen=True, slots=True)
class LedgerItem:
    """A contact in the ledger; `has_request` says whether it holds the request, `center`
    to which contact center it belongs, by its secret's name.
    """

    contact_id: str
    create_status: str
    has_request: bool
    center: str = ""

    @classmethod
    def from_dynamodb(cls, item: Mapping[str, Mapping[str, str]]) -> Self:
        """The item in DynamoDB's own notation, {"name": {"S": "text"}}."""
        return cls(
            item.get("vendor_call_key", {}).get("S", ""),
            item.get("create_status", {}).get("S", ""),
            bool(item.get("create_request", {}).get("S")),
            item.get("contact_center", {}).get("S", ""),
        )


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record of a stream as it is kept: its input id, and its data in base64 as Lambda has it."""

    input_id: str
    data: str

    @classmethod
    def from_lambda(cls, record: Mapping[str, Any]) -> Self:
        """The record in Lambda's own notation."""
        kinesis = record.get("kinesis")
        data = _text(kinesis, "data") if isinstance(kinesis, dict) else ""
        return cls(_text(record, "eventID"), data)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter in the queue; `record` is its payload where that is a stream's record."""

    source: str
    reason: str
    record: StoredRecord | None = None

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """The message's body."""
        if "requestPayload" in body:  # Lambda's own record of an asynchronous invocation
            return cls("", GIVEN_UP)
        payload = body.get("payload")
        record = StoredRecord.from_lambda(payload) if isinstance(payload, dict) else None
        return cls(
            _text(body, "source"),
            _text(body, "reason"),
            record if record is not None and record.input_id else None,
        )


@dataclass(frozen=True, slots=True)
class Tally:
    """The inputs, and how each ended.

    Attributes:
        deliveries: for each input, in order, the lines its function wrote. A record of a stream may
            be delivered again: its first line is its end, the others do not count.
        ledger, letters: what lies in the ledger and in the dead-letter queue at the end.
        given_up: records in the bucket, in batches that a poller has given up.
        undelivered: events in the dead-letter queues of the event bus's rules.
        taken_back: dead letters that a redrive has taken out again, by reason; a record that it put
            back into the stream is an input of its own.
        unmatched: events that no rule took: the bridge never saw them, so they are not inputs.
        misplaced: requests about contacts that went to another org than the ledger remembers.
    """

    deliveries: Sequence[tuple[DeliveryLine, ...]]
    ledger: Sequence[LedgerItem]
    letters: Sequence[DeadLetter]
    given_up: int = 0
    undelivered: int = 0
    taken_back: Mapping[str, int] = field(default_factory=dict)
    unmatched: int = 0
    misplaced: Sequence[str] = ()

    @property
    def inputs(self) -> int:
        """How many inputs went in."""
        return len(self.deliveries)

    @property
    def lines(self) -> list[DeliveryLine]:
        """Every delivery line, in order."""
        return [line for lines in self.deliveries for line in lines]

    @property
    def ends(self) -> list[DeliveryLine]:
        """The lines that count: one an input, unless the tally does not close."""
        return [line for lines in self.deliveries for line in _counted(lines)]

    def totals(self) -> dict[str, Counter[str]]:
        """For each disposition, how often it came with each reason ("" where delivered)."""
        totals: dict[str, Counter[str]] = {name: Counter() for name in DISPOSITIONS}
        for line in self.ends:
            totals.setdefault(line.disposition, Counter())[line.reason] += 1
        return totals

    def faults(self) -> list[str]:
        """Why the tally does not close; empty when it does."""
        return [
            *self._line_faults(),
            *self._queue_faults(),
            *self._record_faults(),
            *self._ledger_faults(),
            *self.misplaced,
        ]

    def _line_faults(self) -> Iterable[str]:
        for number, lines in enumerate(self.deliveries, start=1):
            if len(_counted(lines)) != 1:
                yield f"input {number} of {self.inputs} has {len(lines)} delivery lines, not one"
        for line in self.lines:
            name = line.contact_id or "an input without a contact"
            if line.disposition not in DISPOSITIONS:
                yield f"{name} ended as {line.disposition or 'nothing'}, which is not a known end"
            elif line.disposition != DELIVERED and not line.reason:
                yield f"{name} is {line.disposition} without a reason"
            if line.disposition == DEAD_LETTERED and line.payload_kept in ("", "none"):
                yield f"the payload of {name}, dead-lettered by {line.reason}, is lost"

    def _queue_faults(self) -> Iterable[str]:
        logged = Counter(line.reason for line in self._dead_letters("queue"))
        taken_back = Counter(self.taken_back)
        del taken_back[GIVEN_UP]  # lay in the bucket
        found = Counter(letter.reason for letter in self.letters) + taken_back
        # An answer given at the deadline does not know where its payload went: it may be here.
        unsure = Counter(line.reason for line in self._dead_letters("unknown"))
        for reason in sorted(logged | found):
            if not logged[reason] <= found[reason] <= logged[reason] + unsure[reason]:
                yield (
                    f"the log puts {logged[reason]} dead letters of {reason} into the queue, "
                    f"which holds {found[reason]}"
                )

    def _record_faults(self) -> Iterable[str]:
        given_up = self.given_up + self.taken_back.get(GIVEN_UP, 0)
        for where, found, place in (
            ("bucket", given_up, "the bucket"),
            ("failure_queue", self.undelivered, "the queues of failures"),
        ):
            logged = len(self._dead_letters(where))
            if logged != found:
                yield f"the log puts {logged} records into {place}, where {found} are"
        kept = {letter.record.input_id for letter in self.letters if letter.record}
        if not self.taken_back:
            for line in self._dead_letters("queue"):
                if line.input_id and line.input_id not in kept:
                    yield f"no dead letter holds the record {line.input_id} of {line.reason}"

    def _ledger_faults(self) -> Iterable[str]:
        kept = {item.contact_id for item in self.ledger if item.has_request}
        letters = Counter(letter.reason for letter in self.letters)
        for line in self._dead_letters("ledger"):
            if line.contact_id not in kept:
                yield f"the ledger lacks the request of {line.contact_id}, which the log puts there"
        for line in self._dead_letters("unknown"):
            if line.contact_id not in kept and not letters[line.reason]:
                yield f"the payload of {line.contact_id} is neither in the ledger nor in the queue"
        logged = {line.contact_id for line in self.lines}
        for item in self.ledger:
            if item.create_status != "CREATED" and item.contact_id not in logged:
                yield f"{item.contact_id} is {item.create_status} in the ledger, and has no line"

    def _dead_letters(self, payload_kept: str) -> list[DeliveryLine]:
        return [
            line
            for line in self.lines
            if line.disposition == DEAD_LETTERED and line.payload_kept == payload_kept
        ]


def _counted(lines: tuple[DeliveryLine, ...]) -> tuple[DeliveryLine, ...]:
    return lines[:1] if lines and lines[0].input_id else lines


def _json_object(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""


def _number(members: Mapping[str, Any], name: str) -> int:
    value = members.get(name)
    return value if isinstance(value, int) else 0
