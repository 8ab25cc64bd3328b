"""One VoiceCall a contact, however often Connect invokes the function.

Source: administrator guide: one contact can hit the handler four times (up to three
retries); docs/guarantees.md, "Promised", 3.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from simulator.salesforce import Fault
from tests.contract.aws import SECRET, TABLE, Aws
from tests.contract.servers import LOOPBACK, refusing_server
from tests.integration.events import inbound, method, transfer
from tests.integration.simulator import wait_until
from tests.samples.members import INSTANCE_ID as INSTANCE
from tests.unit.doubles import Clock, MemoryLedger, ScriptedClient, alone
from tests.unit.samples import CENTERS
from voicecall_bridge.composition import contact_flow
from voicecall_bridge.contact import ContactKey
from voicecall_bridge.contact_centers.registry import ContactCenterRegistry
from voicecall_bridge.deadline import Deadline
from voicecall_bridge.ledger.creations import CreateLease, CreationLedger, PlannedCreate
from voicecall_bridge.ledger.table import Table
from voicecall_bridge.observability import Observer
from voicecall_bridge.sources import flow
from voicecall_bridge.use_cases.create import CreateVoiceCall
from voicecall_bridge.use_cases.results import LeaseTimeout, Progress
from voicecall_bridge.voice_call.create import CallInitiation

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.simulator import Simulator

CENTER = ContactCenterRegistry.of(SECRET).default


def environments(number: int) -> list[Callable[[], dict[str, str]]]:
    """Invocations of contact-1, each in an execution environment of its own, as Lambda has it:
    one environment never takes two events at once."""
    services = [contact_flow.flow_service.__wrapped__() for _ in range(number)]
    return [partial(service.answer, inbound(), 30.0) for service in services]


def test_four_at_once_make_one_post(simulator: Simulator) -> None:
    """Given one event four times at once; when Salesforce takes its time; then one POST is sent
    and all four flows get the same VoiceCall."""
    simulator.salesforce.inject(Fault("slow", seconds=0.5, times=None))
    calls = environments(4)
    together = Barrier(4)

    def invoke(call: Callable[[], dict[str, str]]) -> dict[str, str]:
        together.wait(timeout=10)
        return simulator.invoke(call)

    with ThreadPoolExecutor(4) as flows:
        answers = list(flows.map(invoke, calls))
    assert len(simulator.posts()) == 1
    assert {answer["voiceCallId"] for answer in answers} == {simulator.voice_call_id()}
    statuses = sorted(answer["status"] for answer in answers)
    assert statuses == ["created", "existing", "existing", "existing"]
    dispositions = sorted(line["disposition"] for line in simulator.deliveries())
    assert dispositions == ["delivered", "superseded", "superseded", "superseded"]
    assert simulator.item()["create_attempts"] == 1


def test_four_one_after_the_other_make_one_post(simulator: Simulator) -> None:
    """Given a created contact; when its event comes three times more; then nothing is sent."""
    answers = [simulator.deliver(inbound()) for _ in range(4)]
    assert [answer["status"] for answer in answers] == ["created"] + ["existing"] * 3
    assert {answer["voiceCallId"] for answer in answers} == {simulator.voice_call_id()}
    assert len(simulator.posts()) == 1
    lines = simulator.deliveries()
    assert [line["reason"] for line in lines] == ["", *["ALREADY_CREATED"] * 3]
    assert [line["attempts"] for line in lines] == [1, 0, 0, 0]
    assert [line["payloadKept"] for line in lines] == [""] * 4
    assert (simulator.metric("Delivered"), simulator.metric("Superseded")) == (1, 3)


def test_the_second_waits_for_the_first(simulator: Simulator) -> None:
    """Given a first invocation at work; when the second comes; then it gets the first's record."""
    simulator.salesforce.inject(Fault("slow", seconds=0.8))
    first, second = environments(2)
    with ThreadPoolExecutor(1) as flows:
        working = flows.submit(simulator.invoke, first)
        wait_until(lambda: len(simulator.posts()) == 1)
        answer = simulator.invoke(second)
        made = working.result(timeout=10)
    assert (made["status"], answer["status"]) == ("created", "existing")
    assert made["voiceCallId"] == answer["voiceCallId"] == simulator.voice_call_id()
    assert len(simulator.posts()) == 1


def test_the_second_takes_over_when_the_first_gives_up(simulator: Simulator) -> None:
    """Given a first invocation that will end in a 400; when the second waits for it; then it sends
    on its own account."""
    simulator.salesforce.inject(Fault("status", status=503, headers={"Retry-After": "1"}))
    simulator.salesforce.inject(Fault("status", status=400))
    first, second = environments(2)
    with ThreadPoolExecutor(1) as flows:
        working = flows.submit(simulator.invoke, first)
        wait_until(lambda: len(simulator.posts()) == 1)
        answer = simulator.invoke(second)
        refused = working.result(timeout=10)
    assert (refused["status"], refused["errorCode"]) == ("failed", "400")
    assert (answer["status"], answer["voiceCallId"]) == ("created", simulator.voice_call_id())
    assert len(simulator.posts()) == 3
    assert simulator.item()["create_attempts"] == 2


def test_a_second_without_time_to_wait_is_a_dead_letter_of_the_ledger(simulator: Simulator) -> None:
    """Given a first invocation at work; when the second's time is up; then it says so and leaves
    the contact to the first."""
    simulator.salesforce.inject(Fault("hang"))
    first, _ = environments(2)
    with ThreadPoolExecutor(1) as flows:
        working = flows.submit(simulator.invoke, first)
        wait_until(lambda: len(simulator.posts()) == 1)
        answer = simulator.deliver(inbound(), seconds_left=1.2)
        assert (answer["status"], answer["errorCode"]) == ("deferred", "IN_PROGRESS")
        line = simulator.deliveries()[-1]
        # The first worker may still die: then the next one finds the request in the ledger.
        assert (line["disposition"], line["reason"]) == ("dead_lettered", "IN_PROGRESS")
        assert line["payloadKept"] == "ledger"
        simulator.salesforce.clear_faults()
        assert working.result(timeout=10)["status"] == "created"
    assert simulator.aws.letters() == []


def test_a_lease_that_ran_out_is_taken_over(simulator: Simulator) -> None:
    """Given an environment that died after it had begun; when Connect retries after the lease;
    then the call is made, with the start the first one remembered."""
    earlier = time.time() - 60
    dead = CreationLedger(Table(lambda: simulator.aws["dynamodb"], TABLE), lambda: earlier)
    request = {"startTime": "2026-10-20T10:00:00Z"}
    begun = dead.acquire(PlannedCreate(ContactKey(INSTANCE, "contact-1"), CENTER, request), 7.5)
    assert isinstance(begun, CreateLease)
    answer = simulator.deliver(inbound())
    assert answer["status"] == "created"
    [post] = simulator.posts()
    assert post.body["startTime"] == "2026-10-20T10:00:00Z"
    assert (simulator.item()["create_status"], simulator.item()["create_attempts"]) == (
        "CREATED",
        2,
    )
    assert simulator.metric("RetriedUnknown") == 1


def test_an_unknown_outcome_gets_the_existing_record(simulator: Simulator) -> None:
    """Given a record that was stored without an answer; when Connect retries; then the retry gets
    this record, and everyone after it too."""
    simulator.set(FLOW_TIME_LIMIT_SECONDS="5")
    simulator.salesforce.inject(Fault("hang_after_storing", times=None))
    first = simulator.deliver(inbound())
    assert (first["status"], first["errorCode"]) == ("deferred", "OUTCOME_UNKNOWN")
    assert simulator.item()["create_status"] == "UNKNOWN"
    simulator.salesforce.clear_faults()
    second = simulator.deliver(inbound())
    third = simulator.deliver(inbound())
    assert (second["status"], third["status"]) == ("created", "existing")
    assert second["voiceCallId"] == third["voiceCallId"] == simulator.voice_call_id()
    assert simulator.metric("UnknownOutcome") == 1
    assert simulator.metric("RetriedUnknown") == 1
    assert len({post.body["startTime"] for post in simulator.posts()}) == 1


@pytest.mark.parametrize("code", [400, 503])
def test_a_failure_may_be_tried_again(simulator: Simulator, code: int) -> None:
    """Given a create that failed for certain; when Connect retries; then it is sent again."""
    simulator.salesforce.inject(Fault("status", status=code, times=4))
    assert simulator.deliver(inbound())["errorCode"] == str(code)
    simulator.salesforce.clear_faults()
    assert simulator.deliver(inbound())["status"] == "created"
    assert simulator.metric("RetriedUnknown") == 0


def test_the_ledger_recovers(simulator: Simulator) -> None:
    """Given a call created while the ledger was down; when it is back in the same environment;
    then the retry finds the one record and remembers it."""
    with refusing_server() as port:
        simulator.set(AWS_ENDPOINT_URL_DYNAMODB=f"http://{LOOPBACK}:{port}")
        first = simulator.deliver(inbound())
        assert (first["status"], simulator.item()) == ("created", {})
        assert simulator.metric("LedgerFault") == 1
    environment = contact_flow.flow_service()
    with Aws(port=port):
        second = simulator.deliver(inbound())
        third = simulator.deliver(inbound())
    assert contact_flow.flow_service() is environment
    assert (second["status"], third["status"]) == ("created", "existing")
    voice_call_ids = {answer["voiceCallId"] for answer in (first, second, third)}
    assert voice_call_ids == {simulator.voice_call_id()}
    assert len(simulator.posts()) == 2
    assert simulator.metric("LedgerFault") == 1


def test_the_ledger_goes_down_between_its_two_writes(simulator: Simulator) -> None:
    """Given a ledger that answers once; when the call is created; then the flow gets it all the
    same, and the lease remains for the next worker."""
    simulator.salesforce.inject(Fault("slow", seconds=0.8))
    aws = Aws()
    with ThreadPoolExecutor(1) as flows:
        with aws:
            simulator.set(AWS_ENDPOINT_URL_DYNAMODB=aws.url)
            working = flows.submit(simulator.deliver, inbound())
            wait_until(lambda: len(simulator.posts()) == 1)
        answer = working.result(timeout=10)
    assert answer["status"] == "created"
    assert answer["voiceCallId"] == simulator.voice_call_id()
    assert simulator.item()["create_status"] == "CREATING"
    assert simulator.error_messages() == ["ledger fault"]


def test_the_ledger_goes_down_before_a_failure_is_remembered(simulator: Simulator) -> None:
    """Given a ledger that answers once; when the create is refused; then the request is in the
    ledger, and its lease will expire."""
    simulator.salesforce.inject(Fault("status", status=503, headers={"Retry-After": "1"}))
    simulator.salesforce.inject(Fault("status", status=400))
    with ThreadPoolExecutor(1) as flows:
        with Aws() as aws:
            simulator.set(AWS_ENDPOINT_URL_DYNAMODB=aws.url)
            working = flows.submit(simulator.deliver, inbound())
            wait_until(lambda: len(simulator.posts()) == 1)
        answer = working.result(timeout=10)
    assert (answer["status"], answer["errorCode"]) == ("failed", "400")
    assert simulator.item()["create_status"] == "CREATING"
    assert simulator.deliveries()[0]["payloadKept"] == "ledger"
    assert simulator.error_messages() == ["ledger fault"]


def test_two_voice_calls_are_logged_and_the_first_is_kept(simulator: Simulator) -> None:
    """Given a contact for which another worker has stored a VoiceCall id meanwhile; when this
    worker's answer comes; then the flow gets the stored id, and the second VoiceCall is logged."""
    simulator.salesforce.inject(Fault("slow", seconds=0.8))
    other = CreationLedger(Table(lambda: simulator.aws["dynamodb"], TABLE))
    with ThreadPoolExecutor(1) as flows:
        working = flows.submit(simulator.deliver, inbound())
        wait_until(lambda: len(simulator.posts()) == 1)
        other.settle(CreateLease(ContactKey(INSTANCE, "contact-1"), "lease", ""), "0LQ000000000001")
        answer = working.result(timeout=10)
    assert answer["voiceCallId"] == "0LQ000000000001" != simulator.voice_call_id()
    assert simulator.error_messages() == ["two VoiceCalls for one contact"]
    assert simulator.metric("SecondVoiceCall") == 1


def test_a_chain_of_transfers(simulator: Simulator) -> None:
    """Given an inbound call and two transfers; when delivered; then each names its predecessor."""
    events = [inbound("contact-1"), transfer("contact-2", "contact-1")]
    events.append(transfer("contact-3", "contact-2"))
    assert [simulator.deliver(event)["status"] for event in events] == ["created"] * 3
    parents = {
        record.vendor_call_key: record.parent for record in simulator.salesforce.voice_calls()
    }
    assert parents == {"contact-1": None, "contact-2": "contact-1", "contact-3": "contact-2"}


def test_two_instances_in_one_table(simulator: Simulator) -> None:
    """Given one contact id in two instances; when both are delivered; then both are sent."""
    other = inbound(InstanceARN=f"arn:aws:connect:us-west-2:111122223333:instance/{'1' * 36}")
    assert simulator.deliver(inbound())["status"] == "created"
    assert simulator.deliver(other)["status"] == "created"
    assert simulator.aws.items() == 2
    assert len(simulator.posts()) == 2


def test_a_transfer_with_a_parent_that_salesforce_does_not_know(simulator: Simulator) -> None:
    """Given a flow that asks for an initial call on a transferred contact; when Salesforce does not
    know its parent; then the call is created without the parent, as SCVL does: better than no
    call."""
    event = method(transfer("contact-2", "contact-1"), "createVoiceCall")
    answer = simulator.deliver(event)
    assert answer["status"] == "created"
    with_parent, without = simulator.posts("contact-2")
    assert (with_parent.status, with_parent.body["initiationMethod"]) == (400, "Transfer")
    assert (without.status, without.body["initiationMethod"]) == (200, "Inbound")
    assert "parentVoiceCallId" not in without.body
    assert simulator.deliveries()[0]["attempts"] == 2
    assert simulator.metric("ParentRefused") == 1


def test_a_transfer_that_was_asked_for_is_never_made_an_orphan(simulator: Simulator) -> None:
    """Given a flow that asks for a transfer; when Salesforce does not know its parent; then no
    other call is created in its place."""
    answer = simulator.deliver(transfer("contact-2", "contact-1"))
    assert (answer["status"], answer["errorCode"]) == ("failed", "400")
    assert len(simulator.posts("contact-2")) == 1
    assert simulator.salesforce.voice_calls() == []


class SlowLedger(MemoryLedger):
    """A ledger in which every read takes 20 ms."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.clock = clock

    def acquire(self, *arguments: Any) -> Any:
        """Acquire slowly."""
        self.clock.sleep(0.02)
        return super().acquire(*arguments)


def left_after_waiting(seconds: float) -> float:
    """Seconds left when the wait for another worker is given up."""
    clock = Clock()
    ledger = SlowLedger(clock)
    ledger.acquire(PlannedCreate(ContactKey(INSTANCE, "contact-1"), CENTERS.default, {}), 60)
    waiting = CreateVoiceCall(
        ledger, alone(ScriptedClient([])), Observer(), now=clock, sleep=clock.sleep
    )
    deadline = Deadline.after(seconds, clock)
    with pytest.raises(LeaseTimeout):
        waiting.create(flow.read(inbound()).contact, CallInitiation.INBOUND, deadline, Progress())
    return deadline.remaining()


def test_waiting_for_another_worker_leaves_time_for_the_answer() -> None:
    """Given another worker that does not finish; when the wait is given up, at any time; then there
    is time left to log the reason. At the deadline itself the reason would be DEADLINE, a dead
    letter."""
    left = {hundredths: left_after_waiting(hundredths / 100) for hundredths in range(90, 110)}
    assert [hundredths for hundredths, seconds in left.items() if seconds < 0.01] == []
