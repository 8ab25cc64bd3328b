"""The worker process is killed at every point between ledger and Salesforce, and Lambda delivers
the batch again: nothing is lost, there is one VoiceCall, and one more POST at most, only where the
outcome was unknown.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.event_simulator import INSTANCE, Servers, batch_of, center, event
from tests.integration.killing import Point, Worker
from tests.unit.samples import stream_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.functions.lambda_process import LambdaProcess
    from simulator.salesforce import ContactCenterIdentity

__all__ = ["center"]

EVENTS = "ContactEventsFunction"
NUMBERS = itertools.count(1)

# Of a contact that no flow has delivered: 1 entry, 2 begin, (POST), 3 created.
CREATE = {
    "before the ledger is asked": Point(1),
    "before begin": Point(2),
    "after begin, before POST": Point(2, answer=True),
    "POST on its way": Point(fault="hang", more=True),
    "POST stored, not answered": Point(fault="hang_after_storing", more=True),
    "POST answered, before created": Point(3, more=True),
    "after created": Point(3, answer=True),
}
# Of an abandoned call: 1 ended, 2 begin, (PATCH), 3 finish.
CLEAR = {
    "before the end is remembered": Point(1),
    "after it, before begin": Point(2),
    "after begin, before PATCH": Point(2, answer=True),
    "PATCH on its way": Point(fault="hang", more=True),
    "PATCH taken, not answered": Point(fault="hang_after_storing", more=True),
    "PATCH answered, before finish": Point(3, more=True),
    "after finish": Point(3, answer=True),
}


@pytest.fixture(scope="module")
def running(center: ContactCenterIdentity) -> Iterator[Servers]:
    with Servers(center) as made:
        yield made


@pytest.fixture(scope="module")
def alive(running: Servers) -> Iterator[LambdaProcess]:
    """The environment that gets the inputs of each dead one. No contact and no record is used in
    two tests."""
    with Worker(running, EVENTS, Point(), "POST").process(running.aws.endpoint) as process:
        yield process


@pytest.fixture
def servers(running: Servers) -> Servers:
    """All that the functions talk to, empty."""
    running.empty()
    return running


@pytest.fixture
def contact() -> str:
    return f"killed-{next(NUMBERS)}"


def known(servers: Servers, contact_id: str) -> None:
    """Amazon Connect knows the contact."""
    servers.connect.add_contact(
        INSTANCE,
        contact_id,
        Channel="VOICE",
        InitiationMethod="INBOUND",
        CustomerEndpoint={"Type": "TELEPHONE_NUMBER", "Address": "+12065550100"},
        SystemEndpoint={"Type": "TELEPHONE_NUMBER", "Address": "+18005550199"},
    )


def killed(
    servers: Servers, alive: LambdaProcess, point: Point, method: str, sent: dict[str, Any]
) -> Worker:
    """The worker after its death and the retries."""
    # A clearRouting stores nothing that a test could look at.
    taken = (lambda: bool(servers.salesforce.voice_calls())) if method == "POST" else lambda: True
    batch = batch_of([stream_record(sent, next(NUMBERS))])
    worker = Worker(servers, EVENTS, point, method, taken)
    worker.next = alive
    worker.die(batch)
    worker.deliver_again(batch)
    worker.drain_retries()
    return worker


@pytest.mark.parametrize("point", CREATE.values(), ids=CREATE)
def test_killed_while_creating(
    servers: Servers, alive: LambdaProcess, contact: str, point: Point
) -> None:
    known(servers, contact)
    worker = killed(servers, alive, point, "POST", event("QUEUED", contact))
    (call,) = servers.salesforce.voice_calls()
    assert call.vendor_call_key == contact
    assert 1 <= worker.requests() <= 1 + point.more
    (item,) = servers.aws.items(worker.function.environment["LEDGER_TABLE"])
    assert item["create_status"] == {"S": "CREATED"}
    assert item["voice_call_id"] == {"S": call.voice_call_id}
    assert servers.aws.messages(worker.function.environment["DEAD_LETTER_QUEUE_URL"]) == []
    assert worker.deliveries() == 1


@pytest.mark.parametrize("point", CLEAR.values(), ids=CLEAR)
def test_killed_while_clearing(
    servers: Servers, alive: LambdaProcess, contact: str, point: Point
) -> None:
    servers.salesforce.add_voice_call(contact)
    over = {"disconnectTimestamp": "2026-11-20T10:01:00.700Z"}
    worker = killed(servers, alive, point, "PATCH", event("DISCONNECTED", contact, **over))
    paths = [one.path for one in servers.salesforce.journal() if one.method == "PATCH"]
    assert {path.rpartition("/")[2] for path in paths} == {"clearRouting"}
    assert 1 <= len(paths) <= 1 + point.more
    assert any(one.status == 200 for one in servers.salesforce.journal()), "one was taken"
    (item,) = servers.aws.items(worker.function.environment["LEDGER_TABLE"])
    assert item["call_ended"] == {"BOOL": True}
    assert worker.deliveries() == 1
