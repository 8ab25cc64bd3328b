"""Builds the objects of `post_call_analysis`."""

from __future__ import annotations

import os
from functools import lru_cache

from voicecall_bridge.aws.contact_directory import ContactDirectory
from voicecall_bridge.aws.transcript_files import AnalysisFiles
from voicecall_bridge.composition.aws import STREAM_ATTEMPTS, STREAM_SECONDS, AwsClients
from voicecall_bridge.composition.dead_letters import dead_letter_queue
from voicecall_bridge.composition.ledger import ledger_table
from voicecall_bridge.composition.observer import new_observer, report_item_faults
from voicecall_bridge.composition.salesforce import TelephonyOptions, telephony_clients
from voicecall_bridge.ledger.analyses import AnalysisLedger
from voicecall_bridge.ledger.contact_facts import ContactFactsLedger
from voicecall_bridge.ledger.records import RecordLedger
from voicecall_bridge.settings.post_call_analysis import PostCallAnalysisSettings
from voicecall_bridge.streams.post_call_analysis import NAME, PostCallEvents
from voicecall_bridge.streams.results import RecordLog
from voicecall_bridge.use_cases.post_call import PostCallAnalysis
from voicecall_bridge.use_cases.transcript_calls import TranscriptCalls

FILE_SECONDS = 20.0
"""Seconds that S3 may take for an answer: a file has up to 50 MB."""


@lru_cache(maxsize=1)
def post_call_analysis() -> PostCallEvents:
    """The object that handles an event.

    Raises:
        SettingsError: naming every variable that is missing or faulty; Lambda tries the event
            again, and keeps it in the end.
    """
    settings = PostCallAnalysisSettings.from_environment(os.environ)
    stack = settings.stack
    observer = new_observer()
    report_item_faults(observer, stack.item_faults)
    aws = AwsClients(STREAM_ATTEMPTS)
    table = ledger_table(aws, stack.ledger_table)
    facts = ContactFactsLedger(table)
    directory = ContactDirectory(aws.maker("connect"), count=observer.count)
    analysis = PostCallAnalysis(
        AnalysisFiles(aws.maker("s3", FILE_SECONDS)),
        AnalysisLedger(table),
        RecordLedger(table),
        facts,
        directory,
        TranscriptCalls(facts, directory, stack.salesforce.contact_centers, observer),
        telephony_clients(stack.salesforce, aws, observer, TelephonyOptions(STREAM_SECONDS)),
        observer,
        settings.summary_field,
    )
    return PostCallEvents(
        analysis,
        RecordLog(NAME, dead_letter_queue(stack.dead_letters, aws), observer),
        stack.instance_arn.rpartition("/")[2],
        settings.files,
    )
