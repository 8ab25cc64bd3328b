"""The events that Amazon Connect publishes to EventBridge while a contact lives.

Shape: {"source": "aws.connect", "detail-type": "Amazon Connect Contact Event", "detail": {...}}
(Amazon Connect administrator guide, "Contact events"). They are best effort, unordered, and carry
no number of the customer. The guide's own samples differ in the case of their keys, hold objects
where others hold arrays, and stand 1970 for times that are not set: all of it is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicecall_bridge.contact import Channel, Contact, InitiationMethod, NotAContact, Queue
from voicecall_bridge.sources.reading import in_lower_case, is_contact_id, members, moment, text
from voicecall_bridge.sources.rules import (
    address,
    instance,
    is_web_rtc,
    previous_contact,
    tagged_system_address,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

DETAIL_TYPE = "Amazon Connect Contact Event"
TYPES = frozenset(
    {
        "INITIATED",
        "CONNECTED_TO_SYSTEM",
        "CONTACT_DATA_UPDATED",
        "QUEUED",
        "CONNECTED_TO_AGENT",
        "DISCONNECTED",
        "COMPLETED",
        "PAUSED",
        "RESUMED",
        "AMD_DISABLED",
        "WEBRTC_API",
    }
)
"""The published event types; Connect adds others."""


@dataclass(frozen=True, slots=True)
class ContactEvent:
    """One event.

    Attributes:
        type: the event type in capitals, as Connect names it; empty where unstated. Any text may
            stand there: see `published_type`.
        contact: the contact as far as the event has it; its customer_address is always empty.
        at: when it happened, None where unstated.
        connected_at: when an agent was connected; agentInfo alone does not prove it.
        ended_at: when the contact ended.
        routing_expired: the first step of the routing criteria, one for agents, has expired.
    """

    type: str
    contact: Contact
    at: datetime | None = None
    connected_at: datetime | None = None
    ended_at: datetime | None = None
    routing_expired: bool = False

    @property
    def agent_connected(self) -> bool:
        """Whether an agent was on the call."""
        return self.connected_at is not None

    @property
    def disconnected(self) -> bool:
        """Whether the contact has ended."""
        return self.ended_at is not None

    @property
    def published_type(self) -> str:
        """The type as it may be logged: a word outside the published ones may be anything."""
        return self.type if not self.type or self.type in TYPES else "unknown"


def read(event: object, instance_arn: str = "") -> ContactEvent:
    """Reads an event.

    Args:
        event: as Amazon Connect publishes it.
        instance_arn: the instance where it names none.

    Raises:
        NotAContact: not a contact event, or with ids that cannot be a contact's.
    """
    envelope = _lower(event)
    detail = _lower(envelope.get("detail"))
    if text(envelope.get("detail-type")) != DETAIL_TYPE:
        raise NotAContact("its detail-type is not that of a contact event")
    contact_id = in_lower_case(text(detail.get("contactid")))
    if not is_contact_id(contact_id):
        raise NotAContact("a contact event without detail.contactId")
    for name in ("initialcontactid", "previouscontactid", "instancearn"):
        if (named := text(detail.get(name))) and not is_contact_id(named):
            raise NotAContact(f"a contact event with a {name} that is not an id")
    queue = _lower(detail.get("queueinfo"))
    agent = _lower(detail.get("agentinfo"))
    return ContactEvent(
        type=text(detail.get("eventtype")).upper(),
        contact=_contact(contact_id, detail, queue, instance_arn),
        at=moment(envelope.get("time")),
        connected_at=moment(agent.get("connectedtoagenttimestamp")),
        ended_at=moment(detail.get("disconnecttimestamp")),
        routing_expired=_routing_expired(detail),
    )


def _contact(
    contact_id: str,
    detail: Mapping[str, object],
    queue: Mapping[str, object],
    instance_arn: str,
) -> Contact:
    method = InitiationMethod(text(detail.get("initiationmethod")))
    queue_arn = text(queue.get("queuearn"))
    return Contact(
        contact_id=contact_id,
        instance_id=instance(detail.get("instancearn"), instance_arn),
        channel=Channel(text(detail.get("channel"))),
        initiation_method=method,
        initial_contact_id=in_lower_case(text(detail.get("initialcontactid"))) or contact_id,
        previous_contact_id=previous_contact(detail.get("previouscontactid"), contact_id),
        system_address=address(detail.get("systemendpoint"))
        or tagged_system_address(detail.get("tags")),
        queue=Queue(queue_arn) if queue_arn else None,
        web_rtc=is_web_rtc(method, detail.get("segmentattributes")),
        initiated_at=moment(detail.get("initiationtimestamp")),
    )


def _routing_expired(detail: Mapping[str, object]) -> bool:
    """SCVL's rule: updatedProperties names the step's status, the first step is one for agents,
    and it has expired."""
    updated = detail.get("updatedproperties")
    names = [text(name).lower() for name in updated] if isinstance(updated, list) else []
    if not any("routingcriteria" in name and "status" in name for name in names):
        return False
    step = _first_step(detail.get("routingcriteria"))
    criteria = _lower(_lower(step.get("expression")) or step)
    match = _lower(criteria.get("matchcriteria")) or _lower(
        _lower(criteria.get("attributecondition")).get("matchcriteria")
    )
    return bool(match.get("agentscriteria")) and text(step.get("status")).upper() == "EXPIRED"


def _first_step(criteria: object) -> Mapping[str, object]:
    # An object in one of the guide's samples, an array in another.
    first = criteria[0] if isinstance(criteria, list) and criteria else criteria
    steps = _lower(first).get("steps")
    if isinstance(steps, list) and steps:
        return _lower(steps[0])
    return _lower(_lower(first).get("step") or first)


def _lower(value: object) -> Mapping[str, object]:
    """The members under keys in lower case: samples of one vendor spell them in three ways."""
    return {key.lower(): item for key, item in members(value).items()}
