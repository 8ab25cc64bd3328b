"""Sample files: what is delivered, in which order, and how each delivery is to end.

Two kinds (the format is described in events/README.md):

    events/<source>/<case>.json    one event as AWS sends it; <case>.expected.json beside it
    events/calls/<case>.jsonl      a whole call, one step a line

Both become the same steps, so that a replay knows one kind of sample only.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from local.reading import (
    EventError,
    as_list,
    as_object,
    as_text_map,
    parse,
    read_text,
    refuse_unknown,
    text_of,
    texts_of,
)
from local.salesforce import Fault

EXPECTED_SUFFIX: Final = ".expected.json"
SOURCES: Final = ("contact_flow",)
"""Where events come from; the folder's name, and the `source` of a call's step."""

_EXPECT_KEYS: Final = frozenset(("answer", "error", "voiceCall", "disposition", "reason"))
_EXPECTED_KEYS: Final = _EXPECT_KEYS | {"source", "given", "salesforce", "settings"}
_HEADER_KEYS: Final = frozenset(("comment", "source", "settings"))
_INPUT_KEYS: Final = frozenset(("source", "event", "file", "expect"))


@dataclass(frozen=True, slots=True)
class Expectation:
    """How a delivery is to end. What is None is not looked at.

    Attributes:
        answer: members of the answer; "*" stands for any text that is not empty.
        whole_answer: whether the answer has these members and no others.
        error: the errorType of the exception the function raises.
        disposition, reason: of its delivery line.
        voice_call: members of the record with this vendorCallKey, as Salesforce stored it; None as
            a member's value: the member is absent.
        no_voice_call: whether the delivery makes no record.
    """

    answer: Mapping[str, str] | None = None
    whole_answer: bool = False
    error: str | None = None
    disposition: str | None = None
    reason: str | None = None
    voice_call: Mapping[str, object] | None = None
    no_voice_call: bool = False


@dataclass(frozen=True, slots=True)
class Input:
    """Delivers an event. `expectation` is None where it is only to be shown how it ends."""

    source: str
    event: Any
    expectation: Expectation | None = None


@dataclass(frozen=True, slots=True)
class SetFaults:
    """Replaces Salesforce's faults by these."""

    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class ExpectCalls:
    """Salesforce has exactly these records of the sample's contacts, in the order of creation."""

    calls: tuple[Mapping[str, object], ...]


Step = Input | SetFaults | ExpectCalls


@dataclass(frozen=True, slots=True)
class Sample:
    """A file, read.

    Attributes:
        path: the file.
        steps: what to do, in order.
        given: samples that are replayed before it.
        settings: environment of the function, instead of the template's.
    """

    path: Path
    steps: tuple[Step, ...]
    given: tuple[Path, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)


def samples_in(folder: Path) -> list[Sample]:
    """Every sample below a folder, each behind those it needs, otherwise by name.

    Raises:
        EventError: a file cannot be read or does not say how it ends, an expected file has no
            event, or there is no sample.
    """
    files = sorted(path for path in folder.rglob("*.json*") if path.suffix in (".json", ".jsonl"))
    for path in files:
        if path.name.endswith(EXPECTED_SUFFIX) and not _event_of(path).exists():
            raise EventError(f"{path}: there is no {_event_of(path).name} beside it")
    found = [path for path in files if not path.name.endswith(EXPECTED_SUFFIX)]
    if not found:
        raise EventError(f"{folder}: no sample (*.json or *.jsonl) in this folder")
    samples = in_order(found)
    for sample in samples:
        _refuse_silent(sample)
    return samples


def in_order(paths: Iterable[Path]) -> list[Sample]:
    """The samples at these paths, each once and behind those it needs.

    Raises:
        EventError: a file cannot be read, or samples need each other in a circle.
    """
    ordered: dict[Path, Sample] = {}
    for path in paths:
        _add(path.resolve(), ordered, ())
    return list(ordered.values())


def load_sample(path: Path) -> Sample:
    """Read a sample, and the expected file beside it if there is one.

    Raises:
        EventError: the file cannot be used.
    """
    if path.name.endswith(EXPECTED_SUFFIX):
        raise EventError(f"{path}: says how an event ends; name the event, {_event_of(path).name}")
    if path.suffix == ".jsonl":
        return _call(path)
    event = parse(read_text(path), str(path))
    expected = _expected_of(path)
    source = path.parent.name if path.parent.name in SOURCES else SOURCES[0]
    if not expected.exists():
        return Sample(path, (Input(source, event),))
    return _with_expected(path, Input(source, event), expected)


def _add(path: Path, ordered: dict[Path, Sample], needing: tuple[Path, ...]) -> None:
    if path in ordered:
        return
    if path in needing:
        raise EventError(f"{path}: needs itself, through {needing[-1].name}")
    sample = load_sample(path)
    for given in sample.given:
        _add(given, ordered, (*needing, path))
    ordered[path] = sample


def _with_expected(path: Path, delivered: Input, file: Path) -> Sample:
    where = str(file)
    members = as_object(parse(read_text(file), where), where)
    refuse_unknown(members, _EXPECTED_KEYS, where)
    text_of(members, "source", where)
    expected = {name: members[name] for name in _EXPECT_KEYS if name in members}
    for name in ("disposition", "reason"):
        if name not in expected:
            raise EventError(f"{where}: {name} is missing")
    if ("answer" in expected) == ("error" in expected):
        raise EventError(f"{where}: either an answer or an error is to be expected")
    delivered = Input(
        delivered.source, delivered.event, _expectation(expected, where, whole_answer=True)
    )
    given = [path.parent / name for name in texts_of(members, "given", where)]
    steps = (SetFaults(_faults(members.get("salesforce", []), where)), delivered)
    return Sample(path, steps, tuple(p.resolve() for p in given), _settings(members, where))


def _call(path: Path) -> Sample:
    settings: Mapping[str, str] = {}
    steps: list[Step] = []
    for number, members in _lines(path):
        where = f"{path}:{number}"
        if number == 1 or "comment" in members:
            refuse_unknown(members, _HEADER_KEYS, where)
            if number == 1:
                text_of(members, "source", where)
                settings = _settings(members, where)
        else:
            steps.append(_step(members, path, where))
    if not any(isinstance(step, Input) for step in steps):
        raise EventError(f"{path}: no line delivers an event")
    return Sample(path, tuple(steps), settings=settings)


def _step(members: Mapping[str, Any], path: Path, where: str) -> Step:
    if "expectCalls" in members:
        refuse_unknown(members, {"expectCalls"}, where)
        calls = [as_object(call, where) for call in as_list(members["expectCalls"], where)]
        for call in calls:
            text_of(call, "vendorCallKey", where)
        return ExpectCalls(tuple(calls))
    if "salesforce" in members:
        refuse_unknown(members, {"salesforce"}, where)
        return SetFaults(_faults(members["salesforce"], where))
    if ("event" in members) == ("file" in members):
        raise EventError(
            f"{where}: a step is one of salesforce, expectCalls, comment, event or file"
        )
    refuse_unknown(members, _INPUT_KEYS, where)
    source = text_of(members, "source", where)
    if source not in SOURCES:
        raise EventError(f"{where}: source must be one of {', '.join(SOURCES)}")
    event = members.get("event")
    if "file" in members:
        file = path.parent / text_of(members, "file", where)
        event = parse(read_text(file), str(file))
    expect = members.get("expect")
    return Input(source, event, None if expect is None else _expectation(expect, where))


def _expectation(value: Any, where: str, *, whole_answer: bool = False) -> Expectation:
    members = as_object(value, where)
    refuse_unknown(members, _EXPECT_KEYS, where)
    answer, voice_call = members.get("answer"), members.get("voiceCall")
    if voice_call is not None:
        text_of(as_object(voice_call, where), "vendorCallKey", where)
    return Expectation(
        answer=None if answer is None else as_text_map(answer, f"{where}: answer"),
        whole_answer=whole_answer,
        error=text_of(members, "error", where) if "error" in members else None,
        disposition=text_of(members, "disposition", where) if "disposition" in members else None,
        reason=text_of(members, "reason", where, empty=True) if "reason" in members else None,
        voice_call=voice_call,
        no_voice_call="voiceCall" in members and voice_call is None,
    )


def _faults(value: Any, where: str) -> tuple[Fault, ...]:
    try:
        return tuple(Fault.from_json(as_object(fault, where)) for fault in as_list(value, where))
    except ValueError as error:
        raise EventError(f"{where}: {error}") from error


def _settings(members: Mapping[str, Any], where: str) -> Mapping[str, str]:
    return as_text_map(members.get("settings", {}), f"{where}: settings")


def _refuse_silent(sample: Sample) -> None:
    """A sample that expects nothing would always end as its file says."""
    inputs = [step for step in sample.steps if isinstance(step, Input)]
    if sample.path.suffix == ".json" and inputs[0].expectation is None:
        raise EventError(f"{sample.path}: there is no {_expected_of(sample.path).name} beside it")
    if any(step.expectation is None for step in inputs):
        raise EventError(f"{sample.path}: a step without expect")
    if sample.path.suffix == ".jsonl" and not isinstance(sample.steps[-1], ExpectCalls):
        raise EventError(f"{sample.path}: the last line must be expectCalls")


def _expected_of(event: Path) -> Path:
    return event.with_name(event.stem + EXPECTED_SUFFIX)


def _event_of(expected: Path) -> Path:
    return expected.with_name(expected.name.removesuffix(EXPECTED_SUFFIX) + ".json")


def _lines(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    # Not splitlines: JSON may hold other characters that it takes for the end of a line.
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            where = f"{path}:{number}"
            yield number, as_object(parse(line, where), where)
