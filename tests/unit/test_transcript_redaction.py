"""The words of people are in no log, metric or error, whatever happens to them.

Source: docs/guarantees.md, "Promised".
"""

import json
import logging
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from botocore.exceptions import ClientError

from tests.samples.lens_records import categories, segments, transcript, utterance
from tests.samples.members import CONTACT_ID
from tests.unit.lens import LensFunction
from tests.unit.samples import a_contact
from tests.unit.test_contact_lens_source import analysis_file
from tests.unit.test_post_call import Scene
from voicecall_bridge.streams.results import TransientFailure
from voicecall_bridge.telephony.errors import LimitExceeded, Rejected, Unauthorized, Unavailable

WORDS = "canary-Wörter-quiver-✓"
# A part of it that is hexadecimal could occur in an id by chance.
SPELLED = (WORDS, json.dumps(WORDS)[1:-1], "canary-", "-quiver-")
SAID = segments(
    utterance("u", f"My number is {WORDS}"),
    transcript("t", WORDS),
    categories(f"{WORDS} escalation"),
)


def raise_(error: Exception) -> NoReturn:
    raise error


def broken_ledger(function: LensFunction) -> None:
    quoting = ClientError({"Error": {"Code": "Throttling", "Message": WORDS}}, "GetItem")
    function.dynamodb.get_item = lambda **_: raise_(quoting)  # type: ignore[method-assign]


def no_queue(function: LensFunction) -> None:
    function.org.entry = lambda _: (404, WORDS)
    function.waiting.down = True


def no_letters(function: LensFunction) -> None:
    function.org.entry = lambda _: (400, WORDS)
    function.letters.fault = "AccessDenied"


FAULTS: dict[str, Callable[[LensFunction], object]] = {
    "none": lambda it: None,
    "no VoiceCall": lambda it: setattr(it.org, "entry", lambda _: (404, WORDS)),
    "paused": lambda it: setattr(it.org, "entry", lambda _: (409, WORDS)),
    "refused": lambda it: setattr(it.org, "entry", lambda _: (400, f"messages[0]: {WORDS}")),
    "exhausted": lambda it: setattr(it.org, "entry", lambda _: (429, f"RESOURCE {WORDS}")),
    "limit": lambda it: setattr(it.org, "fault", lambda: LimitExceeded(WORDS, remark=WORDS)),
    "outage": lambda it: setattr(it.org, "fault", lambda: Unavailable(WORDS, remark=WORDS)),
    "wrong key": lambda it: setattr(it.org, "fault", lambda: Unauthorized(WORDS, remark=WORDS)),
    "no such form": lambda it: setattr(
        it.org, "fault", lambda: Rejected(WORDS, status=400, remark=WORDS)
    ),
    "defect": lambda it: setattr(it.org, "fault", lambda: raise_(RuntimeError(WORDS))),
    "ledger": broken_ledger,
    "queue": no_queue,
    "bucket": lambda it: setattr(it.late, "down", True),
    "letters": no_letters,
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("age", [1.0, 300.0])
def test_nothing_that_was_said_is_written(
    fault: str, age: float, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Given a line, in time or too late, and a fault with the line in its text, then no log line
    and no metric holds any of it, of the bridge or of a library."""
    function = LensFunction()
    function.observer.logger.setLevel("DEBUG")
    caplog.set_level(logging.DEBUG)
    function.directory.know(a_contact(initial_contact_id=CONTACT_ID))
    FAULTS[fault](function)
    function(SAID, age=age)
    function.try_waiting()
    written = function.logged.stream.getvalue() + capsys.readouterr().out + caplog.text
    assert "ContactId" in written or "_aws" in written
    assert not [each for each in SPELLED if each in written]


@pytest.mark.parametrize("payload", [f'"{WORDS}"', f"{{{WORDS}", f'{{"Version": "{WORDS}"}}'])
def test_what_cannot_be_read_is_not_quoted(
    payload: str, capsys: pytest.CaptureFixture[str]
) -> None:
    function = LensFunction()
    assert function(payload.encode()) == []
    written = function.logged.stream.getvalue() + capsys.readouterr().out
    assert not [each for each in SPELLED if each in written]


ANALYSIS = analysis_file(
    Transcript=[dict(turn or {}, Content=WORDS) for turn in analysis_file()["Transcript"]],
    ConversationCharacteristics={"ContactSummary": {"PostContactSummary": {"Content": WORDS}}},
)
FILES: dict[str, Any] = {
    "whole": json.dumps(ANALYSIS).encode(),
    "cut off": json.dumps(ANALYSIS).encode()[:-9],
    "no analysis": json.dumps({"Transcript": WORDS}).encode(),
}
ERRORS: dict[str, Callable[[], Exception | None]] = {
    "none": lambda: None,
    "refused": lambda: Rejected(WORDS, status=400, remark=WORDS),
    "outage": lambda: Unavailable(WORDS, remark=WORDS),
    "defect": lambda: raise_(RuntimeError(WORDS)),
}


@pytest.mark.parametrize("content", FILES)
@pytest.mark.parametrize("error", ERRORS)
def test_nothing_of_a_file_is_written_or_raised(
    content: str, error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given a file with words and a summary, then they are in no log, no metric and no error in the
    form in which Lambda logs it, with its whole chain."""
    scene = Scene(summary_field="Summary__c")
    scene.know()
    scene.files.content = FILES[content]
    scene.org.fault = ERRORS[error]  # type: ignore[assignment]
    raised = ""
    try:
        scene.handle()
    except TransientFailure as failure:
        raised = "".join(traceback.format_exception(failure))
    written = scene.logged.stream.getvalue() + capsys.readouterr().out + raised
    assert not [each for each in SPELLED if each in written]


def test_the_canary_is_read() -> None:
    """The search would find nothing if the words were never read."""
    function = LensFunction()
    function.directory.know(a_contact(initial_contact_id=CONTACT_ID))
    function(SAID)
    assert any(WORDS in line for line in function.org.said(CONTACT_ID))
    scene = Scene(summary_field="Summary__c")
    scene.know()
    scene.files.content = FILES["whole"]
    scene.handle()
    summary = json.loads(scene.org.events[0][2]["callAttributes"])
    assert summary == {"Summary__c": WORDS}
