"""The steps of a whole call that deliver contact events, and what is refused in them."""

from pathlib import Path
from typing import Any

import pytest

from simulator.samples.files import load_sample, samples_in
from simulator.samples.reading import EventError
from simulator.samples.steps import (
    Batch,
    DescribedContact,
    Expectation,
    ExpectCalls,
    ExpectDeadLetters,
    ExpectRequests,
    ExpectSettingFaults,
    Input,
    Redrive,
    SetConnect,
    Together,
    inputs_of,
)
from tests.samples.members import INSTANCE_ID
from tests.simulator.samples import flow_event, queued_event, write_call, write_json

HEADER = {"comment": "a call", "source": "invented"}
EVENT = {"source": "contact_event", "event": {"detail": {}}}
FLOW = {"source": "contact_flow", "event": {}}


FLOW = {"source": "contact_flow", "event": {"Name": "ContactFlowEvent"}}
LINES: tuple[dict[str, Any], ...] = (
    {
        "connect": {
            "contacts": [{"Id": "c-1", "Channel": "VOICE"}, {"Id": "c-2", "InstanceId": "i"}],
            "faults": ["throttle", "500"],
        }
    },
    {**EVENT, "expect": {"matched": False, "deliveries": 2}},
    {
        "source": "contact_event",
        "batch": [{"event": {"id": "1"}}, {"record": "{", "partitionKey": "c-1"}],
        "shuffle": 3,
        "twice": True,
        "expect": {"delivered": 1, "dead_lettered": 1},
    },
    {"together": [FLOW, EVENT]},
    {
        "source": "redrive",
        "event": {"dryRun": False},
        "expect": {"answer": {"found": 1}},
        "records": {"delivered": 1},
    },
    {"expectRequests": {"create": 1}},
    {"expectDeadLetters": ["NOT_A_CONTACT"]},
    {"expectSettingFaults": ["a..b=C__c"]},
    {"expectCalls": []},
)
STEPS = (
    SetConnect(
        (
            DescribedContact(INSTANCE_ID, "c-1", {"Channel": "VOICE"}),
            DescribedContact("i", "c-2", {}),
        ),
        ("throttle", "500"),
    ),
    Input("contact_events", {"detail": {}}, Expectation(matched=False, deliveries=2)),
    Batch(
        (Input("contact_events", {"id": "1"}), Input("contact_events", "{", partition_key="c-1")),
        shuffle=3,
        twice=True,
        ends={"delivered": 1, "dead_lettered": 1},
    ),
    Together((Input("contact_flow", FLOW["event"]), Input("contact_events", {"detail": {}}))),
    Redrive(
        Input("redrive", {"dryRun": False}, Expectation(answer={"found": 1})), {"delivered": 1}
    ),
    ExpectRequests({"create": 1}),
    ExpectDeadLetters(("NOT_A_CONTACT",)),
    ExpectSettingFaults(("a..b=C__c",)),
    ExpectCalls(()),
)


def test_every_step(tmp_path: Path) -> None:
    """Given one line of each kind, then each becomes its step, in order."""
    path = write_call(tmp_path, "call", HEADER, *LINES)

    assert load_sample(path).steps == STEPS


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ({**EVENT, "expect": {"answer": {}}}, "unknown: answer"),
        ({**EVENT, "expect": {"matched": 1}}, "matched must be true or false"),
        ({**EVENT, "expect": {"deliveries": -1}}, "deliveries must be a whole number"),
        ({**EVENT, "expect": {"deliveries": True}}, "deliveries must be a whole number"),
        ({"source": "contact_event", "record": "{"}, "partitionKey must be a text"),
        ({"source": "contact_flow", "record": "{", "partitionKey": "c"}, "only what comes through"),
        (
            {"source": "contact_flow", "batch": [{"event": {}}]},
            "only what comes through a stream comes in batches",
        ),
        ({"source": "contact_event", "batch": []}, "a batch without events"),
        ({"source": "contact_event", "batch": [{"event": {}}], "twice": 2}, "twice must be"),
        ({"source": "contact_event", "batch": [{"event": {}}], "again": 2}, "unknown: again"),
        (
            {"source": "contact_event", "batch": [{"event": {}}], "expect": {"lost": 1}},
            "unknown: lost",
        ),
        ({"source": "redrive", "event": []}, "an object is needed"),
        ({"together": [7]}, "an object is needed"),
        ({"connect": {"contacts": [{}]}}, "Id must be a text"),
        ({"connect": {"faults": ["storm"]}}, "faults: each is one of hang, 500, throttle"),
        ({"connect": {"contact": []}}, "unknown: contact"),
        ({"expectRequests": {"posts": 1}}, "unknown: posts"),
        ({"expectRequests": {"create": "1"}}, "create must be a whole number"),
        ({"expectDeadLetters": "400"}, "a list is needed"),
        ({**FLOW, "expect": {"requests": {}}}, "requests: a list is needed"),
        ({**FLOW, "expect": {"requests": [7]}}, "requests: an object is needed"),
        (
            {**FLOW, "expect": {"requests": [{"operation": "omniFlow", "vendorCallKey": 7}]}},
            "vendorCallKey must be",
        ),
        ({**FLOW, "expect": {"requests": [{"vendorCallKey": "c"}]}}, "operation must be a text"),
        (
            {"source": "contact_event", "event": {}, "expect": {"requests": []}},
            "unknown: requests",
        ),
    ],
)
def test_faulty_step(tmp_path: Path, line: Any, fault: str) -> None:
    path = write_call(tmp_path, "call", HEADER, line, EVENT)

    with pytest.raises(EventError, match=rf"call\.jsonl:2.*{fault}"):
        load_sample(path)


@pytest.mark.parametrize(
    "line",
    [
        EVENT,
        {"source": "contact_event", "batch": [{"event": {}}]},
        {"together": [EVENT]},
        {"source": "redrive", "event": {}},
    ],
)
def test_call_of_a_folder_that_says_nothing_of_an_end(tmp_path: Path, line: Any) -> None:
    write_call(tmp_path, "call", HEADER, line, {"expectCalls": []})

    with pytest.raises(EventError, match="a step without expect"):
        samples_in(tmp_path)


def test_contact_event_with_expected_file(tmp_path: Path) -> None:
    """Given an event of the folder contact_events, then its contacts are known before it comes."""
    path = write_json(tmp_path / "contact_events" / "one.json", queued_event("c-1"))
    expected = {"source": "invented", "connect": [{"Id": "c-1"}], "disposition": "delivered"}
    write_json(path.with_name("one.expected.json"), {**expected, "reason": ""})

    _, known, delivered = load_sample(path).steps

    assert known == SetConnect((DescribedContact(INSTANCE_ID, "c-1", {}),))
    assert inputs_of(delivered)[0].source == "contact_events"


@pytest.mark.parametrize(
    ("expected", "fault"),
    [
        ({"disposition": "delivered"}, "reason is missing"),
        ({"answer": {}, "disposition": "delivered", "reason": ""}, "unknown: answer"),
    ],
)
def test_faulty_expected_file(tmp_path: Path, expected: Any, fault: str) -> None:
    path = write_json(tmp_path / "contact_events" / "one.json", queued_event("c-1"))
    write_json(path.with_name("one.expected.json"), {"source": "invented", **expected})

    with pytest.raises(EventError, match=fault):
        load_sample(path)


def test_own_event_says_what_it_is(tmp_path: Path) -> None:
    """Given a contact event in any folder, then its detail-type decides its source."""
    path = write_json(tmp_path / "mine.json", queued_event("c-1"))

    (delivered,) = load_sample(path).steps

    assert inputs_of(delivered)[0].source == "contact_events"


@pytest.mark.parametrize(
    ("event", "source"),
    [
        (queued_event("c-1"), "contact_events"),
        (flow_event("c-1"), "contact_flow"),
        ({"ContactId": "c-1", "LastUpdateTimestamp": "2026-11-20T10:02:10Z"}, "contact_records"),
    ],
)
def test_event_as_it_is(tmp_path: Path, event: Any, source: str) -> None:
    """Given a file and a line of a call that are an event and no more, then its shape decides its
    source; a call of the folder must say how it ends."""
    path = write_call(tmp_path, "mine", event, {"source": source, "event": event})
    wrapped = Input(source, event)
    assert load_sample(path).steps == (wrapped, wrapped)
    assert load_sample(write_json(tmp_path / "elsewhere" / "mine.json", event)).steps == (wrapped,)

    write_call(tmp_path, "mine", HEADER, event, {"expectCalls": []})
    (tmp_path / "elsewhere" / "mine.json").unlink()
    with pytest.raises(EventError, match="a step without expect"):
        samples_in(tmp_path)


@pytest.mark.parametrize("event", [[], "hi", {"Records": []}, {"Details": 1}])
def test_event_that_looks_like_nothing(tmp_path: Path, event: Any) -> None:
    """Given an event that no source sends, then the sample's folder names the source, or a line of
    the call does."""
    (tmp_path / "contact_flow").mkdir()
    (step,) = load_sample(write_json(tmp_path / "contact_flow" / "mine.json", event)).steps
    assert step == Input("contact_flow", event)
    if isinstance(event, dict):
        with pytest.raises(EventError, match="is wrapped:"):
            load_sample(write_call(tmp_path, "mine", event))


def test_place_is_named_once(tmp_path: Path) -> None:
    path = write_call(tmp_path, "mine", {"salesforce": ["hang"]}, FLOW)
    with pytest.raises(EventError) as refused:
        load_sample(path)

    assert str(refused.value) == f"{path}:1: an object is needed, not 'hang'"


def test_byte_order_mark(tmp_path: Path) -> None:
    """Given a file that an editor began with a byte order mark, then it is read."""
    path = tmp_path / "mine.json"
    path.write_bytes(b"\xef\xbb\xbf" + b'{"Details": {}}')

    assert load_sample(path).steps == (Input("contact_flow", {"Details": {}}),)
