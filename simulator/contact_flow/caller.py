"""A caller in a flow: the contact's data, what the flow has learned, and where it would send him.

Shape of the contact's data: Amazon Connect facts, section 1.1. JSONPaths: section 1.5; they are
substituted textually, and one that finds nothing becomes an empty text.
"""

import copy
import re
import uuid
from collections.abc import Mapping
from typing import Any, Final

from simulator.aws.cloud import CONNECT_INSTANCE_ARN
from simulator.contact_flow.blocks import AGENT_TRANSFER, INBOUND

QUICK_CONNECT_QUEUE: Final = f"{CONNECT_INSTANCE_ARN}/queue/90000001-aaaa-4bbb-8ccc-000000000001"
CUSTOMER: Final = "+12065550100"
SYSTEM: Final = "+18005550199"
AGENT: Final = "jdoe"
_INHERITED: Final = {"voiceCallId": "0LQ000000000001AAA", "voiceCallError": "inherited"}
"""What a flow kept of the call before."""

_NAME: Final = r"\.?\['([^']+)'\]|\.([A-Za-z](?:[\w-]*\w)?)"
"""A step of a path: brackets are for names with special characters (administrator guide, "How to
reference contact attributes"). Whether a hyphen is one it does not say: here it is none."""
PATH: Final = re.compile(rf"\$(?:{_NAME})+")


class Caller:
    """One contact on its way through a flow.

    Attributes:
        contact: its ContactData.
        agent: user name of the agent whom a transfer is for; empty where there is none.
        external: what the last Lambda block answered (`$.External`).
        target: queue or agent set by the last Set working queue block; empty before.
        to_agent: whether the target is an agent's own queue.
    """

    def __init__(self, contact: Mapping[str, Any], agent: str = "") -> None:
        """The data is copied: walking changes it."""
        self.contact = copy.deepcopy(dict(contact))
        self.agent = agent
        self.external: dict[str, str] = {}
        queue = self.contact.get("Queue")
        self.target = str(queue["ARN"]) if queue else ""
        self.to_agent = False

    @property
    def attributes(self) -> dict[str, str]:
        """The contact's attributes, as the flow has set them."""
        attributes: dict[str, str] = self.contact["Attributes"]
        return attributes

    def value(self, path: str) -> str:
        """What a JSONPath finds; empty where it finds no text."""
        known = {
            **self.contact,
            "External": self.external,
            "Agent": {"UserName": self.agent},
        }
        found: Any = known
        for in_brackets, plain in re.findall(_NAME, path):
            found = found.get(in_brackets or plain) if isinstance(found, Mapping) else None
        if isinstance(found, Mapping):  # a segment attribute
            found = found.get("ValueString")
        return found if isinstance(found, str) else ""

    def filled(self, text: str) -> str:
        """The text with every JSONPath in it replaced."""
        return PATH.sub(lambda found: self.value(found.group()), text)

    def aim(self, target: str, *, at_agent: bool) -> None:
        """Set the target queue, which later Lambda blocks get to see."""
        self.target, self.to_agent = target, at_agent
        queue = f"{CONNECT_INSTANCE_ARN}/queue/agent/{target}" if at_agent else target
        self.contact["Queue"] = {"ARN": queue, "Name": target, "OutboundCallerId": None}

    def event(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """What a Lambda block sends, with its parameters filled."""
        return {
            "Name": "ContactFlowEvent",
            "Details": {
                "ContactData": copy.deepcopy(self.contact),
                "Parameters": {name: self.filled(text) for name, text in parameters.items()},
            },
        }


def new_caller(flow_type: str, **changes: Any) -> Caller:
    """A caller as a flow of this type first sees him; `changes` replace members of the data.

    A transfer's previous contact is another one, and its attributes are inherited.
    """
    contact_id = str(uuid.uuid4())
    transferred = flow_type != INBOUND
    previous = str(uuid.uuid4()) if transferred else contact_id
    to_queue = transferred and flow_type != AGENT_TRANSFER
    contact = {
        "Attributes": dict(_INHERITED) if transferred else {},
        "AwsRegion": "us-west-2",
        "Channel": "VOICE",
        "ContactId": contact_id,
        "CustomerEndpoint": {"Address": CUSTOMER, "Type": "TELEPHONE_NUMBER"},
        "CustomerId": None,
        "Description": None,
        "InitialContactId": previous,
        "InitiationMethod": "TRANSFER" if transferred else "INBOUND",
        "InstanceARN": CONNECT_INSTANCE_ARN,
        "LanguageCode": "en-US",
        "MediaStreams": {"Customer": {"Audio": None}},
        "Name": None,
        "PreviousContactId": previous,
        "Queue": {"ARN": QUICK_CONNECT_QUEUE, "Name": "Support", "OutboundCallerId": None}
        if to_queue
        else None,
        "References": {},
        "RelatedContactId": None,
        "SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:Telephony"}},
        "SystemEndpoint": {"Address": SYSTEM, "Type": "TELEPHONE_NUMBER"},
        "Tags": {},
    }
    return Caller({**contact, **changes}, agent=AGENT if flow_type == AGENT_TRANSFER else "")
