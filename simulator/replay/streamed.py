"""Replays asynchronous inputs: publishes events, puts records into streams and queues, lets the
pollers run, and gathers how each ended.

The end of an input is read from the functions' delivery lines, by the input's id. No function can
log two of the ends, so they are written here in lines of the same kind: a rule that could not
deliver an event, and a batch that the poller has given up.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from simulator.aws.event_bus import Delivery
from simulator.functions.lambda_process import Invocation
from simulator.pollers.batch import BatchResult, Outcome, PolledRecord
from simulator.pollers.sqs_poller import Message
from simulator.replay.outcome import Passage
from simulator.replay.tally import (
    DEAD_LETTERED,
    GIVEN_UP,
    DeliveryLine,
    StoredRecord,
    delivery_lines,
)
from simulator.samples.moments import at_delivery
from simulator.samples.sources import source_of
from simulator.samples.steps import Batch, Input
from simulator.sources import Sources, Way

UNDELIVERED: Final = "UNDELIVERED"


@dataclass(frozen=True, slots=True)
class Passed:
    """An input that went its way; `lines` of all its deliveries, the first one first."""

    delivered: Input
    passage: Passage
    lines: tuple[DeliveryLine, ...]
    record: StoredRecord | None = None


@dataclass(slots=True)
class _Seen:
    """One input by the pollers' results."""

    record: PolledRecord
    deliveries: int = 0
    trouble: str = ""
    lines: list[DeliveryLine] = field(default_factory=list)


def deliver(sources: Sources, batch: Batch, settings: Mapping[str, str]) -> list[Passed]:
    """Publish or put all inputs of `batch`, and poll until each has ended.

    Raises ValueError for an event that is not an envelope.
    """
    order = list(batch.inputs)
    if batch.shuffle is not None:
        Random(batch.shuffle).shuffle(order)
    put = [(delivered, sent) for delivered in order for sent in _put(sources, delivered, settings)]
    if batch.twice:
        sources.deliver_twice()
    known = {sent for _, sent in put if isinstance(sent, str)}
    seen = _seen(sources, sources.poll(settings), known)
    passed = [_passed(delivered, sent, seen) for delivered, sent in put]
    return passed + [_redriven(it) for name, it in seen.items() if name not in known]


def take_back(sources: Sources, settings: Mapping[str, str]) -> list[Passed]:
    """Poll for what a redrive has put back into the stream."""
    return [_redriven(it) for it in _seen(sources, sources.poll(settings), set()).values()]


def _put(
    sources: Sources, delivered: Input, settings: Mapping[str, str]
) -> Iterable[str | Delivery | None]:
    """The input's id, or what a rule could not deliver, or None where no rule took it."""
    event = at_delivery(delivered.event, datetime.now(UTC))
    if delivered.partition_key or sources[delivered.source].way is not Way.BUS:
        data = event if isinstance(event, str) else json.dumps(event)
        # Which key Connect gives its records and segments is not documented.
        key = delivered.partition_key or _name_of(event)[0] or "-"
        return [sources.put(delivered.source, key, data)]
    if not isinstance(event, dict):
        raise ValueError("a contact event is an object")
    return [
        delivery.input_id if delivery.outcome == "delivered" else delivery
        for delivery in sources.publish(event, settings)
    ] or [None]


def _seen(sources: Sources, results: Sequence[BatchResult], known: set[str]) -> dict[str, _Seen]:
    """Each input that the pollers handed over, by its id.

    A message that a function sent to its own queue is not an input: its lines belong to the
    input that it is about.
    """
    seen: dict[str, _Seen] = {}
    for result in results:
        own = [it for it in result.records if it.input_id in known or not _is_forwarded(it)]
        for record in own:
            seen.setdefault(record.input_id, _Seen(record))
        if result.outcome is Outcome.DISCARDED:
            for record in result.records:
                _give_up(seen, record, result.reason, sources.kept_in(result.destination))
        else:
            _note(seen, result, own)
    return seen


def _note(seen: Mapping[str, _Seen], result: BatchResult, own: Sequence[PolledRecord]) -> None:
    """Takes down what an invocation did with inputs."""
    for name in [*(it.input_id for it in own), *_forwarded_in(result, seen)]:
        seen[name].deliveries += 1
    for line in _lines_of(result):
        name = line.input_id
        if name not in seen and len(own) == 1:
            name = own[0].input_id
        if name in seen:
            seen[name].lines.append(line)
    for record in result.records[result.done :]:
        if result.reason and record.input_id in seen:
            seen[record.input_id].trouble = result.reason


def _is_forwarded(record: PolledRecord) -> bool:
    return isinstance(record, Message)


def _forwarded_in(result: BatchResult, seen: Mapping[str, _Seen]) -> list[str]:
    """The ids of the inputs that the messages of a function's own queue are about."""
    messages = [it for it in result.records if it.input_id not in seen and _is_forwarded(it)]
    inside = [_input_ids_in(_payload(message.data)) for message in messages]
    return [name for names in inside if (name := next((it for it in names if it in seen), ""))]


def _lines_of(result: BatchResult) -> Iterator[DeliveryLine]:
    if isinstance(result.invoked, Invocation):
        yield from delivery_lines(result.invoked.logs)


def _give_up(seen: Mapping[str, _Seen], record: PolledRecord, reason: str, kept: str) -> None:
    inside = _input_ids_in(_payload(record.data)) if _is_forwarded(record) else []
    for name in (record.input_id, *inside):
        if name in seen:
            seen[name].trouble = reason
            payload = _payload(seen[name].record.data)
            seen[name].lines.append(_line(payload, GIVEN_UP, kept, name))
            return


def _input_ids_in(value: Any) -> list[str]:
    """The ids of the stream's records that a forwarded message carries."""
    if isinstance(value, list):
        return [name for item in value for name in _input_ids_in(item)]
    if not isinstance(value, dict):
        return []
    own = [str(value[key]) for key in ("eventID", "inputId") if isinstance(value.get(key), str)]
    return own + [name for item in value.values() for name in _input_ids_in(item)]


def _passed(delivered: Input, sent: str | Delivery | None, seen: Mapping[str, _Seen]) -> Passed:
    if sent is None:
        return Passed(delivered, Passage(matched=False), ())
    if isinstance(sent, Delivery):
        kept = "failure_queue" if sent.outcome == "dead_lettered" else "none"
        line = _line(delivered.event, UNDELIVERED, kept, sent.rule)
        return Passed(delivered, Passage(matched=True, trouble=sent.error), (line,))
    it = seen.get(sent)
    if it is None:
        return Passed(delivered, Passage(matched=True), ())
    return _ended(delivered, it, redriven=False)


def _redriven(it: _Seen) -> Passed:
    payload = _payload(it.record.data)
    return _ended(Input(source_of(payload) or "contact_events", payload), it, redriven=True)


def _ended(delivered: Input, it: _Seen, *, redriven: bool) -> Passed:
    passage = Passage(True, it.deliveries, it.trouble, redriven)
    data = base64.b64encode(it.record.data).decode()
    return Passed(delivered, passage, tuple(it.lines), StoredRecord(it.record.input_id, data))


def _line(event: Any, reason: str, kept: str, name: str) -> DeliveryLine:
    contact_id, method = _name_of(event)
    return DeliveryLine(
        contact_id=contact_id,
        source=source_of(event) or "contact_events",
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
