"""A caller in a flow: the contact's data, the flow's variables, and where it sends the caller.

Shape of the contact's data: administrator guide, "Grant Amazon Connect access to your Lambda
functions". JSONPaths are substituted textually, and one that finds nothing becomes an empty text.
"""

import copy
import re
import uuid
from collections.abc import Mapping
from typing import Any, Final

from simulator.aws.cloud import CONNECT_INSTANCE_ARN
from simulator.flows.flow import (
    AGENT_TRANSFER,
    CUSTOMER_QUEUE,
    INBOUND,
    MODULE,
    OUTBOUND_WHISPER,
    QUEUE_TRANSFER,
)

QUICK_CONNECT_QUEUE: Final = f"{CONNECT_INSTANCE_ARN}/queue/90000001-aaaa-4bbb-8ccc-000000000001"
CUSTOMER: Final = "+12065550100"
SYSTEM: Final = "+18005550199"
AGENT: Final = "jdoe"
AGENT_ARN: Final = f"{CONNECT_INSTANCE_ARN}/agent/80000001-aaaa-4bbb-8ccc-000000000001"
_INHERITED: Final = {"voiceCallId": "0LQ000000000001AAA", "voiceCallError": "inherited"}
"""The attributes that a flow kept of the call before."""
_BEFORE_THE_CALL: Final = (INBOUND, MODULE)
_WITHOUT_AGENT: Final = (INBOUND, MODULE, QUEUE_TRANSFER, CUSTOMER_QUEUE)
_OF_EVERY_CONTACT: Final[Mapping[str, Any]] = {
    "AwsRegion": "us-west-2",
    "Channel": "VOICE",
    "CustomerEndpoint": {"Address": CUSTOMER, "Type": "TELEPHONE_NUMBER"},
    "CustomerId": None,
    "Description": None,
    "LanguageCode": "en-US",
    "MediaStreams": {"Customer": {"Audio": None}},
    "Name": None,
    "References": {},
    "RelatedContactId": None,
    "SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:Telephony"}},
    "SystemEndpoint": {"Address": SYSTEM, "Type": "TELEPHONE_NUMBER"},
    "Tags": {},
}

_NAME: Final = r"\.?\['([^']+)'\]|\.([A-Za-z](?:[\w-]*\w)?)"
"""A step of a path: brackets are for names with special characters (administrator guide, "How to
reference contact attributes"). Whether a hyphen is one it does not say: here it is none."""
PATH: Final = re.compile(rf"\$(?:{_NAME})+")


class Caller:
    """One contact on its way through a flow.

    Attributes:
        contact: its ContactData.
        agent: user name of the agent whom the flow runs for; empty where there is none.
        external: what the last Lambda block answered (`$.External`).
        flow_attributes: what the flow has set for itself (`$.FlowAttributes`).
        stored_input: what the customer keyed in for a Store customer input block.
        target: queue or agent set by the last Set working queue block; empty before.
        to_agent: whether the target is an agent's own queue.
    """

    def __init__(self, contact: Mapping[str, Any], agent: str = "") -> None:
        """The data is copied: walking changes it."""
        self.contact = copy.deepcopy(dict(contact))
        self.agent = agent
        self.external: Mapping[str, Any] = {}
        self.flow_attributes: dict[str, str] = {}
        self.stored_input = ""
        queue = self.contact.get("Queue")
        self.target = str(queue["ARN"]) if queue else ""
        self.to_agent = False

    @property
    def attributes(self) -> dict[str, str]:
        """The contact's attributes, as the flow has set them."""
        attributes: dict[str, str] = self.contact["Attributes"]
        return attributes

    def value(self, path: str) -> str:
        """The text that a JSONPath finds; empty where it finds none."""
        agent = {"UserName": self.agent, "ARN": AGENT_ARN, "FirstName": "Jane", "LastName": "Doe"}
        known = {
            **self.contact,
            "External": self.external,
            "FlowAttributes": self.flow_attributes,
            "StoredCustomerInput": self.stored_input,
            "Agent": agent if self.agent else {},
        }
        found: Any = known
        for in_brackets, plain in re.findall(_NAME, path):
            found = found.get(in_brackets or plain) if isinstance(found, Mapping) else None
        if isinstance(found, Mapping):  # a segment attribute
            found = found.get("ValueString")
        if isinstance(found, bool):
            return str(found).lower()
        return str(found) if isinstance(found, str | int | float) else ""

    def filled(self, text: str) -> str:
        """The text with every JSONPath in it replaced."""
        return PATH.sub(lambda found: self.value(found.group()), text)

    def filled_in(self, value: Any) -> Any:
        """A parameter's value with every JSONPath in it replaced, however deep."""
        if isinstance(value, str):
            return self.filled(value)
        if isinstance(value, Mapping):
            return {name: self.filled_in(item) for name, item in value.items()}
        return [self.filled_in(item) for item in value] if isinstance(value, list) else value

    def set_target(self, target: str, *, at_agent: bool) -> None:
        """Set the target queue, which later Lambda blocks get to see."""
        self.target, self.to_agent = target, at_agent
        queue = f"{CONNECT_INSTANCE_ARN}/queue/agent/{target}" if at_agent else target
        self.contact["Queue"] = {"ARN": queue, "Name": target, "OutboundCallerId": None}

    def event(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The event that a Lambda block sends, with its parameters filled."""
        return {
            "Name": "ContactFlowEvent",
            "Details": {
                "ContactData": copy.deepcopy(self.contact),
                "Parameters": self.filled_in(parameters),
            },
        }


def initiation_of(flow_type: str, *, after_the_call: bool = False) -> str:
    """How a contact began that meets a flow of this type first."""
    if flow_type in (AGENT_TRANSFER, QUEUE_TRANSFER):
        return "TRANSFER"
    if flow_type == OUTBOUND_WHISPER:
        return "OUTBOUND"
    return "DISCONNECT" if after_the_call else "INBOUND"


def new_caller(flow_type: str, initiation: str = "", **changes: Any) -> Caller:
    """A caller as a flow of this type first sees the contact.

    Args:
        flow_type: the console's word.
        initiation: InitiationMethod; empty: the one that the flow's type goes with.
        changes: members of the contact's data that are different.

    The previous contact of a transfer, and of a disconnect flow, is another one, and its attributes
    are inherited.
    """
    contact_id = str(uuid.uuid4())
    initiation = initiation or initiation_of(flow_type)
    follows = initiation in ("TRANSFER", "QUEUE_TRANSFER", "DISCONNECT")
    previous = str(uuid.uuid4()) if follows else contact_id
    queued = flow_type not in (*_BEFORE_THE_CALL, AGENT_TRANSFER) and initiation != "DISCONNECT"
    contact = {
        "Attributes": dict(_INHERITED) if follows else {},
        "ContactId": contact_id,
        "InitialContactId": previous,
        "InitiationMethod": initiation,
        "InstanceARN": CONNECT_INSTANCE_ARN,
        "PreviousContactId": previous,
        "Queue": {"ARN": QUICK_CONNECT_QUEUE, "Name": "Support", "OutboundCallerId": None}
        if queued
        else None,
    }
    return Caller(
        {**_OF_EVERY_CONTACT, **contact, **changes},
        agent="" if flow_type in _WITHOUT_AGENT else AGENT,
    )
