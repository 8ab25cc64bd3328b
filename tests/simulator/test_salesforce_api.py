"""What the simulator does with calls: creates, updates, routes, the org's limits.

Rules: Voice implementation guide, REST API pages.
"""

from __future__ import annotations

import json
import threading
from contextlib import closing
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import pytest
import requests

from simulator.salesforce import (
    ContactCenterIdentity,
    SalesforceSimulator,
    VoiceCallRecord,
    new_identity,
)
from tests.simulator.salesforce_client import (
    PATIENCE,
    claims,
    create,
    headers,
    new_call,
    send,
    update,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = 1_792_490_400.0


class Clock:
    """A clock that moves only when it is set."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def identity() -> ContactCenterIdentity:
    return new_identity(org_id="00D5e0000000001", call_center_api_name="AmazonConnect_Laptop")


@pytest.fixture
def salesforce(identity: ContactCenterIdentity) -> Iterator[SalesforceSimulator]:
    with SalesforceSimulator(identity) as running:
        yield running


def stored(salesforce: SalesforceSimulator, vendor_call_key: str) -> VoiceCallRecord:
    record = salesforce.voice_call(vendor_call_key)
    assert record is not None
    return record


def test_a_second_create_returns_the_record_of_the_first(salesforce: SalesforceSimulator) -> None:
    """Given guides 236 to 246, When a call is created again, Then its record is returned."""
    first = create(salesforce).json()["voiceCallId"]
    assert create(salesforce, to="+18005550199").json()["voiceCallId"] == first
    assert stored(salesforce, "contact-1").fields["to"] == "+18005550100"


def test_where_the_record_is_not_returned_there_are_two(identity: ContactCenterIdentity) -> None:
    """Given the current guide's silence, When a call is created again, Then that shows."""
    with SalesforceSimulator(identity, returns_existing=False) as salesforce:
        ids = [create(salesforce).json()["voiceCallId"] for _ in range(2)]
        assert [record.voice_call_id for record in salesforce.voice_calls()] == ids
        assert ids[0] != ids[1]
        assert stored(salesforce, "contact-1").voice_call_id == ids[0]


def test_an_update_changes_the_record(salesforce: SalesforceSimulator) -> None:
    # Given a call
    record_id = create(salesforce).json()["voiceCallId"]
    # When it is updated under its key and under its id
    by_key = update(salesforce, "contact-1", {"totalHoldDuration": 7, "isActiveCall": True})
    assert stored(salesforce, "contact-1").active
    by_id = update(salesforce, record_id, {"endTime": "2026-10-20T10:05:00Z"})
    # Then both answer that it is under way (guide, "Update a Voice Call Record")
    assert [answer.json() for answer in (by_key, by_id)] == [{"status": "pending"}] * 2
    # And the fields are merged, a missing duration is 0, the conversation is closed
    record = stored(salesforce, "contact-1")
    assert record.fields == {
        **new_call(salesforce.identity),
        "totalHoldDuration": 0,
        "isActiveCall": True,
        "endTime": "2026-10-20T10:05:00Z",
    }
    assert (record.source, record.active) == ("POST", False)
    assert len(salesforce.voice_calls()) == 1


def test_an_update_creates_what_is_missing(salesforce: SalesforceSimulator) -> None:
    # Given a parent that is known
    parent = salesforce.add_voice_call("contact-0")
    # When unknown calls are updated
    fields = {"endTime": "2026-10-20T10:05:00Z", "parentCallIdentifier": parent}
    assert update(salesforce, "missed", fields).json() == {"status": "pending"}
    update(salesforce, "orphan", {"parentCallIdentifier": "never-seen"})
    # Then there are records of them
    record = stored(salesforce, "missed")
    assert (record.fields, record.source, record.active) == (fields, "PATCH", False)
    assert record.parent == "contact-0"
    assert stored(salesforce, "orphan").parent == "never-seen"
    # And a create that comes late returns them
    assert create(salesforce, vendorCallKey="missed").json()["voiceCallId"] == record.voice_call_id


def test_an_update_of_an_unknown_record_id_finds_nothing(salesforce: SalesforceSimulator) -> None:
    """When no record has the id, Then the answer is 404 and no record has it for a key."""
    assert update(salesforce, "0LQ5e0000000001AAA", {}).status_code == 404
    assert salesforce.voice_calls() == []


def test_a_segment_is_decoded_once(salesforce: SalesforceSimulator) -> None:
    # Given keys that would become other paths if they were decoded early or twice
    for key in ("abc/../../admin?x=1", "a%2Fb", "50%", "контакт ü"):
        # When the call is updated under its encoded key
        response = send(salesforce, "PATCH", f"/voiceCalls/{quote(key, safe='')}", {"agent": "a@b"})
        # Then the record has the key
        assert response.status_code == 200
        assert stored(salesforce, key).fields == {"agent": "a@b"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/voiceCalls"),
        ("PUT", "/voiceCalls"),
        ("DELETE", "/voiceCalls/contact-1"),
        ("OPTIONS", "/voiceCalls"),
        ("POST", ""),
        ("POST", "/voicecalls"),
        ("POST", "/voiceCalls/"),
        ("POST", "/voiceCalls/contact-1"),
        ("PATCH", "/voiceCalls"),
        ("PATCH", "/voiceCalls/"),
        ("PATCH", "/voiceCalls/abc/admin"),
        ("PATCH", "/voiceCalls//contact-1"),
    ],
)
def test_an_unknown_route_is_not_found(
    salesforce: SalesforceSimulator, method: str, path: str
) -> None:
    """When method and path are not a route, Then the answer is 404, and the journal has it."""
    assert send(salesforce, method, path, {}).status_code == 404
    assert [exchange.status for exchange in salesforce.journal()] == [404]
    assert salesforce.voice_calls() == []


def test_a_path_outside_the_base_is_not_found(salesforce: SalesforceSimulator) -> None:
    """When the path is not below the base, or not UTF-8, Then it is refused."""
    origin = salesforce.base_url.removesuffix("/telephony/v1")
    for path, status in (("/", 404), ("/voiceCalls", 404), ("/telephony/v1/%FF", 400)):
        response = requests.post(
            origin + path, json={}, headers=headers(salesforce.identity), timeout=PATIENCE
        )
        assert response.status_code == status, path


def test_the_token_is_asked_for_before_anything_else(salesforce: SalesforceSimulator) -> None:
    """When a request without a token names an unknown route, Then the answer is 401."""
    assert requests.get(f"{salesforce.base_url}/nothing", timeout=PATIENCE).status_code == 401


def test_creates_per_second_are_limited(identity: ContactCenterIdentity) -> None:
    # Given an org that takes three creates a second
    clock = Clock()
    with SalesforceSimulator(identity, creates_per_second=3, clock=clock) as salesforce:
        # When five calls come within a second
        responses = [create(salesforce, now=NOON, vendorCallKey=str(n)) for n in range(5)]
        # Then three are created and the others get a Retry-After
        assert [answer.status_code for answer in responses] == [200, 200, 200, 429, 429]
        assert responses[3].headers["Retry-After"] == "1"
        assert len(salesforce.voice_calls()) == 3
        # And a call that exists already does not count as a create
        assert create(salesforce, now=NOON, vendorCallKey="0").status_code == 200
        # And a second later there is room again
        clock.now += 1
        assert create(salesforce, now=NOON, vendorCallKey="4").status_code == 200


def test_concurrent_conversations_are_limited(identity: ContactCenterIdentity) -> None:
    # Given an org with room for two conversations, both taken
    with SalesforceSimulator(identity, concurrent_conversations=2) as salesforce:
        for key in ("1", "2"):
            assert create(salesforce, vendorCallKey=key).status_code == 200
        # When a third comes Then it is refused, until one of them is closed
        assert create(salesforce, vendorCallKey="3").status_code == 429
        update(salesforce, "1", {"endTime": "2026-10-20T10:05:00Z"})
        assert create(salesforce, vendorCallKey="3").status_code == 200


def test_the_clock_is_the_one_that_was_given(identity: ContactCenterIdentity) -> None:
    # Given a simulator that lives at another time
    clock = Clock()
    with SalesforceSimulator(identity, clock=clock) as salesforce:
        # When a call is created with a token of that time Then it is accepted and dated so
        response = create(salesforce, now=NOON)
        assert response.status_code == 200
        assert response.headers["Date"] == "Tue, 20 Oct 2026 10:00:00 GMT"
        assert stored(salesforce, "contact-1").created_at == NOON
        assert salesforce.journal()[0].at == NOON
        # And when its time has come, the token of then is refused
        clock.now = claims(identity, NOON)["exp"]
        assert create(salesforce, now=NOON).status_code == 401


def test_twenty_creates_of_one_call_are_one_record(salesforce: SalesforceSimulator) -> None:
    # Given twenty clients that are released together
    barrier = threading.Barrier(20)
    ids: list[str] = []

    def client() -> None:
        barrier.wait(PATIENCE)
        ids.append(create(salesforce).json()["voiceCallId"])

    threads = [threading.Thread(target=client) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    # Then all of them have the id of the one record
    (record,) = salesforce.voice_calls()
    assert ids == [record.voice_call_id] * 20
    assert len(salesforce.journal()) == 20


def test_a_connection_is_kept(salesforce: SalesforceSimulator) -> None:
    # Given a client that opens its connection only once
    address = urlsplit(salesforce.base_url)
    client = HTTPConnection(str(address.hostname), address.port, timeout=PATIENCE)
    client.connect()
    client.auto_open = 0
    with closing(client):
        # When it creates calls, the second of them refused
        statuses = []
        for key in ("1", "", "3"):
            body = json.dumps(new_call(salesforce.identity, vendorCallKey=key))
            fields = {**headers(salesforce.identity), "Content-Type": "application/json"}
            client.request("POST", f"{address.path}/voiceCalls", body, fields)
            answer = client.getresponse()
            answer.read()
            statuses.append(answer.status)
        # Then all of them are answered on that connection
        assert statuses == [200, 400, 200]
