"""Lines in bulk and conversation events: what the Salesforce simulator checks, takes, answers.

Rules: Voice implementation guide, "Create Transcripts in Bulk"; answers as Salesforce's own package
has them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from simulator.salesforce import Fault, SalesforceSimulator, new_identity
from tests.simulator.salesforce_client import create, send

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests


@pytest.fixture(scope="module")
def running() -> Iterator[SalesforceSimulator]:
    identity = new_identity(org_id="00D5e0000000001", call_center_api_name="Laptop")
    with SalesforceSimulator(identity, lines_per_second=60) as salesforce:
        yield salesforce


@pytest.fixture
def salesforce(running: SalesforceSimulator) -> SalesforceSimulator:
    running.reset()
    for name in ("c-1", "c-2"):
        assert create(running, vendorCallKey=name).status_code == 200
    return running


def line(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "participantId": "END_USER",
        "senderType": "END_USER",
        "messageId": f"m-{number}",
        "content": f"line {number}",
        "startTime": 1_000 + number,
        "endTime": 2_000 + number,
    } | changes


def entry(key: str, *numbers: int) -> dict[str, Any]:
    return {"vendorCallKey": key, "messages": [line(number) for number in numbers]}


def post(salesforce: SalesforceSimulator, *entries: Any) -> requests.Response:
    return send(salesforce, "POST", "/voiceCalls/messages", {"entries": list(entries)})


def lines_of(salesforce: SalesforceSimulator, key: str) -> list[str]:
    actions = [it for it in salesforce.actions() if it.vendor_call_key == key]
    return [it.body["content"] for it in actions if it.operation == "messages"]


def test_lines_of_two_calls(salesforce: SalesforceSimulator) -> None:
    answer = post(salesforce, entry("c-1", 1, 2), entry("c-2", 3))
    assert (answer.status_code, answer.json()) == (202, {"result": "Accepted"})
    assert lines_of(salesforce, "c-1") == ["line 1", "line 2"]
    assert lines_of(salesforce, "c-2") == ["line 3"]


def test_a_line_that_comes_twice_is_one_line(salesforce: SalesforceSimulator) -> None:
    for _ in range(2):
        assert post(salesforce, entry("c-1", 1)).status_code == 202
    assert lines_of(salesforce, "c-1") == ["line 1"]


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [entry(f"c-{n}", n) for n in range(6)],
        [entry("c-1", *range(6))],
        [entry("c-1")],
        [entry("c-1", 1), entry("c-1", 2)],
        [entry("c-1", 1), entry("c-2", 2, 1), entry("c-2", 3)],
        [{"vendorCallKey": "c-1", "messages": [line(2), line(1)]}],
        [{"vendorCallKey": "c-1", "messages": [line(1), line(2, messageId="m-1")]}],
        [{"vendorCallKey": "c-1", "messages": [line(1, content="")]}],
        [{"vendorCallKey": "c-1", "messages": [line(1, senderType="ROBOT")]}],
        ["c-1"],
    ],
)
def test_requests_that_are_refused_as_a_whole(
    salesforce: SalesforceSimulator, entries: Any
) -> None:
    assert post(salesforce, *entries).status_code == 400
    assert lines_of(salesforce, "c-1") == []


def test_a_call_that_is_not_there_costs_its_own_lines(salesforce: SalesforceSimulator) -> None:
    answer = post(salesforce, entry("c-1", 1), entry("nowhere", 2))
    assert answer.status_code == 207
    (failed,) = answer.json()["errorResponse"]["errorResponseEntries"]
    assert (failed["vendorCallKey"], failed["status"]) == ("nowhere", 404)
    assert lines_of(salesforce, "c-1") == ["line 1"]
    assert post(salesforce, entry("nowhere", 2)).status_code == 404


def test_a_fault_hits_one_call_of_a_request(salesforce: SalesforceSimulator) -> None:
    salesforce.inject(
        Fault("entry", vendor_call_key="c-2", status=400, body="RESOURCE_EXHAUSTED: later")
    )
    answer = post(salesforce, entry("c-1", 1), entry("c-2", 2))
    assert answer.status_code == 207
    assert answer.json()["errorResponse"]["errorResponseEntries"] == [
        {"vendorCallKey": "c-2", "status": 400, "message": "RESOURCE_EXHAUSTED: later"}
    ]
    assert (lines_of(salesforce, "c-1"), lines_of(salesforce, "c-2")) == (["line 1"], [])
    assert post(salesforce, entry("c-2", 2)).status_code == 202


def test_too_many_lines_in_a_second() -> None:
    """Given a clock that does not move, then 60 lines are taken within the second, and no more."""
    now = time.time()
    identity = new_identity(org_id="00D5e0000000001", call_center_api_name="Laptop")
    with SalesforceSimulator(identity, lines_per_second=60, clock=lambda: now) as salesforce:
        assert create(salesforce, vendorCallKey="c-1").status_code == 200
        answers = [
            post(salesforce, entry("c-1", *range(5 * n, 5 * n + 5))).status_code for n in range(13)
        ]
        assert answers == [202] * 12 + [429]
        assert len(lines_of(salesforce, "c-1")) == 60


def event(**changes: Any) -> dict[str, Any]:
    return {"type": "IntelligenceSignal__Category", "value": "late", "startTime": 5} | changes


def sentiment(**changes: Any) -> dict[str, Any]:
    given = {"type": "IntelligenceSignal__Sentiment", "value": "1000", "participant": "AGENT"}
    return given | {"startTime": 5, "endTime": 6} | changes


@pytest.mark.parametrize(
    ("kind", "events", "status"),
    [
        ("realtimeConversationEvents", [event()], 202),
        ("realtimeConversationEvents", [event(startTime=6), event()], 400),
        ("realtimeConversationEvents", [sentiment()], 400),
        ("realtimeConversationEvents", [], 400),
        ("postConversationEvents", [sentiment()] * 25, 202),
        ("postConversationEvents", [sentiment()] * 26, 400),
        ("postConversationEvents", [sentiment(value="7")], 400),
        ("postConversationEvents", [sentiment(participant="SYSTEM")], 400),
        ("postConversationEvents", [sentiment(endTime=1)], 400),
    ],
)
def test_conversation_events(
    salesforce: SalesforceSimulator, kind: str, events: list[Any], status: int
) -> None:
    body = {"service": "AmazonConnectContactLens", "events": events}
    assert send(salesforce, "POST", f"/voiceCalls/c-1/{kind}", body).status_code == status
    assert len([it for it in salesforce.actions() if it.operation == kind]) == (status == 202)
    assert send(salesforce, "POST", f"/voiceCalls/nowhere/{kind}", body).status_code == (
        404 if status == 202 else 400
    )
