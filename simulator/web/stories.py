"""Stories by one word: all inputs that Amazon Connect sends for a call, with fields overridden.

A story is a list of steps. Every id and number comes from a seeded generator, so the same seed
gives the same calls. Shapes: Amazon Connect administrator guide, "Invoke Lambda functions",
"Contact events", "Contact records data model".
"""

import copy
import json
import random
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from simulator.aws.cloud import CONNECT_INSTANCE_ARN
from simulator.web import spoken

Kind = Literal["contact", "flow", "event", "record", "lens", "file", "fault"]

_QUEUE: Final = f"{CONNECT_INSTANCE_ARN}/queue/90000001-aaaa-4bbb-8ccc-000000000001"
_AGENT: Final = f"{CONNECT_INSTANCE_ARN}/agent/a0000001-aaaa-4bbb-8ccc-000000000001"
_SYSTEM_NUMBER: Final = "+18005550199"
_LONGEST_OVERRIDE: Final = 2_000
_PACE: Final = 4.0
"""Seconds that a story takes for each of its own: the function answers before the agent does."""


class StoryError(ValueError):
    """A story or an override cannot be used; the text says what was received and what to do."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that Amazon Connect, or a person, does.

    Attributes:
        after: seconds since the story's beginning.
        kind: contact (DescribeContact knows it), flow, event, record, lens (segments of Contact
            Lens), file (that it writes), or fault (of Salesforce).
        payload: what is sent.
    """

    after: float
    kind: Kind
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Leg:
    """One contact of a story, as a contact record has it; everything else is derived from it."""

    contact: dict[str, Any]
    begin: datetime
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def contact_id(self) -> str:
        """The contact's id."""
        return str(self.contact["ContactId"])

    def described(self) -> dict[str, Any]:
        """DescribeContact's answer about it (Amazon Connect API reference)."""
        known = ("InitiationMethod", "Channel", "CustomerEndpoint", "SystemEndpoint", "Attributes")
        members = {name: self.contact[name] for name in known if self.contact.get(name)}
        for name in ("InitialContactId", "PreviousContactId"):
            if self.contact.get(name):
                members[name] = self.contact[name]
        return {"Id": self.contact_id, "InitiationTimestamp": _moment(self.begin), **members}

    def flow(self, method: str, **parameters: str) -> dict[str, Any]:
        """The event of the flow's Lambda block."""
        data = copy.deepcopy(self.contact)
        for name in ("InitialContactId", "PreviousContactId"):
            data[name] = data.get(name) or self.contact_id
        data.setdefault("Queue", None)
        given = {"methodName": method, **parameters, **self.parameters}
        details = {"ContactData": data, "Parameters": given}
        return {"Name": "ContactFlowEvent", "Details": details}

    def event(self, kind: str, after: float, **members: Any) -> dict[str, Any]:
        """A contact event."""
        at = self.begin + timedelta(seconds=after)
        detail: dict[str, Any] = {
            "eventType": kind,
            "contactId": self.contact_id,
            "channel": self.contact["Channel"],
            "instanceArn": self.contact["InstanceARN"],
            "initiationMethod": self.contact["InitiationMethod"],
            "initiationTimestamp": _moment(self.begin),
            "tags": {"aws:connect:systemEndpoint": _address(self.contact, "SystemEndpoint")},
            **members,
        }
        if self.contact.get("PreviousContactId"):
            detail["previousContactId"] = self.contact["PreviousContactId"]
            detail["initialContactId"] = self.contact["InitialContactId"]
        return {
            "version": "0",
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.contact_id}/{kind}/{after}")),
            "detail-type": "Amazon Connect Contact Event",
            "source": "aws.connect",
            "account": "111122223333",
            "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": "us-west-2",
            "resources": [
                f"{CONNECT_INSTANCE_ARN}/contact/{self.contact_id}",
                CONNECT_INSTANCE_ARN,
            ],
            "detail": detail,
        }

    def record(self, seconds: float, **members: Any) -> dict[str, Any]:
        """The contact record of a call that took so long."""
        end = self.begin + timedelta(seconds=seconds)
        return {
            "AWSContactTraceRecordFormatVersion": "2017-03-10",
            "AWSAccountId": "111122223333",
            **copy.deepcopy(self.contact),
            "InitiationTimestamp": _second(self.begin),
            "ConnectedToSystemTimestamp": _second(self.begin),
            "DisconnectTimestamp": _second(end),
            "LastUpdateTimestamp": _second(end + timedelta(seconds=1)),
            "DisconnectReason": "CUSTOMER_DISCONNECT",
            "Agent": None,
            "Recording": None,
            "Recordings": None,
            **members,
        }


class StoryDraft:
    """Makes the contacts of a story, with one generator of ids and numbers.

    Args:
        seed: the same seed makes the same calls.
        overrides: "CustomerEndpoint.Address" and the like -> the value, for every first contact.
        now: when the story begins.
    """

    def __init__(self, seed: int, overrides: Mapping[str, str], now: datetime) -> None:
        """Begin."""
        self._random = random.Random(seed)
        self._overrides = overrides
        self._now = now

    def leg(self, method: str = "INBOUND", parent: Leg | None = None, **members: Any) -> Leg:
        """A new contact, a transfer of `parent` if there is one."""
        contact: dict[str, Any] = {
            "ContactId": str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            "InstanceARN": CONNECT_INSTANCE_ARN,
            "Channel": "VOICE",
            "InitiationMethod": method,
            "CustomerEndpoint": _endpoint(f"+1206555{self._random.randrange(10_000):04d}"),
            "SystemEndpoint": _endpoint(_SYSTEM_NUMBER),
            "Attributes": {},
            "InitialContactId": None,
            "PreviousContactId": None,
            "SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:Telephony"}},
            **members,
        }
        if parent is not None:
            contact["CustomerEndpoint"] = copy.deepcopy(parent.contact["CustomerEndpoint"])
            contact["PreviousContactId"] = parent.contact_id
            contact["InitialContactId"] = parent.contact["InitialContactId"] or parent.contact_id
        else:
            for path, value in self._overrides.items():
                _set(contact, path, value)
        return Leg(contact, self._now)


Story = Callable[[StoryDraft], list[Step]]


def steps_of(name: str, seed: int, overrides: Mapping[str, str], now: datetime) -> list[Step]:
    """The steps of a story, in the order of their time.

    Raises:
        StoryError: there is no such story, or an override cannot be used.
    """
    if name not in STORIES:
        raise StoryError(f"no story {name!r}; there are {', '.join(STORIES)}")
    steps = STORIES[name](StoryDraft(seed, overrides, now.astimezone(UTC)))
    return sorted(_later(0.0, steps, _PACE), key=lambda step: step.after)


def read_overrides(pairs: Iterable[str]) -> dict[str, str]:
    """`PATH=VALUE` texts as a mapping.

    Raises:
        StoryError: a text is not of that form.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        path, equals, value = pair.partition("=")
        if not equals or not path.strip():
            raise StoryError(
                f"{pair!r} is not PATH=VALUE, e.g. CustomerEndpoint.Address=+12065550100"
            )
        found[path.strip()] = value
    return found


def _answered(leg: Leg, talk: float = 120.0) -> list[Step]:
    """Events and record of a contact that an agent takes."""
    agent = {"agentArn": _AGENT, "connectedToAgentTimestamp": _moment(leg.begin)}
    queue = {"queueArn": _QUEUE, "queueType": "STANDARD", "enqueueTimestamp": _moment(leg.begin)}
    end = {"disconnectTimestamp": _moment(leg.begin + timedelta(seconds=talk))}
    record = leg.record(
        talk,
        Agent={
            "ARN": _AGENT,
            "Username": "agent.one",
            "ConnectedToAgentTimestamp": _second(leg.begin),
            "AgentInteractionDuration": int(talk),
            "CustomerHoldDuration": 0,
            "LongestHoldDuration": 0,
            "NumberOfHolds": 0,
        },
        Queue={"ARN": _QUEUE, "Name": "Support", "EnqueueTimestamp": _second(leg.begin)},
    )
    return [
        Step(0.1, "event", leg.event("QUEUED", 0.1, queueInfo=queue)),
        Step(0.3, "event", leg.event("CONNECTED_TO_AGENT", 0.3, queueInfo=queue, agentInfo=agent)),
        Step(
            1.0, "event", leg.event("DISCONNECTED", talk, queueInfo=queue, agentInfo=agent, **end)
        ),
        Step(1.3, "record", record),
    ]


def _begun(leg: Leg, method: str = "createVoiceCall") -> list[Step]:
    return [
        Step(0.0, "contact", leg.described()),
        Step(0.0, "event", leg.event("INITIATED", 0.0)),
        Step(0.05, "flow", leg.flow(method)),
    ]


def _inbound(draft: StoryDraft) -> list[Step]:
    leg = draft.leg()
    return _begun(leg) + _answered(leg)


def _withheld(draft: StoryDraft) -> list[Step]:
    leg = draft.leg(CustomerEndpoint=_endpoint("anonymous"))
    return _begun(leg) + _answered(leg)


def _transfer(draft: StoryDraft) -> list[Step]:
    first = draft.leg()
    second = draft.leg("TRANSFER", first)
    return [
        *_begun(first),
        *_answered(first),
        *_later(0.5, _begun(second, "createTransferVC") + _answered(second, 60.0)),
    ]


def _conference(draft: StoryDraft) -> list[Step]:
    first = draft.leg()
    second, third = draft.leg("TRANSFER", first), draft.leg("TRANSFER", first)
    return [
        *_begun(first),
        *_answered(first, 300.0),
        *_later(0.5, _begun(second, "createTransferVC") + _answered(second, 90.0)),
        *_later(0.8, _begun(third, "createTransferVC") + _answered(third, 30.0)),
    ]


def _abandoned(draft: StoryDraft) -> list[Step]:
    leg = draft.leg()
    queue = {"queueArn": _QUEUE, "queueType": "STANDARD", "enqueueTimestamp": _moment(leg.begin)}
    end = {"disconnectTimestamp": _moment(leg.begin + timedelta(seconds=20))}
    return [
        *_begun(leg),
        Step(0.1, "event", leg.event("QUEUED", 0.1, queueInfo=queue)),
        Step(0.6, "event", leg.event("DISCONNECTED", 20, queueInfo=queue, **end)),
        Step(0.9, "record", leg.record(20.0)),
    ]


def _callback(draft: StoryDraft) -> list[Step]:
    leg = draft.leg()
    number = _address(leg.contact, "CustomerEndpoint")
    callback = draft.leg("CALLBACK", leg)
    return [
        *_begun(leg),
        Step(0.4, "flow", leg.flow("callbackExecution", customerCallbackNumber=number)),
        Step(0.8, "record", leg.record(30.0)),
        *_later(1.0, [Step(0.0, "contact", callback.described()), *_answered(callback)]),
    ]


def _campaign(draft: StoryDraft) -> list[Step]:
    segments = {
        "connect:Subtype": {"ValueString": "connect:Telephony"},
        "connect:Direction": {"ValueString": "OUTBOUND"},
    }
    leg = draft.leg("API", SegmentAttributes=segments)
    return _begun(leg) + _answered(leg)


def _voicemail(draft: StoryDraft) -> list[Step]:
    leg = draft.leg()
    values = {"callOrigin": "Voicemail", "recordingLocation": "bucket/v.wav", "isActiveCall": True}
    return [
        *_begun(leg),
        Step(0.5, "record", leg.record(40.0, VoicemailInfo={"NumberOfVoicemails": 1})),
        Step(0.9, "flow", leg.flow("updateVoiceCall", fieldValues=json.dumps(values))),
        Step(
            1.2, "flow", leg.flow("executeOmniFlow", flowDevName="Voicemail", fallbackQueue="00G")
        ),
        Step(1.5, "flow", leg.flow("updateVoiceCall", fieldValues="{}")),
    ]


def _transcript(draft: StoryDraft) -> list[Step]:
    leg = draft.leg()
    lines = [
        Step(0.35 + number / 10, "lens", spoken.line(leg.contact_id, number))
        for number in range(len(spoken.TALK))
    ]
    return [
        *_begun(leg),
        *_answered(leg),
        *lines,
        Step(0.5, "lens", spoken.category(leg.contact_id)),
        Step(1.5, "file", spoken.file(leg.contact_id, leg.begin)),
    ]


def _salesforce_down(draft: StoryDraft) -> list[Step]:
    leg = draft.leg()
    fault = {"kind": "status", "status": 503, "method": None, "times": None}
    scoped = {**fault, "vendor_call_key": leg.contact_id, "times": 4}
    return [Step(0.0, "fault", scoped), *_begun(leg), *_later(0.5, _answered(leg))]


def _later(seconds: float, steps: Iterable[Step], pace: float = 1.0) -> list[Step]:
    return [Step(step.after * pace + seconds, step.kind, step.payload) for step in steps]


STORIES: Final[Mapping[str, Story]] = {
    "inbound": _inbound,
    "withheld": _withheld,
    "transfer": _transfer,
    "conference": _conference,
    "abandoned": _abandoned,
    "callback": _callback,
    "campaign": _campaign,
    "voicemail": _voicemail,
    "transcript": _transcript,
    "salesforce-down": _salesforce_down,
    "flood": _inbound,
}
"""Every story by its word. A flood is many inbound calls: the page proposes 100 at 20 a second."""


def _set(contact: dict[str, Any], path: str, value: str) -> None:
    if len(value) > _LONGEST_OVERRIDE:
        raise StoryError(f"the value for {path} is longer than {_LONGEST_OVERRIDE} characters")
    *folders, last = path.split(".")
    target: Any = contact
    for name in folders:
        if target.get(name) is None:
            target[name] = {}
        target = target[name]
        if not isinstance(target, dict):
            raise StoryError(f"{path} leads through {name}, which is not an object")
    target[last] = value


def _endpoint(address: str) -> dict[str, str]:
    return {"Address": address, "Type": "TELEPHONE_NUMBER"}


def _address(contact: Mapping[str, Any], name: str) -> str:
    endpoint = contact.get(name)
    return str(endpoint.get("Address", "")) if isinstance(endpoint, dict) else ""


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _second(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
