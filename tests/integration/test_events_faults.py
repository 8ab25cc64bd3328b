"""Contact events while Connect throttles, Salesforce is down, and deliveries cross each other."""

from __future__ import annotations

import json
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from simulator.salesforce.faults import Fault
from tests.integration import events as flow_events
from tests.integration.canaries import FIELD, key_lines, leaks
from tests.integration.event_simulator import (
    EventsSimulator,
    batch_of,
    center,
    event,
    events,
    servers,
)
from tests.integration.holding_proxy import HoldingProxy
from tests.integration.simulator import PATIENCE_SECONDS
from tests.unit.samples import stream_record

if TYPE_CHECKING:
    from simulator.pollers.batch import BatchResult

__all__ = ["center", "events", "servers"]

OUTAGE_SECONDS = 600.0
CONTACTS = 30


def test_more_contacts_at_once_than_connect_answers(events: EventsSimulator) -> None:
    """Given contacts that no flow has delivered, when Connect throttles, then a throttled event
    ends as deferred without a wait, and the call's next event creates its VoiceCall: every contact
    has one, by one POST."""
    contacts = [f"throttled-{number}" for number in range(CONTACTS)]
    for contact_id in contacts:
        events.know(contact_id)
    # Some requests are throttled for certain, however slow this machine is.
    events.connect.fail_next("throttle", times=10)
    events.publish(*[event("QUEUED", contact_id) for contact_id in contacts])
    events.poll()
    assert events.ends()["skipped", "DEFERRED"] >= 10
    # Connect's quota refills over time.
    while left := set(contacts) - {
        call.vendor_call_key for call in events.salesforce.voice_calls()
    }:
        events.publish(*[event("CONNECTED_TO_AGENT", contact_id) for contact_id in sorted(left)])
        events.poll()
    assert len(events.creates()) == CONTACTS
    assert events.dead_letters() == []
    ends = events.ends()
    assert set(ends) == {("delivered", ""), ("skipped", "DEFERRED")}
    assert ends["delivered", ""] == CONTACTS
    events.check_tally()
    asked = Counter(one.status for one in events.connect.journal)
    assert asked == {200: CONTACTS, 429: ends["skipped", "DEFERRED"]}, "each is asked for once"


def test_ten_minutes_without_salesforce(events: EventsSimulator) -> None:
    """Given Salesforce is down for ten minutes of the poller's clock, with a poison record and a
    contact that Salesforce refuses for good among the others, then nothing is lost or given up,
    and the dead letters are those two."""
    good = [f"outage-{number}" for number in range(6)]
    for contact_id in (*good, "refused"):
        events.know(contact_id)
    events.salesforce.inject(
        Fault("status", times=None, vendor_call_key="refused", status=400, body={"message": "no"})
    )
    events.salesforce.inject(Fault("status", times=None, status=503))

    def back_again(ahead: float) -> None:
        if ahead >= OUTAGE_SECONDS and not came_back:
            came_back.append(ahead)
            events.salesforce.clear_faults()
            events.salesforce.inject(
                Fault("status", times=None, vendor_call_key="refused", status=400)
            )

    events.handle(batch_of([]))  # one environment for all lanes: it remembers its dead letters
    came_back: list[float] = []
    events.clock.on_sleep = back_again
    events.publish(*[event("QUEUED", contact_id) for contact_id in (*good[:3], "refused")])
    events.put_raw(b"no json", good[0])
    events.publish(*[event("QUEUED", contact_id) for contact_id in good[3:]])
    results = events.poll()
    assert came_back
    assert {call.vendor_call_key for call in events.salesforce.voice_calls()} == set(good)
    assert sorted(letter["reason"] for letter in events.dead_letters()) == ["400", "NOT_A_CONTACT"]
    delivered = [line["ContactId"] for line in events.lines() if line["disposition"] == "delivered"]
    assert sorted(delivered) == sorted(good), "each once"
    ends = events.ends()
    assert ends["dead_lettered", "400"] == ends["dead_lettered", "NOT_A_CONTACT"] == 1
    dead = [line["inputId"] for line in events.lines() if line["disposition"] == "dead_lettered"]
    assert len(dead) == 2, "each is given up once, however often Lambda delivers it again"
    assert sum(ends.values()) == len(good) + 2
    events.check_tally()
    assert invocations(results) > 5, "it was tried over and over"


def invocations(results: list[BatchResult]) -> int:
    """How often the function was invoked."""
    return sum(one.invoked is not None for one in results)


@pytest.mark.parametrize("round_", range(3))
def test_a_flow_and_an_event_race_for_one_contact(events: EventsSimulator, round_: int) -> None:
    """Then Salesforce gets one POST, and the flow gets the same voiceCallId at once."""
    contact_id = f"race-{round_}"
    events.know(contact_id)
    events.salesforce.inject(Fault("slow", seconds=0.15))
    together = Barrier(2, timeout=20.0)
    batch = batch_of([stream_record(event("QUEUED", contact_id), key=contact_id)])
    flow_event = flow_events.inbound(contact_id)
    events.handle(batch_of([]))  # created before the race, not in it

    def by_flow() -> dict[str, str]:
        together.wait()
        return events.flow(flow_event)

    def by_event() -> Any:
        together.wait()
        return events.handle(batch)

    with ThreadPoolExecutor(2) as both:
        flow, events_answer = both.submit(by_flow), both.submit(by_event)
    assert events_answer.result() == {"batchItemFailures": []}
    (call,) = events.salesforce.voice_calls()
    assert flow.result()["voiceCallId"] == call.voice_call_id
    assert flow.result()["status"] in ("created", "existing")
    assert len(events.posts(contact_id)) == 1
    (line,) = events.lines()
    assert line["voiceCallId"] == call.voice_call_id
    assert line["disposition"] in ("delivered", "superseded")


def test_a_flow_that_comes_second_loses_no_field(events: EventsSimulator) -> None:
    """Then a PATCH brings it, once, and says that the call is on."""
    events.know("second", Attributes={})
    events.publish(event("QUEUED", "second"))
    events.poll()
    for _ in range(2):
        assert events.flow(flow_events.inbound("second"))["status"] == "existing"
    (patch,) = [one for one in events.salesforce.journal() if one.method == "PATCH"]
    assert patch.body["isActiveCall"] is True
    assert json.loads(patch.body["callAttributes"]) == {"Region__c": FIELD}
    assert len(events.posts("second")) == 1


def test_a_flow_that_failed_is_made_good_by_the_next_event(events: EventsSimulator) -> None:
    """Then by the request the flow left in the ledger: Connect is not asked."""
    events.salesforce.inject(Fault("status", times=4, status=503))
    assert events.flow(flow_events.inbound("failed"))["status"] == "deferred"
    events.publish(event("QUEUED", "failed"))
    events.poll()
    (call,) = events.salesforce.voice_calls()
    assert json.loads(call.fields["callAttributes"]) == {"Region__c": FIELD}
    assert events.connect.journal == ()


@pytest.mark.parametrize("seed", range(2))
def test_duplicated_and_shuffled_deliveries(events: EventsSimulator, seed: int) -> None:
    """Given chains of three contacts, with each event twice and in any order, and batches that
    Lambda delivers twice, then each contact has one VoiceCall, below its parent."""
    chance = random.Random(seed)
    parents: dict[str, str] = {}
    published = []
    for chain in range(3):
        root = f"shuffled-{seed}-{chain}-0"
        previous = ""
        for place in range(3):
            contact_id = f"shuffled-{seed}-{chain}-{place}"
            parents[contact_id] = previous
            chained = {"InitialContactId": root, "PreviousContactId": previous}
            transfer = {"InitiationMethod": "TRANSFER", **chained} if previous else {}
            events.know(contact_id, **transfer)
            for kind in ("INITIATED", "QUEUED", "CONNECTED_TO_AGENT"):
                published += [event(kind, contact_id, previous, root)] * chance.choice((1, 2))
            previous = contact_id
    chance.shuffle(published)
    events.configure(CREATE_FROM_EVENTS="always")
    events.publish(*published, always=True)
    events.poller.deliver_twice(2)
    events.poll()
    calls = {call.vendor_call_key: call for call in events.salesforce.voice_calls()}
    assert {key: call.parent or "" for key, call in calls.items()} == parents
    assert len(events.creates()) == len(parents), "one POST a contact, and none refused"
    assert events.dead_letters() == []
    delivered = [line for line in events.lines() if line["disposition"] == "delivered"]
    assert 3 <= len(delivered) <= len(parents), "a child's event may bring its parents along"
    events.check_tally()


def test_nothing_of_the_call_is_logged(events: EventsSimulator) -> None:
    """Given canaries in events, in Connect's answers and in the flow, then after success, refusal,
    poison, throttling and defects no log line and no metric holds one."""
    for contact_id in ("logged-1", "logged-2", "logged-3", "logged-4"):
        events.know(contact_id)
    events.salesforce.inject(
        Fault("status", vendor_call_key="logged-2", status=400, body={"message": FIELD})
    )
    events.salesforce.inject(Fault("errors_list", vendor_call_key="logged-3"))
    events.connect.fail_next("throttle", 2)
    events.publish(
        *[event("QUEUED", contact_id) for contact_id in ("logged-1", "logged-2", "logged-3")],
        event("DISCONNECTED", "logged-1", disconnectTimestamp="2026-11-20T10:01:00.700Z"),
        event("QUEUED", "unknown-to-connect"),
    )
    events.put_raw(FIELD.encode(), "poison")
    events.put_raw(json.dumps({"detail": {"contactId": FIELD}}).encode(), "no event")
    events.poll()
    events.flow(flow_events.inbound("logged-4"))
    events.handle(batch_of([stream_record(event("QUEUED", "logged-4"), 999)]))
    secrets = key_lines(events.servers.identity.private_key_pem)
    assert len(events.lines()) >= 8, "too few log lines for a search"
    assert leaks(events.logged.text, secrets) == []


def test_a_dead_letter_with_a_lost_answer_is_one_input(events: EventsSimulator) -> None:
    """Given SQS takes a dead letter and its answer is lost, then the dead letter is sent again and
    may be in the queue twice. Both have the id of one input, which ends once."""
    with HoldingProxy(events.servers.aws.endpoint, 1, answer=True) as sqs:
        events.configure(AWS_ENDPOINT_URL_SQS=sqs.url)
        events.put_raw(b"no json", "lost")
        with ThreadPoolExecutor(1) as one:
            polling = one.submit(events.poll)
            assert sqs.held.wait(PATIENCE_SECONDS)
            sqs.let_go()
            polling.result()
    assert len(events.all_dead_letters()) == 2, "nothing was sent again: the test shows nothing"
    assert len(events.dead_letters()) == 1
    assert events.ends() == {("dead_lettered", "NOT_A_CONTACT"): 1}
    assert len(events.lines()) == 1
    events.check_tally()


def test_a_dead_letter_is_redriven_when_its_cause_is_mended(events: EventsSimulator) -> None:
    """Given a contact that Connect did not know and Salesforce refused: the whole way round."""
    events.publish(event("QUEUED", "mended"))
    events.poll()
    assert [letter["reason"] for letter in events.dead_letters()] == ["CONTACT_NOT_FOUND"]
    events.know("mended")
    redrive = events.redrive()
    assert redrive({}) == {
        "dryRun": True,
        "found": 1,
        "redriven": 1,
        "discarded": 0,
        "set_aside": 0,
        "failed_again": 0,
        "refused": {},
        "by_reason": {"CONTACT_NOT_FOUND": 1},
        "finished": True,
        "fault": "",
    }
    assert redrive({"dryRun": False, "contactId": "mended"})["redriven"] == 1
    events.poll()
    assert [call.vendor_call_key for call in events.salesforce.voice_calls()] == ["mended"]
    assert events.dead_letters() == []


@pytest.mark.parametrize("kind", ["INBOUND", "QUEUE_TRANSFER"])
def test_an_abandoned_call_is_cleared_once(events: EventsSimulator, kind: str) -> None:
    """Given DISCONNECTED of a queued call without agent, twice, then one clearRouting."""
    contact_id = f"abandoned-{kind}"
    parent = "" if kind == "INBOUND" else "parent-of-abandoned"
    if parent:
        events.know(parent)
        events.publish(event("QUEUED", parent))
        events.poll()
    events.know(contact_id)
    queued = event("QUEUED", contact_id, parent, initiationMethod=kind)
    events.publish(queued)
    events.poll()
    over = event(
        *("DISCONNECTED", contact_id, parent),
        initiationMethod=kind,
        disconnectTimestamp="2026-11-20T10:01:00.700Z",
    )
    events.publish(over, over)
    events.poll()
    cleared = [one.path for one in events.salesforce.journal() if one.method == "PATCH"]
    assert [path.rpartition("/")[2] for path in cleared] == ["clearRouting"]
