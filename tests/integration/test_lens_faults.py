"""How lines and a file's sentiment end, under every fault of Salesforce and with the ledger up,
down and hanging. Each row is written out: nothing is computed from another one. Every spoken word
is a canary, and every test's output is searched for it at the end.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from simulator.salesforce import Fault
from tests.contract.servers import LOOPBACK, refusing_server, silent_server
from tests.integration.canaries import CATEGORY, SAID, SUMMARY
from tests.integration.event_simulator import center
from tests.integration.fault_matrix import FAULTS as FLOW_FAULTS
from tests.integration.fault_matrix import always
from tests.integration.lens_simulator import (
    LINES,
    SUMMARY_FIELD,
    LensSimulator,
    lens,
    lens_simulator,
    spoken,
)
from voicecall_bridge.sources.kinesis import read_record
from voicecall_bridge.streams.results import TransientFailure

__all__ = ["center", "lens", "lens_simulator"]

MESSAGES, EVENTS = "/voiceCalls/messages", "/postConversationEvents"
FAULTS = FLOW_FAULTS | {"headers that trickle": always("trickle_headers", seconds=0.01)}
PAUSED = "TRANSCRIPTION_PAUSED"
BOTH_SIDES_AND_TURNS = 4
"""Events of the file that is brought here."""


class Row(NamedTuple):
    """A fault of Salesforce and how a record of two lines ends.

    Attributes:
        fault: a key of FAULTS.
        ends: disposition and reason; None: it waits in the queue, and is delivered from there once
            the fault is over.
        code: why it waits.
        requests: that Salesforce sees before it is over.
        taken: lines that it has by then.
    """

    fault: str
    ends: tuple[str, str] | None
    code: str
    requests: int
    taken: int


DELIVERED = ("delivered", "")
ROWS = [
    Row("ok", DELIVERED, "", 1, 2),
    Row("slow", DELIVERED, "", 1, 2),
    Row("hang", None, "OUTCOME_UNKNOWN", 1, 0),
    Row("hang after storing", None, "OUTCOME_UNKNOWN", 1, 2),
    Row("reset before sending once", None, "OUTCOME_UNKNOWN", 1, 0),
    Row("reset before sending", None, "OUTCOME_UNKNOWN", 1, 0),
    Row("reset after storing once", None, "OUTCOME_UNKNOWN", 1, 2),
    Row("reset after storing", None, "OUTCOME_UNKNOWN", 1, 2),
    Row("headers that trickle", DELIVERED, "", 1, 2),
    # Once with both lines, once with each.
    Row("400", ("dead_lettered", "400"), "", 3, 0),
    # Once with the token that was kept, once with a new one.
    Row("401", None, "401", 2, 0),
    Row("403", None, "403", 1, 0),
    Row("404", None, "NO_VOICE_CALL", 1, 0),
    Row("409", ("skipped", PAUSED), "", 1, 0),
    Row("429", None, "429", 1, 0),
    Row("429 once", None, "429", 1, 0),
    Row("429, Retry-After fits", None, "429", 1, 0),
    Row("429, Retry-After too long", None, "429", 1, 0),
    Row("500", None, "500", 1, 0),
    Row("500 after storing once", None, "500", 1, 2),
    Row("503", None, "503", 1, 0),
    Row("503 once", None, "503", 1, 0),
    Row("not JSON", None, "OUTCOME_UNKNOWN", 1, 2),
    Row("not JSON once", None, "OUTCOME_UNKNOWN", 1, 2),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.fault for row in ROWS])
def test_lines(lens: LensSimulator, row: Row) -> None:
    """Given a fault of Salesforce; when a record comes; then its shard goes on, and each line is in
    Salesforce once in the end, or the record ends as the row says."""
    contact = lens.call()
    if fault := FAULTS[row.fault]:
        lens.salesforce.inject(fault)
    assert lens.speak(contact) == []
    assert lens.ends() == ([row.ends] if row.ends else [])
    assert lens.codes() == ({row.code} if row.code else set())
    assert len(lens.requests(MESSAGES)) == row.requests
    assert len(lens.said(contact)) == row.taken
    assert lens.waiting() == (row.ends is None)
    dead_lettered = row.ends is not None and row.ends[0] == "dead_lettered"
    assert len(lens.dead_letters()) == dead_lettered
    lens.salesforce.clear_faults()
    lens.try_until_nothing_waits()
    assert lens.ends() == [row.ends or DELIVERED]
    if row.ends in (None, DELIVERED):
        assert lens.said(contact) == [f"{contact}-{number}" for number in range(LINES)]
        assert [one["Utterance"]["Id"] for one in spoken(contact)] == lens.said(contact)


class Entry(NamedTuple):
    """Status and message of one call in an answer that took another call's lines, and how the
    record of that one call ends; None: it waits, with a code."""

    status: int
    message: str
    ends: tuple[str, str] | None
    code: str = ""


ENTRIES = [
    Entry(400, f"messages[0]: {SAID}", ("dead_lettered", "400")),
    Entry(404, "no such call", None, "NO_VOICE_CALL"),
    Entry(409, "transcription is paused", ("skipped", PAUSED)),
    Entry(429, "RESOURCE_EXHAUSTED: too many lines", None, "RESOURCE_EXHAUSTED"),
    Entry(500, f"failed at {SAID}", None, "500"),
]


@pytest.mark.parametrize("entry", ENTRIES, ids=[str(entry.status) for entry in ENTRIES])
def test_one_call_of_a_request(lens: LensSimulator, entry: Entry) -> None:
    """Given an answer that takes one call's lines and not the other's; then the first record is
    done at once, by one request, and the second ends as its entry says."""
    taken, hit = lens.call(), lens.call()
    lens.salesforce.inject(
        Fault("entry", times=None, status=entry.status, body=entry.message, vendor_call_key=hit)
    )
    assert lens.speak(hit, taken) == []
    assert len(lens.said(taken)) == LINES
    assert lens.said(hit) == []
    assert len(lens.requests(MESSAGES)) == 1
    assert sorted(lens.ends()) == sorted([DELIVERED, *([entry.ends] if entry.ends else [])])
    assert lens.codes() == ({entry.code} if entry.code else set())
    lens.salesforce.clear_faults()
    lens.try_waiting()
    assert len(lens.said(hit)) == (0 if entry.ends else LINES)
    assert len(lens.ends()) == 2


def test_lines_that_are_too_old(lens: LensSimulator) -> None:
    """Given lines that are too old; then they are not sent: the bucket has them, not the queue."""
    contact = lens.call()
    assert lens.speak(contact, age=121.0) == []
    assert lens.ends() == [("skipped", "TOO_LATE")]
    assert lens.requests(MESSAGES) == []
    assert lens.dead_letters() == []
    (kept,) = [file for file in lens.late() if contact in str(decoded(file))]
    assert kept["reason"] == "TOO_LATE"
    assert SAID in str(decoded(kept)), "the canary must be in the bucket"


def decoded(file: Any) -> list[object]:
    """The records of a file of the bucket."""
    return [read_record(record).payload() for record in file["records"]]


def test_a_category_with_its_lines(lens: LensSimulator) -> None:
    contact = lens.call()
    assert lens.speak(contact, category=True) == []
    (event,) = lens.events(contact, "realtimeConversationEvents")
    assert event["value"] == CATEGORY
    assert lens.ends() == [DELIVERED]


@pytest.mark.parametrize("state", ["down", "hanging"])
def test_lines_without_a_ledger(lens: LensSimulator, state: str) -> None:
    """Given a ledger that refuses connections, or is silent; then lines wait, since the contact
    center that owns them is unknown. They are delivered when the ledger is back."""
    contact = lens.call()
    with (refusing_server if state == "down" else silent_server)() as port:
        lens.configure(AWS_ENDPOINT_URL_DYNAMODB=f"http://{LOOPBACK}:{port}")
        assert lens.speak(contact) == []
        assert lens.codes() == {"LEDGER_UNAVAILABLE"}
        assert lens.waiting() == 1
    assert lens.salesforce.journal() == []
    lens.configure(AWS_ENDPOINT_URL_DYNAMODB=lens.servers.aws.endpoint)
    lens.try_waiting()
    assert len(lens.said(contact)) == LINES
    assert lens.ends() == [DELIVERED]


def test_a_file_without_a_ledger(lens: LensSimulator) -> None:
    contact = lens.call()
    lens.connected(contact)
    file = lens.write_file(contact)
    with refusing_server() as port:
        lens.configure(AWS_ENDPOINT_URL_DYNAMODB=f"http://{LOOPBACK}:{port}")
        with pytest.raises(TransientFailure, match="LEDGER_UNAVAILABLE"):
            lens.bring(file)
    assert lens.salesforce.journal() == []
    lens.configure(AWS_ENDPOINT_URL_DYNAMODB=lens.servers.aws.endpoint)
    assert lens.bring(file)["disposition"] == "delivered"


class File(NamedTuple):
    """A fault of Salesforce and how a file ends.

    Attributes:
        fault: a key of FAULTS.
        ends: disposition and reason; None: it is tried again, and delivered once the fault is over.
        code: why it is tried again.
        requests: with events, least and most, that Salesforce sees before it is over.
        taken: of the file's events, how often Salesforce has each by then.
    """

    fault: str
    ends: tuple[str, str] | None
    code: str
    requests: tuple[int, int]
    taken: int


FILES = [
    File("ok", DELIVERED, "", (1, 1), 1),
    File("slow", DELIVERED, "", (1, 1), 1),
    File("hang", None, "OUTCOME_UNKNOWN", (1, 3), 0),
    File("reset before sending once", DELIVERED, "", (2, 2), 1),
    File("reset before sending", None, "OUTCOME_UNKNOWN", (4, 4), 0),
    File("reset after storing once", DELIVERED, "", (2, 2), 2),
    File("reset after storing", None, "OUTCOME_UNKNOWN", (4, 4), 4),
    File("400", ("dead_lettered", "400"), "", (1, 1), 0),
    File("401", None, "401", (2, 2), 0),
    File("403", None, "403", (1, 1), 0),
    File("404", None, "NO_VOICE_CALL", (1, 1), 0),
    File("429", None, "429", (4, 4), 0),
    File("429 once", DELIVERED, "", (2, 2), 1),
    File("429, Retry-After too long", None, "429", (1, 1), 0),
    File("500", None, "500", (4, 4), 0),
    File("500 after storing once", DELIVERED, "", (2, 2), 2),
    File("503", None, "503", (4, 4), 0),
    File("not JSON", None, "OUTCOME_UNKNOWN", (4, 4), 4),
]


@pytest.mark.parametrize("row", FILES, ids=[row.fault for row in FILES])
@pytest.mark.usefixtures("without_jitter")
def test_files(lens: LensSimulator, row: File) -> None:
    """Given a fault of Salesforce; when a file comes; then Lambda tries it again, or it ends as the
    row says. Events that Salesforce has for certain are not sent again."""
    contact = lens.call()
    lens.connected(contact)
    file = lens.write_file(contact)
    if fault := FAULTS[row.fault]:
        lens.salesforce.inject(fault)
    if row.ends is None:
        with pytest.raises(TransientFailure, match=f"^{row.code}"):
            lens.bring(file)
    else:
        assert tuple(lens.bring(file).values()) == row.ends
    assert row.requests[0] <= len(lens.requests(EVENTS)) <= row.requests[1]
    assert len(lens.events(contact, "postConversationEvents")) == row.taken * BOTH_SIDES_AND_TURNS
    dead_lettered = row.ends is not None and row.ends[0] == "dead_lettered"
    assert len(lens.dead_letters()) == dead_lettered
    lens.salesforce.clear_faults()
    if row.ends is None:
        assert lens.bring(file)["disposition"] == "delivered"
        more = len(lens.events(contact, "postConversationEvents"))
        assert more == (row.taken + 1) * BOTH_SIDES_AND_TURNS
    if row.ends in (None, DELIVERED):
        assert lens.bring(file) == {"disposition": "superseded", "reason": "ALREADY_DONE"}
        assert summary_of(lens, contact) == SUMMARY


def summary_of(lens: LensSimulator, contact: str) -> object:
    """The field of the VoiceCall."""
    (call,) = [it for it in lens.salesforce.voice_calls() if it.vendor_call_key == contact]
    return json.loads(call.fields["callAttributes"])[SUMMARY_FIELD]
