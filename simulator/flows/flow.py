"""A contact flow: Amazon Connect Flow language, version 2019-10-30.

Source: Amazon Connect API reference, "Flow language" (actions, transitions). How a file becomes a
flow stands in `files`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

NEXT: Final = "Next"
"""Label of the branch that is taken when nothing else is."""

INBOUND: Final = "contactFlow"
AGENT_TRANSFER: Final = "agentTransfer"
QUEUE_TRANSFER: Final = "queueTransfer"
CUSTOMER_QUEUE: Final = "customerQueue"
CUSTOMER_HOLD: Final = "customerHold"
CUSTOMER_WHISPER: Final = "customerWhisper"
AGENT_HOLD: Final = "agentHold"
AGENT_WHISPER: Final = "agentWhisper"
OUTBOUND_WHISPER: Final = "outboundWhisper"
MODULE: Final = "module"
FLOW_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        INBOUND: "CONTACT_FLOW",
        AGENT_TRANSFER: "AGENT_TRANSFER",
        QUEUE_TRANSFER: "QUEUE_TRANSFER",
        CUSTOMER_QUEUE: "CUSTOMER_QUEUE",
        CUSTOMER_HOLD: "CUSTOMER_HOLD",
        CUSTOMER_WHISPER: "CUSTOMER_WHISPER",
        AGENT_HOLD: "AGENT_HOLD",
        AGENT_WHISPER: "AGENT_WHISPER",
        OUTBOUND_WHISPER: "OUTBOUND_WHISPER",
        "campaign": "CAMPAIGN",
        MODULE: "flow module",
    }
)
"""The console's word for a flow's type -> the API's (a module has no type there)."""

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Condition:
    """A branch that depends on the action's result: `operator` of the result and an operand."""

    operator: str
    operands: tuple[str, ...]
    target: str

    @property
    def label(self) -> str:
        """The branch's name, e.g. "Equals created"."""
        return f"{self.operator} {', '.join(self.operands)}"


@dataclass(frozen=True, slots=True)
class Action:
    """One block.

    Attributes:
        next_action: None where the file names none.
        errors: error type -> action.
        position: where the block is drawn, None where the file does not say.
        display_name: what the console shows for the resource that the block names (a function, a
            queue, a flow); empty where the file does not say.
    """

    identifier: str
    type: str
    parameters: Mapping[str, Any]
    next_action: str | None
    conditions: tuple[Condition, ...]
    errors: Mapping[str, str]
    position: tuple[float, float] | None
    display_name: str = ""

    @property
    def transitions(self) -> Iterator[tuple[str, str]]:
        """(label, action) of every transition in the file."""
        if self.next_action is not None:
            yield NEXT, self.next_action
        for condition in self.conditions:
            yield condition.label, condition.target
        yield from self.errors.items()

    @property
    def label(self) -> str:
        """The block's name for people: its name; of a generated one its type and resource."""
        if not _UUID.fullmatch(self.identifier):
            return self.identifier
        named = f' "{self.display_name}"' if self.display_name else ""
        return f"{self.type} {self.identifier[:8]}{named}"


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow.

    Attributes:
        path: the file it was read from.
        name, description, type: as the console's export has them (type: contactFlow, ...).
        start: the first action.
        actions: by identifier, in the order of the file.
        size: characters of the content.
        ids: what other flows may call it: ARN, id, name of the file.
        type_is_guessed: the file does not say it.
        is_older_export: the file is in the console's older format, which Connect's API refuses.
        unread: what is left alone of the file, or to be known of its format.
    """

    path: str
    name: str
    description: str
    type: str
    start: str
    actions: Mapping[str, Action]
    size: int
    ids: frozenset[str] = frozenset()
    type_is_guessed: bool = False
    is_older_export: bool = False
    unread: tuple[str, ...] = ()

    @property
    def is_after_the_call(self) -> bool:
        """Whether its name or description says that it is a disconnect flow.

        A disconnect flow is an inbound flow by its type (administrator guide, "Set disconnect
        flow"), so nothing else in the file shows it.
        """
        words = f"{self.name} {self.description}".casefold()
        return self.type == INBOUND and "disconnect" in words
