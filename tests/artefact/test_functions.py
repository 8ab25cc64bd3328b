"""The built functions do their work under AWS's emulator, with real time-outs."""

import os
from pathlib import Path
from typing import Any

from simulator.aws.queue_clock import let_time_pass
from simulator.salesforce import Fault
from simulator.simulator import Simulator
from tests.artefact.artefact import Artefact
from tests.artefact.conftest import Start
from tests.artefact.emulator import Emulator, Ended
from tests.samples.contact_records import contact_record as record
from tests.samples.members import CUSTOMER, INSTANCE_ARN, SYSTEM
from tests.unit.samples import batch, contact_event, flow_event

OVERRUNS = """
import os, time
def handler(event, context):
    time.sleep(event["seconds"])
    if event.get("exit"):
        os._exit(3)
    return {"pid": os.getpid(), "left": context.get_remaining_time_in_millis()}
"""


def call(contact_id: str) -> dict[str, Any]:
    event = flow_event()
    event["Details"]["ContactData"]["ContactId"] = contact_id
    return event


def delivery(emulator: Emulator, contact_id: str) -> dict[str, Any]:
    """The log line of a contact's delivery."""
    [line, *_] = [
        line
        for line in emulator.logs()
        if line.get("message") == "delivery" and line["ContactId"] == contact_id
    ]
    return line


def test_a_flow_creates_a_voice_call_and_then_finds_it(simulator: Simulator, start: Start) -> None:
    """Given a call; when its flow invokes the function twice; then one VoiceCall is made."""
    function = start("ContactFlowFunction")
    first, second = (function.invoke(call("made-once")).payload for _ in range(2))
    assert (first["status"], second["status"]) == ("created", "existing")
    assert first["voiceCallId"] == second["voiceCallId"] != ""
    assert [each.vendor_call_key for each in simulator.salesforce.voice_calls()] == ["made-once"]
    assert all(isinstance(value, str) for value in first.values())
    assert delivery(function, "made-once")["disposition"] == "delivered"


def test_a_flow_is_answered_before_its_block_gives_up(simulator: Simulator, start: Start) -> None:
    """Given Salesforce hanging and a block that waits six seconds; when invoked in an environment
    that the emulator kills after as much; then it has answered, and the environment lives on."""
    function = start("ContactFlowFunction", FLOW_TIME_LIMIT_SECONDS="6")
    assert function.invoke({"detail-type": "Scheduled Event"}).payload == {"status": "warm"}
    simulator.salesforce.inject(Fault("hang", times=None))
    answer = function.invoke(call("kept-waiting")).payload
    assert answer["status"] == "deferred"
    assert answer["errorCode"] in ("OUTCOME_UNKNOWN", "DEADLINE")
    simulator.salesforce.clear_faults()
    assert function.invoke(call("after-it")).payload["status"] == "created"


def test_a_handler_that_overruns_is_ended(artefact: Artefact, code: Path) -> None:
    """Given four seconds; when a handler takes longer; then the emulator kills it, and the next
    event meets a new process."""
    (code / "app.py").write_text(OVERRUNS, encoding="utf-8")
    with Emulator(code, [artefact.runtime], {}, python=artefact.python, timeout=4) as function:
        before = function.invoke({"seconds": 0}).payload
        overrun = function.invoke({"seconds": 30})
        assert overrun == Ended(200, "Task timed out after 4.00 seconds")
        after = function.invoke({"seconds": 0}).payload
        assert before["pid"] != after["pid"]
        assert not runs(before["pid"])
        exited = function.invoke({"seconds": 0, "exit": True})
        assert exited.status == 502
        assert "Runtime.ExitError" in exited.text
        assert 0 < before["left"] <= 4000
    assert not runs(after["pid"])


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def queued(simulator: Simulator, contact_id: str) -> dict[str, Any]:
    """The event of a call in a queue, which Amazon Connect knows."""
    simulator.connect.add_contact(
        INSTANCE_ARN.split("/")[-1],
        contact_id,
        InitiationMethod="INBOUND",
        Channel="VOICE",
        CustomerEndpoint={"Type": "TELEPHONE_NUMBER", "Address": CUSTOMER},
        SystemEndpoint={"Type": "TELEPHONE_NUMBER", "Address": SYSTEM},
    )
    return contact_event("QUEUED", contactId=contact_id)


def test_contact_events_make_what_no_flow_has_made(simulator: Simulator, start: Start) -> None:
    """Given a queued call that no flow has delivered; when a batch has its event and a record that
    is not JSON; then the VoiceCall is created, the other record is a dead letter, and nothing is
    delivered again."""
    event = queued(simulator, "only-an-event")
    function = start("ContactEventsFunction")
    assert function.invoke(batch(event, b"no JSON")).payload == {"batchItemFailures": []}
    [made] = simulator.salesforce.voice_calls()
    assert made.vendor_call_key == "only-an-event"
    # and an operator sees the dead letter
    tally = start("RedriveFunction").invoke({"dryRun": True}).payload
    assert tally["dryRun"] is True
    assert (tally["found"], tally["finished"]) == (1, True)
    assert len(simulator.dead_letters()) == 1, "a dry run takes nothing"


def test_contact_events_wait_in_the_retry_queue_when_salesforce_fails(
    simulator: Simulator, start: Start
) -> None:
    """Given 503; when a batch comes; then its record leaves the stream, into the retry queue."""
    simulator.salesforce.inject(Fault("status", status=503, times=None))
    event = batch(queued(simulator, "waits"))
    answer = start("ContactEventsFunction").invoke(event).payload
    assert answer == {"batchItemFailures": []}
    function = simulator.aws.template.functions["ContactEventsFunction"]
    let_time_pass(60)
    [waiting] = simulator.aws.messages(function.environment["RETRY_QUEUE_URL"])
    assert (waiting["reason"], waiting["payload"]) == ("503", event["Records"][0])


def test_contact_records_finish_voice_calls(simulator: Simulator, start: Start) -> None:
    """Given two versions of a record in one batch; then the newer one is sent, once."""
    older = record(ContactId="finished", LastUpdateTimestamp="2026-11-20T10:06:00Z")
    newer = record(ContactId="finished", LastUpdateTimestamp="2026-11-20T10:07:00Z")
    function = start("ContactRecordsFunction")
    assert function.invoke(batch(older, newer)).payload == {"batchItemFailures": []}
    [patch] = [each for each in simulator.salesforce.journal() if each.path.endswith("/finished")]
    assert patch.method == "PATCH"
    lines = [each for each in function.logs() if each.get("message") == "delivery"]
    assert sorted(line["disposition"] for line in lines) == ["delivered", "superseded"]
