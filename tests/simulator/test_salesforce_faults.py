"""Every fault of the simulator: what the client sees, and what was stored."""

from __future__ import annotations

import threading
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from simulator.salesforce import ContactCenterIdentity, Fault, SalesforceSimulator, new_identity
from simulator.salesforce.delivery import BEHAVIOURS
from simulator.salesforce.faults import KINDS
from tests.simulator.salesforce_client import (
    PATIENCE,
    claims,
    create,
    exchange_raw,
    headers,
    new_call,
    token,
    update,
    wait_until,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

STORED, NOT_STORED = 1, 0


@pytest.fixture(scope="module")
def identity() -> ContactCenterIdentity:
    return new_identity(org_id="00D5e0000000001", call_center_api_name="AmazonConnect_Laptop")


@pytest.fixture
def salesforce(identity: ContactCenterIdentity) -> Iterator[SalesforceSimulator]:
    with SalesforceSimulator(identity) as running:
        yield running


def statuses(salesforce: SalesforceSimulator) -> list[tuple[int | None, str]]:
    return [(exchange.status, exchange.fault) for exchange in salesforce.journal()]


def test_every_kind_has_a_behaviour() -> None:
    """The kinds that can be injected are the kinds that can be delivered."""
    assert set(BEHAVIOURS) == set(KINDS)


def test_slow_is_processed_at_once_and_answered_late(salesforce: SalesforceSimulator) -> None:
    # Given an answer that is held back for a minute
    salesforce.inject(Fault("slow", seconds=60))
    answers: list[requests.Response] = []
    waiting = threading.Thread(target=lambda: answers.append(create(salesforce)))
    waiting.start()
    # Then the call is stored while the client still waits
    wait_until(lambda: salesforce.voice_call("contact-1") is not None)
    assert answers == []
    assert statuses(salesforce) == [(None, "slow")]
    # And it gets its ordinary answer, here as soon as the faults are cleared
    salesforce.clear_faults()
    waiting.join(PATIENCE)
    assert answers[0].json()["voiceCallId"].startswith("0LQ")
    assert statuses(salesforce) == [(200, "slow")]


def test_slow_answers_by_itself(salesforce: SalesforceSimulator) -> None:
    # Given a delay below the client's patience
    salesforce.inject(Fault("slow", seconds=0.3))
    # When the call is created Then the answer takes at least that long (a timer is never early)
    started = time.monotonic()
    assert create(salesforce).status_code == 200
    assert time.monotonic() - started >= 0.29


@pytest.mark.parametrize(("kind", "stored"), [("hang", 0), ("hang_after_storing", 1)])
def test_hang_never_answers(salesforce: SalesforceSimulator, kind: str, stored: int) -> None:
    # Given a hang When the client's patience ends
    salesforce.inject(Fault(kind))
    with pytest.raises(requests.ReadTimeout):
        create(salesforce, timeout=0.3)
    # Then nothing was answered, and the store holds what the kind says
    wait_until(lambda: len(salesforce.voice_calls()) == stored)
    wait_until(lambda: statuses(salesforce) == [(None, kind)])
    # And the next request is answered
    assert create(salesforce).status_code == 200


def test_clearing_the_faults_lets_go_of_what_hangs(salesforce: SalesforceSimulator) -> None:
    # Given a request that hangs
    salesforce.inject(Fault("hang", times=None))
    outcomes: list[BaseException] = []

    def client() -> None:
        try:
            create(salesforce)
        except requests.ConnectionError as error:
            outcomes.append(error)

    waiting = threading.Thread(target=client)
    waiting.start()
    wait_until(lambda: statuses(salesforce) == [(None, "hang")])
    # When the faults are cleared Then its connection is closed without an answer
    salesforce.clear_faults()
    waiting.join(PATIENCE)
    assert len(outcomes) == 1
    # And a new fault hangs again: only earlier requests were released
    salesforce.inject(Fault("hang"))
    with pytest.raises(requests.ReadTimeout):
        create(salesforce, timeout=0.3)


@pytest.mark.parametrize(("kind", "stored"), [("reset_before", 0), ("reset_after", 1)])
def test_reset_sends_rst(salesforce: SalesforceSimulator, kind: str, stored: int) -> None:
    # Given a reset
    salesforce.inject(Fault(kind))
    # When the call is created Then the connection is reset, not merely closed
    with pytest.raises(requests.ConnectionError, match="Connection reset by peer"):
        create(salesforce)
    assert statuses(salesforce) == [(None, kind)]
    assert len(salesforce.voice_calls()) == stored


@pytest.mark.parametrize("status", [204, 400, 401, 403, 404, 409, 429, 500, 503, 599])
@pytest.mark.parametrize(("kind", "stored"), [("status", 0), ("status_after_storing", 1)])
def test_status_answers_what_the_fault_says(
    salesforce: SalesforceSimulator, kind: str, stored: int, status: int
) -> None:
    # Given a status When the call is created Then that is the answer, and the journal says so
    salesforce.inject(Fault(kind, status=status))
    response = create(salesforce)
    assert response.status_code == status
    assert "Retry-After" not in response.headers
    assert statuses(salesforce) == [(status, kind)]
    assert len(salesforce.voice_calls()) == stored


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (None, '{"errorCode": "INJECTED", "message": "injected answer 429"}'),
        ("", ""),
        ("<html>ü</html>", "<html>ü</html>"),
        ([{"message": "slow down"}], '[{"message": "slow down"}]'),
    ],
)
def test_status_answers_headers_and_body(
    salesforce: SalesforceSimulator, body: Any, text: str
) -> None:
    # Given a status with headers, one of them in place of the simulator's own, and a body
    own = {"retry-after": "2", "Content-Type": "text/html;charset=UTF-8"}
    salesforce.inject(Fault("status", status=429, headers=own, body=body))
    # When the call is created Then the answer has them
    response = create(salesforce)
    assert response.status_code == 429
    assert response.headers["Retry-After"] == "2"
    assert response.headers["Content-Type"] == "text/html;charset=UTF-8"
    assert response.content.decode() == text


def test_bodies_that_are_wrong_come_with_a_call_that_is_stored(
    salesforce: SalesforceSimulator,
) -> None:
    """When a 200 has a body without a usable id, Then the call exists nevertheless."""
    seen = {}
    kinds = ("body_not_json", "empty_body", "broken_json", "no_voice_call_id")
    for kind in kinds:
        salesforce.inject(Fault(kind))
        response = create(salesforce, vendorCallKey=kind)
        assert response.status_code == 200
        seen[kind] = response.text
        if kind != "no_voice_call_id":
            with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
                response.json()
    assert seen["body_not_json"].startswith("<!DOCTYPE html>")
    assert seen["empty_body"] == ""
    assert seen["broken_json"].startswith('{"voiceCallId')
    assert seen["no_voice_call_id"] == '{"errors": []}'
    assert [record.vendor_call_key for record in salesforce.voice_calls()] == list(kinds)


@pytest.mark.parametrize(("kind", "shape"), [("errors_string", str), ("errors_list", list)])
def test_errors_come_with_the_id(salesforce: SalesforceSimulator, kind: str, shape: type) -> None:
    # Given remarks (`errors` may be one string, with the record created)
    salesforce.inject(Fault(kind))
    # When the call is created Then it is, and the remarks are beside its id
    body = create(salesforce).json()
    stored = salesforce.voice_call("contact-1")
    assert stored is not None
    assert body["voiceCallId"] == stored.voice_call_id
    assert isinstance(body["errors"], shape)
    assert body["errors"]


def test_a_followed_redirect_is_counted(salesforce: SalesforceSimulator) -> None:
    # Given a redirect When a client does not follow it Then nothing is counted or stored
    salesforce.inject(Fault("redirect", times=2))
    assert create(salesforce).status_code == 302
    assert salesforce.redirects_followed() == 0
    # When a client follows it Then that is counted, and finds nothing
    response = requests.post(
        f"{salesforce.base_url}/voiceCalls",
        json=new_call(salesforce.identity),
        headers=headers(salesforce.identity),
        timeout=PATIENCE,
    )
    assert [answer.status_code for answer in response.history] == [302]
    assert salesforce.redirects_followed() == 1
    assert salesforce.voice_calls() == []


@pytest.mark.parametrize("kind", ["trickle_body", "trickle_headers"])
def test_a_trickle_arrives_byte_by_byte(salesforce: SalesforceSimulator, kind: str) -> None:
    # Given an answer one byte at a time, each far within the client's read time-out
    salesforce.inject(Fault(kind, seconds=0.002))
    # When the call is created Then the answer is whole in the end, all its pauses later
    started = time.monotonic()
    assert create(salesforce, timeout=5).json()["voiceCallId"].startswith("0LQ")
    assert time.monotonic() - started >= 0.002 * len('{"voiceCallId": "", "errors": []}')
    assert len(salesforce.voice_calls()) == STORED


def test_a_wrong_clock_shows_in_the_date(salesforce: SalesforceSimulator) -> None:
    # Given a server with a clock that is an hour behind
    salesforce.inject(Fault("wrong_clock", seconds=-3600))
    # When the call is created Then the token is refused, and Date says why
    response = create(salesforce)
    assert response.status_code == 401
    date = parsedate_to_datetime(response.headers["Date"]).timestamp()
    assert date == pytest.approx(time.time() - 3600, abs=PATIENCE)
    assert len(salesforce.voice_calls()) == NOT_STORED


def test_an_endless_body_goes_on_until_released(salesforce: SalesforceSimulator) -> None:
    # Given a body without end
    salesforce.inject(Fault("endless_body"))
    response = requests.post(
        f"{salesforce.base_url}/voiceCalls",
        json=new_call(salesforce.identity),
        headers=headers(salesforce.identity),
        timeout=PATIENCE,
        stream=True,
    )
    # When it is read Then there is always more, and the call is stored
    chunks = response.iter_content(1024)
    assert [len(next(chunks)) for _ in range(5)] == [1024] * 5
    assert len(salesforce.voice_calls()) == STORED
    # And it ends, unfinished, when the faults are cleared
    salesforce.clear_faults()
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        list(chunks)


def test_a_body_is_cut_off(salesforce: SalesforceSimulator) -> None:
    """When the body is shorter than announced, Then the client's HTTP library raises."""
    salesforce.inject(Fault("cut_off_body"))
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        create(salesforce)
    assert len(salesforce.voice_calls()) == STORED


def test_not_http(salesforce: SalesforceSimulator) -> None:
    """When the answer is not HTTP, Then the client cannot read a status line."""
    salesforce.inject(Fault("not_http"))
    with pytest.raises(requests.ConnectionError, match="BadStatusLine"):
        create(salesforce)
    assert len(salesforce.voice_calls()) == STORED


@pytest.mark.parametrize("kind", ["body_not_json", "errors_string", "status_after_storing"])
def test_a_fault_makes_no_success_of_a_refusal(salesforce: SalesforceSimulator, kind: str) -> None:
    # Given a fault that shapes the answer of a call that is stored
    salesforce.inject(Fault(kind, status=202))
    # When the call is refused Then the refusal is answered
    assert create(salesforce, to="").status_code == 400


@pytest.mark.parametrize("kind", ["status", "redirect", "wrong_clock", "hang"])
def test_a_fault_spends_the_token(salesforce: SalesforceSimulator, kind: str) -> None:
    # Given a request that met a fault
    once = {**headers(salesforce.identity), "Connection": "close"}
    salesforce.inject(Fault(kind, status=503, seconds=1))

    def attempt(timeout: float) -> int:
        url, body = f"{salesforce.base_url}/voiceCalls", new_call(salesforce.identity)
        answer = requests.post(url, json=body, headers=once, timeout=timeout, allow_redirects=False)
        return answer.status_code

    if kind == "hang":
        with pytest.raises(requests.ReadTimeout):
            attempt(1.0)
    else:
        assert attempt(PATIENCE) in (503, 302, 401)
    # When it is tried again with the same token Then Salesforce has seen its jti
    assert attempt(PATIENCE) == 401


def test_times_and_order(salesforce: SalesforceSimulator) -> None:
    # Given faults one behind the other, the last for ever
    salesforce.inject(Fault("status", status=500, times=2))
    salesforce.inject(Fault("status", status=429))
    salesforce.inject(Fault("status", status=503, times=None))
    # When calls come Then each takes the first that is left, until they are cleared
    assert [create(salesforce).status_code for _ in range(5)] == [500, 500, 429, 503, 503]
    salesforce.clear_faults()
    assert create(salesforce).status_code == 200


def test_a_fault_is_for_the_requests_it_names(salesforce: SalesforceSimulator) -> None:
    # Given faults for one call, one method, one path
    record_id = salesforce.add_voice_call("seeded")
    salesforce.inject(Fault("status", status=403, vendor_call_key="chosen"))
    salesforce.inject(Fault("status", status=404, method="*", vendor_call_key="seeded"))
    salesforce.inject(Fault("status", status=409, method="patch", path_contains="/other"))
    # When others come Then they pass
    assert create(salesforce).status_code == 200
    assert update(salesforce, "contact-1", {}).status_code == 200
    assert create(salesforce, vendorCallKey="other").status_code == 200
    # When they come themselves Then they are hit, also under their record id
    assert create(salesforce, vendorCallKey="chosen").status_code == 403
    assert update(salesforce, record_id, {}).status_code == 404
    assert update(salesforce, "other", {}).status_code == 409


def test_fault_for_every_method(salesforce: SalesforceSimulator) -> None:
    """Given a fault without a method, as JSON has it, then every request meets it."""
    fault = {"kind": "status", "status": 503, "method": None, "times": None}
    injected = requests.post(f"{salesforce.admin_url}/faults", json=fault, timeout=PATIENCE)
    assert (injected.status_code, injected.json()[0]["method"]) == (201, None)
    assert create(salesforce).status_code == update(salesforce, "contact-1", {}).status_code == 503


def test_a_fault_is_used_up_once_however_many_come(salesforce: SalesforceSimulator) -> None:
    # Given a fault for three requests
    salesforce.inject(Fault("status", status=503, times=3))
    answers: list[int] = []
    # When ten come at once
    threads = [
        threading.Thread(target=lambda: answers.append(create(salesforce).status_code))
        for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    # Then three are hit
    assert sorted(answers) == [200] * 7 + [503] * 3


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"kind": "meteor"}, "kind"),
        ({"kind": None}, "kind"),
        ({"kind": "status"}, "status"),
        ({"kind": "status", "status": 100}, "status"),
        ({"kind": "status", "status": "503"}, "status"),
        ({"kind": "hang", "times": 0}, "times"),
        ({"kind": "hang", "times": True}, "times"),
        ({"kind": "hang", "method": ""}, "method"),
        ({"kind": "hang", "method": 7}, "method"),
        ({"kind": "hang", "path_contains": None}, "path_contains"),
        ({"kind": "hang", "vendor_call_key": 7}, "vendor_call_key"),
        ({"kind": "hang", "seconds": -1}, "seconds"),
        ({"kind": "hang", "seconds": float("inf")}, "seconds"),
        ({"kind": "hang", "seconds": "1"}, "seconds"),
        ({"kind": "slow"}, "seconds"),
        ({"kind": "status", "status": 429, "headers": {"A": "1\r\nB: 2"}}, "headers"),
        ({"kind": "status", "status": 429, "headers": {"A": 1}}, "headers"),
        ({"kind": "status", "status": 429, "headers": []}, "headers"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(wrong: dict[str, Any], name: str) -> None:
    """When a fault has a wrong argument, Then the error names it."""
    with pytest.raises(ValueError, match=f"fault: {name}"):
        Fault(**wrong)


def test_the_journal_has_the_request_without_the_token(salesforce: SalesforceSimulator) -> None:
    # Given a request with a token
    payload = claims(salesforce.identity)
    raw = token(salesforce.identity)
    request = b"POST /telephony/v1/voiceCalls?x=%2F HTTP/1.1\r\nauthorization: Bearer " + (
        raw.encode() + b"\r\nConnection: close\r\nContent-Length: 5\r\n\r\n{oops"
    )
    # When it is received
    exchange_raw(salesforce, request)
    # Then the journal has it as it came, with claims for the token
    (exchange,) = salesforce.journal()
    assert (exchange.method, exchange.path) == ("POST", "/telephony/v1/voiceCalls?x=%2F")
    assert exchange.headers["Authorization"]["sub"] == payload["sub"]
    assert exchange.headers["Content-Length"] == "5"
    assert exchange.body == "{oops"
    assert (exchange.status, exchange.fault) == (400, "")
    assert raw not in repr(exchange)
    assert exchange.at == pytest.approx(time.time(), abs=PATIENCE)
