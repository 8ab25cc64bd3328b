"""Builds the objects of `contact_records`."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING

from voicecall_bridge.composition.aws import STREAM_ATTEMPTS, STREAM_SECONDS, AwsClients
from voicecall_bridge.composition.dead_letters import dead_letter_queue, retry_queue
from voicecall_bridge.composition.ledger import ledger_table
from voicecall_bridge.composition.observer import new_observer, report_item_faults
from voicecall_bridge.composition.salesforce import TelephonyOptions, telephony_clients
from voicecall_bridge.ledger.records import RecordLedger
from voicecall_bridge.settings.contact_records import ContactRecordsSettings
from voicecall_bridge.streams.contact_records import ContactRecords
from voicecall_bridge.streams.processor import StreamProcessor
from voicecall_bridge.use_cases.record_updates import RecordUpdates

if TYPE_CHECKING:
    from voicecall_bridge.sources.contact_record import ContactRecord

CHAINS_AT_ONCE = 100
"""Contact chains that one environment handles at the same time: a whole batch. Each only waits,
for the ledger, for Salesforce and for the ledger again."""


@lru_cache(maxsize=1)
def contact_records() -> StreamProcessor[ContactRecord]:
    """The processor that answers a batch.

    Raises:
        SettingsError: naming every variable that is missing or faulty; Lambda delivers the batch
            again.
    """
    settings = ContactRecordsSettings.from_environment(os.environ)
    stack = settings.stack
    observer = new_observer()
    report_item_faults(observer, stack.item_faults)
    aws = AwsClients(STREAM_ATTEMPTS, CHAINS_AT_ONCE)
    options = TelephonyOptions(STREAM_SECONDS, CHAINS_AT_ONCE)
    updates = RecordUpdates(
        RecordLedger(ledger_table(aws, stack.ledger_table)),
        telephony_clients(stack.salesforce, aws, observer, options),
        observer,
    )
    return StreamProcessor(
        ContactRecords(updates, settings.rules, stack.instance_arn),
        dead_letter_queue(stack.dead_letters, aws),
        retry_queue(settings.retry_queue_url, stack.dead_letters, aws),
        observer,
        CHAINS_AT_ONCE,
        on_overrun=contact_records.cache_clear,
    )
