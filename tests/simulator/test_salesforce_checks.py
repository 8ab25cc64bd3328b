"""The simulator refuses what Salesforce refuses.

Rules: Voice implementation guide, "Generate a JWT", "Create a Voice Call Record".
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
import requests

from simulator.salesforce import ContactCenterIdentity, SalesforceSimulator, new_identity
from tests.simulator.salesforce_client import (
    PATIENCE,
    claims,
    create,
    exchange_raw,
    headers,
    new_call,
    send,
    signing_key,
    token,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WRONG_VALUES: dict[str, list[Any]] = {
    "vendorCallKey": [None, "", " ", 7, "\ud800"],
    "to": [None, "", " ", 7],
    "from": [None, "", " ", 7],
    "callCenterApiName": ["Another_Center"],
    "initiationMethod": ["Outbound", "inbound", "", None, []],
    "startTime": [
        "2026-10-20",
        "2026-10-20T10:00:00",
        "2026-10-20T10:00:00+02:00",
        "2026-10-20 10:00:00Z",
        "2026-13-20T10:00:00Z",
        "yesterday",
        1792490400,
    ],
    "participants": [
        None,
        {},
        [],
        ["+12065550101"],
        "END_USER",
        [{"participantKey": "+12065550101", "type": "HUMAN_AGENT"}],
        [{"participantKey": "+12065550101"}],
        [{"type": "END_USER"}],
        [{"participantKey": "", "type": "END_USER"}],
    ],
    "callAttributes": [{}, "", "{", "[]", "null", '{"a": NaN}'],
    "callOrigin": ["preview", "Manual", None],
    "callSubtype": ["WEBRTC", "pstn", None],
    "queue": ["", None, 7],
    "parentVoiceCallId": ["contact-0"],
}
DOCUMENTED_VALUES = {
    "startTime": [
        "2026-10-20T10:00:00.123Z",
        "2026-10-20T10:00:00.123456789Z",
        "2026-10-20T10:00:00+00:00",
    ],
    "callAttributes": ['{"Colour__c": "blue", "SourceType": "Phone"}'],
    "callOrigin": ["Preview", "Progressive", "Voicemail"],
    "callSubtype": ["PSTN", "WebRTC"],
    "vendorCallKey": ["контакт/1?x=ü"],
}


@pytest.fixture(scope="module")
def identity() -> ContactCenterIdentity:
    return new_identity(org_id="00D5e0000000001", call_center_api_name="AmazonConnect_Laptop")


@pytest.fixture
def salesforce(identity: ContactCenterIdentity) -> Iterator[SalesforceSimulator]:
    with SalesforceSimulator(identity) as running:
        yield running


def post(
    salesforce: SalesforceSimulator, header_changes: Mapping[str, str | None], body: Any = None
) -> requests.Response:
    """A create with headers changed, or left out where None."""
    merged = {**headers(salesforce.identity), "Content-Type": "application/json", **header_changes}
    return requests.post(
        f"{salesforce.base_url}/voiceCalls",
        json=body or new_call(salesforce.identity),
        headers=merged,
        timeout=PATIENCE,
    )


def refused(response: requests.Response, status: int, *words: str) -> None:
    body = response.json()
    assert response.status_code == status, body
    assert set(body) == {"errorCode", "message"}
    for word in words:
        assert word in body["message"]


def test_a_valid_create_is_answered_with_a_record_id(salesforce: SalesforceSimulator) -> None:
    # When a valid request comes
    response = create(salesforce)
    # Then the record exists, under an id of VoiceCall's shape
    body = response.json()
    assert (response.status_code, body["errors"]) == (200, [])
    assert len(body["voiceCallId"]) == 18
    assert body["voiceCallId"].startswith("0LQ")
    stored = salesforce.voice_call("contact-1")
    assert stored is not None
    assert stored.voice_call_id == body["voiceCallId"]
    assert stored.fields == new_call(salesforce.identity)
    assert (stored.source, stored.parent, stored.active) == ("POST", None, True)


@pytest.mark.parametrize("issuer", ["00D5e0000000001", "00D5e0000000001EAA"])
@pytest.mark.parametrize("org_id", ["00D5e0000000001", "00D5e0000000001EAA"])
def test_the_issuer_may_have_15_or_18_characters(org_id: str, issuer: str) -> None:
    """Given an org id in either form, When iss has either form, Then the token is accepted."""
    identity = new_identity(org_id=org_id, call_center_api_name="AmazonConnect_Laptop")
    signed = jwt.encode(
        {**claims(identity), "iss": issuer}, identity.private_key_pem, algorithm="RS256"
    )
    with SalesforceSimulator(identity) as running:
        assert post(running, {"Authorization": f"Bearer {signed}"}).status_code == 200


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"iss": "00D5e0000000002"}, "iss"),
        ({"iss": "00d5e0000000001"}, "iss"),
        ({"iss": None}, "iss"),
        ({"sub": "Another_Center"}, "sub"),
        ({"sub": None}, "sub"),
        ({"exp": int(time.time()) - 1}, "exp"),
        ({"exp": int(time.time()) + 25 * 3600}, "exp"),
        ({"exp": None}, "exp"),
        ({"exp": True}, "exp"),
        ({"iat": int(time.time()) + 3600}, "iat"),
        ({"iat": None}, "iat"),
        ({"jti": ""}, "jti"),
        ({"jti": 7}, "jti"),
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(
    salesforce: SalesforceSimulator, change: dict[str, Any], word: str
) -> None:
    # Given a token signed by the right key, with one claim changed, or left out (None)
    changed = {**claims(salesforce.identity), **change}
    wrong = {name: value for name, value in changed.items() if value is not None}
    # PyJWT's own encode refuses an iss or a jti that is not a text; the plain signer does not
    signed = jwt.PyJWS().encode(
        json.dumps(wrong).encode(),
        signing_key(salesforce.identity),
        algorithm="RS256",
    )
    # When it is used Then the answer is 401 and names the claim, and nothing is stored
    refused(post(salesforce, {"Authorization": f"Bearer {signed}"}), 401, word)
    assert salesforce.voice_calls() == []


def test_a_token_signed_by_another_key_is_refused(salesforce: SalesforceSimulator) -> None:
    # Given a contact center of the same name with a key pair of its own
    other = new_identity(
        org_id=salesforce.identity.org_id,
        call_center_api_name=salesforce.identity.call_center_api_name,
    )
    # When its token is used Then it is refused
    refused(post(salesforce, {"Authorization": f"Bearer {token(other)}"}), 401, "token")


@pytest.mark.parametrize("algorithm", ["HS256", "PS256", "RS512", "none"])
def test_only_rs256_is_accepted(salesforce: SalesforceSimulator, algorithm: str) -> None:
    # Given a token that is right but for its algorithm
    keys = {"HS256": "a shared secret that is long enough for HS256", "none": ""}
    key = keys.get(algorithm, signing_key(salesforce.identity))
    signed = jwt.encode(claims(salesforce.identity), key, algorithm=algorithm)
    # When it is used Then it is refused
    refused(post(salesforce, {"Authorization": f"Bearer {signed}"}), 401, "token")


@pytest.mark.parametrize("value", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer a.b.c"])
def test_no_token_is_refused(salesforce: SalesforceSimulator, value: str | None) -> None:
    """When Authorization is missing or holds no token, Then the answer is 401."""
    refused(post(salesforce, {"Authorization": value}), 401)


def test_a_jti_is_good_once(salesforce: SalesforceSimulator) -> None:
    # Given a token that was used
    once = {"Authorization": f"Bearer {token(salesforce.identity)}"}
    assert post(salesforce, once).status_code == 200
    # When it is used again Then it is refused, also for another call
    refused(post(salesforce, once), 401, "jti")
    refused(
        post(salesforce, once, new_call(salesforce.identity, vendorCallKey="other")), 401, "jti"
    )


def test_a_token_without_jti_is_good_twice(salesforce: SalesforceSimulator) -> None:
    # Given a token without jti, which is optional
    without = claims(salesforce.identity)
    del without["jti"]
    signed = jwt.encode(without, salesforce.identity.private_key_pem, algorithm="RS256")
    # When it is used twice Then it is accepted twice
    for _ in range(2):
        assert post(salesforce, {"Authorization": f"Bearer {signed}"}).status_code == 200


@pytest.mark.parametrize("value", [None, ""])
def test_the_provider_must_be_named(salesforce: SalesforceSimulator, value: str | None) -> None:
    """When Telephony-Provider-Name is missing or empty, Then the answer is 400."""
    refused(post(salesforce, {"Telephony-Provider-Name": value}), 400, "Telephony-Provider-Name")


@pytest.mark.parametrize("value", [None, "text/plain", "application/xml", "application/jsonx"])
def test_the_content_type_must_be_json(salesforce: SalesforceSimulator, value: str | None) -> None:
    """When the Content-Type is missing or not JSON, Then the answer is 415."""
    response = requests.post(
        f"{salesforce.base_url}/voiceCalls",
        data=b"{}",
        headers={**headers(salesforce.identity), "Content-Type": value},
        timeout=PATIENCE,
    )
    refused(response, 415, "application/json")


def test_the_content_type_may_name_a_charset(salesforce: SalesforceSimulator) -> None:
    """When the Content-Type is JSON with a charset, in any case, Then it is accepted."""
    response = post(salesforce, {"Content-Type": "Application/JSON; charset=utf-8"})
    assert response.status_code == 200


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"text"', b"null", b'{"to": NaN}', b"\xff", b"[" * 200_000],
    ids=["empty", "cut", "array", "text", "null", "NaN", "not UTF-8", "deep"],
)
def test_the_body_must_be_a_json_object(salesforce: SalesforceSimulator, body: bytes) -> None:
    """When the body is not a JSON object, Then the answer is 400."""
    response = requests.post(
        f"{salesforce.base_url}/voiceCalls",
        data=body,
        headers={**headers(salesforce.identity), "Content-Type": "application/json"},
        timeout=PATIENCE,
    )
    refused(response, 400, "body")


@pytest.mark.parametrize(
    "name",
    [
        "callCenterApiName",
        "vendorCallKey",
        "to",
        "from",
        "initiationMethod",
        "startTime",
        "participants",
    ],
)
def test_a_required_property_that_is_missing_is_named(
    salesforce: SalesforceSimulator, name: str
) -> None:
    # Given a body without one property
    body = new_call(salesforce.identity)
    del body[name]
    # When it is posted Then the answer is 400 and names it
    refused(send(salesforce, "POST", "/voiceCalls", body), 400, name, "required")
    assert salesforce.voice_calls() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in WRONG_VALUES.items() for value in values],
)
def test_a_property_with_a_wrong_value_is_named(
    salesforce: SalesforceSimulator, name: str, value: Any
) -> None:
    """When an inbound call has one wrong value, Then the answer is 400 and names the property."""
    refused(create(salesforce, **{name: value}), 400, name)
    assert salesforce.voice_calls() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in DOCUMENTED_VALUES.items() for value in values],
)
def test_a_documented_value_is_stored(
    salesforce: SalesforceSimulator, name: str, value: str
) -> None:
    # When a call with a documented value is created
    changes: dict[str, Any] = {name: value}
    response = create(salesforce, **changes)
    # Then it is stored as it was sent
    assert response.status_code == 200, response.text
    assert [record.fields[name] for record in salesforce.voice_calls()] == [value]


def test_a_transfer_needs_a_parent(salesforce: SalesforceSimulator) -> None:
    """When a transfer names no parent, or an unknown one, Then the answer is 400."""
    refused(create(salesforce, initiationMethod="Transfer"), 400, "parentVoiceCallId", "required")
    unknown = create(salesforce, initiationMethod="Transfer", parentVoiceCallId="contact-0")
    refused(unknown, 400, "parentVoiceCallId", "known")


def test_a_parent_may_be_named_by_key_or_by_record_id(salesforce: SalesforceSimulator) -> None:
    # Given a parent
    record_id = salesforce.add_voice_call("contact-0")
    for number, parent in enumerate(["contact-0", record_id, record_id[:15]], start=1):
        # When a transfer names it by its key, or by its id in either form
        response = create(
            salesforce,
            vendorCallKey=f"leg-{number}",
            initiationMethod="Transfer",
            parentVoiceCallId=parent,
            queue="arn:aws:connect:us-west-2:111122223333:instance/i/queue/q",
        )
        # Then the parent is found
        assert response.status_code == 200, response.text
        stored = salesforce.voice_call(f"leg-{number}")
        assert stored is not None
        assert stored.parent == "contact-0"


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (b"Content-Length: many\r\n\r\n", b" 400 "),
        (b"Content-Length: 99999999\r\n\r\n", b" 413 "),
        (b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b" 411 "),
    ],
)
def test_a_request_that_cannot_be_read_is_refused_and_the_connection_closed(
    salesforce: SalesforceSimulator, message: bytes, status: bytes
) -> None:
    """When a body has no usable length, Then it is refused and nothing more is read."""
    start = b"POST /telephony/v1/voiceCalls HTTP/1.1\r\nHost: localhost\r\n"
    answer = exchange_raw(salesforce, start + message)
    assert status in answer.split(b"\r\n")[0]
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("org_id", ["", "00D", "005e00000000001AAA", "00D5e00000000_1"])
def test_an_identity_needs_an_org_id(org_id: str) -> None:
    """When the org id is invalid, Then the error shows the right form."""
    with pytest.raises(ValueError, match="org_id"):
        new_identity(org_id=org_id, call_center_api_name="AmazonConnect_Laptop")


@pytest.mark.parametrize("name", ["", "1Center", "Amazon Connect", "a/b"])
def test_an_identity_needs_an_api_name(name: str) -> None:
    """When the API name is invalid, Then the error says so."""
    with pytest.raises(ValueError, match="call_center_api_name"):
        new_identity(org_id="00D5e0000000001", call_center_api_name=name)


def test_the_secret_has_the_shape_that_salesforce_provisions(
    identity: ContactCenterIdentity,
) -> None:
    # When the secret is made (guide, "Configure the Secrets Manager secret")
    secret = identity.secret("http://127.0.0.1:1/telephony/v1")
    # Then it has the four keys, and the key is not shown with the identity
    assert secret == {
        "SALESFORCE_ORG_ID": "00D5e0000000001",
        "SCRT_ENDPOINT_BASE": "http://127.0.0.1:1/telephony/v1",
        "CALL_CENTER_API_NAME": "AmazonConnect_Laptop",
        "AmazonConnect_Laptop-scrt-jwt-auth-private-key": identity.private_key_pem,
    }
    assert "PRIVATE KEY" not in repr(identity)
