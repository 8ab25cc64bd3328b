"""The parts that `contact_lens` and `post_call_analysis` run on, and their settings."""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.settings import LEAST
from tests.unit.aws import REGION
from voicecall_bridge.composition import contact_lens, post_call_analysis
from voicecall_bridge.settings.contact_lens import ContactLensSettings, LensOptions
from voicecall_bridge.settings.post_call_analysis import PostCallAnalysisSettings, PostCallFiles
from voicecall_bridge.settings.shared import SettingsError
from voicecall_bridge.sources.contact_lens import LineSource
from voicecall_bridge.voice_call.transcript import Sender


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    aws = {
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "POWERTOOLS_SERVICE_NAME": "transcripts",
        "FAILURE_BUCKET": "failures",
        "CONNECT_INSTANCE_ARN": "arn:aws:connect:us-west-2:111122223333:instance/i-1",
    }
    for name, value in (LEAST | aws).items():
        monkeypatch.setenv(name, value)
    built: Any = (contact_lens.contact_lens, post_call_analysis.post_call_analysis)
    for build in built:
        build.cache_clear()
    yield monkeypatch
    for build in built:
        build.cache_clear()


def test_what_contact_lens_runs_on(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TRANSCRIPT_MAX_AGE_SECONDS", "60")
    lens = contact_lens.contact_lens()
    assert contact_lens.contact_lens() is lens
    assert lens.options.max_age == 60.0
    assert lens.queue.messages.url == LEAST["WAITING_QUEUE_URL"]
    assert lens.late.bucket == "failures"
    clients = lens.sender.clients
    client = clients.of(clients.contact_centers.default)
    assert client.retries.retries == 0, "the queue tries again, not the client"
    adapter: Any = client.session.get_adapter("https://x.example")
    assert adapter._pool_maxsize == lens.sender.requests_at_once == contact_lens.AT_ONCE
    lens.on_overrun()
    assert contact_lens.contact_lens() is not lens


def test_what_post_call_analysis_runs_on(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("POST_CALL_SUMMARY_FIELD", "Summary__c")
    events = post_call_analysis.post_call_analysis()
    assert post_call_analysis.post_call_analysis() is events
    assert (events.instance_id, events.analysis.summary_field) == ("i-1", "Summary__c")


def test_settings_of_contact_lens() -> None:
    read = ContactLensSettings.from_environment
    assert read(os.environ).options == LensOptions()
    changes = {
        "TRANSCRIPT_LINES": "transcript",
        "TRANSCRIPT_OTHER_PARTICIPANTS": "SUPERVISOR",
        "TRANSCRIPT_MAX_AGE_SECONDS": "30",
        "CONTACT_LENS_CATEGORIES": "no",
    }
    assert read(LEAST | changes).options == LensOptions(
        LineSource.TRANSCRIPT, Sender.SUPERVISOR, 30.0, False
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRANSCRIPT_LINES", "both"),
        ("TRANSCRIPT_OTHER_PARTICIPANTS", "ROBOT"),
        ("TRANSCRIPT_MAX_AGE_SECONDS", "0"),
        ("TRANSCRIPT_MAX_AGE_SECONDS", "soon"),
        ("CONTACT_LENS_CATEGORIES", "maybe"),
    ],
)
def test_settings_of_contact_lens_that_cannot_be_used(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as caught:
        ContactLensSettings.from_environment(LEAST | {name: value})
    assert value == "0" or value not in json.dumps(str(caught.value))


def test_settings_of_post_call_analysis() -> None:
    read = PostCallAnalysisSettings.from_environment
    settings = read(LEAST | {"POST_CALL_FILES": "redacted"})
    assert (settings.files, settings.summary_field) == (PostCallFiles.REDACTED, "")
    for name, value in (("POST_CALL_FILES", "all"), ("POST_CALL_SUMMARY_FIELD", "a b")):
        with pytest.raises(SettingsError, match=name):
            read(LEAST | {name: value})
