"""Builds the objects of `redrive`."""

from __future__ import annotations

import os
from functools import lru_cache

from voicecall_bridge.aws.announcements import Announcements
from voicecall_bridge.aws.given_up_batches import GivenUpBatches
from voicecall_bridge.composition.aws import STREAM_ATTEMPTS, AwsClients
from voicecall_bridge.composition.dead_letters import dead_letter_queue
from voicecall_bridge.settings.redrive import RedriveSettings
from voicecall_bridge.streams.redrive import Redrive


@lru_cache(maxsize=1)
def redrive() -> Redrive:
    """The object that puts dead letters back.

    Raises:
        SettingsError: naming every variable that is missing or faulty.
    """
    settings = RedriveSettings.from_environment(os.environ)
    aws = AwsClients(STREAM_ATTEMPTS)
    return Redrive(
        dead_letter_queue(settings.dead_letters, aws),
        GivenUpBatches(aws.maker("s3"), settings.dead_letters.bucket),
        aws.maker("kinesis"),
        Announcements(aws.maker("lambda"), settings.post_call_function),
    )
