"""A contact of Amazon Connect, as far as the bridge needs it. Frozen and pure.

Source of names and values: the Amazon Connect administrator guide, "Contact initiation methods",
"Contact records data model" and "Contact events".
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

Known = TypeVar("Known", bound=StrEnum)


class NotAContact(ValueError):
    """The event carries no contact that could be read; the text names what is missing.

    Attributes:
        code: a word for logs and metrics.
    """

    def __init__(self, text: str, code: str = "NOT_A_CONTACT") -> None:
        super().__init__(text)
        self.code = code


class Channel(StrEnum):
    """How the end user reached the contact center.

    UNSTATED: the event leaves it out; UNKNOWN: a value Connect added later.
    """

    VOICE = "VOICE"
    CHAT = "CHAT"
    TASK = "TASK"
    EMAIL = "EMAIL"
    UNKNOWN = "UNKNOWN"
    UNSTATED = ""

    @classmethod
    def _missing_(cls, value: object) -> Channel:
        # Older events spell it "Voice": compare without case, never fail on what is new.
        return _member(cls, value, cls.UNSTATED, cls.UNKNOWN)


class InitiationMethod(StrEnum):
    """How a contact began. UNSTATED: the event leaves it out; UNKNOWN: a value added later."""

    INBOUND = "INBOUND"
    OUTBOUND = "OUTBOUND"
    TRANSFER = "TRANSFER"
    QUEUE_TRANSFER = "QUEUE_TRANSFER"
    CALLBACK = "CALLBACK"
    API = "API"
    DISCONNECT = "DISCONNECT"
    MONITOR = "MONITOR"
    EXTERNAL_OUTBOUND = "EXTERNAL_OUTBOUND"
    WEBRTC_API = "WEBRTC_API"
    AGENT_REPLY = "AGENT_REPLY"
    FLOW = "FLOW"
    UNKNOWN = "UNKNOWN"
    UNSTATED = ""

    @classmethod
    def _missing_(cls, value: object) -> InitiationMethod:
        return _member(cls, value, cls.UNSTATED, cls.UNKNOWN)


def _member(kind: type[Known], value: object, unstated: Known, unknown: Known) -> Known:
    wanted = str(value).strip().upper()
    if not wanted:
        return unstated
    return next((member for member in kind if member.value == wanted), unknown)


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue of the instance. `name` is empty for agent queues and in contact events."""

    arn: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class ContactKey:
    """A contact of an instance; two instances in one table do not meet."""

    instance_id: str
    contact_id: str

    def __str__(self) -> str:
        """The key of the contact's item in the ledger."""
        return f"{self.instance_id}/{self.contact_id}"


@dataclass(frozen=True, slots=True)
class Contact:
    """One segment of a call: each consult and each transfer leg is a contact of its own.

    Attributes:
        contact_id: never empty.
        instance_id: the bare id, the last part of the instance's ARN; empty where unstated.
        channel, initiation_method: tolerant enumerations.
        initial_contact_id: first contact of the chain; the contact's own id on the first one.
        previous_contact_id: the contact that spawned this one; empty on the first contact, also
            where the event repeats the contact's own id (Connect's flow events do).
        customer_address: what the end user calls from (E.164, an e-mail, a name); empty when
            withheld or left out.
        system_address: the contact center's side; empty where Connect leaves it out (CALLBACK,
            MONITOR, QUEUE_TRANSFER).
        queue: None until a queue is set.
        attributes: contact attributes.
        web_rtc: an in-app or web call instead of a telephone call.
        initiated_at: when it began, aware; None in flow events, which lack it.
        secret_name: the secret of its contact center as the contact or its flow names it: any text,
            which may be the caller's. Empty: it names none.
        unknown_method: the initiation method as it came, where the bridge does not know it; for the
            answers of flows, never for logs.
    """

    contact_id: str
    instance_id: str = ""
    channel: Channel = Channel.VOICE
    initiation_method: InitiationMethod = InitiationMethod.UNSTATED
    initial_contact_id: str = ""
    previous_contact_id: str = ""
    customer_address: str = ""
    system_address: str = ""
    queue: Queue | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    web_rtc: bool = False
    initiated_at: datetime | None = None
    secret_name: str = field(default="", repr=False)
    unknown_method: str = field(default="", repr=False)

    @property
    def key(self) -> ContactKey:
        """The contact's key in the ledger."""
        return ContactKey(self.instance_id, self.contact_id)

    def with_details(self, described: Contact) -> Contact:
        """This contact, completed by what another description of it adds."""
        return replace(
            self,
            channel=self.channel if self.channel is not Channel.UNSTATED else described.channel,
            initiation_method=self.initiation_method
            if self.initiation_method is not InitiationMethod.UNSTATED
            else described.initiation_method,
            previous_contact_id=self.previous_contact_id or described.previous_contact_id,
            customer_address=self.customer_address or described.customer_address,
            system_address=self.system_address or described.system_address,
            attributes={**described.attributes, **self.attributes},
            web_rtc=self.web_rtc or described.web_rtc,
            initiated_at=self.initiated_at or described.initiated_at,
            secret_name=self.secret_name or described.secret_name,
        )
