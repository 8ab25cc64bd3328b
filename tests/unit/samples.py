"""Inputs the tests start from. Every id and number is invented."""

import base64
import functools
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from tests.samples.contact_events import envelope
from tests.samples.flow_events import contact_data
from tests.samples.flow_events import flow_event as whole_flow_event
from tests.samples.members import (
    CONTACT_ID,
    CUSTOMER,
    INSTANCE_ARN,
    INSTANCE_ID,
    SYSTEM,
    changed,
)
from tests.samples.stream_records import stream_record as whole_stream_record
from voicecall_bridge.contact import Channel, Contact, InitiationMethod, Queue
from voicecall_bridge.contact_centers.registry import ContactCenterRegistry
from voicecall_bridge.telephony.answers import SalesforceResult

PARENT_ID = "c0000000-aaaa-4bbb-8ccc-000000000000"
QUEUE_ARN = f"{INSTANCE_ARN}/queue/90000001-aaaa-4bbb-8ccc-000000000001"
VOICE_CALL_ID = "0LQ000000000001AAA"
ORG_ID = "00D000000000001AAA"
CALL_CENTER = "Support_Center"
BASE_URL = "https://example.my.salesforce-scrt.com/telephony/v1"
SECRET_ID = "SalesforceServiceVoice/example"
CENTERS = ContactCenterRegistry.of(SECRET_ID)
"""A stack with one contact center."""
CENTER = CENTERS.default
_SECRETS = "arn:aws:secretsmanager:us-west-2:111122223333:secret"
FIRST_ARN, SECOND_ARN = f"{_SECRETS}:sales/first-a1B2c3", f"{_SECRETS}:sales/second-d4E5f6"
TWO_CENTERS = ContactCenterRegistry.of(FIRST_ARN, [SECOND_ARN])
"""A stack with two contact centers: a contact that names sales/second belongs to the second."""
FIRST, SECOND = TWO_CENTERS.known["sales/first"], TWO_CENTERS.known["sales/second"]


def flow_event(
    method: object = "createVoiceCall",
    parameters: dict[str, object] | None = None,
    **changes: object,
) -> dict[str, Any]:
    """The event of a Lambda block; `changes` are members of ContactData."""
    return whole_flow_event(contact_data(**changes), {"methodName": method, **(parameters or {})})


def a_contact(**changes: Any) -> Contact:
    """An inbound telephone call."""
    facts: dict[str, Any] = {
        "contact_id": CONTACT_ID,
        "instance_id": INSTANCE_ID,
        "channel": Channel.VOICE,
        "initiation_method": InitiationMethod.INBOUND,
        "initial_contact_id": CONTACT_ID,
        "customer_address": CUSTOMER,
        "system_address": SYSTEM,
    }
    return Contact(**facts | changes)


def created(
    voice_call_id: str = VOICE_CALL_ID, *remarks: str, attempts: int = 1, unknown: int = 0
) -> SalesforceResult:
    """Salesforce's answer to a create."""
    members = {"voiceCallId": voice_call_id, "errors": list(remarks)}
    return SalesforceResult(members, attempts, unknown)


def a_transfer(**changes: Any) -> Contact:
    """A transfer leg with its parent and queue."""
    facts: dict[str, Any] = {
        "initiation_method": InitiationMethod.TRANSFER,
        "initial_contact_id": PARENT_ID,
        "previous_contact_id": PARENT_ID,
        "queue": Queue(QUEUE_ARN, "Support"),
    }
    return a_contact(**facts | changes)


@functools.cache
def key_pair(bits: int = 2048) -> tuple[str, str]:
    """Private and public key as PEM texts, made once a run."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private, public.decode()


def damaged_key(position: int) -> str:
    """A key file with one wrong byte."""
    key = load_pem_private_key(key_pair()[0].encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    der = bytearray(
        key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )
    der[position % len(der)] ^= 0x10
    text = base64.b64encode(der).decode()
    return f"-----BEGIN RSA PRIVATE KEY-----\n{text}\n-----END RSA PRIVATE KEY-----\n"


def secret(**changes: object) -> str:
    """The contact center's secret.

    Source: Salesforce's Voice implementation guide, "Configure the Secrets Manager secret".
    """
    values: dict[str, object] = {
        "SALESFORCE_ORG_ID": ORG_ID,
        "SCRT_ENDPOINT_BASE": BASE_URL,
        "CALL_CENTER_API_NAME": CALL_CENTER,
        f"{CALL_CENTER}-scrt-jwt-auth-private-key": key_pair()[0],
    }
    return json.dumps(changed(values, changes))


KEY_NAME = f"{CALL_CENTER}-scrt-jwt-auth-private-key"


def event_detail(kind: object = "QUEUED", **changes: object) -> dict[str, Any]:
    """The detail of a contact event of the first contact of a chain.

    Source: Amazon Connect administrator guide, "Contact events", sample events.
    """
    detail: dict[str, object] = {
        "eventType": kind,
        "contactId": CONTACT_ID,
        "channel": "VOICE",
        "instanceArn": INSTANCE_ARN,
        "initiationMethod": "INBOUND",
        "initiationTimestamp": "2026-11-20T10:00:00.120Z",
        "connectedToSystemTimestamp": "2026-11-20T10:00:00.120Z",
        "segmentAttributes": {"connect:Subtype": {"valueString": "connect:Telephony"}},
        "tags": {
            "aws:connect:instanceId": INSTANCE_ID,
            "aws:connect:systemEndpoint": SYSTEM,
        },
    }
    if kind in ("QUEUED", "CONNECTED_TO_AGENT", "DISCONNECTED"):
        detail["queueInfo"] = {
            "queueArn": QUEUE_ARN,
            "queueType": "STANDARD",
            "enqueueTimestamp": "2026-11-20T10:00:20.500Z",
        }
    if kind == "CONNECTED_TO_AGENT":
        detail["agentInfo"] = {
            "agentArn": f"{INSTANCE_ARN}/agent/a0000001-aaaa-4bbb-8ccc-000000000001",
            "connectedToAgentTimestamp": "2026-11-20T10:00:45.900Z",
        }
    if kind == "DISCONNECTED":
        detail["disconnectTimestamp"] = "2026-11-20T10:01:00.700Z"
    return changed(detail, changes)


def contact_event(
    kind: object = "QUEUED", time: object = "2026-11-20T10:00:20Z", **changes: object
) -> dict[str, Any]:
    """The whole envelope; `changes` are members of the detail."""
    return envelope(
        event_detail(kind, **changes),
        name="e0000000-aaaa-4bbb-8ccc-000000000003",
        at=time,
        resources=[INSTANCE_ARN],
    )


def transfer_event(kind: object = "QUEUED", **changes: object) -> dict[str, Any]:
    """An event of a transfer leg."""
    facts: dict[str, object] = {
        "initiationMethod": "TRANSFER",
        "initialContactId": PARENT_ID,
        "previousContactId": PARENT_ID,
    }
    return contact_event(kind, **facts | changes)


def stream_record(data: object, number: int = 1, key: str = CONTACT_ID) -> dict[str, Any]:
    """A record as Lambda passes it; bytes are the data themselves, all else becomes JSON."""
    content = data if isinstance(data, bytes) else json.dumps(data)
    return whole_stream_record(content, number, key=key)


def batch(*data: object) -> dict[str, Any]:
    """A batch with a record for each of the data, numbered from 1."""
    return {"Records": [stream_record(one, number) for number, one in enumerate(data, start=1)]}
