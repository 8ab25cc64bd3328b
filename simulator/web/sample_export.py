"""A call that was seen, as a .jsonl sample with its expectations (events/README.md). Pure."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from simulator.samples.moments import relative_to
from simulator.web.calls import Call, Entry
from simulator.web.exports import payload_of

NO_RULE: Final = "no rule takes this event"
"""Title of the note behind an event that never reached a function."""
CONTACT_KNOWN: Final = "DescribeContact knows the contact"
"""Title of the note with a contact's members."""
_SOURCES: Final[Mapping[str, str]] = {
    "flow": "contact_flow",
    "event": "contact_events",
    "record": "contact_records",
    "lens": "contact_lens",
    "file": "post_call_analysis",
}
_Key = tuple[str, str]
"""Source and contact."""


@dataclass(frozen=True, slots=True)
class _End:
    """How an input ended, and when."""

    at: float
    expect: Mapping[str, Any]


def as_sample(calls: Sequence[Call]) -> str:
    """Every input of the calls, with how it ended, and at the end the VoiceCalls that there are.

    Inputs stand in the order in which they ended, since a replay sends one after the other. Times
    of contact events become relative to their delivery: an old event counts as late. The end of an
    input is left out where it is not clear which one it is.

    Args:
        calls: from the first call of a chain to the wanted one: a child needs its parent.
    """
    unique = {it.number: it for call in calls for it in call.entries}
    entries = [unique[number] for number in sorted(unique)]
    named = " and ".join(call.contact_id for call in calls)
    lines: list[dict[str, Any]] = [{"comment": f"Contact {named}.", "source": "the console"}]
    contacts = [_relative(it, it.data["contact"]) for it in entries if it.title == CONTACT_KNOWN]
    if contacts:
        lines.append({"connect": {"contacts": contacts}})
    faulty = [it for it in entries if it.kind == "exchange" and it.data.get("fault")]
    for entry, end in _inputs(entries):
        met = [it for it in faulty if it.at <= end.at]
        faulty = [it for it in faulty if it.at > end.at]
        if met:
            lines.append({"salesforce": [_fault(it) for it in met]})
        lines += _input(entry, end)
    made = [_made(call, calls) for call in calls if call.voice_call_id]
    lines.append({"expectCalls": made, "anyOrder": True})
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def _inputs(entries: Sequence[Entry]) -> list[tuple[Entry, _End]]:
    """Every input with its end, in the order of the ends."""
    inputs: defaultdict[_Key, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.kind in _SOURCES and payload_of(entry) is not None:
            inputs[_SOURCES[entry.kind], _contact(entry)].append(entry)
    ends = _ends(entries)
    found: list[tuple[Entry, _End]] = []
    for key, of_key in inputs.items():
        known = ends.get(key, [])
        if len(known) != len(of_key):
            known = [_End(entry.at, {}) for entry in of_key]
        found += zip(of_key, known, strict=True)
    return sorted(found, key=lambda pair: pair[1].at)


def _ends(entries: Sequence[Entry]) -> dict[_Key, list[_End]]:
    """How the inputs of each source and contact ended, in order."""
    ends: defaultdict[_Key, dict[str, _End]] = defaultdict(dict)
    for entry in entries:
        contact, said = _contact(entry), entry.data
        if entry.kind == "note" and entry.title == NO_RULE:
            end = _End(entry.at, {"matched": False})
            ends["contact_events", contact][str(entry.number)] = end
        elif entry.kind == "log" and said.get("message") == "delivery":
            ending = {name: str(said.get(name) or "") for name in ("disposition", "reason")}
            name = str(said.get("inputId") or entry.number)
            # The first line of an input is its end; Lambda may deliver it again.
            ends[str(said.get("source")), contact].setdefault(name, _End(entry.at, ending))
    return {key: list(found.values()) for key, found in ends.items()}


def _contact(entry: Entry) -> str:
    return "".join(entry.contact_ids[:1]).lower()


def _input(entry: Entry, end: _End) -> Iterator[dict[str, Any]]:
    payload = payload_of(entry)
    if entry.kind == "file" and "content" in entry.data:
        where = payload["detail"]
        bucket, key = where["bucket"]["name"], where["object"]["key"]
        yield {"inBucket": {"bucket": bucket, "key": key, "content": entry.data["content"]}}
    if entry.kind == "event":
        payload = _relative(entry, payload)
    expect = dict(end.expect)
    answer = entry.data.get("answer")
    if entry.kind == "flow" and isinstance(answer, dict) and "status" in answer:
        expect["answer"] = {"status": answer["status"]}
    step: dict[str, Any] = {"source": _SOURCES[entry.kind], "event": payload}
    yield step | ({"expect": expect} if expect else {})


def _relative(entry: Entry, value: Any) -> Any:
    return relative_to(value, datetime.fromtimestamp(entry.at, UTC))


def _fault(exchange: Entry) -> dict[str, Any]:
    """A fault of Salesforce that a request met."""
    kind, method = str(exchange.data["fault"]), exchange.data["method"]
    status = {"status": exchange.data["status"]} if kind.startswith("status") else {}
    return {"kind": kind, "method": method, **status}


def _made(call: Call, calls: Sequence[Call]) -> dict[str, Any]:
    """A call's VoiceCall as expectCalls has it."""
    parents = {it.contact_id.lower() for it in calls if it.voice_call_id}
    parent = call.previous if call.previous.lower() in parents else None
    return {"vendorCallKey": call.contact_id, **({"parent": parent} if parent else {})}
