"""The facts of a contact in an input, a request to Salesforce or a log line. Pure.

Inputs are of other people's making, so every member may be missing or of another type.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from simulator.salesforce.api import ROUTES

_KEY_IN_PATH: Final = re.compile(r"/voiceCalls/(?:route/)?([^/?]+)")
_FILE_OF: Final = re.compile(r"([^/]+)_analysis_[^/]*\.json$")
_NOT_A_KEY: Final = frozenset(
    route.path[1] for route in ROUTES if len(route.path) > 1 and "{call}" not in route.path
)
"""The segments after voiceCalls in the paths that name no call."""


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """The facts of its contact in one input; texts that it leaves out are empty."""

    contact_id: str
    instance_id: str = ""
    previous: str = ""
    customer: str = ""
    system: str = ""
    initiation: str = ""


def of_flow(event: Any) -> ContactFacts | None:
    """The contact of a flow's event."""
    details = _members(_members(event).get("Details"))
    data, parameters = _members(details.get("ContactData")), _members(details.get("Parameters"))
    contact_id = _text(parameters.get("contactId")) or _text(data.get("ContactId"))
    return _record_like(contact_id, data) if contact_id else None


def of_event(event: Any) -> ContactFacts | None:
    """The contact of a contact event; keys are read without regard to case."""
    detail = _lower(_members(event).get("detail"))
    contact_id = _text(detail.get("contactid"))
    if not contact_id:
        return None
    return ContactFacts(
        contact_id=contact_id,
        instance_id=_text(detail.get("instancearn")).rpartition("/")[2],
        previous=_other(detail.get("previouscontactid"), contact_id),
        system=_text(_lower(detail.get("systemendpoint")).get("address")),
        initiation=_text(detail.get("initiationmethod")),
    )


def of_record(record: Any) -> ContactFacts | None:
    """The contact of a contact record, or of a Contact Lens segment."""
    members = _members(record)
    contact_id = _text(members.get("ContactId"))
    return _record_like(contact_id, members) if contact_id else None


def of_file(event: Any) -> ContactFacts | None:
    """The contact of a file of Contact Lens, by the event that announces it."""
    detail = _members(_members(event).get("detail"))
    named = _FILE_OF.search(_text(_members(detail.get("object")).get("key")))
    return ContactFacts(contact_id=named.group(1)) if named else None


def of_payload(payload: Any) -> ContactFacts | None:
    """The contact of whatever a stream carries."""
    return of_event(payload) if "detail" in _members(payload) else of_record(payload)


def payloads(event: Any) -> Iterator[Any]:
    """The JSON values in a batch of a stream or a queue, as Lambda delivers them. A record of a
    stream that waits in a queue counts as what it carries."""
    records = _members(event).get("Records")
    for record in records if isinstance(records, list) else []:
        members = _members(record)
        try:
            body = {} if "kinesis" in members else json.loads(_text(members.get("body")))
            waiting = _members(_members(body).get("record"))
            data = _text(_members((waiting or members).get("kinesis")).get("data"))
            yield json.loads(base64.b64decode(data)) if data else body
        except ValueError:
            continue  # what cannot be read names no contact


def keys_of_exchange(path: str, body: Any) -> tuple[str, ...]:
    """The vendor call keys that a request to Salesforce is about."""
    found = _KEY_IN_PATH.search(urlsplit(path).path)
    if found and found.group(1) not in _NOT_A_KEY:
        return (unquote(found.group(1)),)
    entries = _members(body).get("entries")
    if isinstance(entries, list):
        return tuple(
            key for entry in entries if (key := _text(_members(entry).get("vendorCallKey")))
        )
    key = _text(_members(body).get("vendorCallKey"))
    return (key,) if key else ()


def log_line(line: str) -> Mapping[str, Any]:
    """A log line as JSON; empty where it is none."""
    try:
        parsed = json.loads(line)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _record_like(contact_id: str, members: Mapping[str, Any]) -> ContactFacts:
    return ContactFacts(
        contact_id=contact_id,
        instance_id=_text(members.get("InstanceARN")).rpartition("/")[2]
        or _text(members.get("InstanceId")),
        previous=_other(members.get("PreviousContactId"), contact_id),
        customer=_text(_members(members.get("CustomerEndpoint")).get("Address")),
        system=_text(_members(members.get("SystemEndpoint")).get("Address")),
        initiation=_text(members.get("InitiationMethod")),
    )


def _other(value: Any, contact_id: str) -> str:
    other = _text(value)
    return "" if other == contact_id else other


def _members(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _lower(value: Any) -> Mapping[str, Any]:
    return {key.lower(): item for key, item in _members(value).items()}


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
