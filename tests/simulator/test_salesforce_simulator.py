"""The simulator as a server: its memory, its own interface, its start and stop."""

from __future__ import annotations

import contextlib
import socket
import sqlite3
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests

from simulator.salesforce import (
    ContactCenterIdentity,
    Fault,
    SalesforceSimulator,
    new_identity,
)
from simulator.salesforce.ids import long_id
from tests.simulator.salesforce_client import (
    PATIENCE,
    create,
    headers,
    new_call,
    send,
    update,
    wait_until,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def identity() -> ContactCenterIdentity:
    return new_identity(org_id="00D5e0000000001", call_center_api_name="AmazonConnect_Laptop")


@pytest.fixture
def salesforce(identity: ContactCenterIdentity) -> Iterator[SalesforceSimulator]:
    with SalesforceSimulator(identity) as running:
        yield running


def admin(salesforce: SalesforceSimulator, method: str, path: str, body: Any = None) -> Any:
    response = requests.request(
        method, salesforce.admin_url + path, json=body, timeout=PATIENCE, allow_redirects=False
    )
    return response.status_code, response.json()


def test_a_file_outlives_the_simulator(identity: ContactCenterIdentity, tmp_path: Path) -> None:
    # Given a simulator on a file, with a call, a journal and a token that was used
    file = tmp_path / "simulator.sqlite"
    once = headers(identity)
    with SalesforceSimulator(identity, database=file) as first:
        url = f"{first.base_url}/voiceCalls"
        requests.post(url, json=new_call(identity), headers=once, timeout=PATIENCE)
        calls, journal = first.voice_calls(), first.journal()
    # When another is started on it Then it remembers all three
    with SalesforceSimulator(identity, database=file) as second:
        assert second.voice_calls() == calls
        assert second.journal() == journal
        url = f"{second.base_url}/voiceCalls"
        again = requests.post(url, json=new_call(identity), headers=once, timeout=PATIENCE)
        assert again.status_code == 401
    assert [record.vendor_call_key for record in calls] == ["contact-1"]


def test_a_file_that_is_no_database_is_refused(
    identity: ContactCenterIdentity, tmp_path: Path
) -> None:
    """When the file is not a database, Then the simulator does not start."""
    file = tmp_path / "notes.txt"
    file.write_text("this is not a database, and long enough to be seen not to be one" * 20)
    with pytest.raises(sqlite3.DatabaseError):
        SalesforceSimulator(identity, database=file)


@pytest.mark.parametrize("limit", ["creates_per_second", "concurrent_conversations"])
def test_a_limit_below_one_is_refused(identity: ContactCenterIdentity, limit: str) -> None:
    """When a limit is below one, Then the error says so."""
    with pytest.raises(ValueError, match=limit):
        SalesforceSimulator(identity, **{limit: 0})  # type: ignore[arg-type]


def test_two_simulators_do_not_meet(identity: ContactCenterIdentity) -> None:
    """Given two simulators in one process, When one is used, Then the other is unchanged."""
    with SalesforceSimulator(identity) as one, SalesforceSimulator(identity) as other:
        one.inject(Fault("status", status=503, times=None, method="PATCH"))
        assert create(one).status_code == 200
        assert (other.voice_calls(), other.journal()) == ([], [])
        assert update(other, "contact-1", {}).status_code == 200


def test_reset_forgets_everything(salesforce: SalesforceSimulator) -> None:
    # Given a call, a journal, a fault and a token that was used
    once, url = headers(salesforce.identity), f"{salesforce.base_url}/voiceCalls"
    body = new_call(salesforce.identity)
    requests.post(url, json=body, headers=once, timeout=PATIENCE)
    salesforce.inject(Fault("status", status=503, times=None))
    # When the simulator is reset Then nothing is left, and the token is new again
    salesforce.reset()
    assert (salesforce.voice_calls(), salesforce.journal()) == ([], [])
    assert requests.post(url, json=body, headers=once, timeout=PATIENCE).status_code == 200


def test_the_interface_of_the_simulator(salesforce: SalesforceSimulator) -> None:
    # When a call is stored by it, twice Then it exists once
    status, answer = admin(salesforce, "POST", "/calls", {"vendorCallKey": "contact-0"})
    assert (status, answer["voiceCallId"]) == (201, salesforce.add_voice_call("contact-0"))
    _, calls = admin(salesforce, "GET", "/calls")
    assert [(call["vendor_call_key"], call["source"]) for call in calls] == [("contact-0", "SEED")]
    # When a fault is injected by it Then it is listed, hits, and is used up
    fault = {"kind": "status", "status": 429, "headers": {"Retry-After": "1"}, "times": 2}
    status, _ = admin(salesforce, "POST", "/faults", fault)
    assert (status, create(salesforce).status_code) == (201, 429)
    _, waiting = admin(salesforce, "GET", "/faults")
    assert [(entry["kind"], entry["times"], entry["left"]) for entry in waiting] == [
        ("status", 2, 1)
    ]
    # When the faults are deleted by it Then calls pass
    assert admin(salesforce, "DELETE", "/faults") == (200, [])
    assert create(salesforce).status_code == 200
    # Then the journal has the two calls and nothing of this interface
    _, journal = admin(salesforce, "GET", "/requests")
    assert [(entry["status"], entry["fault"]) for entry in journal] == [(429, "status"), (200, "")]
    # When a call is routed Then that is listed with its answer
    route = {"routingTarget": "005"}
    send(salesforce, "PATCH", "/voiceCalls/route/contact-0", route)
    _, [action] = admin(salesforce, "GET", "/actions")
    assert (action["operation"], action["vendor_call_key"]) == ("routeVoiceCall", "contact-0")
    assert (action["body"], action["answer"]) == (route, {"status": "Success"})
    # When everything is reset by it Then nothing is left
    assert admin(salesforce, "POST", "/reset") == (200, {})
    assert (salesforce.voice_calls(), salesforce.journal(), salesforce.actions()) == ([], [], [])


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nothing", None, 404),
        ("DELETE", "/calls", None, 404),
        ("GET", "/calls/", None, 404),
        ("GET", "/calls%FF", None, 400),
        ("POST", "/calls", None, 400),
        ("POST", "/calls", [], 400),
        ("POST", "/calls", {"vendorCallKey": ""}, 400),
        ("POST", "/faults", {}, 400),
        ("POST", "/faults", {"kind": "meteor"}, 400),
        ("POST", "/faults", {"kind": "hang", "colour": "red"}, 400),
    ],
)
def test_the_interface_refuses_what_makes_no_sense(
    salesforce: SalesforceSimulator, method: str, path: str, body: Any, status: int
) -> None:
    """When a request to the simulator's own interface is wrong, Then the answer says so."""
    answered, value = admin(salesforce, method, path, body)
    assert answered == status
    assert value["message"]


def test_a_seed_needs_a_key(salesforce: SalesforceSimulator) -> None:
    """When a call without a key is to be stored, Then the error says so."""
    with pytest.raises(ValueError, match="vendor call key"):
        salesforce.add_voice_call(" ")


def test_a_stop_lets_go_of_what_hangs(identity: ContactCenterIdentity) -> None:
    # Given a request that hangs, and a kept connection that idles
    before = set(threading.enumerate())
    outcomes: list[type[BaseException]] = []

    def client() -> None:
        try:
            create(running)
        except requests.ConnectionError as error:
            outcomes.append(type(error))

    with requests.Session() as session, SalesforceSimulator(identity) as running:
        session.get(f"{running.admin_url}/calls", timeout=PATIENCE)
        running.inject(Fault("hang"))
        waiting = threading.Thread(target=client)
        waiting.start()
        wait_until(lambda: len(running.journal()) == 1)
        # When the simulator stops
        running.stop()
        # Then the connection is closed, no thread of the simulator is left, and the port is free
        waiting.join(PATIENCE)
        assert len(outcomes) == 1
        assert set(threading.enumerate()) <= before
        assert urlsplit(running.base_url).port
        with pytest.raises(requests.ConnectionError):
            session.get(f"{running.admin_url}/calls", timeout=PATIENCE)


@pytest.mark.parametrize("kind", ["trickle_body", "trickle_headers", "slow"])
def test_clearing_the_faults_ends_every_wait(salesforce: SalesforceSimulator, kind: str) -> None:
    # Given an answer, or its next byte, that would take an hour
    salesforce.inject(Fault(kind, seconds=3600))
    ended = threading.Event()

    def client() -> None:
        with contextlib.suppress(requests.RequestException):
            create(salesforce)
        ended.set()

    threading.Thread(target=client).start()
    wait_until(lambda: len(salesforce.voice_calls()) == 1)
    assert not ended.is_set()
    # When the faults are cleared Then the client's wait is over
    salesforce.clear_faults()
    assert ended.wait(PATIENCE)


def test_a_client_that_leaves_is_no_matter(
    salesforce: SalesforceSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a client that leaves within its body
    address = urlsplit(salesforce.base_url)
    with socket.create_connection((str(address.hostname), address.port or 0)) as connection:
        connection.sendall(b"POST /telephony/v1/voiceCalls HTTP/1.1\r\nContent-Length: 9\r\n\r\n{")
        connection.shutdown(socket.SHUT_WR)
        # Then it gets no answer, its partial request is not counted, and others are served
        assert connection.recv(1) == b""
    assert salesforce.journal() == []
    assert create(salesforce).status_code == 200
    assert caplog.records == []


def test_a_bug_of_the_simulator_is_shown(
    identity: ContactCenterIdentity, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a simulator that breaks, here by its clock
    def broken_clock() -> float:
        raise ZeroDivisionError("the clock is broken")

    # When a call is created Then the client gets no answer, and the log has the reason
    with (
        SalesforceSimulator(identity, clock=broken_clock) as running,
        pytest.raises(requests.ConnectionError),
    ):
        create(running)
    assert "the clock is broken" in caplog.text


def test_a_stop_without_a_start(identity: ContactCenterIdentity) -> None:
    """When a simulator that never started is stopped, Then its port and its database are freed."""
    salesforce = SalesforceSimulator(identity)
    salesforce.stop()
    with pytest.raises(sqlite3.ProgrammingError):
        salesforce.voice_calls()


def test_an_id_has_a_checksum() -> None:
    """When an id is made long, Then each checksum character covers five of its characters."""
    # Worked out by hand: capitals at places {3}, {} and {1} of the three fives are 8, 0 and 2.
    assert long_id("001A0000006Vm9r") == "001A0000006Vm9rIAC"
    # Capitals everywhere are 31, the last of the alphabet.
    assert long_id("A" * 15) == "A" * 15 + "555"
    with pytest.raises(ValueError, match="15"):
        long_id("001A")
