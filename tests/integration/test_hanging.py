"""The caller's time: the flow is answered within its block's limit, whatever hangs.

`Simulator.deliver` checks the limit at every delivery; here everything is made to hang. Source:
docs/guarantees.md, "Promised", 1.
"""

from __future__ import annotations

import socket
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from simulator.salesforce import Fault
from tests.contract.servers import LOOPBACK, silent_server
from tests.integration.events import inbound
from tests.integration.simulator import PATIENCE_SECONDS, wait_until
from voicecall_bridge.composition import contact_flow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.simulator import Simulator


@pytest.fixture
def silence() -> Iterator[str]:
    """The address of something that takes requests and never answers."""
    with silent_server() as port:
        yield f"http://{LOOPBACK}:{port}"


LIMIT = "6"
"""Seconds. The ledger must answer within a sixth of what this leaves, on a busy machine too."""


@pytest.mark.parametrize("limit", ["1", "3"])
def test_everything_hangs_together(simulator: Simulator, silence: str, limit: str) -> None:
    """Given secret, ledger, queue and Salesforce, all silent; when delivered; then the answer in
    time lets the flow go on, and the log says that nothing could be kept for certain."""
    simulator.salesforce.inject(Fault("hang", times=None))
    simulator.set(AWS_ENDPOINT_URL=silence, FLOW_TIME_LIMIT_SECONDS=limit)
    answer = simulator.deliver(inbound())
    assert answer["status"] == "deferred"
    assert answer["errorCode"] in ("DEADLINE", "SECRET_UNAVAILABLE")
    assert answer["voiceCallId"] == ""
    assert simulator.posts() == []
    [line] = simulator.deliveries()
    assert line["disposition"] == "dead_lettered"
    assert line["payloadKept"] in ("none", "unknown")


def test_everything_but_the_secret_hangs(simulator: Simulator, silence: str) -> None:
    """Given a secret that can be read, and silence elsewhere; when delivered; then the flow is
    answered in time, after at least one attempt."""
    simulator.salesforce.inject(Fault("hang", times=None))
    simulator.set(
        AWS_ENDPOINT_URL_DYNAMODB=silence,
        AWS_ENDPOINT_URL_SQS=silence,
        FLOW_TIME_LIMIT_SECONDS=LIMIT,
    )
    answer = simulator.deliver(inbound())
    assert answer["status"] == "deferred"
    assert answer["errorCode"] in ("DEADLINE", "OUTCOME_UNKNOWN")
    assert simulator.posts()
    [line] = simulator.deliveries()
    assert line["payloadKept"] in ("none", "unknown")


def test_the_secret_hangs_and_the_ledger_does_not(simulator: Simulator, silence: str) -> None:
    """Given a silent Secrets Manager; when delivered; then the request waits in the ledger."""
    simulator.set(AWS_ENDPOINT_URL_SECRETS_MANAGER=silence, FLOW_TIME_LIMIT_SECONDS=LIMIT)
    answer = simulator.deliver(inbound())
    assert answer["status"] == "deferred"
    assert answer["errorCode"] in ("DEADLINE", "SECRET_UNAVAILABLE")
    assert simulator.posts() == []
    assert '"vendorCallKey": "contact-1"' in simulator.item()["create_request"]


@pytest.mark.parametrize("service", ["secret", "ledger"])
def test_one_service_that_hangs_for_a_while_is_forgotten(
    simulator: Simulator, silence: str, service: str
) -> None:
    """Given one silent service; when it answers again; then the next delivery is created."""
    variable = {
        "secret": "AWS_ENDPOINT_URL_SECRETS_MANAGER",
        "ledger": "AWS_ENDPOINT_URL_DYNAMODB",
    }[service]
    simulator.set(FLOW_TIME_LIMIT_SECONDS=LIMIT, **{variable: silence})
    simulator.deliver(inbound())
    simulator.set(**{variable: None})
    assert simulator.deliver(inbound())["status"] == "created"
    assert len(simulator.salesforce.voice_calls()) == 1


def test_a_name_look_up_hangs(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a resolver that never answers for Salesforce's host; when delivered; then the flow is
    answered in time: a socket's time-out does not cover a name look-up."""
    port = int(simulator.salesforce.base_url.split(":")[2].split("/")[0])
    let_go = Event()
    looked_up = Event()
    resolve = socket.getaddrinfo

    def resolve_slowly(host: Any, service: Any, *more: Any, **options: Any) -> Any:
        if service == port:
            looked_up.set()
            let_go.wait(PATIENCE_SECONDS)
        return resolve(host, service, *more, **options)

    simulator.set(FLOW_TIME_LIMIT_SECONDS=LIMIT)
    monkeypatch.setattr(socket, "getaddrinfo", resolve_slowly)
    try:
        answer = simulator.deliver(inbound())
    finally:
        let_go.set()
    assert looked_up.is_set()
    assert (answer["status"], answer["errorCode"]) == ("deferred", "DEADLINE")
    [line] = simulator.deliveries()
    assert (line["disposition"], line["reason"]) == ("dead_lettered", "DEADLINE")
    # The ledger had the request before the look-up began.
    assert '"vendorCallKey": "contact-1"' in simulator.item()["create_request"]


def test_an_overrun_does_not_disturb_the_next_delivery(simulator: Simulator) -> None:
    """Given an invocation answered before its work had ended; when the next comes; then it has
    connections of its own, and a late end of the first changes nothing."""
    simulator.set(FLOW_TIME_LIMIT_SECONDS=LIMIT)
    simulator.salesforce.inject(Fault("trickle_headers", seconds=0.05, times=None))
    first = contact_flow.flow_service()
    assert simulator.deliver(inbound("contact-1"))["errorCode"] == "DEADLINE"
    assert contact_flow.flow_service() is not first
    simulator.salesforce.clear_faults()
    assert simulator.deliver(inbound("contact-2"))["status"] == "created"
    wait_until(lambda: simulator.item("contact-1")["create_status"] == "UNKNOWN")
    # The first one's record exists, since it was stored; the retry finds it.
    answer = simulator.deliver(inbound("contact-1"))
    assert answer["status"] == "created"
    assert answer["voiceCallId"] == simulator.voice_call_id("contact-1")


def test_little_time_left_of_lambdas_own(simulator: Simulator) -> None:
    """Given 0.7 s until Lambda's time-out; when Salesforce hangs; then the answer comes before."""
    simulator.salesforce.inject(Fault("hang", times=None))
    simulator.limit = 0.7
    answer = simulator.deliver(inbound(), seconds_left=0.7)
    assert answer["status"] == "deferred"


@pytest.mark.parametrize("seconds_left", [0.2, 0.0, -1.0])
def test_no_time_left(simulator: Simulator, seconds_left: float) -> None:
    """Given no time at all; when delivered; then it is deferred at once and nothing is sent."""
    answer = simulator.deliver(inbound(), seconds_left=seconds_left)
    assert (answer["status"], answer["errorCode"]) == ("deferred", "DEADLINE")
    assert simulator.posts() == []
