"""Builds the objects of `contact_lens`."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from voicecall_bridge.aws.contact_directory import ContactDirectory
from voicecall_bridge.aws.deferred_records import DeferredRecords
from voicecall_bridge.aws.transcript_files import LateRecords
from voicecall_bridge.composition.aws import STREAM_ATTEMPTS, STREAM_SECONDS, AwsClients
from voicecall_bridge.composition.dead_letters import dead_letter_queue
from voicecall_bridge.composition.ledger import ledger_table
from voicecall_bridge.composition.observer import new_observer, report_item_faults
from voicecall_bridge.composition.salesforce import TelephonyOptions, telephony_clients
from voicecall_bridge.ledger.contact_facts import ContactFactsLedger
from voicecall_bridge.settings.contact_lens import ContactLensSettings
from voicecall_bridge.streams.contact_lens import NAME, ContactLens
from voicecall_bridge.streams.lens_queue import LensQueue
from voicecall_bridge.streams.results import RecordLog
from voicecall_bridge.telephony.retry import RetryPolicy
from voicecall_bridge.use_cases.transcript_calls import TranscriptCalls
from voicecall_bridge.use_cases.transcripts import TranscriptSender

AT_ONCE = 16
"""Requests, and look-ups of calls, that one environment makes at the same time."""


@lru_cache(maxsize=1)
def contact_lens() -> ContactLens:
    """The object that answers a batch.

    Raises:
        SettingsError: naming every variable that is missing or faulty; Lambda delivers the batch
            again.
    """
    settings = ContactLensSettings.from_environment(os.environ)
    stack = settings.stack
    observer = new_observer()
    report_item_faults(observer, stack.item_faults)
    aws = AwsClients(STREAM_ATTEMPTS, AT_ONCE)
    # The queue tries failed lines again: a request that waits here would hold up the lines behind
    # it.
    options = TelephonyOptions(STREAM_SECONDS, AT_ONCE, RetryPolicy(retries=0))
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="lines")
    calls = TranscriptCalls(
        ContactFactsLedger(ledger_table(aws, stack.ledger_table)),
        ContactDirectory(aws.maker("connect"), count=observer.count),
        stack.salesforce.contact_centers,
        observer,
    )
    clients = telephony_clients(stack.salesforce, aws, observer, options)
    log = RecordLog(NAME, dead_letter_queue(stack.dead_letters, aws), observer)
    messages = DeferredRecords(aws.maker("sqs"), settings.waiting_queue_url)
    return ContactLens(
        TranscriptSender(clients, pool, AT_ONCE),
        calls,
        LensQueue(messages, log, settings.options.max_age),
        LateRecords(aws.maker("s3"), stack.dead_letters.bucket),
        log,
        settings.options,
        pool,
        on_overrun=contact_lens.cache_clear,
        instance_arn=stack.instance_arn,
    )
