"""The caller's time: answered within the flow block's limit, whatever hangs and however.

`Stand.deliver` holds the limit for every delivery of every test; here everything is made to hang.
Source: docs/guarantees.md, "Promised", 1.
"""

from __future__ import annotations

import socket
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from local.salesforce import Fault
from tests.contract.servers import LOOPBACK, silent_server
from tests.integration.events import inbound
from tests.integration.stand import PATIENCE_SECONDS, wait_until
from voicecall_bridge import composition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.stand import Stand


@pytest.fixture
def silence() -> Iterator[str]:
    """The address of something that takes requests and never answers."""
    with silent_server() as port:
        yield f"http://{LOOPBACK}:{port}"


@pytest.mark.parametrize("limit", ["1", "3"])
def test_everything_hangs_together(stand: Stand, silence: str, limit: str) -> None:
    """Given secret, ledger, queue and Salesforce, all silent; when delivered; then the flow is
    told to go on, in time, and the account says that nothing could be kept for certain."""
    stand.salesforce.inject(Fault("hang", times=None))
    stand.set(AWS_ENDPOINT_URL=silence, FLOW_TIME_LIMIT_SECONDS=limit)
    answer = stand.deliver(inbound())
    assert answer["status"] == "deferred"
    assert answer["errorCode"] in ("DEADLINE", "SECRET_UNAVAILABLE")
    assert answer["voiceCallId"] == ""
    assert stand.posts() == []
    [line] = stand.deliveries()
    assert line["disposition"] == "dead_lettered"
    assert line["payloadKept"] in ("none", "unknown")


def test_everything_but_the_secret_hangs(stand: Stand, silence: str) -> None:
    """Given a secret that can be read, and silence elsewhere; when delivered; then in time, with
    at least one attempt."""
    stand.salesforce.inject(Fault("hang", times=None))
    stand.set(
        AWS_ENDPOINT_URL_DYNAMODB=silence,
        AWS_ENDPOINT_URL_SQS=silence,
        FLOW_TIME_LIMIT_SECONDS="3",
    )
    answer = stand.deliver(inbound())
    assert answer["status"] == "deferred"
    assert answer["errorCode"] in ("DEADLINE", "OUTCOME_UNKNOWN")
    assert stand.posts()
    [line] = stand.deliveries()
    assert line["payloadKept"] in ("none", "unknown")


def test_the_secret_hangs_and_the_ledger_does_not(stand: Stand, silence: str) -> None:
    """Given a silent Secrets Manager; when delivered; then the request waits in the ledger."""
    stand.set(AWS_ENDPOINT_URL_SECRETS_MANAGER=silence, FLOW_TIME_LIMIT_SECONDS="3")
    answer = stand.deliver(inbound())
    assert answer["status"] == "deferred"
    assert answer["errorCode"] in ("DEADLINE", "SECRET_UNAVAILABLE")
    assert stand.posts() == []
    assert '"vendorCallKey": "contact-1"' in stand.item()["create_request"]


@pytest.mark.parametrize("service", ["secret", "ledger"])
def test_one_service_that_hangs_for_a_while_is_forgotten(
    stand: Stand, silence: str, service: str
) -> None:
    """Given one silent service; when it answers again; then the next delivery is created."""
    variable = {
        "secret": "AWS_ENDPOINT_URL_SECRETS_MANAGER",
        "ledger": "AWS_ENDPOINT_URL_DYNAMODB",
    }[service]
    stand.set(FLOW_TIME_LIMIT_SECONDS="3", **{variable: silence})
    stand.deliver(inbound())
    stand.set(**{variable: None})
    assert stand.deliver(inbound())["status"] == "created"
    assert len(stand.salesforce.voice_calls()) == 1


def test_a_name_look_up_hangs(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a resolver that never answers for Salesforce's host; when delivered; then in time:
    no time-out of a socket covers a name look-up."""
    port = int(stand.salesforce.base_url.split(":")[2].split("/")[0])
    let_go = Event()
    looked_up = Event()
    resolve = socket.getaddrinfo

    def resolve_slowly(host: Any, service: Any, *more: Any, **options: Any) -> Any:
        if service == port:
            looked_up.set()
            let_go.wait(PATIENCE_SECONDS)
        return resolve(host, service, *more, **options)

    stand.set(FLOW_TIME_LIMIT_SECONDS="3")
    monkeypatch.setattr(socket, "getaddrinfo", resolve_slowly)
    try:
        answer = stand.deliver(inbound())
    finally:
        let_go.set()
    assert looked_up.is_set()
    assert (answer["status"], answer["errorCode"]) == ("deferred", "DEADLINE")
    [line] = stand.deliveries()
    assert (line["disposition"], line["reason"]) == ("dead_lettered", "DEADLINE")
    # The request was remembered before the look-up began.
    assert '"vendorCallKey": "contact-1"' in stand.item()["create_request"]


def test_an_overrun_does_not_disturb_the_next_delivery(stand: Stand) -> None:
    """Given an invocation answered before its work had ended; when the next comes; then it has
    connections of its own, and a late end of the first changes nothing."""
    stand.set(FLOW_TIME_LIMIT_SECONDS="3")
    stand.salesforce.inject(Fault("trickle_headers", seconds=0.05, times=None))
    first = composition.flow_service()
    assert stand.deliver(inbound("contact-1"))["errorCode"] == "DEADLINE"
    assert composition.flow_service() is not first
    stand.salesforce.clear_faults()
    assert stand.deliver(inbound("contact-2"))["status"] == "created"
    wait_until(lambda: stand.item("contact-1")["create_status"] == "UNKNOWN")
    # The first one's record exists, since it was stored; the retry finds it.
    answer = stand.deliver(inbound("contact-1"))
    assert answer["status"] == "created"
    assert answer["voiceCallId"] == stand.voice_call_id("contact-1")


def test_little_time_left_of_lambdas_own(stand: Stand) -> None:
    """Given 0.7 s until Lambda's time-out; when Salesforce hangs; then the answer comes before."""
    stand.salesforce.inject(Fault("hang", times=None))
    stand.limit = 0.7
    answer = stand.deliver(inbound(), seconds_left=0.7)
    assert answer["status"] == "deferred"


@pytest.mark.parametrize("seconds_left", [0.2, 0.0, -1.0])
def test_no_time_left(stand: Stand, seconds_left: float) -> None:
    """Given no time at all; when delivered; then it is deferred at once and nothing is sent."""
    answer = stand.deliver(inbound(), seconds_left=seconds_left)
    assert (answer["status"], answer["errorCode"]) == ("deferred", "DEADLINE")
    assert stand.posts() == []
