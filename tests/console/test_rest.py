"""The console's REST interface against a running simulator: stories, faults, exports, reset."""

import base64
import json
from typing import Any

import pytest
import requests

from simulator.web.routes import ROUTES
from tests.console.conftest import PATIENCE, Console


def test_an_inbound_call_from_begin_to_record(console: Console) -> None:
    """When a story is triggered, then its call has flow, lease, requests, events and record."""
    (contact_id,) = console.trigger(
        "inbound", seed=7, set={"CustomerEndpoint.Address": "+12065550155"}
    )
    console.until(lambda: _patched(console, contact_id))
    story = console.call(contact_id)

    assert story["call"]["customer"] == "+12065550155"
    assert story["call"]["voiceCallId"].startswith("0LQ")
    kinds = {entry["kind"] for entry in story["entries"]}
    assert {"flow", "event", "record", "exchange", "log", "delivery"} <= kinds
    posted = next(it for it in story["entries"] if it["title"].startswith("POST /voiceCalls"))
    assert posted["data"]["body"]["from"] == "+12065550155"
    assert posted["data"]["answer"]["voiceCallId"] == story["call"]["voiceCallId"]
    assert story["ledger"]["create_status"] == "CREATED"
    assert [it["vendor_call_key"] for it in story["voiceCalls"]] == [contact_id]


def _patched(console: Console, contact_id: str) -> bool:
    """Whether the console shows the contact record's request."""
    call = console.hub.recorder.call(contact_id)
    entries = call.entries if call else []
    return any(entry.title.startswith("PATCH") and "200" in entry.title for entry in entries)


def test_a_transfer_is_a_tree(console: Console) -> None:
    first, second = console.trigger("transfer", seed=8)
    console.until(lambda: console.hub.recorder.call(second) is not None)
    console.until(lambda: bool(console.call(second)["parent"]))
    tree = console.call(second)["tree"]
    assert tree["contactId"] == first
    assert [child["contactId"] for child in tree["children"]] == [second]


def test_faults_are_switched_on_and_ended(console: Console) -> None:
    """Given a fault of each service, then it is shown; when all are ended, then none is left."""
    orders: list[tuple[str, dict[str, Any]]] = [
        ("salesforce", {"kind": "status", "status": 503, "times": None}),
        ("aws", {"kind": "ledger-throttled", "times": 3}),
        ("connect", {"kind": "throttle", "times": 2}),
    ]
    for service, order in orders:
        assert console.post(f"/api/faults/{service}", order).status_code == 200
    on = console.get("/api/faults")["on"]
    assert {service: len(faults) for service, faults in on.items()} == {
        "salesforce": 1,
        "aws": 1,
        "connect": 1,
    }
    ended = requests.delete(f"{console.url}/api/faults", timeout=PATIENCE).json()
    assert ended == {"salesforce": [], "aws": [], "connect": []}


def test_ledger_down_does_not_fail_the_caller(console: Console) -> None:
    """Given a ledger that is down, when a call comes, then it is created all the same."""
    console.post("/api/faults/aws", {"kind": "ledger-down"})
    (contact_id,) = console.trigger("abandoned", seed=9)
    salesforce = console.hub.simulator.salesforce
    console.until(lambda: salesforce.voice_call(contact_id) is not None)
    requests.delete(f"{console.url}/api/faults", timeout=PATIENCE)
    assert salesforce.voice_call(contact_id) is not None


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("/api/stories/nothing", {}, "no story 'nothing'"),
        ("/api/stories/inbound", {"rate": 1000}, "take 0.01 to 100"),
        ("/api/stories/inbound", {"calls": 0}, "take a number from 1"),
        ("/api/events", {}, "payload is missing"),
        ("/api/events", {"payload": {"a": 1}}, "not a flow's event"),
        ("/api/events", {"payload": [], "times": "x"}, "payload"),
        ("/api/faults/salesforce", {"kind": "nothing"}, "nothing"),
        ("/api/faults/aws", {"kind": "nothing"}, "no fault 'nothing'"),
        ("/api/faults/moon", {"kind": "full"}, "not salesforce, aws or connect"),
    ],
)
def test_refusals_say_what_is_wrong(console: Console, path: str, body: Any, says: str) -> None:
    answer = console.post(path, body)
    assert answer.status_code == 400
    assert says in answer.json()["error"]


def test_wrong_json(console: Console) -> None:
    headers = {"Content-Type": "application/json"}
    answer = requests.post(
        f"{console.url}/api/events", data=b"{", headers=headers, timeout=PATIENCE
    )
    assert (answer.status_code, "not JSON" in answer.json()["error"]) == (400, True)
    unknown = requests.get(f"{console.url}/api/calls/nobody", timeout=PATIENCE)
    assert (unknown.status_code, "nobody" in unknown.json()["error"]) == (404, True)


def test_an_event_is_edited_and_sent_again(console: Console) -> None:
    """Given a flow's event, when it is sent three times, then there is one VoiceCall, and the later
    answers say that it exists."""
    (contact_id,) = console.trigger("inbound", seed=10)
    console.until(lambda: any(e["kind"] == "flow" for e in console.call(contact_id)["entries"]))
    entry = next(it for it in console.call(contact_id)["entries"] if it["kind"] == "flow")
    exported = console.get(f"/api/calls/{contact_id}/export?form=event&entry={entry['number']}")
    assert exported == entry["data"]["event"]
    sent = console.post("/api/events", {"payload": exported, "times": 3, "shuffled": True})
    assert sent.json() == {"kind": "flow", "times": 3}
    console.until(lambda: str(console.call(contact_id)["entries"]).count("→ existing") >= 3)
    stored = console.hub.simulator.salesforce.voice_calls()
    assert [it.vendor_call_key for it in stored].count(contact_id) == 1


def test_material_is_recognised_as_it_is_copied(console: Console) -> None:
    """Given a stream's batch as Lambda shows it, in base64, then its events are found and sent;
    text in another form is refused with the list of forms."""
    record = {"ContactId": "pasted-1", "LastUpdateTimestamp": "2026-11-20T10:00:00Z"}
    record["AWSContactTraceRecordFormatVersion"] = "2017-03-10"
    data = base64.b64encode(json.dumps(record).encode()).decode()
    batch = {"Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": data}}]}
    address = f"{console.url}/api/material"
    seen = requests.post(address, data=json.dumps(batch), timeout=PATIENCE).json()
    assert (seen["events"], seen["sent"]) == ({"record": 1}, False)
    sent = requests.post(f"{address}?send=true", data=json.dumps(batch), timeout=PATIENCE).json()
    assert sent["sent"] is True
    console.until(lambda: bool(console.call("pasted-1")["entries"]))
    assert console.call("pasted-1")["entries"]
    refused = requests.post(address, data=b"hello", timeout=PATIENCE)
    assert (refused.status_code, "understood are" in refused.json()["error"]) == (400, True)


def test_exports(console: Console) -> None:
    """A call is exported as a sample that names its source and its end, and as curl."""
    (contact_id,) = console.trigger("inbound", seed=11)
    console.until(lambda: any(e["kind"] == "flow" for e in console.call(contact_id)["entries"]))
    address = f"{console.url}/api/calls/{contact_id}/export"
    lines = requests.get(address, timeout=PATIENCE).text.splitlines()
    sample = [json.loads(line) for line in lines]
    flow = next(step for step in sample if step.get("source") == "contact_flow")
    assert flow["expect"]["answer"]["status"] == "created"
    entry = next(it for it in console.call(contact_id)["entries"] if it["kind"] == "flow")
    curl = requests.get(f"{address}?form=curl&entry={entry['number']}", timeout=PATIENCE).text
    assert curl.startswith("curl -H")
    assert (
        requests.get(f"{address}?form=x&entry={entry['number']}", timeout=PATIENCE).status_code
        == 400
    )


def test_live_changes(console: Console) -> None:
    """When a call comes, then a client that follows the changes gets its row and the figures."""
    with requests.get(f"{console.url}/api/live", stream=True, timeout=PATIENCE) as stream:
        (contact_id,) = console.trigger("inbound", seed=12)
        data = next(
            line for line in stream.iter_lines(decode_unicode=True) if contact_id in str(line)
        )
    changes = json.loads(data.removeprefix("data: "))
    assert contact_id in {call["contactId"] for call in changes["calls"]}
    assert "tally" in changes["figures"]


def test_dead_letters_and_redrive(console: Console) -> None:
    """Given a flow's mistake, then its dead letter is shown by reason, and a dry run counts it."""
    event = {"Details": {"ContactData": {"ContactId": "c-9"}, "Parameters": {"methodName": "no"}}}
    console.post("/api/events", {"payload": event})
    console.until(lambda: bool(console.get("/api/dead-letters")["letters"]))
    assert console.get("/api/dead-letters")["byReason"]["FLOW_MISTAKE"] == 1
    counted = console.post("/api/dead-letters/redrive", {"reason": "FLOW_MISTAKE"}).json()
    assert counted["dryRun"] is True
    assert counted["found"] == 1


def test_the_document_describes_every_route(console: Console) -> None:
    paths = console.get("/openapi.json")["paths"]
    for row in ROUTES:
        assert row.summary == paths[row.path][row.method.lower()]["summary"]


def test_streams_show_their_lanes(console: Console) -> None:
    console.trigger("inbound", seed=13)
    console.until(lambda: bool(console.get("/api/streams")["lanes"]))
    lane = console.get("/api/streams")["lanes"][0]
    assert lane["batches"] >= 1
    assert "lagSeconds" in lane


def test_reset_forgets_everything(console: Console) -> None:
    (contact_id,) = console.trigger("inbound", seed=14)
    console.until(lambda: _patched(console, contact_id))
    console.post("/api/reset")
    assert console.hub.recorder.call(contact_id) is None
    assert console.hub.simulator.salesforce.voice_call(contact_id) is None
    assert contact_id not in {item.contact_id for item in console.hub.simulator.ledger()}


def test_a_call_is_shown_with_its_transcript(console: Console) -> None:
    """When the story is triggered, then the call has lines, category and sentiment."""
    (contact_id, *_) = console.trigger("transcript")

    def conversation() -> Any:
        return console.call(contact_id).get("conversation") or {"lines": [], "sentiment": {}}

    console.until(lambda: bool(conversation()["sentiment"]))
    assert [line["state"] for line in conversation()["lines"]] == ["taken"] * 5
    assert {line["sender"] for line in conversation()["lines"]} == {"VIRTUAL_AGENT", "END_USER"}
    assert [it["name"] for it in conversation()["categories"]] == ["Late delivery"]
    assert conversation()["sentiment"]["CUSTOMER"]["turns"] == ["negative", "positive"]
    story = console.call(contact_id)
    assert {"lens", "file"} <= {entry["kind"] for entry in story["entries"]}
    assert story["call"]["trouble"] == ""
    assert console.get("/api/figures")["latencyMs"]["count"] == 1, "of the flow alone"
