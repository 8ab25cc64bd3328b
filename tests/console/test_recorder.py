"""simulator.web.recorder: the list of calls, search, figures, and what is forgotten."""

import base64
import json
import threading
from typing import Any

from simulator.functions.lambda_process import Invocation
from simulator.web import facts
from simulator.web.recorder import Recorder


def done(payload: Any = None, logs: list[str] | None = None, ms: float = 10.0) -> Invocation:
    return Invocation(payload, None, logs or [], ms, None, False, "r-1", False)


def flow(contact_id: str, number: str = "+12065550100") -> dict[str, Any]:
    data = {"ContactId": contact_id, "CustomerEndpoint": {"Address": number}}
    return {"Details": {"ContactData": data, "Parameters": {"methodName": "createVoiceCall"}}}


def delivery(contact_id: str, **members: Any) -> str:
    line = {"message": "delivery", "level": "INFO", "ContactId": contact_id, **members}
    return json.dumps(line)


def test_a_call_is_summed_up() -> None:
    """Given an invocation with its log, then the row says who called and how it ended."""
    recorder = Recorder(clock=lambda: 100.0)
    logs = [delivery("C-1", status="created", disposition="delivered", voiceCallId="0LQ1")]
    recorder.invocation("F", flow("C-1"), done({"status": "created"}, logs), 100.0)
    (call,) = recorder.calls()
    assert (call.customer, call.outcome, call.voice_call_id) == ("+12065550100", "created", "0LQ1")
    assert [entry.kind for entry in call.entries] == ["flow", "log"]
    assert recorder.call("c-1") is call, "ids are compared without regard to case"


def test_trouble_goes_when_the_call_is_made_after_all() -> None:
    recorder = Recorder(clock=lambda: 1.0)
    recorder.log(delivery("c", disposition="dead_lettered", errorCode="503", status="deferred"))
    assert recorder.calls(state="trouble")[0].trouble == "503"
    recorder.log(delivery("c", disposition="delivered", status="created"))
    assert recorder.calls(state="trouble") == []


def test_a_line_that_ends_does_not_end_its_call() -> None:
    """Given a created call, then the ends of its lines do not change its outcome. Their trouble is
    cleared when they are delivered."""
    recorder = Recorder(clock=lambda: 1.0)
    recorder.log(delivery("c", disposition="delivered", status="created", source="contact_flow"))
    (call,) = recorder.calls()
    of_a_line = {"source": "contact_lens", "level": "WARNING", "errorCode": "503"}
    recorder.log(delivery("c", **of_a_line | {"message": "retry later"}))
    assert call.trouble == "503"
    recorder.log(delivery("c", disposition="skipped", reason="NO_LINES", source="contact_lens"))
    assert (call.trouble, call.outcome) == ("503", "created")
    recorder.log(delivery("c", disposition="delivered", source="contact_lens"))
    assert (call.trouble, call.outcome) == ("", "created")
    recorder.log(delivery("c", disposition="skipped", reason="TOO_LATE", source="contact_lens"))
    assert call.trouble == "TOO_LATE"


def test_what_is_no_flow_does_not_count_as_one() -> None:
    """Given a queue's batch with a record of the stream, and a file's event, then they are
    deliveries of their contacts, and not in the latency of flows."""
    recorder = Recorder(clock=lambda: 1.0)
    data = base64.b64encode(b'{"ContactId": "waits"}').decode()
    body = json.dumps({"record": {"kinesis": {"data": data}}, "done": []})
    recorder.invocation("F", {"Records": [{"body": body}]}, done(), 1.0)
    key = "Analysis/Voice/2026/11/20/filed_analysis_2026-11-20T10:06:00Z.json"
    recorder.invocation("F", {"detail": {"object": {"key": key}}}, done(), 1.0)
    kinds = {call.contact_id: call.entries[0].kind for call in recorder.calls()}
    assert kinds == {"waits": "delivery", "filed": "delivery"}
    assert recorder.figures()["latencyMs"]["count"] == 0


def test_search_finds_words_in_rows_and_entries() -> None:
    recorder = Recorder(clock=lambda: 1.0)
    recorder.invocation("F", flow("c-1", "+12065550101"), done(), 1.0)
    recorder.invocation("F", flow("c-2", "+12065550102"), done(), 1.0)
    assert [call.contact_id for call in recorder.calls("550102")] == ["c-2"]
    assert len(recorder.calls("createvoicecall")) == 2
    assert recorder.calls("550101 550102") == []


def test_newest_first_in_pages() -> None:
    recorder = Recorder(clock=lambda: 1.0)
    for number in range(5):
        recorder.invocation("F", flow(f"c-{number}"), done(), float(number))
    assert [it.contact_id for it in recorder.calls(limit=2)] == ["c-4", "c-3"]
    assert [it.contact_id for it in recorder.calls(limit=2, skip=2)] == ["c-2", "c-1"]


def test_oldest_are_forgotten() -> None:
    """Given more entries than are kept, then the newest stay."""
    recorder = Recorder(clock=lambda: 1.0, capacity=3)
    for number in range(5):
        recorder.note(f"note {number}")
    assert [entry.title for entry in recorder.entries_after(0)] == ["note 2", "note 3", "note 4"]


def test_figures_count_each_delivery() -> None:
    recorder = Recorder(clock=lambda: 10.0)
    logs = [delivery("c", status="created", disposition="delivered")]
    for ms in (10.0, 20.0, 400.0):
        recorder.invocation("F", flow("c"), done({}, logs, ms), 9.5)
    figures = recorder.figures()
    assert figures["tally"] == {"delivered": 3}
    assert figures["outcomes"] == {"created": 3}
    assert figures["latencyMs"] == {"p50": 20.0, "p99": 400.0, "count": 3}
    assert sum(figures["perSecond"]) == 3


def test_waiting_ends_with_the_next_entry() -> None:
    """Given a thread that waits, when the recorder gets an entry, then the wait ends with it."""
    recorder = Recorder(clock=lambda: 1.0)
    heard: list[int] = []
    waiting = threading.Thread(target=lambda: heard.append(recorder.wait(0, 30.0)))
    waiting.start()
    recorder.note("now")
    waiting.join(30.0)
    assert heard == [1]


def test_clear_forgets_everything() -> None:
    recorder = Recorder(clock=lambda: 1.0)
    recorder.input("event", {"detail": {"eventType": "QUEUED"}}, facts.ContactFacts("c"))
    recorder.clear()
    assert recorder.calls() == []
    assert recorder.figures()["calls"] == 0
