"""`python -m simulator run` and `replay` with contact events: what is shown, and what is WRONG."""

from pathlib import Path
from typing import Any

import pytest

from simulator.__main__ import RIGHT, UNUSABLE, WRONG, main
from tests.simulator.samples import NO_RETRY_QUEUE, flow_event, queued_event, write_call, write_json

pytestmark = pytest.mark.usefixtures("one_simulator")

HEADER = {"comment": "a call", "source": "invented"}
CONTACT = {"Channel": "VOICE", "InitiationMethod": "INBOUND"}


def known(*contacts: str) -> dict[str, Any]:
    return {"connect": {"contacts": [{**CONTACT, "Id": contact} for contact in contacts]}}


def calls(contact_id: str) -> dict[str, Any]:
    return {"expectCalls": [{"vendorCallKey": contact_id, "parent": None}]}


def event(contact_id: str, expect: Any = None, **changes: Any) -> dict[str, Any]:
    line = {"source": "contact_event", "event": queued_event(contact_id, **changes)}
    return line if expect is None else {**line, "expect": expect}


def ends(disposition: str, reason: str = "", **more: Any) -> dict[str, Any]:
    return {"disposition": disposition, "reason": reason, **more}


def test_flow_and_events(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a call of a flow and events, one of them matched by no rule, when it is run, then all
    lines are shown, and the tally counts what the bridge was given."""
    write_call(
        tmp_path,
        "call",
        HEADER,
        {
            "source": "contact_flow",
            "event": flow_event("told"),
            "expect": {"answer": {"status": "created"}},
        },
        event("told", expect=ends("superseded", "ALREADY_CREATED", deliveries=1)),
        event("told", expect={"matched": False}, eventType="COMPLETED"),
        {"expectRequests": {"create": 1}},
        {"expectDeadLetters": []},
        calls("told"),
    )

    assert main(["run", "-v", str(tmp_path)]) == RIGHT

    shown = capsys.readouterr().out
    assert "superseded (ALREADY_CREATED)" in shown
    assert "no rule takes it" in shown
    assert "1 event besides that no rule takes" in shown
    assert "2 in, 2 accounted for: the tally closes" in shown


def test_falsified_expectations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a call with a wrong expectation of each kind, when it is run, then each difference is
    shown, and the exit status is 1."""
    write_call(
        tmp_path,
        "call",
        HEADER,
        known("false"),
        event("false", expect=ends("skipped", "CALL_OVER", deliveries=2, matched=False)),
        {
            "source": "contact_event",
            "batch": [{"event": queued_event("false")}, {"record": "{", "partitionKey": "false"}],
            "expect": {"delivered": 2},
        },
        {"expectRequests": {"create": 2, "reroute": 1}},
        {"expectDeadLetters": ["400"]},
        calls("false"),
    )

    assert main(["run", "-v", str(tmp_path)]) == WRONG

    shown = capsys.readouterr().out
    for difference in (
        "matched by a rule: expected False, found True",
        "disposition: expected 'skipped', found 'delivered'",
        "reason: expected 'CALL_OVER', found ''",
        "deliveries: expected 2, found 1",
        "records delivered: expected 2, found 0",
        "records superseded: expected 0, found 1",
        "requests create: expected 2, found 1",
        "requests describeContact: expected 0, found 1",
        "requests reroute: expected 1, found 0",
        "dead letters of 400: expected 1, found 0",
        "dead letters of NOT_A_CONTACT: expected 0, found 1",
    ):
        assert difference in shown
    assert "3 in, 3 accounted for: the tally closes" in shown


def every_way() -> tuple[dict[str, Any], ...]:
    """A batch delivered twice, one that is given up and redriven, an event that its rule cannot
    deliver, and a race."""
    batch = {"source": "contact_event", "batch": [{"event": queued_event("c-1")}]}
    down = {"kind": "status", "status": 401, "times": None}
    redrive = {"from": "bucket", "contactId": "c-2", "dryRun": False}
    # Its rule takes the event, but finds no partition key in it.
    lost = event("c-3", ends("dead_lettered", "UNDELIVERED"), initialContactId="")
    flow = {"source": "contact_flow", "event": flow_event("c-4"), "expect": {}}
    return (
        known("c-1", "c-2"),
        {**batch, "twice": True, "expect": {"delivered": 1}},
        {"salesforce": [down]},
        event("c-2", ends("dead_lettered", "GIVEN_UP")),
        {"salesforce": []},
        {
            "source": "redrive",
            "event": redrive,
            "expect": {"answer": {"redriven": 1}},
            "records": {"delivered": 1},
        },
        lost,
        {"together": [flow, event("c-4", {}, eventType="CONNECTED_TO_AGENT")]},
        {"expectCalls": [{"vendorCallKey": f"c-{number}"} for number in (1, 2, 4)]},
    )


def test_every_way_of_a_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a call that goes every way, when it is run, then the tally closes all the same."""
    write_call(tmp_path, "call", {**HEADER, "settings": NO_RETRY_QUEUE}, *every_way())

    assert main(["run", "-v", str(tmp_path)]) == RIGHT

    shown = capsys.readouterr().out
    assert "delivered (2 deliveries)" in shown
    assert "redriven: delivered" in shown
    assert "found 1, redriven 1" in shown
    assert "1 in a queue of failures" in shown
    assert "6 in, 6 accounted for: the tally closes" in shown


def test_own_event(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given an event of an unknown contact, when it is replayed, then it is a dead letter and the
    cure is shown. An event that no rule takes is explained, and a record's missing members are
    named."""
    unknown = write_call(tmp_path, "unknown", HEADER, event("unknown"))
    chat = write_json(tmp_path / "chat.json", queued_event("chat", channel="CHAT"))
    call = write_call(tmp_path, "mine", HEADER, known("mine"), event("mine"))
    nameless = write_json(
        tmp_path / "nameless.json", {"AWSContactTraceRecordFormatVersion": "2017-03-10"}
    )

    assert main(["replay", str(unknown)]) == WRONG
    assert "DescribeContact does not know the contact here" in capsys.readouterr().out
    assert main(["replay", str(chat)]) == WRONG
    assert "detail.channel is CHAT, and the rule takes VOICE" in capsys.readouterr().out
    assert main(["replay", str(nameless)]) == WRONG
    assert "a contact record without a ContactId" in capsys.readouterr().out
    assert main(["replay", str(call)]) == RIGHT
    assert "Calls in Salesforce: 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ({"source": "contact_event", "event": []}, "a contact event is an object"),
        ({"source": "contact_event", "event": {"id": "1"}}, "an event needs the texts"),
        ({"connect": {"contacts": [{"Id": "c-1", "Size": 1}]}}, "not a Contact"),
    ],
)
def test_unusable_events(
    tmp_path: Path, line: Any, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_call(tmp_path, "call", HEADER, line, event("c-1"))

    assert main(["replay", str(path)]) == UNUSABLE

    assert fault in capsys.readouterr().err
