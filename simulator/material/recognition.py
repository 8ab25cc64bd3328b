"""Recognises real material: takes wrapping after wrapping off, until events are left.

`wrappings` knows the shapes of wrappings, `samples.sources` those of events, and `flow_log` makes
events of a flow log's lines.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from simulator.material.flow_log import answer_of_log, event_of_log, is_flow_log
from simulator.material.text import MOST_BYTES, as_text, from_base64, from_gzip
from simulator.material.values import BrokenJson, Found, values_in
from simulator.material.wrappings import Inner, insights_rows, unwrapped
from simulator.samples.sources import source_of

__all__ = ["UNDERSTOOD", "Event", "Material", "NotUnderstood", "read_material"]

UNDERSTOOD: Final = (
    "an event of a contact flow, as the Lambda block sends it",
    "a contact event of EventBridge, a contact record, a segment of Contact Lens",
    'an S3 file event ("Object Created")',
    "a Lambda event with Records of Kinesis, SQS, S3 or SNS, or one of its records",
    "what the AWS CLI prints: kinesis get-records, sqs receive-message, logs filter-log-events, "
    "get-log-events and tail",
    "results of Logs Insights (JSON or CSV), lines of the functions' logs",
    "lines of Connect's flow log: the Lambda block's parameters and results",
    "a dead letter of the bridge's queue or bucket, a batch or an event that Lambda gave up",
    "several of them: a list, JSON lines, values one behind the other as Firehose writes them",
    "all of it as base64 or gzip, in UTF-8 (also with BOM) or UTF-16",
    "a sample of this repository (events/README.md)",
)
"""The material that `read_material` takes, for the message about any other."""

_KPL: Final = b"\xf3\x89\x9a\xc2"
_DEEPEST: Final = 12
"""Wrappings in one another; more is an accident, or a trap."""
_NAMES: Final = {
    "contact_flow": ("event of a contact flow", "events of a contact flow"),
    "contact_events": ("contact event", "contact events"),
    "contact_records": ("contact record", "contact records"),
    "contact_lens": ("segment of Contact Lens", "segments of Contact Lens"),
    "post_call_analysis": ("file event", "file events"),
}
_OTHER_LINE: Final = "other line"
_OTHER_BLOCK: Final = "line of a flow's log without a Lambda block"
_LEFT_OUT: Final = {
    _OTHER_LINE: (_OTHER_LINE, "other lines"),
    _OTHER_BLOCK: (_OTHER_BLOCK, "lines of a flow's log without a Lambda block"),
}


class NotUnderstood(ValueError):
    """The material is not one of UNDERSTOOD; the text says why, and lists them."""

    def __init__(self, why: str) -> None:
        super().__init__("\n".join([why, "understood are:", *(f"  - {it}" for it in UNDERSTOOD)]))
        self.why = why


@dataclass(frozen=True, slots=True)
class Event:
    """One event, unwrapped.

    Attributes:
        source: the source that it is for, as samples name it.
        payload: the event as the source gives it; the text of a stream's record that is not JSON.
        notes: what was added to it, one sentence each.
        partition_key: of such a record.
    """

    source: str
    payload: Any
    notes: tuple[str, ...] = ()
    partition_key: str = ""


@dataclass(frozen=True, slots=True)
class Material:
    """The recognised events.

    Attributes:
        events: the events, in the order of the material.
        wrappings: what they were wrapped in, and how often each was taken off.
        left_out: other text beside them, such as other lines of a log.
    """

    events: tuple[Event, ...]
    wrappings: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)

    def summary(self) -> str:
        """One line: how many events of which kind, and what they were in."""
        counts = Counter(event.source for event in self.events)
        line = ", ".join(_counted(number, name, _NAMES) for name, number in counts.items())
        if self.wrappings:
            line += f"; in {', '.join(self.wrappings)}"
        if self.left_out:
            others = [_counted(number, name, _LEFT_OUT) for name, number in self.left_out.items()]
            line += f"; left out: {', '.join(others)}"
        return line


def read_material(data: bytes) -> Material:
    """Recognise material.

    Raises:
        NotUnderstood: there is no event in it, or something that cannot be read.
    """
    if len(data) > MOST_BYTES:
        raise NotUnderstood(f"it has more than {MOST_BYTES >> 20} MiB")
    if not data.strip():
        raise NotUnderstood("there is nothing in it")
    reading = _Reading()
    try:
        reading.take(data, _Context())
    except NotUnderstood:
        raise
    except ValueError as error:
        raise NotUnderstood(str(error)) from error
    if not reading.events:
        left = [_counted(number, name, _LEFT_OUT) for name, number in reading.left_out.items()]
        raise NotUnderstood(f"there is no event in it, only {', '.join(left) or 'other text'}")
    return Material(tuple(reading.events), dict(reading.wrappings), dict(reading.left_out))


@dataclass(frozen=True, slots=True)
class _Context:
    """The facts of a part from the wrappings around it.

    Attributes:
        is_log: other text may stand beside events.
        source: the source of what is inside.
        partition_key: of the stream's record around it.
        depth: wrappings so far.
    """

    is_log: bool = False
    source: str = ""
    partition_key: str = ""
    depth: int = 0

    def within(self, inner: Inner) -> "_Context":
        return _Context(
            self.is_log or inner.is_log,
            inner.source or self.source,
            inner.partition_key or self.partition_key,
            self.depth + 1,
        )

    def deeper(self) -> "_Context":
        return replace(self, depth=self.depth + 1)

    def of_a_log(self, others: int) -> "_Context":
        """Words beside the values: these are lines of a log, and not all of them are events."""
        return replace(self, is_log=self.is_log or bool(others), depth=self.depth + 1)


class _Reading:
    """Collects what is found on the way in."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.wrappings: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()

    def take(self, part: Any, context: _Context) -> None:
        """Take bytes, a text that may hold JSON, or a JSON value."""
        if context.depth > _DEEPEST:
            raise NotUnderstood(f"there are more than {_DEEPEST} wrappings in one another")
        if isinstance(part, bytes):
            self._take_bytes(part, context)
        elif isinstance(part, str):
            self._take_text(part, context)
        elif isinstance(part, list):
            self.wrappings["a list"] += 1
            for item in part:
                self.take(item, context.deeper())
        else:
            self._take_value(part, context)

    def _take_bytes(self, data: bytes, context: _Context) -> None:
        if data.startswith(_KPL):
            raise NotUnderstood(
                "an aggregate of the Kinesis Producer Library: neither this nor the bridge reads it"
            )
        unpacked = from_gzip(data)
        if unpacked is not None:
            self.wrappings["gzip"] += 1
            self.take(unpacked, context.deeper())
            return
        decoded = as_text(data)
        if decoded is None:
            raise NotUnderstood("it is not text: neither UTF-8 nor UTF-16, and not gzip")
        text, encoding = decoded
        if encoding:
            self.wrappings[encoding] += 1
        self._take_text(text, context)

    def _take_text(self, text: str, context: _Context) -> None:
        packed = from_base64(text.encode("utf-8", "surrogatepass"))
        if packed is not None and _looks_packed(packed):
            self.wrappings["base64"] += 1
            self.take(packed, context.deeper())
        elif rows := insights_rows(text):
            self.wrappings["Logs Insights (CSV)"] += 1
            for row in rows:
                self.take(row, context.of_a_log(1))
        else:
            self._take_values(text, context)

    def _take_values(self, text: str, context: _Context) -> None:
        try:
            found, others = _values(text)
        except BrokenJson:
            if not (context.partition_key or context.is_log):
                raise
            found, others = [], 1
        if not found:
            self._take_words(text, context)
            return
        if others:
            self.left_out[_OTHER_LINE] += others
        if len(found) > 1:
            self.wrappings["several values"] += 1
        for value in found:
            self.take(value, context.of_a_log(others))

    def _take_words(self, text: str, context: _Context) -> None:
        """No JSON at all: a line of a log, or a record that no function can read."""
        if context.source and context.partition_key:
            self.events.append(Event(context.source, text, (), context.partition_key))
        elif context.is_log:
            self.left_out[_OTHER_LINE] += 1
        else:
            raise NotUnderstood("there is no JSON in it")

    def _take_value(self, value: Any, context: _Context) -> None:
        if source := source_of(value):
            self.events.append(Event(source, value))
        elif isinstance(value, dict) and is_flow_log(value):
            self._take_flow_log(value)
        elif (inner := unwrapped(value)) is not None:
            self.wrappings[inner.name] += 1
            for part in inner.parts:
                self.take(part, context.within(inner))
        elif context.source:
            self.events.append(Event(context.source, value))
        elif context.is_log:
            self.left_out[_OTHER_LINE] += 1
        else:
            raise NotUnderstood(f"{_described(value)} is not understood")

    def _take_flow_log(self, line: dict[str, Any]) -> None:
        self.wrappings["a flow's log"] += 1
        answer, found = answer_of_log(line), event_of_log(line)
        if answer and self.events:
            last = self.events[-1]
            self.events[-1] = replace(last, notes=(*last.notes, answer))
        elif answer or found is None:
            self.left_out[_OTHER_BLOCK] += 1
        else:
            payload, notes = found
            self.events.append(Event("contact_flow", payload, notes))


def _values(text: str) -> tuple[list[Any], int]:
    try:
        return [json.loads(text)], 0
    except ValueError:
        found, others = _some_values(text)
        return [each.value for each in found], others
    except RecursionError as error:
        raise BrokenJson("the JSON is nested too deep") from error


def _some_values(text: str) -> tuple[list[Found], int]:
    if '{\\"' in text:  # copied out of another text, with its backslashes
        try:
            return values_in(json.loads(f'"{text.strip()}"'))
        except ValueError:
            pass
    return values_in(text)


def _looks_packed(data: bytes) -> bool:
    """Whether what base64 held is worth a look: a word may be made of its letters as well."""
    decoded = as_text(data)
    return from_gzip(data) is not None or bool(decoded and decoded[0].lstrip()[:1] in ("{", "["))


def _described(value: Any) -> str:
    if not isinstance(value, dict):
        return json.dumps(value)[:60]
    members = ", ".join(f'"{name}"' for name in sorted(map(str, value))[:8])
    return f"an object with {members or 'no members'}"


def _counted(number: int, name: str, names: Mapping[str, tuple[str, str]]) -> str:
    one, several = names.get(name, (name, name))
    return f"{number} {one if number == 1 else several}"
