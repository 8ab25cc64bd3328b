"""The settings of `contact_events`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from voicecall_bridge.settings.shared import EnvironmentReader
from voicecall_bridge.settings.stack import StackSettings

if TYPE_CHECKING:
    from collections.abc import Mapping


class CreateFromEvents(StrEnum):
    """Which contact events may create a VoiceCall that the flow did not.

    SAFETY_NET: QUEUED and CONNECTED_TO_AGENT, which follow the flow. ALWAYS: INITIATED as well, for
    stacks without a flow. NEVER: none.
    """

    SAFETY_NET = "safety-net"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class ContactEventsSettings:
    """Checked settings.

    Attributes:
        stack: see StackSettings.
        retry_queue_url: SQS queue of records that failed.
        create_from_events: see CreateFromEvents.
    """

    stack: StackSettings
    retry_queue_url: str
    create_from_events: CreateFromEvents = CreateFromEvents.SAFETY_NET

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ContactEventsSettings:
        """Reads and checks all settings.

        Raises:
            SettingsError: naming every variable that is missing or faulty.
        """
        reader = EnvironmentReader(environment)
        retry_queue = reader.required("RETRY_QUEUE_URL")
        create_from = reader.choice("CREATE_FROM_EVENTS", CreateFromEvents.SAFETY_NET)
        return cls(StackSettings.read(reader), retry_queue, create_from)
