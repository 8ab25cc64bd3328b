"""Sample files: those of the repository, and what is refused in any."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.salesforce import Fault
from simulator.samples.files import in_order, load_sample, samples_in
from simulator.samples.reading import EventError
from simulator.samples.steps import Batch, ExpectCalls, Input, Sample, SetFaults, inputs_of
from simulator.simulator import ROOT
from tests.simulator.samples import created, flow_event, write_call, write_json, write_sample

EVENTS = ROOT / "events"
HEADER = {"comment": "a call", "source": "invented"}


def inputs(sample: Sample) -> list[Input]:
    return [delivered for step in sample.steps for delivered in inputs_of(step)]


def contact_ids(event: Any) -> Iterator[str | None]:
    """The contacts an event is about: its own, and the one a parameter names instead."""
    if not isinstance(event, dict):
        return  # a record that is not an event
    detail = event.get("detail") or {}
    yield detail.get("contactId") or detail.get("ContactId")
    details = event.get("Details") or {}
    data = details.get("ContactData") or {}
    yield data.get("ContactId")
    yield (details.get("Parameters") or {}).get("contactId")


# -- the repository's own ---------------------------------------------------------------------


def test_every_sample_says_how_it_ends() -> None:
    """An event without expected file, an expected file without event, an unnamed source, a call
    without expectCalls: each is refused when a folder is read."""
    samples = samples_in(EVENTS)

    folders = {sample.path.parent.name for sample in samples}
    assert folders == {
        *("contact_flow", "contact_events", "contact_records", "contact_lens"),
        *("post_call_analysis", "calls"),
    }
    for sample in samples:
        for step in sample.steps:
            said = isinstance(step, Batch) and step.ends is not None
            assert said or all(delivered.expectation for delivered in inputs_of(step))


def test_no_two_samples_use_the_same_contact() -> None:
    """Samples share one ledger and one Salesforce. No sample may see another's data there, except
    for a call that `given` brings."""
    files = defaultdict(set)
    given = {sample.path: set(sample.given) for sample in samples_in(EVENTS)}
    for sample in samples_in(EVENTS):
        for step in inputs(sample):
            for contact_id in filter(None, contact_ids(step.event)):
                files[contact_id].add(sample.path)
    for paths in files.values():
        paths -= {path for path in paths if given[path] & paths}

    assert files
    assert not {contact_id: names for contact_id, names in files.items() if len(names) > 1}


def test_every_number_is_fictional() -> None:
    """555-01xx is set aside for fiction (North American Numbering Plan); the other one is not a
    number but the word ANONYMOUS on a keypad."""
    for path in EVENTS.rglob("*.json*"):
        text = path.read_text(encoding="utf-8")
        numbers = {
            word
            for word in text.replace('"', " ").replace("\\", " ").split()
            if word.startswith("+")
        } - {"+266696687"}
        assert all(number[5:8] == "555" and len(number) == 12 for number in numbers), path


def test_all_has_every_documented_field_and_min_only_what_is_guaranteed() -> None:
    """Fields: administrator guide, "Invoke Lambda functions"."""
    everything = load_sample(EVENTS / "contact_flow" / "all.json")
    least = load_sample(EVENTS / "contact_flow" / "min.json")
    all_data = inputs(everything)[0].event["Details"]["ContactData"]
    min_data = inputs(least)[0].event["Details"]["ContactData"]

    assert {name for name, value in all_data.items() if value in (None, {}, "")} == set()
    assert len(all_data) == 20
    assert min_data.keys() < all_data.keys()
    assert min_data["CustomerEndpoint"] is min_data["SystemEndpoint"] is min_data["Queue"] is None


# -- what a file means ------------------------------------------------------------------------


def test_event_with_expected_file(tmp_path: Path) -> None:
    """Given an event and its expected file with faults and settings, when it is loaded, then the
    faults are set before the event is delivered."""
    fault = {"kind": "status", "status": 503}
    settings = {"FLOW_FAILURE": "error"}
    expected = created("c-1", salesforce=[fault], settings=settings)
    path = write_sample(tmp_path, "one", flow_event("c-1"), expected)

    sample = load_sample(path)

    assert sample.settings == settings
    assert sample.steps[0] == SetFaults((Fault("status", status=503),))
    delivered = inputs(sample)[0]
    assert delivered.event == flow_event("c-1")
    assert delivered.expectation is not None
    assert delivered.expectation.whole_answer
    assert not delivered.expectation.no_voice_call


def test_voice_call_null_is_another_thing_than_none_said(tmp_path: Path) -> None:
    """`"voiceCall": null` says that there is no record; leaving it out says nothing."""
    silent = {key: value for key, value in created("c-1").items() if key != "voiceCall"}
    without = write_sample(tmp_path, "without", {}, created("c-1", voiceCall=None))
    unsaid = write_sample(tmp_path, "unsaid", {}, silent)

    expectations = [inputs(load_sample(path))[0].expectation for path in (without, unsaid)]

    assert [e.no_voice_call for e in expectations if e is not None] == [True, False]


def test_own_event_without_expected_file(tmp_path: Path) -> None:
    """Given an event alone, when it is loaded by itself, then nothing is expected of it."""
    sample = load_sample(write_json(tmp_path / "mine.json", flow_event("c-1")))

    assert sample.steps == (Input("contact_flow", flow_event("c-1")),)


def test_call(tmp_path: Path) -> None:
    """Given a call with every kind of line, then its steps are these, in order."""
    event = write_json(tmp_path / "calls" / "other" / "event.json", flow_event("c-2"))
    path = write_call(
        tmp_path,
        "call",
        HEADER,
        {"salesforce": [{"kind": "reset_after"}]},
        {"source": "contact_flow", "event": flow_event("c-1"), "expect": {"error": "FlowMistake"}},
        {"comment": "and then"},
        {"salesforce": []},
        {"source": "contact_flow", "file": f"other/{event.name}", "expect": {"reason": ""}},
        {"expectCalls": [{"vendorCallKey": "c-2", "parent": None}]},
    )

    steps = load_sample(path).steps

    assert [type(step) for step in steps] == [SetFaults, Input, SetFaults, Input, ExpectCalls]
    assert [step.event for step in steps if isinstance(step, Input)] == [
        flow_event("c-1"),
        flow_event("c-2"),
    ]
    assert steps[2] == SetFaults(())


def test_lines_end_at_line_feeds_only(tmp_path: Path) -> None:
    """JSON allows U+2028 in a text; it does not end a line here."""
    path = tmp_path / "call.jsonl"
    event = json.dumps(flow_event("c-1", Attributes={"note": "a\u2028b"}), ensure_ascii=False)
    path.write_text(
        json.dumps(HEADER) + f'\n\n{{"source": "contact_flow", "event": {event}}}\n',
        encoding="utf-8",
    )

    assert len(load_sample(path).steps) == 1


def test_given_samples_come_first_and_once(tmp_path: Path) -> None:
    """Given two samples that need a third, then the third comes before both, once."""
    for name in ("a", "b"):
        write_sample(tmp_path, name, {}, created(name, given=["z.json"]))
    write_sample(tmp_path, "z", {}, created("z"))

    assert [sample.path.stem for sample in samples_in(tmp_path)] == ["z", "a", "b"]


# -- what is refused --------------------------------------------------------------------------


def test_samples_that_need_each_other(tmp_path: Path) -> None:
    path = write_sample(tmp_path, "a", {}, created("a", given=["b.json"]))
    write_sample(tmp_path, "b", {}, created("b", given=["a.json"]))

    with pytest.raises(EventError, match=r"a\.json: needs itself, through b\.json"):
        in_order([path])


def test_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(EventError, match="no sample"):
        samples_in(tmp_path)


def test_expected_file_without_event(tmp_path: Path) -> None:
    write_json(tmp_path / "contact_flow" / "lost.expected.json", created("c-1"))

    with pytest.raises(EventError, match=r"there is no lost\.json beside it"):
        samples_in(tmp_path)


def test_event_of_a_folder_without_expected_file(tmp_path: Path) -> None:
    write_json(tmp_path / "contact_flow" / "silent.json", flow_event("c-1"))

    with pytest.raises(EventError, match=r"there is no silent\.expected\.json beside it"):
        samples_in(tmp_path)


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ([{"source": "contact_flow", "event": {}}, {"expectCalls": []}], "a step without expect"),
        ([{"source": "contact_flow", "event": {}, "expect": {}}], "last line must be expectCalls"),
    ],
)
def test_call_of_a_folder_that_does_not_say_how_it_ends(
    tmp_path: Path, lines: list[Any], fault: str
) -> None:
    write_call(tmp_path, "call", HEADER, *lines)

    with pytest.raises(EventError, match=fault):
        samples_in(tmp_path)


def test_naming_an_expected_file(tmp_path: Path) -> None:
    write_sample(tmp_path, "one", {}, created("c-1"))

    with pytest.raises(EventError, match=r"name the event, one\.json"):
        load_sample(tmp_path / "contact_flow" / "one.expected.json")


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in created("c-1").items() if name != key}


@pytest.mark.parametrize(
    ("expected", "fault"),
    [
        ([], "an object is needed"),
        (without("source"), "source must be a text"),
        (without("answer"), "either an answer or an error"),
        (created("c-1", error="FlowMistake"), "either an answer or an error"),
        (without("disposition"), "disposition is missing"),
        (without("reason"), "reason is missing"),
        (created("c-1", anwser={}), "unknown: anwser"),
        (created("c-1", answer={"status": 1}), "every value must be a text"),
        (created("c-1", voiceCall={"to": "+18005550123"}), "vendorCallKey must be a text"),
        (created("c-1", salesforce=[{"kind": "storm"}]), "fault: kind"),
        (created("c-1", salesforce={"kind": "hang"}), "a list is needed"),
        (created("c-1", settings={"FLOW_TIME_LIMIT_SECONDS": 3}), "every value must be a text"),
        (created("c-1", given=[1]), "given must be a list of texts"),
    ],
)
def test_faulty_expected_file(tmp_path: Path, expected: Any, fault: str) -> None:
    path = write_sample(tmp_path, "one", {}, expected)

    with pytest.raises(EventError, match=rf"one\.expected\.json: .*{fault}"):
        load_sample(path)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ({"source": "contact_flow"}, "a step is one of"),
        ({"source": "contact_flow", "event": {}, "file": "a.json"}, "a step is one of"),
        ({"source": "nobody", "event": {}}, "source must be one of contact_events"),
        ({"source": "contact_flow", "event": {}, "advance": 1}, "unknown: advance"),
        ({"source": "contact_flow", "event": {}, "expect": {"state": ""}}, "unknown: state"),
        ({"source": "contact_flow", "file": "no.json"}, "there is no such file"),
        ({"expectCalls": [{"parent": None}]}, "vendorCallKey must be a text"),
        ({"expectCalls": {}}, "a list is needed"),
        ({"salesforce": [1]}, "an object is needed"),
        (7, "an object is needed"),
    ],
)
def test_faulty_step(tmp_path: Path, line: Any, fault: str) -> None:
    path = write_call(tmp_path, "call", HEADER, line)

    with pytest.raises(EventError, match=fault):
        load_sample(path)


@pytest.mark.parametrize("first", [[], [{"comment": "mine"}], [{"settings": {"A": "b"}}]])
def test_call_of_ones_own(tmp_path: Path, first: list[Any]) -> None:
    """Given a call that does not name its source, then it can be replayed, but is refused in a
    folder of samples."""
    event = {"source": "contact_flow", "event": flow_event("c-1"), "expect": {"reason": ""}}
    path = write_call(tmp_path, "call", *first, event, {"expectCalls": []})

    sample = load_sample(path)
    assert len(inputs(sample)) == 1
    assert sample.settings == (first[0].get("settings", {}) if first else {})
    with pytest.raises(EventError, match=r"call\.jsonl:1: source must be a text"):
        samples_in(tmp_path)


def test_source_that_is_no_text(tmp_path: Path) -> None:
    path = write_call(tmp_path, "call", {"comment": "a call", "source": 7}, {"expectCalls": []})

    with pytest.raises(EventError, match=r"call\.jsonl:1: source must be a text"):
        load_sample(path)


def test_call_that_delivers_nothing(tmp_path: Path) -> None:
    path = write_call(tmp_path, "call", HEADER, {"expectCalls": []})

    with pytest.raises(EventError, match="no line delivers an event"):
        load_sample(path)


@pytest.mark.parametrize("text", [b"", b"{", b'{"a": NaN}', b"\xff", b"[" * 100_000])
def test_not_json(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "mine.json"
    path.write_bytes(text)

    with pytest.raises(EventError, match=r"mine\.json: (not JSON|cannot be read)"):
        load_sample(path)
