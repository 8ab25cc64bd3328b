"""The kinds of records that share a stream: one place decides the kind, and a function skips all
but its own."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from tests.property.strategies import ANY_JSON
from tests.samples.contact_records import contact_record as record
from tests.samples.members import CONTACT_ID
from tests.unit.captured_log import CapturedLog
from tests.unit.doubles import MemoryDeadLetters
from tests.unit.memory_retry_queue import MemoryRetryQueue
from tests.unit.samples import batch
from voicecall_bridge.deadline import Deadline
from voicecall_bridge.observability import Disposition
from voicecall_bridge.sources.kinds import Kind, contact_of, kind_of
from voicecall_bridge.streams.processor import StreamProcessor
from voicecall_bridge.streams.results import RecordResult

EVENT = {"detail-type": "Amazon Connect Contact Event", "detail": {"contactId": CONTACT_ID}}
LENS = {"Version": "1.0.0", "Channel": "VOICE", "ContactId": CONTACT_ID}
AGENT = {"EventId": "e-1", "AgentARN": "arn:agent", "EventType": "HEART_BEAT", "Version": "2017"}
SAMPLES: list[tuple[dict[str, Any], Kind]] = [
    (EVENT, Kind.CONTACT_EVENT),
    (record(), Kind.CONTACT_RECORD),
    *(
        (LENS | {"EventType": kind}, Kind.CONTACT_LENS)
        for kind in ("STARTED", "SEGMENTS", "COMPLETED", "FAILED")
    ),
    *((AGENT | {"EventType": kind}, Kind.AGENT_EVENT) for kind in ("LOGIN", "STATE_CHANGE")),
]


@pytest.mark.parametrize(("payload", "kind"), SAMPLES)
def test_each_kind_by_its_own_members(payload: dict[str, Any], kind: Kind) -> None:
    assert kind_of(payload) is kind


def test_a_contact_record_may_have_any_other_member_besides() -> None:
    assert kind_of(record(EventType="X", AgentARN="a")) is Kind.CONTACT_RECORD


@pytest.mark.parametrize("payload", [None, [], "text", 3, {}, {"ContactId": "c"}])
def test_a_kind_that_no_member_shows(payload: object) -> None:
    assert kind_of(payload) is Kind.UNKNOWN


@given(ANY_JSON)
def test_any_json_has_a_kind_and_at_most_one_contact(payload: Any) -> None:
    assert kind_of(payload) in Kind
    assert contact_of(payload).isprintable()


class Anything:
    """A source that takes every record."""

    name = "anything"

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.handled: list[object] = []

    def read(self, payload: object) -> object:
        return payload

    def chain(self, item: object) -> str:
        return json.dumps(item)

    def describe(self, item: object) -> tuple[str, str]:
        return contact_of(item), ""

    def without_salesforce(self, item: object, later: Sequence[object]) -> RecordResult | None:
        return None

    def handle(self, item: object, deadline: Deadline) -> RecordResult:
        self.handled.append(item)
        return RecordResult(Disposition.DELIVERED)


@pytest.mark.parametrize("own", [kind for kind in Kind if kind is not Kind.UNKNOWN])
def test_a_function_handles_its_own_kind_and_unknown_kinds(own: Kind) -> None:
    logged, letters, source = CapturedLog(), MemoryDeadLetters(), Anything(own)
    processor: StreamProcessor[object] = StreamProcessor(
        source, letters, MemoryRetryQueue("no queue"), logged.observer, 1
    )
    payloads = [payload for payload, _ in SAMPLES] + [{"ContactId": "c"}]
    assert processor.answer(batch(*payloads), 60.0) == {"batchItemFailures": []}
    assert source.handled == [p for p in payloads if kind_of(p) in (own, Kind.UNKNOWN)]
    skipped = [line for line in logged.deliveries() if line["disposition"] == "skipped"]
    assert len(skipped) == len(payloads) - len(source.handled)
    assert {line["reason"] for line in skipped} == {f"NOT_A_{own}"}
    assert {line["ContactId"] for line in skipped} <= {CONTACT_ID, ""}
    assert letters.kept == []


def test_the_samples_of_each_stream_are_of_its_kind() -> None:
    events = Path(__file__).resolve().parents[2] / "events"
    expected = {"contact_events": Kind.CONTACT_EVENT, "contact_records": Kind.CONTACT_RECORD}
    for folder, kind in expected.items():
        found = {
            kind_of(json.loads(path.read_text(encoding="utf-8")))
            for path in (events / folder).glob("*.json")
            if not path.stem.endswith("expected")
        }
        assert kind in found
        assert found <= {kind, Kind.AGENT_EVENT, Kind.UNKNOWN}, folder
