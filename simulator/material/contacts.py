"""The contacts of events, as DescribeContact would answer them.

Amazon Connect API Reference, Contact. Events of flows and contact records say more than contact
events, which have neither the caller's number nor attributes.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from simulator.material.recognition import Event
from simulator.samples.moments import is_relative

__all__ = ["KnownContact", "contacts_in"]

_TEXTS: Final = (
    *("Channel", "InitiationMethod", "InitialContactId", "PreviousContactId", "RelatedContactId"),
    *("CustomerId", "Name", "Description"),
)
_TIMES: Final = ("InitiationTimestamp", "ScheduledTimestamp", "LastUpdateTimestamp")
_EPOCH: Final = re.compile(r"1970-01-01T")


@dataclass(slots=True)
class KnownContact:
    """One contact.

    Attributes:
        contact_id: its id.
        members: what DescribeContact answers besides.
        sources: the sources that describe it.
    """

    contact_id: str
    members: dict[str, Any] = field(default_factory=dict)
    sources: set[str] = field(default_factory=set)


def contacts_in(events: Iterable[Event]) -> list[KnownContact]:
    """The contacts that events describe; what an earlier event says is kept."""
    known: dict[str, KnownContact] = {}
    for event in events:
        data = _contact_data(event)
        contact_id = _text(data, "contactid")
        if not contact_id:
            continue
        contact = known.setdefault(contact_id, KnownContact(contact_id))
        contact.sources.add(event.source)
        for name, value in _members_of(data, contact_id):
            contact.members.setdefault(name, value)
    return list(known.values())


def _contact_data(event: Event) -> Mapping[str, Any]:
    """The part of an event that is about the contact, its names in lower case."""
    payload = event.payload if isinstance(event.payload, dict) else {}
    part: Any = {}
    if event.source == "contact_flow":
        details = payload.get("Details")
        part = details.get("ContactData") if isinstance(details, dict) else {}
    elif event.source == "contact_events":
        part = payload.get("detail")
    elif event.source == "contact_records":
        part = payload
    members = part if isinstance(part, dict) else {}
    return {str(name).lower(): value for name, value in members.items()}


def _members_of(data: Mapping[str, Any], contact_id: str) -> Iterator[tuple[str, Any]]:
    for name in _TEXTS:
        text = _text(data, name.lower())
        if text and not (name.endswith("ContactId") and text == contact_id):
            yield name, text
    for name in _TIMES:
        text = _text(data, name.lower())
        if _is_time(text):
            yield name, text
    for name in ("CustomerEndpoint", "SystemEndpoint"):
        if endpoint := _endpoint(data.get(name.lower())):
            yield name, endpoint
    for name in ("Attributes", "Tags"):
        texts = data.get(name.lower())
        if isinstance(texts, dict) and texts:
            yield name, {key: text for key, text in texts.items() if isinstance(text, str)}
    if queue := _queue(data):
        yield "QueueInfo", {"Id": queue}


def _is_time(text: str) -> bool:
    if _EPOCH.match(text) or not text:
        return False
    if is_relative(text):
        return True
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _endpoint(value: Any) -> dict[str, str]:
    found = value if isinstance(value, dict) else {}
    members = {str(key).lower(): item for key, item in found.items()}
    address = _text(members, "address")
    if not address:
        return {}
    return {"Type": _text(members, "type") or "TELEPHONE_NUMBER", "Address": address}


def _queue(data: Mapping[str, Any]) -> str:
    for name in ("queue", "queueinfo"):
        value = data.get(name)
        members = value if isinstance(value, dict) else {}
        arn = members.get("ARN") or members.get("queueArn")
        if isinstance(arn, str):
            return arn.rpartition("/")[2]
    return ""


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""
