"""Every fault of the stand-in: what the client sees, and what was stored behind its back."""

from __future__ import annotations

import threading
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from local.salesforce import ContactCenterIdentity, Fault, SalesforceStandIn, new_identity
from local.salesforce.delivery import BEHAVIOURS
from local.salesforce.faults import KINDS
from tests.local.salesforce_client import (
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
def stand_in(identity: ContactCenterIdentity) -> Iterator[SalesforceStandIn]:
    with SalesforceStandIn(identity) as running:
        yield running


def statuses(stand_in: SalesforceStandIn) -> list[tuple[int | None, str]]:
    return [(exchange.status, exchange.fault) for exchange in stand_in.journal()]


def test_every_kind_has_a_behaviour() -> None:
    """The kinds that can be injected are the kinds that can be delivered."""
    assert set(BEHAVIOURS) == set(KINDS)


def test_slow_is_processed_at_once_and_answered_late(stand_in: SalesforceStandIn) -> None:
    # Given an answer that is held back for a minute
    stand_in.inject(Fault("slow", seconds=60))
    answers: list[requests.Response] = []
    waiting = threading.Thread(target=lambda: answers.append(create(stand_in)))
    waiting.start()
    # Then the call is stored while the client still waits
    wait_until(lambda: stand_in.voice_call("contact-1") is not None)
    assert answers == []
    assert statuses(stand_in) == [(None, "slow")]
    # And it gets its ordinary answer, here as soon as the faults are cleared
    stand_in.clear_faults()
    waiting.join(PATIENCE)
    assert answers[0].json()["voiceCallId"].startswith("0LQ")
    assert statuses(stand_in) == [(200, "slow")]


def test_slow_answers_by_itself(stand_in: SalesforceStandIn) -> None:
    # Given a delay below the client's patience
    stand_in.inject(Fault("slow", seconds=0.3))
    # When the call is created Then the answer takes at least that long (a timer is never early)
    started = time.monotonic()
    assert create(stand_in).status_code == 200
    assert time.monotonic() - started >= 0.29


@pytest.mark.parametrize(("kind", "stored"), [("hang", 0), ("hang_after_storing", 1)])
def test_hang_never_answers(stand_in: SalesforceStandIn, kind: str, stored: int) -> None:
    # Given a hang When the client's patience ends
    stand_in.inject(Fault(kind))
    with pytest.raises(requests.ReadTimeout):
        create(stand_in, timeout=0.3)
    # Then nothing was answered, and the store holds what the kind says
    wait_until(lambda: len(stand_in.voice_calls()) == stored)
    wait_until(lambda: statuses(stand_in) == [(None, kind)])
    # And the next request is answered
    assert create(stand_in).status_code == 200


def test_clearing_the_faults_lets_go_of_what_hangs(stand_in: SalesforceStandIn) -> None:
    # Given a request that hangs
    stand_in.inject(Fault("hang", times=None))
    outcomes: list[BaseException] = []

    def client() -> None:
        try:
            create(stand_in)
        except requests.ConnectionError as error:
            outcomes.append(error)

    waiting = threading.Thread(target=client)
    waiting.start()
    wait_until(lambda: statuses(stand_in) == [(None, "hang")])
    # When the faults are cleared Then its connection is closed without an answer
    stand_in.clear_faults()
    waiting.join(PATIENCE)
    assert len(outcomes) == 1
    # And a new fault hangs again: the release was for those before it
    stand_in.inject(Fault("hang"))
    with pytest.raises(requests.ReadTimeout):
        create(stand_in, timeout=0.3)


@pytest.mark.parametrize(("kind", "stored"), [("reset_before", 0), ("reset_after", 1)])
def test_reset_sends_rst(stand_in: SalesforceStandIn, kind: str, stored: int) -> None:
    # Given a reset
    stand_in.inject(Fault(kind))
    # When the call is created Then the connection is reset, not merely closed
    with pytest.raises(requests.ConnectionError, match="Connection reset by peer"):
        create(stand_in)
    assert statuses(stand_in) == [(None, kind)]
    assert len(stand_in.voice_calls()) == stored


@pytest.mark.parametrize("status", [204, 400, 401, 403, 404, 409, 429, 500, 503, 599])
@pytest.mark.parametrize(("kind", "stored"), [("status", 0), ("status_after_storing", 1)])
def test_status_answers_what_it_is_told(
    stand_in: SalesforceStandIn, kind: str, stored: int, status: int
) -> None:
    # Given a status When the call is created Then that is the answer, and the journal says so
    stand_in.inject(Fault(kind, status=status))
    response = create(stand_in)
    assert response.status_code == status
    assert "Retry-After" not in response.headers
    assert statuses(stand_in) == [(status, kind)]
    assert len(stand_in.voice_calls()) == stored


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (None, '{"errorCode": "INJECTED", "message": "injected answer 429"}'),
        ("", ""),
        ("<html>ü</html>", "<html>ü</html>"),
        ([{"message": "slow down"}], '[{"message": "slow down"}]'),
    ],
)
def test_status_answers_headers_and_body(stand_in: SalesforceStandIn, body: Any, text: str) -> None:
    # Given a status with headers, one of them in place of the stand-in's own, and a body
    own = {"retry-after": "2", "Content-Type": "text/html;charset=UTF-8"}
    stand_in.inject(Fault("status", status=429, headers=own, body=body))
    # When the call is created Then the answer has them
    response = create(stand_in)
    assert response.status_code == 429
    assert response.headers["Retry-After"] == "2"
    assert response.headers["Content-Type"] == "text/html;charset=UTF-8"
    assert response.content.decode() == text


def test_bodies_that_are_wrong_come_with_a_call_that_is_stored(
    stand_in: SalesforceStandIn,
) -> None:
    """When a 200 has a body that says nothing of use, Then the call exists nevertheless."""
    seen = {}
    kinds = ("body_not_json", "empty_body", "broken_json", "no_voice_call_id")
    for kind in kinds:
        stand_in.inject(Fault(kind))
        response = create(stand_in, vendorCallKey=kind)
        assert response.status_code == 200
        seen[kind] = response.text
        if kind != "no_voice_call_id":
            with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
                response.json()
    assert seen["body_not_json"].startswith("<!DOCTYPE html>")
    assert seen["empty_body"] == ""
    assert seen["broken_json"].startswith('{"voiceCallId')
    assert seen["no_voice_call_id"] == '{"errors": []}'
    assert [record.vendor_call_key for record in stand_in.voice_calls()] == list(kinds)


@pytest.mark.parametrize(("kind", "shape"), [("errors_string", str), ("errors_list", list)])
def test_errors_come_with_the_id(stand_in: SalesforceStandIn, kind: str, shape: type) -> None:
    # Given remarks (facts, section 2: `errors` may be one string, with the record created)
    stand_in.inject(Fault(kind))
    # When the call is created Then it is, and the remarks stand beside its id
    body = create(stand_in).json()
    stored = stand_in.voice_call("contact-1")
    assert stored is not None
    assert body["voiceCallId"] == stored.voice_call_id
    assert isinstance(body["errors"], shape)
    assert body["errors"]


def test_a_followed_redirect_is_counted(stand_in: SalesforceStandIn) -> None:
    # Given a redirect When a client does not follow it Then nothing is counted or stored
    stand_in.inject(Fault("redirect", times=2))
    assert create(stand_in).status_code == 302
    assert stand_in.redirects_followed() == 0
    # When a client follows it Then that is counted, and finds nothing
    response = requests.post(
        f"{stand_in.base_url}/voiceCalls",
        json=new_call(stand_in.identity),
        headers=headers(stand_in.identity),
        timeout=PATIENCE,
    )
    assert [answer.status_code for answer in response.history] == [302]
    assert stand_in.redirects_followed() == 1
    assert stand_in.voice_calls() == []


@pytest.mark.parametrize("kind", ["trickle_body", "trickle_headers"])
def test_a_trickle_arrives_byte_by_byte(stand_in: SalesforceStandIn, kind: str) -> None:
    # Given an answer one byte at a time, each far within the client's read time-out
    stand_in.inject(Fault(kind, seconds=0.002))
    # When the call is created Then the answer is whole in the end, all its pauses later
    started = time.monotonic()
    assert create(stand_in, timeout=5).json()["voiceCallId"].startswith("0LQ")
    assert time.monotonic() - started >= 0.002 * len('{"voiceCallId": "", "errors": []}')
    assert len(stand_in.voice_calls()) == STORED


def test_a_wrong_clock_shows_in_the_date(stand_in: SalesforceStandIn) -> None:
    # Given a server whose clock is an hour behind
    stand_in.inject(Fault("wrong_clock", seconds=-3600))
    # When the call is created Then the token is refused, and Date says why
    response = create(stand_in)
    assert response.status_code == 401
    date = parsedate_to_datetime(response.headers["Date"]).timestamp()
    assert date == pytest.approx(time.time() - 3600, abs=PATIENCE)
    assert len(stand_in.voice_calls()) == NOT_STORED


def test_an_endless_body_goes_on_until_released(stand_in: SalesforceStandIn) -> None:
    # Given a body without end
    stand_in.inject(Fault("endless_body"))
    response = requests.post(
        f"{stand_in.base_url}/voiceCalls",
        json=new_call(stand_in.identity),
        headers=headers(stand_in.identity),
        timeout=PATIENCE,
        stream=True,
    )
    # When it is read Then there is always more, and the call is stored
    chunks = response.iter_content(1024)
    assert [len(next(chunks)) for _ in range(5)] == [1024] * 5
    assert len(stand_in.voice_calls()) == STORED
    # And it ends, unfinished, when the faults are cleared
    stand_in.clear_faults()
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        list(chunks)


def test_a_body_is_cut_off(stand_in: SalesforceStandIn) -> None:
    """When the body is shorter than announced, Then the client is told by its HTTP library."""
    stand_in.inject(Fault("cut_off_body"))
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        create(stand_in)
    assert len(stand_in.voice_calls()) == STORED


def test_not_http(stand_in: SalesforceStandIn) -> None:
    """When the answer is not HTTP, Then the client cannot read a status line."""
    stand_in.inject(Fault("not_http"))
    with pytest.raises(requests.ConnectionError, match="BadStatusLine"):
        create(stand_in)
    assert len(stand_in.voice_calls()) == STORED


@pytest.mark.parametrize("kind", ["body_not_json", "errors_string", "status_after_storing"])
def test_a_fault_makes_no_success_of_a_refusal(stand_in: SalesforceStandIn, kind: str) -> None:
    # Given a fault that shapes the answer of a call that is stored
    stand_in.inject(Fault(kind, status=202))
    # When the call is refused Then the refusal is answered
    assert create(stand_in, to="").status_code == 400


@pytest.mark.parametrize("kind", ["status", "redirect", "wrong_clock", "hang"])
def test_a_fault_spends_the_token(stand_in: SalesforceStandIn, kind: str) -> None:
    # Given a request that met a fault
    once = {**headers(stand_in.identity), "Connection": "close"}
    stand_in.inject(Fault(kind, status=503, seconds=1))

    def attempt(timeout: float) -> int:
        url, body = f"{stand_in.base_url}/voiceCalls", new_call(stand_in.identity)
        answer = requests.post(url, json=body, headers=once, timeout=timeout, allow_redirects=False)
        return answer.status_code

    if kind == "hang":
        with pytest.raises(requests.ReadTimeout):
            attempt(1.0)
    else:
        assert attempt(PATIENCE) in (503, 302, 401)
    # When it is tried again with the same token Then Salesforce has seen its jti
    assert attempt(PATIENCE) == 401


def test_times_and_order(stand_in: SalesforceStandIn) -> None:
    # Given faults one behind the other, the last for ever
    stand_in.inject(Fault("status", status=500, times=2))
    stand_in.inject(Fault("status", status=429))
    stand_in.inject(Fault("status", status=503, times=None))
    # When calls come Then each takes the first that is left, until they are cleared
    assert [create(stand_in).status_code for _ in range(5)] == [500, 500, 429, 503, 503]
    stand_in.clear_faults()
    assert create(stand_in).status_code == 200


def test_a_fault_is_for_the_requests_it_names(stand_in: SalesforceStandIn) -> None:
    # Given faults for one call, one method, one path
    record_id = stand_in.add_voice_call("seeded")
    stand_in.inject(Fault("status", status=403, vendor_call_key="chosen"))
    stand_in.inject(Fault("status", status=404, method="*", vendor_call_key="seeded"))
    stand_in.inject(Fault("status", status=409, method="patch", path_contains="/other"))
    # When others come Then they pass
    assert create(stand_in).status_code == 200
    assert update(stand_in, "contact-1", {}).status_code == 200
    assert create(stand_in, vendorCallKey="other").status_code == 200
    # When they come themselves Then they are hit, also under their record id
    assert create(stand_in, vendorCallKey="chosen").status_code == 403
    assert update(stand_in, record_id, {}).status_code == 404
    assert update(stand_in, "other", {}).status_code == 409


def test_fault_for_every_method(stand_in: SalesforceStandIn) -> None:
    """Given a fault without a method, as JSON has it, then whatever is asked meets it."""
    fault = {"kind": "status", "status": 503, "method": None, "times": None}
    injected = requests.post(f"{stand_in.admin_url}/faults", json=fault, timeout=PATIENCE)
    assert (injected.status_code, injected.json()[0]["method"]) == (201, None)
    assert create(stand_in).status_code == update(stand_in, "contact-1", {}).status_code == 503


def test_a_fault_is_used_up_once_however_many_come(stand_in: SalesforceStandIn) -> None:
    # Given a fault for three requests
    stand_in.inject(Fault("status", status=503, times=3))
    answers: list[int] = []
    # When ten come at once
    threads = [
        threading.Thread(target=lambda: answers.append(create(stand_in).status_code))
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


def test_the_journal_tells_the_request_without_the_token(stand_in: SalesforceStandIn) -> None:
    # Given a request with a token
    payload = claims(stand_in.identity)
    raw = token(stand_in.identity)
    request = b"POST /telephony/v1/voiceCalls?x=%2F HTTP/1.1\r\nauthorization: Bearer " + (
        raw.encode() + b"\r\nConnection: close\r\nContent-Length: 5\r\n\r\n{oops"
    )
    # When it is received
    exchange_raw(stand_in, request)
    # Then the journal has it as it came, with claims for the token
    (exchange,) = stand_in.journal()
    assert (exchange.method, exchange.path) == ("POST", "/telephony/v1/voiceCalls?x=%2F")
    assert exchange.headers["Authorization"]["sub"] == payload["sub"]
    assert exchange.headers["Content-Length"] == "5"
    assert exchange.body == "{oops"
    assert (exchange.status, exchange.fault) == (400, "")
    assert raw not in repr(exchange)
    assert exchange.at == pytest.approx(time.time(), abs=PATIENCE)
