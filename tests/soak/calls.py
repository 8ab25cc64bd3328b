"""Random calls: what Amazon Connect sends for each, each in its own order."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.samples.contact_events import envelope
from tests.samples.contact_records import contact_record
from tests.samples.flow_events import contact_data, flow_event
from tests.samples.members import INSTANCE_ARN, endpoint
from tests.soak.centers import NAMES, UNLISTED
from tests.soak.talk import records_of

if TYPE_CHECKING:
    import random

CANARY = "+12065550"
"""The start of every caller's number: it must be in no log."""
_QUEUE = {"queueArn": f"{INSTANCE_ARN}/queue/q", "enqueueTimestamp": "2026-11-20T10:00:00Z"}


@dataclass(slots=True)
class Input:
    """One input: a flow's event, a contact event, a contact record or Contact Lens' segments.

    Attributes:
        kind: flow, event, record or line.
        after: seconds after the call's beginning.
        chain: first contact of the chain.
        contact_id: the contact.
        body: what is sent, but for its times.
    """

    kind: str
    after: float
    chain: str
    contact_id: str
    body: dict[str, Any]


@dataclass(slots=True)
class Call:
    """A chain of contacts and what is sent of them.

    Attributes:
        contacts: as a contact flow has them.
        inputs: of all contacts.
        named: what flows name as the contact center; empty: nothing.
        unlisted: everything names a contact center that the stack does not list.
    """

    contacts: list[dict[str, Any]] = field(default_factory=list)
    inputs: list[Input] = field(default_factory=list)
    named: str = ""
    unlisted: bool = False


def new_call(chance: random.Random, begin: float) -> Call:
    """A call with up to two transfers."""
    call = Call()
    name = chance.choices(("", *NAMES, UNLISTED), (10, 1, 2, 1, 1))[0]
    by_attribute = chance.random() < 0.5
    call.named = "" if by_attribute else name
    call.unlisted = by_attribute and name == UNLISTED
    attribute = {"secretName": name} if name and by_attribute else {}
    for place in range(chance.choices((1, 2, 3), (6, 3, 1))[0]):
        contact_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        previous = call.contacts[-1]["ContactId"] if place else None
        call.contacts.append(
            contact_data(
                contact_id,
                Attributes={"sfdc-Place__c": str(place), **attribute},
                CustomerEndpoint=endpoint(f"{CANARY}{chance.randrange(1000):03d}"),
                InitialContactId=call.contacts[0]["ContactId"] if place else contact_id,
                InitiationMethod="TRANSFER" if place else "INBOUND",
                PreviousContactId=previous or contact_id,
            )
        )
        _inputs_of(call, place, chance, begin)
    return call


def _inputs_of(call: Call, place: int, chance: random.Random, begin: float) -> None:
    contact = call.contacts[place]
    base = 30.0 * place + chance.random()
    length = chance.choice((5.0, 40.0, 200.0))
    if chance.random() < 0.85:
        for repeat in range(chance.choices((1, 2, 3), (8, 1, 1))[0]):
            body = _flow(contact, place, _center(call, chance, repeat))
            call.inputs.append(_input(call, "flow", base + 2.0 * repeat, contact, body))
    abandoned = chance.random() < 0.2
    kinds = [("QUEUED", 1.0), ("DISCONNECTED", length), ("COMPLETED", length + 1)]
    if not abandoned:
        kinds.append(("CONNECTED_TO_AGENT", min(3.0, length)))
    for kind, after in kinds:
        for _ in range(chance.choices((1, 2), (9, 1))[0]):
            late = after + chance.choices((0.0, chance.uniform(0, 45)), (9, 1))[0]
            event = _event(contact, kind, begin + base + after, abandoned=abandoned)
            call.inputs.append(_input(call, "event", base + late, contact, event))
    if chance.random() < 0.02:
        unreadable = {
            "detail-type": "Amazon Connect Contact Event",
            "detail": {"eventType": "QUEUED"},
        }
        call.inputs.append(_input(call, "event", base, contact, unreadable))
    _records_of(call, contact, (begin, base, length), chance)


def _records_of(
    call: Call, contact: dict[str, Any], times: tuple[float, float, float], chance: random.Random
) -> None:
    """Contact Lens' records and contact records; `times`: the call's beginning, and the contact's
    beginning and length in seconds."""
    begin, base, length = times
    for after, segments in records_of(contact["ContactId"], chance, length):
        call.inputs.append(_input(call, "line", base + after, contact, segments))
    stamp = begin + base + length
    for version in range(1, chance.randrange(1, 4) + 1):
        stamp += chance.choice((0.0, 1.0, 60.0))
        for _ in range(chance.choices((1, 2), (9, 1))[0]):
            after = base + length + 2 + chance.uniform(0, 120)
            record = _record(contact, version, stamp)
            if not call.unlisted and chance.random() < 0.1:
                record["Attributes"]["secretName"] = chance.choice((*NAMES, UNLISTED))
            call.inputs.append(_input(call, "record", after, contact, record))


def _input(call: Call, kind: str, after: float, contact: dict[str, Any], body: Any) -> Input:
    return Input(kind, after, call.contacts[0]["ContactId"], contact["ContactId"], body)


def _center(call: Call, chance: random.Random, repeat: int) -> str:
    """The contact center in a flow's parameter. A repeat may name another one, and
    a first flow seldom does."""
    if not call.unlisted and chance.random() < (0.3 if repeat else 0.03):
        return chance.choice((*NAMES, UNLISTED))
    return call.named


def _flow(contact: dict[str, Any], place: int, center: str) -> dict[str, Any]:
    parameters = {"methodName": "createTransferVC" if place else "createVoiceCall"}
    if center:
        parameters["secretName"] = center
    return flow_event(contact, parameters)


def _event(contact: dict[str, Any], kind: str, moment: float, *, abandoned: bool) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "eventType": kind,
        "contactId": contact["ContactId"],
        "channel": "VOICE",
        "instanceArn": INSTANCE_ARN,
        "initiationMethod": contact["InitiationMethod"],
        "initiationTimestamp": _text(moment),
        "queueInfo": _QUEUE,
    }
    if contact["PreviousContactId"] != contact["ContactId"]:
        detail["previousContactId"] = contact["PreviousContactId"]
        detail["initialContactId"] = contact["InitialContactId"]
    if kind in ("DISCONNECTED", "COMPLETED"):
        detail["disconnectTimestamp"] = _text(moment)
        if not abandoned:
            detail["agentInfo"] = {"connectedToAgentTimestamp": _text(moment)}
    return envelope(detail, name=f"{kind} of {contact['ContactId']}", at=_text(moment))


def _record(contact: dict[str, Any], version: int, stamp: float) -> dict[str, Any]:
    marks = {"sfdc-Version": str(version), "sfdc-Stamp": str(int(stamp))}
    first = contact["PreviousContactId"] == contact["ContactId"]
    return contact_record(
        Agent=None,
        Attributes={**contact["Attributes"], **marks},
        ContactId=contact["ContactId"],
        CustomerEndpoint=contact["CustomerEndpoint"],
        DisconnectTimestamp=_text(stamp),
        InitialContactId=None if first else contact["InitialContactId"],
        InitiationMethod=contact["InitiationMethod"],
        InitiationTimestamp=_text(stamp - 100),
        LastUpdateTimestamp=_text(int(stamp)),
        PreviousContactId=None if first else contact["PreviousContactId"],
        Queue=None,
        Recording=None,
        Recordings=None,
    )


def _text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
