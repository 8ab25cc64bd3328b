"""Replays what comes through streams: puts contact events on the bus and contact records into their
stream, lets the pollers run, gathers what came of each.

What became of a record is read from the functions' delivery lines, by the record's id. Two ends no
function can tell are told here, in lines of the same kind: a rule that could not deliver an event,
and a batch that the poller has given up.
"""

import base64
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from simulator.aws.event_bus import Delivery
from simulator.functions.lambda_process import Invocation
from simulator.samples.moments import at_delivery
from simulator.samples.outcome import Passage
from simulator.samples.steps import Batch, Input, source_of
from simulator.samples.tally import (
    DEAD_LETTERED,
    GIVEN_UP,
    DeliveryLine,
    StoredRecord,
    delivery_lines,
)
from simulator.streams.contact_event_stream import ContactEventStream, input_id
from simulator.streams.poller import BatchResult, Outcome, StreamRecord

UNDELIVERED: Final = "UNDELIVERED"


@dataclass(frozen=True, slots=True)
class Passed:
    """A contact event that went its way; `lines` of all its deliveries, the first one first."""

    delivered: Input
    passage: Passage
    lines: tuple[DeliveryLine, ...]
    record: StoredRecord | None = None


@dataclass(slots=True)
class _Told:
    """What the pollers' results tell of one record."""

    record: StreamRecord
    deliveries: int = 0
    trouble: str = ""
    lines: list[DeliveryLine] = field(default_factory=list)


def deliver(stream: ContactEventStream, batch: Batch, settings: Mapping[str, str]) -> list[Passed]:
    """Put all events of `batch` on the bus, and poll until each has ended.

    Raises ValueError for an event that is no envelope.
    """
    order = list(batch.inputs)
    if batch.shuffle is not None:
        Random(batch.shuffle).shuffle(order)
    put = [(delivered, sent) for delivered in order for sent in _put(stream, delivered, settings)]
    if batch.twice:
        stream.deliver_twice()
    told = _told(stream.poll(settings))
    passed = [_passed(delivered, sent, told) for delivered, sent in put]
    known = {sent for _, sent in put if isinstance(sent, str)}
    return passed + [_redriven(it) for name, it in told.items() if name not in known]


def take_back(stream: ContactEventStream, settings: Mapping[str, str]) -> list[Passed]:
    """Poll for what a redrive has put back into the stream."""
    return [_redriven(it) for it in _told(stream.poll(settings)).values()]


def _put(
    stream: ContactEventStream, delivered: Input, settings: Mapping[str, str]
) -> Iterable[str | Delivery | None]:
    """The record's id, or what a rule could not deliver, or None where no rule took it."""
    event = at_delivery(delivered.event, datetime.now(UTC))
    if delivered.partition_key or delivered.source == "contact_record":
        data = event if isinstance(event, str) else json.dumps(event)
        # Which key Connect gives its contact records is not documented.
        key = delivered.partition_key or _name_of(event)[0] or "-"
        return [stream.put_raw(delivered.source, key, data)]
    if not isinstance(event, dict):
        raise ValueError("a contact event is an object")
    return [
        input_id(delivery.shard_id, delivery.sequence_number)
        if delivery.outcome == "delivered"
        else delivery
        for delivery in stream.put(event, settings)
    ] or [None]


def _told(results: Sequence[BatchResult]) -> dict[str, _Told]:
    told: dict[str, _Told] = {}
    for result in results:
        ids = [input_id(record.shard_id, record.sequence_number) for record in result.records]
        for name, record in zip(ids, result.records, strict=True):
            told.setdefault(name, _Told(record))
        if result.outcome is Outcome.DISCARDED:
            for name in ids:
                told[name].trouble = result.reason
                told[name].lines.append(_given_up(name, result))
            continue
        lines = _lines_of(result.invoked)
        for position, name in enumerate(ids):
            told[name].deliveries += 1
            told[name].lines += lines[name]
            if position >= result.done and result.reason:
                told[name].trouble = result.reason
    return told


def _lines_of(invoked: object) -> Mapping[str, list[DeliveryLine]]:
    lines: dict[str, list[DeliveryLine]] = defaultdict(list)
    if isinstance(invoked, Invocation):
        for line in delivery_lines(invoked.logs):
            lines[line.input_id].append(line)
    return lines


def _passed(delivered: Input, sent: str | Delivery | None, told: Mapping[str, _Told]) -> Passed:
    if sent is None:
        return Passed(delivered, Passage(matched=False), ())
    if isinstance(sent, Delivery):
        kept = "rule_queue" if sent.outcome == "dead_lettered" else "none"
        line = _line(delivered.event, UNDELIVERED, kept, sent.rule)
        return Passed(delivered, Passage(matched=True, trouble=sent.error), (line,))
    it = told.get(sent)
    if it is None:
        return Passed(delivered, Passage(matched=True), ())
    return _ended(delivered, it, redriven=False)


def _redriven(it: _Told) -> Passed:
    payload = _payload(it.record.data)
    return _ended(Input(source_of(payload) or "contact_event", payload), it, redriven=True)


def _ended(delivered: Input, it: _Told, *, redriven: bool) -> Passed:
    passage = Passage(True, it.deliveries, it.trouble, redriven)
    data = base64.b64encode(it.record.data).decode()
    name = input_id(it.record.shard_id, it.record.sequence_number)
    return Passed(delivered, passage, tuple(it.lines), StoredRecord(name, data))


def _given_up(name: str, result: BatchResult) -> DeliveryLine:
    kept = "bucket" if result.destination.startswith("s3:") else "none"
    record = next(
        record
        for record in result.records
        if input_id(record.shard_id, record.sequence_number) == name
    )
    return _line(_payload(record.data), GIVEN_UP, kept, name)


def _line(event: Any, reason: str, kept: str, name: str) -> DeliveryLine:
    contact_id, method = _name_of(event)
    return DeliveryLine(
        contact_id=contact_id,
        source=f"{source_of(event) or 'contact_event'}s",
        method=method,
        disposition=DEAD_LETTERED,
        reason=reason,
        status="",
        voice_call_id="",
        error_code="",
        attempts=0,
        duration_ms=0,
        payload_kept=kept,
        input_id=name,
    )


def _name_of(event: Any) -> tuple[str, str]:
    """Contact id and kind of an event or a record, empty where they cannot be read."""
    outer = event if isinstance(event, dict) else {}
    inner = outer.get("detail", outer)
    members = {key.lower(): item for key, item in inner.items()} if isinstance(inner, dict) else {}
    kind = members.get("eventtype") or members.get("initiationmethod") or ""
    return str(members.get("contactid") or ""), str(kind)


def _payload(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode("utf-8", "replace")
