"""The settings of `contact_events`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from voicecall_bridge.settings.shared import (
    INSTANCE_SETTING,
    DeadLetterSettings,
    EnvironmentReader,
    ItemFault,
    SalesforceSettings,
)

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
        salesforce: how Salesforce is reached.
        ledger_table: name of the DynamoDB table.
        dead_letters: where dead letters go.
        retry_queue_url: SQS queue of records that failed.
        create_from_events: see CreateFromEvents.
        item_faults: items of lists that are wrong.
        instance_arn: the instance of events that name none; empty: not known.
    """

    salesforce: SalesforceSettings
    ledger_table: str
    dead_letters: DeadLetterSettings
    retry_queue_url: str
    create_from_events: CreateFromEvents = CreateFromEvents.SAFETY_NET
    item_faults: tuple[ItemFault, ...] = ()
    instance_arn: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ContactEventsSettings:
        """Reads and checks all settings.

        Raises:
            SettingsError: naming every variable that is missing or faulty.
        """
        reader = EnvironmentReader(environment)
        settings = cls(
            SalesforceSettings.read(reader),
            reader.required("LEDGER_TABLE"),
            DeadLetterSettings.read(reader),
            reader.required("RETRY_QUEUE_URL"),
            reader.choice("CREATE_FROM_EVENTS", CreateFromEvents.SAFETY_NET),
            tuple(reader.item_faults),
            reader.text(INSTANCE_SETTING),
        )
        reader.check()
        return settings
