"""The client's requests pass every check of Salesforce's, as the simulator makes them.

Source: Voice implementation guide, "Generate a JWT", "Create a Voice Call Record".
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.telephony import CUSTOMER, SYSTEM, Caller, Vault
from voicecall_bridge.voice_call.create import CallInitiation, Participant

if TYPE_CHECKING:
    from simulator.salesforce import SalesforceSimulator

TRANSFER = {
    "initiation_method": CallInitiation.TRANSFER,
    "vendor_call_key": "contact-2",
    "parent_voice_call_id": "contact-0",
}
QUEUE_ARN = (
    "arn:aws:connect:us-west-2:111122223333:instance/0f0e0d0c-1111-4222-8333-444455556666/queue/q1"
)
CALLS: dict[str, dict[str, Any]] = {
    "inbound": {},
    "withheld number": {"from_": "anonymous", "participants": (Participant("anonymous"),)},
    "transfer": TRANSFER,
    "transfer with queue": {**TRANSFER, "queue": QUEUE_ARN},
    "WebRTC": {"call_subtype": "WebRTC", "to": "WebRTC_Default", "from_": "ada@example.com"},
    "call origin": {"call_origin": "Voicemail"},
    "attributes": {"call_attributes": '{"Region__c": "Z\\u00fcrich \\"west\\"", "Empty__c": ""}'},
}


@pytest.mark.parametrize("changes", CALLS.values(), ids=CALLS.keys())
def test_every_kind_of_call_is_accepted(
    salesforce: SalesforceSimulator, caller: Caller, changes: dict[str, Any]
) -> None:
    """Given a known parent; when a call is created; then it is stored as it was sent."""
    salesforce.add_voice_call("contact-0")
    made = caller.create(**changes)
    record = salesforce.voice_call(changes.get("vendor_call_key", "contact-1"))
    assert record is not None
    assert record.voice_call_id == made.voice_call_id
    assert made.remarks == ()
    assert (made.attempts, made.unknown_attempts) == (1, 0)
    [exchange] = salesforce.journal()
    assert (exchange.method, exchange.path) == ("POST", "/telephony/v1/voiceCalls")
    assert record.fields == exchange.body


def test_the_body_has_the_documented_properties(
    salesforce: SalesforceSimulator, caller: Caller
) -> None:
    """Given an inbound call; when it is created; then only its own properties are sent."""
    caller.create()
    [exchange] = salesforce.journal()
    assert exchange.body == {
        "callCenterApiName": "SupportCenter",
        "vendorCallKey": "contact-1",
        "to": SYSTEM,
        "from": CUSTOMER,
        "initiationMethod": "Inbound",
        "startTime": "2026-10-20T10:00:00Z",
        "participants": [{"participantKey": CUSTOMER, "type": "END_USER"}],
        "callSubtype": "PSTN",
    }


def test_headers_and_claims_are_the_documented_ones(
    salesforce: SalesforceSimulator, caller: Caller
) -> None:
    """Given the default settings; when a call is created; then its token lives two minutes."""
    before = int(time.time())
    caller.create()
    [exchange] = salesforce.journal()
    claims = exchange.headers["Authorization"]
    assert exchange.headers["Content-Type"] == "application/json"
    assert exchange.headers["Telephony-Provider-Name"] == "amazon-connect"
    assert set(claims) == {"iss", "sub", "iat", "exp", "jti"}
    assert (claims["iss"], claims["sub"]) == ("00D000000000001", "SupportCenter")
    assert before <= claims["iat"] <= time.time()
    assert claims["exp"] - claims["iat"] == 120


def test_provider_name_and_audience_are_settings(salesforce: SalesforceSimulator) -> None:
    """Given both settings; when a call is created; then both are sent (older guides' `aud`)."""
    vault = Vault(salesforce.identity.secret(salesforce.base_url))
    audience = "https://scrt.salesforce.com"
    with Caller(vault, audience=audience, provider="Amazon Connect") as caller:
        caller.create()
    [exchange] = salesforce.journal()
    assert exchange.headers["Telephony-Provider-Name"] == "Amazon Connect"
    assert exchange.headers["Authorization"]["aud"] == audience


@pytest.mark.parametrize(
    "key",
    [
        # SCVL can be led to the first path; the others are invented.
        "abc/../../admin?x=1",
        "abc%2F..%2Fadmin#fragment",
        'quote" back\\slash \r\nX-Injected: yes',
        "Zürich ✓ 電話",
        "x" * 256,
    ],
)
def test_a_contact_id_never_leaves_the_body(
    salesforce: SalesforceSimulator, caller: Caller, key: str
) -> None:
    """Given any contact id; when a call is created; then path and headers stay unchanged."""
    caller.create(vendor_call_key=key)
    [exchange] = salesforce.journal()
    assert exchange.path == "/telephony/v1/voiceCalls"
    assert exchange.body["vendorCallKey"] == key
    assert "X-Injected" not in exchange.headers
    record = salesforce.voice_call(key)
    assert record is not None
    assert record.vendor_call_key == key


def test_the_secret_is_read_once(salesforce: SalesforceSimulator, caller: Caller) -> None:
    """Given a client; when it creates three calls; then it has read the secret once."""
    for number in range(3):
        caller.create(vendor_call_key=f"contact-{number}")
    assert caller.vault.reads == 1
    assert len(salesforce.voice_calls()) == 3
