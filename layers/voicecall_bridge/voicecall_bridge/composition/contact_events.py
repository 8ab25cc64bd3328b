"""Builds the objects of `contact_events`."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING

from voicecall_bridge.aws.contact_directory import ContactDirectory
from voicecall_bridge.composition.aws import STREAM_ATTEMPTS, STREAM_SECONDS, AwsClients
from voicecall_bridge.composition.dead_letters import dead_letter_queue, retry_queue
from voicecall_bridge.composition.ledger import ledger_table
from voicecall_bridge.composition.observer import new_observer, report_item_faults
from voicecall_bridge.composition.salesforce import TelephonyOptions, telephony_clients
from voicecall_bridge.ledger.contact_facts import ContactFactsLedger
from voicecall_bridge.ledger.creations import CreationLedger
from voicecall_bridge.ledger.routing import RoutingLedger
from voicecall_bridge.settings.contact_events import ContactEventsSettings
from voicecall_bridge.streams.contact_events import ContactEvents
from voicecall_bridge.streams.processor import StreamProcessor
from voicecall_bridge.use_cases.routing import Routing
from voicecall_bridge.use_cases.safety_net import SafetyNet

if TYPE_CHECKING:
    from voicecall_bridge.sources.contact_event import ContactEvent

CHAINS_AT_ONCE = 8
"""Contact chains that one environment handles at the same time."""


@lru_cache(maxsize=1)
def contact_events() -> StreamProcessor[ContactEvent]:
    """The processor that answers a batch.

    Raises:
        SettingsError: naming every variable that is missing or faulty; Lambda delivers the batch
            again.
    """
    settings = ContactEventsSettings.from_environment(os.environ)
    stack = settings.stack
    observer = new_observer()
    report_item_faults(observer, stack.item_faults)
    aws = AwsClients(STREAM_ATTEMPTS, CHAINS_AT_ONCE)
    table = ledger_table(aws, stack.ledger_table)
    ledger = CreationLedger(table)
    options = TelephonyOptions(STREAM_SECONDS, CHAINS_AT_ONCE)
    clients = telephony_clients(stack.salesforce, aws, observer, options)
    directory = ContactDirectory(aws.maker("connect"), count=observer.count)
    events = ContactEvents(
        SafetyNet(ledger, clients, directory, observer),
        Routing(RoutingLedger(table), ledger, clients, directory, observer),
        ContactFactsLedger(table),
        settings.create_from_events,
        instance_arn=stack.instance_arn,
    )
    return StreamProcessor(
        events,
        dead_letter_queue(stack.dead_letters, aws),
        retry_queue(settings.retry_queue_url, stack.dead_letters, aws),
        observer,
        CHAINS_AT_ONCE,
        on_overrun=contact_events.cache_clear,
    )
