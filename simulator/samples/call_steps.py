"""Reads a whole call: events/calls/<case>.jsonl, one step a line (format: events/README.md)."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from simulator.samples.expectations import (
    connect_faults_of,
    contacts_of,
    count_of,
    ends_of,
    expectation_of,
    faults_of,
    settings_of,
)
from simulator.samples.operations import OPERATIONS
from simulator.samples.reading import (
    EventError,
    as_list,
    as_object,
    parse,
    read_text,
    refuse_unknown,
    text_of,
    texts_of,
)
from simulator.samples.sources import ANSWERED, source_named, source_of, sources
from simulator.samples.steps import (
    Batch,
    ExpectCalls,
    ExpectDeadLetters,
    ExpectLines,
    ExpectRequests,
    ExpectSettingFaults,
    Input,
    Redrive,
    Sample,
    SetConnect,
    SetFaults,
    SetFile,
    Step,
    Together,
    inputs_of,
)

STEP_NAMES: Final = frozenset(
    (
        *("comment", "salesforce", "connect", "together", "batch", "expect"),
        *("expectCalls", "expectRequests", "expectDeadLetters", "expectSettingFaults"),
    )
)
"""Members that only a step of a call has."""
CARRIERS: Final = frozenset(("event", "file", "record", "batch"))
_HEADER_KEYS: Final = frozenset(("comment", "source", "settings"))
_INPUT_KEYS: Final = frozenset(("source", "event", "file", "expect"))
_RECORD_KEYS: Final = _INPUT_KEYS | {"partitionKey"}
_RAW_KEYS: Final = frozenset(("source", "record", "partitionKey", "expect"))
_BATCH_KEYS: Final = frozenset(("source", "batch", "shuffle", "twice", "expect"))
_REDRIVE_KEYS: Final = frozenset(("source", "event", "expect", "records"))


def read_call(path: Path, text: str | None = None) -> Sample:
    """Read the file, or a text in its place. The first line may say what it is.

    Raises EventError.
    """
    settings: Mapping[str, str] = {}
    origin = ""
    steps: list[Step] = []
    for number, members in _lines(path, read_text(path) if text is None else text):
        where = f"{path}:{number}"
        is_first = number == 1 and not members.keys() - _HEADER_KEYS
        if is_first or "comment" in members:
            refuse_unknown(members, _HEADER_KEYS, where)
            if is_first:
                origin = text_of(members, "source", where) if "source" in members else ""
                settings = settings_of(members, where)
        else:
            steps.append(_step(members, path, where))
    if not any(map(inputs_of, steps)):
        raise EventError(f"{path}: no line delivers an event")
    return Sample(path, tuple(steps), settings=settings, origin=origin)


def _step(members: Mapping[str, Any], path: Path, where: str) -> Step:
    for name, reads in _KINDS.items():
        if name in members:
            return reads(members, where)
    if "together" in members:
        refuse_unknown(members, {"together"}, where)
        items = as_list(members["together"], where)
        return Together(tuple(_input(as_object(item, where), path, where) for item in items))
    if members.get("source") == "redrive":
        return _redrive(members, where)
    if not members.keys() & CARRIERS and (source := source_of(members)):
        return Input(source, members)  # as AWS sends it: what a log or a queue holds, line by line
    if "batch" in members:
        return _batch(members, path, where)
    return _input(members, path, where)


def _calls(members: Mapping[str, Any], where: str) -> Step:
    refuse_unknown(members, {"expectCalls", "anyOrder"}, where)
    calls = [as_object(call, where) for call in as_list(members["expectCalls"], where)]
    for call in calls:
        text_of(call, "vendorCallKey", where)
    any_order = members.get("anyOrder", False)
    if not isinstance(any_order, bool):
        raise EventError(f"{where}: anyOrder must be true or false")
    return ExpectCalls(tuple(calls), any_order)


def _requests(members: Mapping[str, Any], where: str) -> Step:
    refuse_unknown(members, {"expectRequests"}, where)
    counts = as_object(members["expectRequests"], where)
    refuse_unknown(counts, OPERATIONS, where)
    return ExpectRequests({name: count_of(counts, name, where) for name in counts})


def _transcripts(members: Mapping[str, Any], where: str) -> Step:
    refuse_unknown(members, {"expectLines"}, where)
    lines = as_object(members["expectLines"], where)
    return ExpectLines({key: tuple(texts_of(lines, key, where)) for key in lines})


def _dead_letters(members: Mapping[str, Any], where: str) -> Step:
    refuse_unknown(members, {"expectDeadLetters"}, where)
    return ExpectDeadLetters(tuple(texts_of(members, "expectDeadLetters", where)))


def _setting_faults(members: Mapping[str, Any], where: str) -> Step:
    refuse_unknown(members, {"expectSettingFaults"}, where)
    return ExpectSettingFaults(tuple(texts_of(members, "expectSettingFaults", where)))


def _file(members: Mapping[str, Any], where: str) -> Step:
    refuse_unknown(members, {"inBucket"}, where)
    file = as_object(members["inBucket"], where)
    refuse_unknown(file, {"bucket", "key", "content", "repeat"}, where)
    content = as_object(file.get("content"), where)
    for name in as_object(file.get("repeat", {}), where):
        items = as_list(content.get(name), where)
        content = {**content, name: list(items) * count_of(file["repeat"], name, where)}
    bucket, key = text_of(file, "bucket", where), text_of(file, "key", where)
    return SetFile(bucket, key, json.dumps(content).encode())


def _salesforce(members: Mapping[str, Any], where: str) -> Step:
    refuse_unknown(members, {"salesforce"}, where)
    return SetFaults(faults_of(members["salesforce"], where))


def _connect(members: Mapping[str, Any], where: str) -> Step:
    refuse_unknown(members, {"connect"}, where)
    connect = as_object(members["connect"], where)
    refuse_unknown(connect, {"contacts", "faults"}, where)
    contacts = contacts_of(connect.get("contacts", []), where)
    return SetConnect(contacts, connect_faults_of(connect, where))


_KINDS: Final[Mapping[str, Callable[[Mapping[str, Any], str], Step]]] = {
    "expectCalls": _calls,
    "expectRequests": _requests,
    "expectLines": _transcripts,
    "expectDeadLetters": _dead_letters,
    "expectSettingFaults": _setting_faults,
    "inBucket": _file,
    "salesforce": _salesforce,
    "connect": _connect,
}


def _batch(members: Mapping[str, Any], path: Path, where: str) -> Step:
    refuse_unknown(members, _BATCH_KEYS, where)
    source = _source(members, where)
    if source in ANSWERED:
        raise EventError(f"{where}: only what comes through a stream comes in batches")
    twice = members.get("twice", False)
    if not isinstance(twice, bool):
        raise EventError(f"{where}: twice must be true or false")
    items = as_list(members["batch"], where)
    if not items:
        raise EventError(f"{where}: a batch without events")
    return Batch(
        tuple(_input({"source": source, **as_object(item, where)}, path, where) for item in items),
        count_of(members, "shuffle", where) if "shuffle" in members else None,
        twice,
        ends_of(members, "expect", where),
    )


def _redrive(members: Mapping[str, Any], where: str) -> Step:
    refuse_unknown(members, _REDRIVE_KEYS, where)
    expect = members.get("expect")
    expectation = None if expect is None else expectation_of(expect, where, "redrive")
    asked = Input("redrive", as_object(members.get("event"), where), expectation)
    return Redrive(asked, ends_of(members, "records", where))


def _input(members: Mapping[str, Any], path: Path, where: str) -> Input:
    if sum(name in members for name in ("event", "file", "record")) != 1:
        raise EventError(
            f"{where}: a step is one of salesforce, connect, expectCalls, expectRequests, "
            "expectLines, expectDeadLetters, expectSettingFaults, comment, together, batch, event, "
            "file or record; what does not look like an event is wrapped: "
            '{"source": "contact_flow", "event": ...}'
        )
    source = _source(members, where)
    known = _INPUT_KEYS if source in ANSWERED else _RECORD_KEYS
    refuse_unknown(members, _RAW_KEYS if "record" in members else known, where)
    expect = members.get("expect")
    expectation = None if expect is None else expectation_of(expect, where, source)
    if "record" in members:
        if source in ANSWERED:
            raise EventError(f"{where}: only what comes through a stream can be a record")
        key = text_of(members, "partitionKey", where)
        return Input(source, text_of(members, "record", where, empty=True), expectation, key)
    event = members.get("event")
    if "file" in members:
        file = path.parent / text_of(members, "file", where)
        event = parse(read_text(file), str(file))
    key = text_of(members, "partitionKey", where) if "partitionKey" in members else ""
    return Input(source, event, expectation, key)


def _source(members: Mapping[str, Any], where: str) -> str:
    source = source_named(text_of(members, "source", where))
    if not source:
        raise EventError(f"{where}: source must be one of {', '.join(sources())}")
    return source


def _lines(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    # Not splitlines: JSON may hold other characters that it takes for the end of a line.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            where = f"{path}:{number}"
            yield number, as_object(parse(line, where), where)
