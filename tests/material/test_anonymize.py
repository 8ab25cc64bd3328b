"""Anonymized material: no canary is left, and it replays the same way."""

from __future__ import annotations

import base64
import gzip
import itertools
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from simulator.material import NotUnderstood, read_material
from simulator.material.anonymize import anonymize
from simulator.replay.own_file import read_own_file
from simulator.replay.replay import Replay
from simulator.samples.moments import at_delivery
from simulator.simulator import ROOT, Simulator
from tests.material.shapes import (
    EVENT,
    FLOW,
    FLOW_LOG,
    FORMS,
    RECORD,
    dead_letter,
    kinesis_record,
    lambda_event,
    lines,
    log_event,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVENTS = ROOT / "events"
CANARIES = (
    "Erika Mustermann",
    "+4930123456",
    "erika.mustermann@example.org",
    "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d",
    "arn:aws:connect:eu-west-2:987654321098:instance/9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d",
    "Kundennummer 47110815",
    "Ærø-Straße 77",
    "sip:erika@telefonanlage.example.org",
    "s3://acmewerke-recordings/connect/acmewerke/CallRecordings/2026/11/20/erika.wav",
)
# Long enough that no replacement contains one by chance; the runs have a seed besides.
WORDS = (
    *("erika", "mustermann", "4930123456", "example", "9b1deb4d", "987654321098", "47110815"),
    *("ærø", "straße", "acmewerke", "telefonanlage", "kundennummer"),
)
MOMENT = "2026-11-20T10:00:05Z"
PUBLISHED = frozenset(
    {
        *(
            "detail-type",
            "source",
            "version",
            "eventType",
            "channel",
            "initiationMethod",
            "Channel",
        ),
        *("InitiationMethod", "Type", "type", "methodName", "region", "AwsRegion", "LanguageCode"),
        *("AWSContactTraceRecordFormatVersion", "DisconnectReason", "queueType", "Name", "time"),
        *("AgentConnectionAttempts", "Status", "MediaStreamType", "ParticipantType", "StorageType"),
    }
)


def with_canaries(value: Any, name: str = "", canaries: Iterator[str] | None = None) -> Any:
    """The event with a canary in every text that is neither a published word nor a time."""
    drawn = canaries or itertools.cycle(CANARIES)
    if isinstance(value, dict):
        return {key: with_canaries(item, key, drawn) for key, item in value.items()}
    if isinstance(value, list):
        return [with_canaries(item, name, drawn) for item in value]
    is_time = name.lower().endswith(("timestamp", "time"))
    return value if not isinstance(value, str) or name in PUBLISHED or is_time else next(drawn)


def unwrapped(data: bytes) -> str:
    """All text of the material and of its events, in lower case."""
    material = read_material(data)
    events = [json.dumps(event.payload, ensure_ascii=False) for event in material.events]
    plain = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    return " ".join([plain.decode("utf-8", "replace"), *events]).lower()


def flow_event() -> Any:
    return json.loads((EVENTS / "contact_flow" / "all.json").read_text(encoding="utf-8"))


def full(folder: str) -> Any:
    return json.loads((EVENTS / folder / "all.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("folder", ["contact_flow", "contact_events", "contact_records"])
@pytest.mark.parametrize("packing", [bytes, gzip.compress, base64.b64encode])
def test_no_canary_is_left(folder: str, packing: Any) -> None:
    """Given an event with a canary in every text, then none is left in any packing."""
    event = with_canaries(full(folder))
    assert all(word in unwrapped(text(event)) for word in WORDS)

    changed = anonymize(packing(text(event)), seed=1)

    shown = unwrapped(changed)
    assert [word for word in WORDS if word in shown] == []


@pytest.mark.parametrize(
    "wrap",
    [
        lambda event: text(lambda_event(kinesis_record(event))),
        lambda event: text(dead_letter(kinesis_record(event), "contact_records")),
        lambda event: text(
            {"Messages": [{"MessageId": "m", "Body": json.dumps(dead_letter(event))}]}
        ),
        lambda event: text({"events": [log_event(f"Erika Mustermann\t{json.dumps(event)}")]}),
        lambda event: f"INFO Erika Mustermann +4930123456 {json.dumps(event)}\nERIKA".encode(),
        lambda event: '@timestamp,@message\n1,"{}"\n2,Erika\n'.format(
            json.dumps(event).replace('"', '""')
        ).encode(),
        lambda event: json.dumps(json.dumps(event))[1:-1].encode(),
        lambda event: lines(event, event).encode("utf-8-sig"),
    ],
)
def test_no_canary_is_left_in_a_wrapping(wrap: Any) -> None:
    changed = anonymize(wrap(with_canaries(full("contact_records"))), seed=1)

    shown = unwrapped(changed)
    assert [word for word in WORDS if word in shown] == []


def test_lines_of_a_flows_log() -> None:
    line = {
        **FLOW_LOG,
        "ContactFlowName": "Erika Mustermann",
        "ContactId": CANARIES[3],
        "ExternalResults": {"customer": "Erika Mustermann", "age": "47110815"},
        "Parameters": {**FLOW_LOG["Parameters"], "Parameters": {"text": "Erika Mustermann"}},
    }

    shown = unwrapped(anonymize(text(line), seed=1))

    assert [word for word in WORDS if word in shown] == []


@pytest.mark.parametrize("form", FORMS)
def test_shape_stays(form: str) -> None:
    """Given material of every form, then the same events are recognised, in the same wrappings."""
    data, _ = FORMS[form]

    before, after = read_material(data), read_material(anonymize(data))

    assert [event.source for event in after.events] == [event.source for event in before.events]
    assert after.wrappings == before.wrappings
    assert after.left_out == before.left_out
    assert [shape(it.payload) for it in after.events] == [shape(it.payload) for it in before.events]


def shape(value: Any) -> Any:
    """Members, types and lengths, without the texts."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return len(value) if isinstance(value, str) else value


def test_same_text_is_the_same_everywhere() -> None:
    """Given two events of one contact and one of another, then ids stay alike and apart."""
    ids = ("9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d", "c-1", "c-2")
    events = [
        {**RECORD, "ContactId": ids[0], "PreviousContactId": ids[1]},
        {**EVENT, "detail": {"contactId": ids[0].upper(), "previousContactId": ids[2]}},
        {**FLOW, "Details": {"ContactData": {"ContactId": ids[1]}}},
    ]

    changed = [event.payload for event in read_material(anonymize(text(events))).events]

    record, event, flow = changed
    assert record["ContactId"] == event["detail"]["contactId"].lower()
    assert record["PreviousContactId"] == flow["Details"]["ContactData"]["ContactId"]
    assert event["detail"]["previousContactId"] != record["PreviousContactId"]
    assert record["ContactId"] not in ids


def test_what_decides_is_kept() -> None:
    """Given published words, times, yes and no, then they are unchanged."""
    kept = {
        **RECORD,
        "InitiationMethod": "INBOUND",
        "DisconnectReason": "CUSTOMER_DISCONNECT",
        "CustomerEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": "anonymous"},
        "Attributes": {"vm_flag": "true", "NoSync": "0", "empty": ""},
        "Agent": {
            "AgentInteractionDuration": 12,
            "ConnectedToAgentTimestamp": "2026-11-20T10:00:05Z",
        },
    }
    kept.pop("ContactId")
    event = {**kept, "ContactId": "c-1"}

    (changed,) = read_material(anonymize(text(event))).events

    assert {name: changed.payload[name] for name in kept} == kept


def test_numbers_are_fictional() -> None:
    event = {**RECORD, "CustomerEndpoint": {"Address": "+4930123456"}}

    (changed,) = read_material(anonymize(text(event))).events

    address = changed.payload["CustomerEndpoint"]["Address"]
    assert address[:2] == "+1"
    assert address[5:10] == "55501"


def test_salesforce_id_keeps_its_prefix() -> None:
    event = {**FLOW, "Details": {"ContactData": {}, "Parameters": {"id": "0LQ5f000001AbCdEAK"}}}

    (changed,) = read_material(anonymize(text(event))).events

    found = changed.payload["Details"]["Parameters"]["id"]
    assert found[:3] == "0LQ"
    assert found != "0LQ5f000001AbCdEAK"


def test_what_is_not_understood_is_refused() -> None:
    with pytest.raises(NotUnderstood):
        anonymize(b'{"a": 1}')


class Nobody:
    """Looks at nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


def ends(path: Path) -> list[Any]:
    """How each event of a file ends."""
    own = read_own_file(path)
    with Simulator(instance=own.instance) as simulator:
        replay = Replay(simulator, Nobody())
        replay.run(own.samples)
    return [
        (it.delivered.source, it.answer.get("status"), it.answer.get("errorCode"), *_end(it.lines))
        for it in replay.outcomes
    ]


def _end(delivery_lines: Any) -> tuple[str, ...]:
    return tuple(f"{it.disposition} {it.reason} {it.method}" for it in delivery_lines[:1])


def one_of_each_end() -> Iterator[Any]:
    """Samples that end differently, each with its own times as of now."""
    seen = set()
    for expected in sorted(EVENTS.glob("*/*.expected.json")):
        content = json.loads(expected.read_text(encoding="utf-8"))
        path = expected.with_name(expected.name.replace(".expected.json", ".json"))
        event = json.loads(path.read_text(encoding="utf-8"))
        kind = (path.parent.name, content.get("disposition"), content.get("reason"))
        if kind in seen or not isinstance(event, dict) or "settings" in content:
            continue
        try:
            read_material(text(event))
        except NotUnderstood:
            continue
        seen.add(kind)
        yield at_delivery(event, datetime.now(UTC))


def test_replays_the_same_way(tmp_path: Path) -> None:
    """Given one sample of each end, then all of them end the same way without their texts."""
    data = lines(*one_of_each_end()).encode()
    before, after = tmp_path / "before.jsonl", tmp_path / "after.jsonl"
    before.write_bytes(data)
    after.write_bytes(anonymize(data))

    assert ends(after) == ends(before)
    assert before.read_bytes() != after.read_bytes()
