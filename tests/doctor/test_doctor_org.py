"""`bridge doctor` asks the org, here the simulator: it reports each fault and stores nothing."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from doctor.findings import Finding, Verdict
from doctor.org import CLOCK, TOKEN, Org
from simulator.salesforce import Fault, SalesforceSimulator, new_identity
from tests.contract.servers import refusing_server, silent_server
from voicecall_bridge.contact_centers.secret import ContactCenterSecret

if TYPE_CHECKING:
    from collections.abc import Iterator

IDENTITY = new_identity(org_id="00D5e0000000001EAA", call_center_api_name="AmazonConnect_West")
OTHER = new_identity(org_id="00D5e0000000001EAA", call_center_api_name="AmazonConnect_West")
ANSWER_SECONDS = 10.0
BOUND_SECONDS = 0.7
"""For servers that never answer: what is waited for such an answer in a test."""


def center(base_url: str, **changes: Any) -> ContactCenterSecret:
    return replace(
        ContactCenterSecret(
            org_id=IDENTITY.org_id,
            api_name=IDENTITY.call_center_api_name,
            base_url=base_url,
            private_key=IDENTITY.private_key_pem,
        ),
        **changes,
    )


@pytest.fixture
def salesforce() -> Iterator[SalesforceSimulator]:
    """A simulator that must have stored nothing, and must only have been asked to clear routing."""
    with SalesforceSimulator(IDENTITY) as running:
        yield running
        assert running.voice_calls() == []
        assert all(
            it.method == "PATCH" and it.path.endswith("/clearRouting") for it in running.journal()
        )


def examine(base_url: str, seconds: float = ANSWER_SECONDS, **changes: Any) -> dict[str, Finding]:
    findings = list(Org(center(base_url, **changes), seconds=seconds).examine())
    assert all(bool(it.change) is (it.verdict in ("FAULT", "warning")) for it in findings)
    return {it.check: it for it in findings}


def test_accepted(salesforce: SalesforceSimulator) -> None:
    """Given a right secret, then the answer for an unknown id shows that the token is accepted."""
    found = examine(salesforce.base_url)

    assert {it.verdict for it in found.values()} == {Verdict.OK}
    assert "404 for an id that no call has; 401 for a token of another key" in found[TOKEN].text
    paths = [it.path for it in salesforce.journal()]
    assert len(set(paths)) == 2
    assert salesforce.journal()[0].headers["Telephony-Provider-Name"] == "amazon-connect"


@pytest.mark.parametrize(
    "changes",
    [
        {"private_key": OTHER.private_key_pem},
        {"org_id": "00D5e0000000002"},
        {"api_name": "AmazonConnect_East"},
    ],
    ids=["another key", "another org", "another contact center"],
)
def test_refused(salesforce: SalesforceSimulator, changes: dict[str, Any]) -> None:
    """Given a key that is not the certificate's, or another org or contact center, then the finding
    for 401 says where to look, and does not name the clock."""
    found = examine(salesforce.base_url, **changes)

    assert found[CLOCK].verdict is Verdict.OK
    assert found[TOKEN].verdict is Verdict.FAULT
    assert "401" in found[TOKEN].text
    for part in ("certificate", "SALESFORCE_ORG_ID", "CALL_CENTER_API_NAME"):
        assert part in found[TOKEN].change


def test_key_of_1024_bits(salesforce: SalesforceSimulator) -> None:
    """Given a key of 1024 bits, which Salesforce takes, then the org is asked as with any other
    key, without a library's warning (here it would be an error)."""
    key = rsa.generate_private_key(65537, 1024)
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    assert "401" in examine(salesforce.base_url, private_key=text)[TOKEN].text


@pytest.mark.parametrize(
    ("ahead", "verdict", "said"),
    [
        (-600, Verdict.FAULT, "behind Salesforce's: a token (exp: 120 s) has expired"),
        (-60, Verdict.WARNING, "behind Salesforce's: a token lives"),
        (60, Verdict.WARNING, "ahead of Salesforce's: a token's iat lies in the future"),
        (600, Verdict.FAULT, "ahead of Salesforce's: a token's iat lies in the future"),
    ],
)
def test_clock(ahead: int, verdict: Verdict, said: str) -> None:
    """Given a clock that is off, then the finding says by how much and what that does to a token. A
    good key is reported as good all the same."""
    with SalesforceSimulator(IDENTITY, clock=lambda: time.time() - ahead) as running:
        found = examine(running.base_url)
        assert running.voice_calls() == []

    assert found[CLOCK].verdict is verdict
    assert said in found[CLOCK].text
    assert abs(int(found[CLOCK].text.split()[0]) - abs(ahead)) <= 2
    assert found[TOKEN].verdict is Verdict.OK
    by_other_clock = "signed by Salesforce's clock" in found[TOKEN].text
    assert by_other_clock is (verdict is Verdict.FAULT)


@pytest.mark.parametrize("ahead", [-600, 600])
def test_clock_and_key(ahead: int) -> None:
    """Given a clock that is off and a wrong key, then the key's fault is reported as well."""
    with SalesforceSimulator(IDENTITY, clock=lambda: time.time() - ahead) as running:
        found = examine(running.base_url, private_key=OTHER.private_key_pem)

    assert found[CLOCK].verdict in (Verdict.FAULT, Verdict.WARNING)
    assert found[TOKEN].verdict is Verdict.FAULT


PAGE = {"Content-Type": "text/html"}


@pytest.mark.parametrize(
    ("fault", "verdict", "said"),
    [
        ({"status": 401}, Verdict.FAULT, "refused (401)"),
        ({"status": 403}, Verdict.FAULT, "not allowed (403)"),
        ({"status": 403, "headers": PAGE, "body": "<html>"}, Verdict.FAULT, "a firewall's"),
        ({"status": 429}, Verdict.FAULT, "limit of the org"),
        ({"status": 500}, Verdict.FAULT, "Salesforce fails (500)"),
        ({"status": 503, "headers": PAGE, "body": "<html>"}, Verdict.FAULT, "down"),
        ({"status": 418}, Verdict.FAULT, "418"),
        ({"status": 404, "headers": PAGE, "body": "<html>"}, Verdict.FAULT, "not the API"),
        ({"status": 200, "headers": PAGE, "body": "<html>"}, Verdict.FAULT, "HTML page with 200"),
        ({"status": 200, "body": "pong"}, Verdict.FAULT, "without a JSON object"),
        ({"status": 301}, Verdict.FAULT, "redirect (301)"),
        ({"kind": "redirect"}, Verdict.FAULT, "redirect (302)"),
        # Any token gets the same answer: the org does not look at it.
        ({"status": 404}, Verdict.FAULT, "checks no token"),
        ({"status": 200, "body": {}}, Verdict.FAULT, "checks no token"),
        ({"status": 400, "times": 1}, Verdict.OK, "400 for an id"),
        ({"status": 204, "body": "", "times": 1}, Verdict.OK, "204 for an id"),
        ({"kind": "reset_before"}, Verdict.FAULT, "no answer that can be read"),
        ({"kind": "not_http"}, Verdict.FAULT, "no answer that can be read"),
    ],
)
def test_answers(
    salesforce: SalesforceSimulator, fault: dict[str, Any], verdict: Verdict, said: str
) -> None:
    """Given an answer, then the finding says what it means."""
    # Only faults that process no request replace a 404 by another answer.
    salesforce.inject(Fault(**{"kind": "status", "times": None, "method": "PATCH", **fault}))
    found = examine(salesforce.base_url)

    assert (found[TOKEN].verdict, said in found[TOKEN].text) == (verdict, True), found[TOKEN]
    assert salesforce.redirects_followed() == 0


def test_second_question_without_an_answer(salesforce: SalesforceSimulator) -> None:
    """Given a token that seems accepted and a limit right after, then the verdict is a warning."""
    salesforce.inject(Fault("status", status=404, method="PATCH"))
    salesforce.inject(Fault("status", status=429, method="PATCH"))
    finding = examine(salesforce.base_url)[TOKEN]

    assert finding.verdict is Verdict.WARNING
    assert "it seems" in finding.text


@pytest.mark.parametrize("kind", ["hang", "trickle_headers"])
def test_answer_that_never_comes(salesforce: SalesforceSimulator, kind: str) -> None:
    """Given a server that hangs, or sends a byte now and then, then the wait is bounded (a late
    answer would be reported), and no request is repeated."""
    salesforce.inject(Fault(kind, times=None, method="PATCH", seconds=0.2))
    found = examine(salesforce.base_url, BOUND_SECONDS)
    salesforce.clear_faults()

    assert found[TOKEN].verdict is Verdict.FAULT
    assert "came in time" in found[TOKEN].text
    assert found[CLOCK].verdict is Verdict.UNCHECKED
    assert len(salesforce.journal()) <= 1


def test_no_server_there() -> None:
    with refusing_server() as port:
        found = examine(f"http://127.0.0.1:{port}/telephony/v1")

    assert (found[TOKEN].verdict, found[TOKEN].text) == (
        Verdict.FAULT,
        "not asked: no connection",
    )


def test_silent_server() -> None:
    with silent_server() as port:
        found = examine(f"http://127.0.0.1:{port}/telephony/v1", BOUND_SECONDS)

    assert found[TOKEN].verdict is Verdict.FAULT


def test_audience(salesforce: SalesforceSimulator) -> None:
    """Given an audience and a provider, then the token and the header carry them."""
    org = Org(
        center(salesforce.base_url), provider="Amazon Connect", audience="https://aud.example"
    )
    list(org.examine())

    sent = salesforce.journal()[0].headers
    assert sent["Authorization"]["aud"] == "https://aud.example"
    assert sent["Telephony-Provider-Name"] == "Amazon Connect"
