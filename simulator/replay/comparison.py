"""Compares a sample's expectations with what happened; pure. A difference is one line to read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from simulator.functions.lambda_process import Invocation
from simulator.replay.outcome import Passage
from simulator.replay.tally import DeliveryLine
from simulator.salesforce import ActionRecord, VoiceCallRecord
from simulator.samples.steps import Expectation

ANY: Final = "*"
"""Stands for any text that is not empty."""


def differences(
    expected: Expectation,
    invocation: Invocation,
    lines: Sequence[DeliveryLine],
    before: Sequence[VoiceCallRecord],
    after: Sequence[VoiceCallRecord],
) -> list[str]:
    """How an invocation ended otherwise than expected; empty when it did not.

    Args:
        expected: how it is to end.
        invocation: how the function ended.
        lines: the function's delivery lines.
        before, after: Salesforce's records, in the order of creation.
    """
    return [
        *answer_differences(expected, invocation),
        *_line_differences(expected, lines),
        *_record_differences(expected, before, after),
    ]


def passage_differences(
    expected: Expectation,
    passage: Passage,
    lines: Sequence[DeliveryLine],
    before: Sequence[VoiceCallRecord],
    after: Sequence[VoiceCallRecord],
) -> list[str]:
    """As `differences`, for a contact event. Its first line decides: streams deliver at least once.

    before, after: Salesforce's records around the whole batch it came in.
    """
    found = list(_record_differences(expected, before, after))
    # An event that no rule takes never ends: an expected end implies that a rule takes it.
    matched = True if expected.matched is None and expected.disposition else expected.matched
    if matched not in (None, passage.matched):
        found.append(_line("matched by a rule", matched, passage.matched))
    if passage.matched and not lines:
        found.append(_line("delivery lines in the log", 1, 0))
    elif lines:
        found += _line_differences(expected, lines[:1])
    if expected.deliveries not in (None, passage.deliveries):
        found.append(_line("deliveries", expected.deliveries, passage.deliveries))
    return found


def count_differences(
    name: str, expected: Mapping[str, int], found: Mapping[str, int]
) -> list[str]:
    """How counts differ; what is counted and not expected is one too many."""
    return [
        _line(f"{name} {key}", expected.get(key, 0), found.get(key, 0))
        for key in sorted(expected.keys() | found.keys())
        if expected.get(key, 0) != found.get(key, 0)
    ]


def call_differences(
    expected: Sequence[Mapping[str, object]],
    records: Sequence[VoiceCallRecord],
    *,
    any_order: bool = False,
) -> list[str]:
    """How Salesforce's records differ from the expected ones, in the order of creation or in any.

    `parent`, `org` and `voiceCallId` are the record's own; every other member is a stored property.
    """
    if any_order:
        expected = sorted(expected, key=lambda call: str(call["vendorCallKey"]))
        records = sorted(records, key=lambda record: record.vendor_call_key)
    keys = [str(call["vendorCallKey"]) for call in expected]
    found = [record.vendor_call_key for record in records]
    if keys != found:
        return [_line("calls", keys, found)]
    return [
        difference
        for call, record in zip(expected, records, strict=True)
        for difference in _members(f"call {record.vendor_call_key}", call, stored(record))
    ]


def line_differences(
    expected: Mapping[str, Sequence[str]], actions: Sequence[ActionRecord]
) -> list[str]:
    """How the transcripts in Salesforce differ from the expected ones, call by call.

    A line that waited may come behind a newer one that another environment brought
    (docs/guarantees.md); then the lines' own times are in the expected order.
    """
    differing: list[str] = []
    for key, lines in expected.items():
        found = _lines_of(key, actions)
        if list(lines) not in (found, _lines_of(key, _in_time(actions))):
            differing.append(_line(f"lines of {key}", list(lines), found))
    return differing


def _in_time(actions: Sequence[ActionRecord]) -> list[ActionRecord]:
    """The actions by the end of the line that each is about."""
    return sorted(actions, key=lambda it: int(it.body.get("endTime") or 0))


def _lines_of(key: str, actions: Sequence[ActionRecord]) -> list[str]:
    return [str(it.body["content"]) for it in actions if _is_line_of(it, key)]


def _is_line_of(action: ActionRecord, vendor_call_key: str) -> bool:
    return (action.operation, action.vendor_call_key) == ("messages", vendor_call_key)


def stored(record: VoiceCallRecord) -> Mapping[str, object]:
    """A record's properties, its ids, `parent` (a vendor call key) and `org` (id) beside them."""
    return {
        **record.fields,
        "vendorCallKey": record.vendor_call_key,
        "voiceCallId": record.voice_call_id,
        "parent": record.parent,
        "org": record.org,
    }


def action_differences(expected: Expectation, actions: Sequence[ActionRecord]) -> Iterator[str]:
    """How what Salesforce did about voice calls differs from what is expected."""
    if expected.requests is None:
        return
    wanted = [request["operation"] for request in expected.requests]
    found = [action.operation for action in actions]
    if wanted != found:
        yield _line("requests", wanted, found)
        return
    for request, action in zip(expected.requests, actions, strict=True):
        known = {
            **action.body,
            "operation": action.operation,
            "vendorCallKey": action.vendor_call_key,
        }
        yield from _members(action.operation, request, known)


def answer_differences(expected: Expectation, invocation: Invocation) -> Iterator[str]:
    """As `differences`, of the answer alone."""
    error = (invocation.error or {}).get("errorType")
    if error != expected.error and (expected.error is not None or expected.answer is not None):
        yield _line("error", expected.error, _error_text(invocation))
    if expected.answer is None or error is not None:
        return
    payload = invocation.payload
    if not isinstance(payload, dict):
        yield _line("answer", dict(expected.answer), payload)
        return
    yield from _members("answer", expected.answer, payload)
    if expected.whole_answer:
        for name in sorted(payload.keys() - expected.answer.keys()):
            yield _line(f"answer.{name}", None, payload[name])


def _error_text(invocation: Invocation) -> str | None:
    error = invocation.error
    return f"{error.get('errorType')}: {error.get('errorMessage')}" if error else None


def _line_differences(expected: Expectation, lines: Sequence[DeliveryLine]) -> Iterator[str]:
    if len(lines) != 1:
        yield _line("delivery lines in the log", 1, len(lines))
        return
    if expected.disposition not in (None, lines[0].disposition):
        yield _line("disposition", expected.disposition, lines[0].disposition)
    if expected.reason not in (None, lines[0].reason):
        yield _line("reason", expected.reason, lines[0].reason)


def _record_differences(
    expected: Expectation, before: Sequence[VoiceCallRecord], after: Sequence[VoiceCallRecord]
) -> Iterable[str]:
    if expected.no_voice_call:
        new = [record.vendor_call_key for record in after[len(before) :]]
        return [_line("new voice calls", [], new)] if new else []
    if expected.voice_call is None:
        return []
    key = expected.voice_call["vendorCallKey"]
    records = [record for record in after if record.vendor_call_key == key]
    if len(records) != 1:
        return [_line(f"voice calls of {key}", 1, len(records))]
    return _members("voiceCall", expected.voice_call, stored(records[0]))


def _members(
    name: str, expected: Mapping[str, object], found: Mapping[str, object]
) -> Iterator[str]:
    for key, value in expected.items():
        given = found.get(key)
        if value == ANY and isinstance(given, str) and given:
            continue
        if value != given:
            yield _line(f"{name}.{key}", value, given)


def _line(name: str, expected: Any, found: Any) -> str:
    return f"{name}: expected {_shown(expected)}, found {_shown(found)}"


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    return "any text" if value == ANY else repr(value)
