"""Sample files: what is delivered, in which order, and how each delivery is to end.

Two kinds (the format is described in events/README.md):

    events/<source>/<case>.json    one event as AWS sends it; <case>.expected.json beside it
    events/calls/<case>.jsonl      a whole call, one step a line

Both become the same steps, so that a replay knows one kind of sample only.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from simulator.samples.call_steps import read_call
from simulator.samples.expectations import (
    contacts_of,
    expect_keys_of,
    expectation_of,
    faults_of,
    settings_of,
)
from simulator.samples.reading import (
    EventError,
    as_object,
    parse,
    read_text,
    refuse_unknown,
    text_of,
    texts_of,
)
from simulator.samples.sources import ANSWERED, source_named, source_of
from simulator.samples.steps import (
    Batch,
    ExpectCalls,
    Input,
    Sample,
    SetConnect,
    SetFaults,
    Step,
    inputs_of,
)

EXPECTED_SUFFIX: Final = ".expected.json"
_GIVEN_KEYS: Final = frozenset(("source", "given", "salesforce", "settings"))


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
        return read_call(path)
    event = parse(read_text(path), str(path))
    expected = expected_of(path)
    # An event that lies elsewhere says what it is; what says nothing is a flow's.
    source = source_named(path.parent.name) or source_of(event)
    if not expected.exists():
        return Sample(path, (Input(source or "contact_flow", event),))
    source = source or "contact_flow"
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
    answered = delivered.source in ANSWERED
    expect_keys = expect_keys_of(delivered.source)
    refuse_unknown(members, expect_keys | _GIVEN_KEYS | {"connect"}, where)
    text_of(members, "source", where)
    expected = {name: members[name] for name in expect_keys if name in members}
    if expected.get("matched") is not False:
        for name in ("disposition", "reason"):
            if name not in expected:
                raise EventError(f"{where}: {name} is missing")
    if answered and ("answer" in expected) == ("error" in expected):
        raise EventError(f"{where}: either an answer or an error is to be expected")
    delivered = Input(
        delivered.source,
        delivered.event,
        expectation_of(expected, where, delivered.source, whole_answer=True),
    )
    given = [path.parent / name for name in texts_of(members, "given", where)]
    faults = SetFaults(faults_of(members.get("salesforce", []), where))
    contacts = contacts_of(members.get("connect", []), where)
    known = (SetConnect(contacts),) if contacts else ()
    return Sample(
        path,
        (faults, *known, delivered),
        tuple(p.resolve() for p in given),
        settings_of(members, where),
    )


def _refuse_silent(sample: Sample) -> None:
    """A sample that expects nothing would always end as its file says."""
    inputs = [delivered for step in sample.steps for delivered in inputs_of(step)]
    if sample.path.suffix == ".json" and inputs[0].expectation is None:
        raise EventError(f"{sample.path}: there is no {expected_of(sample.path).name} beside it")
    if sample.path.suffix == ".jsonl" and not sample.origin:
        raise EventError(f"{sample.path}:1: source must be a text: where the call comes from")
    if any(map(_is_silent, sample.steps)):
        raise EventError(f"{sample.path}: a step without expect")
    if sample.path.suffix == ".jsonl" and not isinstance(sample.steps[-1], ExpectCalls):
        raise EventError(f"{sample.path}: the last line must be expectCalls")


def _is_silent(step: Step) -> bool:
    if isinstance(step, Batch) and step.ends is not None:
        return False  # how its events end is said of all together
    return any(delivered.expectation is None for delivered in inputs_of(step))


def expected_of(event: Path) -> Path:
    """The file that says how an event ends."""
    return event.with_name(event.stem + EXPECTED_SUFFIX)


def _event_of(expected: Path) -> Path:
    return expected.with_name(expected.name.removesuffix(EXPECTED_SUFFIX) + ".json")
