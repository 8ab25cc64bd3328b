"""Sentiment and summary of a call that has ended: sent once for each version of the file."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.samples.members import CONTACT_ID, INSTANCE_ID
from tests.unit.captured_log import CapturedLog
from tests.unit.doubles import Clock, MemoryDeadLetters, MemoryDirectory, alone
from tests.unit.lens import CountingObserver, TranscriptOrg
from tests.unit.memory_dynamodb import MemoryDynamoDB
from tests.unit.samples import CENTERS, a_contact
from tests.unit.test_contact_lens_source import KEY, REDACTED, analysis_file, created
from voicecall_bridge.aws.contact_directory import DirectoryUnavailable
from voicecall_bridge.aws.transcript_files import (
    AnalysisFiles,
    FileGone,
    FileTooLarge,
    StorageUnavailable,
)
from voicecall_bridge.contact import ContactKey
from voicecall_bridge.ledger.analyses import AnalysisLease, AnalysisLedger
from voicecall_bridge.ledger.contact_facts import ContactFactsLedger, NewFacts
from voicecall_bridge.ledger.records import RecordLedger
from voicecall_bridge.ledger.table import LedgerUnavailable, Table
from voicecall_bridge.settings.post_call_analysis import PostCallFiles
from voicecall_bridge.sources.described_contact import DescribedContact
from voicecall_bridge.streams.post_call_analysis import PostCallEvents
from voicecall_bridge.streams.results import RecordLog, TransientFailure
from voicecall_bridge.telephony.errors import Rejected, Unavailable
from voicecall_bridge.use_cases.post_call import PostCallAnalysis
from voicecall_bridge.use_cases.transcript_calls import TranscriptCalls

CONNECTED = datetime(2026, 11, 20, 10, 0, 45, tzinfo=UTC)
ENDED = datetime(2026, 11, 20, 10, 5, tzinfo=UTC)
START = round(CONNECTED.timestamp() * 1000)
END = round(ENDED.timestamp() * 1000)
EVENT = created(KEY.format(contact=CONTACT_ID))


class MemoryFiles(AnalysisFiles):
    def __init__(self) -> None:
        super().__init__(lambda: None)
        self.content: bytes | Exception = json.dumps(analysis_file()).encode()

    def read(self, bucket: str, key: str, most_bytes: int) -> bytes:
        if isinstance(self.content, Exception):
            raise self.content
        return self.content


class Scene:
    def __init__(
        self, files: PostCallFiles = PostCallFiles.ORIGINAL, summary_field: str = ""
    ) -> None:
        self.clock, self.logged, self.letters = Clock(), CapturedLog(), MemoryDeadLetters()
        self.dynamodb, self.directory = MemoryDynamoDB(), MemoryDirectory()
        self.org, self.files = TranscriptOrg(), MemoryFiles()
        table = Table(lambda: self.dynamodb, "memory")
        self.facts = ContactFactsLedger(table, self.clock)
        self.leases = AnalysisLedger(table, self.clock)
        self.records = RecordLedger(table, self.clock)
        observer = CountingObserver(self.logged)
        directory = self.directory
        calls = TranscriptCalls(self.facts, directory, CENTERS, observer, self.clock)
        analysis = PostCallAnalysis(
            self.files,
            self.leases,
            self.records,
            self.facts,
            directory,
            calls,
            alone(self.org),
            observer,
            summary_field,
        )
        log = RecordLog("post_call_analysis", self.letters, observer)
        self.events = PostCallEvents(analysis, log, INSTANCE_ID, files)
        self.key = ContactKey(INSTANCE_ID, CONTACT_ID)

    def know(self, **facts: Any) -> None:
        times = {"agent_connected": CONNECTED, "ended_at": ENDED} | facts
        self.facts.remember(self.key, NewFacts(CONTACT_ID, **times))

    def handle(self, event: object = EVENT) -> tuple[str, str]:
        ended = self.events.handle(event, 60.0)
        return ended["disposition"], ended["reason"]

    def sent(self) -> list[dict[str, Any]]:
        return [event for _, _, body in self.org.events for event in body.get("events", [])]


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    made.know()
    return made


def test_sentiment_of_turns_and_of_both_sides(scene: Scene) -> None:
    assert scene.handle() == ("delivered", "")
    ((operation, key, body),) = scene.org.events
    assert (operation, key) == ("postConversationEvents", CONTACT_ID)
    assert body["service"] == "AmazonConnectContactLens"
    signal = "IntelligenceSignal__"
    assert body["events"] == [
        {
            "type": f"{signal}Sentiment",
            "value": "1000",
            "participant": "AGENT",
            "startTime": START,
            "endTime": START + 900,
        },
        {
            "type": f"{signal}Sentiment",
            "value": "0",
            "participant": "CUSTOMER",
            "startTime": START + 1000,
            "endTime": START + 1500,
        },
        {
            "type": f"{signal}OverallSentimentScore",
            "value": "1.25",
            "participant": "AGENT",
            "startTime": START,
            "endTime": END,
        },
        {
            "type": f"{signal}OverallSentimentScore",
            "value": "-2",
            "participant": "CUSTOMER",
            "startTime": START,
            "endTime": END,
        },
    ]
    (line,) = scene.logged.deliveries()
    assert (line["ContactId"], line["attempts"]) == (CONTACT_ID, 1)


def test_a_word_for_a_sentiment_that_is_not_known_is_left_out(scene: Scene) -> None:
    turns = [dict(analysis_file()["Transcript"][0], Sentiment="PIGEON")]
    scene.files.content = json.dumps(analysis_file(Transcript=turns)).encode()
    scene.handle()
    assert [event["type"][20:] for event in scene.sent()] == ["OverallSentimentScore"] * 2


def test_two_thousand_turns_are_eighty_one_requests(scene: Scene) -> None:
    turn = analysis_file()["Transcript"][0]
    turns = [turn | {"BeginOffsetMillis": n, "EndOffsetMillis": n + 1} for n in range(2_000)]
    scene.files.content = json.dumps(analysis_file(Transcript=turns)).encode()
    assert scene.handle() == ("delivered", "")
    assert [len(body["events"]) for _, _, body in scene.org.events] == [25] * 80 + [2]
    assert len(scene.sent()) == 2_002


def test_a_file_version_is_brought_once(scene: Scene) -> None:
    scene.handle()
    assert scene.handle() == ("superseded", "ALREADY_DONE")
    again = created(KEY.format(contact=CONTACT_ID), etag="e-2")
    assert scene.handle(again) == ("delivered", "")
    assert len(scene.org.events) == 2


def test_a_fault_in_the_middle_leaves_the_rest_for_the_next_try() -> None:
    """Given a file of four requests and a summary, with faults at the summary, the second and the
    third request, then each next try sends the rest. Another version is sent whole."""
    scene = Scene(summary_field="Summary__c")
    scene.know()
    turns = [
        {
            "ParticipantId": "CUSTOMER",
            "Sentiment": "POSITIVE",
            "BeginOffsetMillis": number,
            "EndOffsetMillis": number + 1,
        }
        for number in range(90)
    ]
    scene.files.content = json.dumps(analysis_file(Transcript=turns)).encode()
    down = Unavailable("down", status=503)
    faults = [down, None, None, down, None, down]
    scene.org.fault = lambda: faults.pop(0) if faults else None
    for sent in (0, 25, 50):
        with pytest.raises(TransientFailure, match="503"):
            scene.handle()
        assert len(scene.sent()) == sent
    assert scene.handle() == ("delivered", "")
    starts = [event["startTime"] for event in scene.sent() if event["value"] == "1000"]
    assert starts == [START + number for number in range(90)]
    operations = [operation for operation, _, _ in scene.org.events]
    assert operations == ["update", *["postConversationEvents"] * 4]
    assert scene.handle() == ("superseded", "ALREADY_DONE")
    other = created(KEY.format(contact=CONTACT_ID), etag="e-2")
    assert scene.handle(other) == ("delivered", "")
    assert len(scene.org.events) == 10


def test_a_file_without_a_version_is_brought_once(scene: Scene) -> None:
    unstated = created(KEY.format(contact=CONTACT_ID), etag=None)
    assert scene.handle(unstated) == ("delivered", "")
    assert scene.handle(unstated) == ("superseded", "ALREADY_DONE")


def test_two_workers_do_not_bring_one_file_at_once(scene: Scene) -> None:
    assert isinstance(scene.leases.acquire(scene.key, "e-1", 30.0), AnalysisLease)
    with pytest.raises(TransientFailure, match="IN_PROGRESS"):
        scene.handle()
    scene.clock.now += 31
    assert scene.handle() == ("delivered", "")


@pytest.mark.parametrize("connected", [True, False])
@pytest.mark.parametrize("ended", [True, False])
def test_times_that_the_ledger_lacks_are_connects(connected: bool, ended: bool) -> None:
    """Given Connect's times are a minute later, then the ledger's times count, and Connect is asked
    only where one is missing."""
    scene = Scene()
    later = timedelta(minutes=1)
    scene.know(agent_connected=CONNECTED if connected else None, ended_at=ENDED if ended else None)
    scene.directory.contacts[INSTANCE_ID, CONTACT_ID] = DescribedContact(
        a_contact(), True, CONNECTED + later, ENDED + later
    )
    assert scene.handle() == ("delivered", "")
    overall = scene.sent()[-1]
    assert overall["startTime"] == START + (0 if connected else 60_000)
    assert overall["endTime"] == END + (0 if ended else 60_000)
    assert scene.directory.journal == ([] if connected and ended else ["describe"])


def test_an_end_that_is_not_known_is_the_last_turns(scene: Scene) -> None:
    scene.dynamodb.items.clear()
    scene.know(ended_at=None)
    scene.handle()
    assert scene.sent()[-1]["endTime"] == START + 1500


def test_without_an_agent_there_is_nothing_to_count_from(scene: Scene) -> None:
    scene.dynamodb.items.clear()
    assert scene.handle() == ("skipped", "NO_AGENT")
    assert scene.org.events == []


@pytest.mark.parametrize(
    ("files", "key", "ended"),
    [
        (PostCallFiles.ORIGINAL, KEY, ("delivered", "")),
        (PostCallFiles.ORIGINAL, REDACTED, ("skipped", "THE_OTHER_FILE")),
        (PostCallFiles.REDACTED, KEY, ("skipped", "THE_OTHER_FILE")),
        (PostCallFiles.REDACTED, REDACTED, ("delivered", "")),
        (PostCallFiles.ORIGINAL, "recordings/x.wav", ("skipped", "NOT_AN_ANALYSIS_OF_A_CALL")),
    ],
)
def test_which_files_are_read(files: PostCallFiles, key: str, ended: tuple[str, str]) -> None:
    scene = Scene(files)
    scene.know()
    assert scene.handle(created(key.format(contact=CONTACT_ID))) == ended


@pytest.mark.parametrize(
    ("content", "ended"),
    [
        (FileGone(), ("skipped", "FILE_GONE")),
        (FileTooLarge(), ("dead_lettered", "FILE_TOO_LARGE")),
        (b"not json", ("dead_lettered", "NOT_AN_ANALYSIS")),
        (b"\xff\xfe", ("dead_lettered", "NOT_AN_ANALYSIS")),
        (b"{}", ("dead_lettered", "NOT_AN_ANALYSIS")),
    ],
)
def test_files_that_cannot_be_used(
    scene: Scene, content: bytes | Exception, ended: tuple[str, str]
) -> None:
    scene.files.content = content
    assert scene.handle() == ended
    assert len(scene.letters.kept) == (ended[0] == "dead_lettered")


def test_an_event_of_another_kind_is_a_dead_letter(scene: Scene) -> None:
    assert scene.handle({"detail-type": "x"}) == ("dead_lettered", "NOT_AN_ANALYSIS")
    assert scene.letters.kept[0][2] == {"detail-type": "x"}


def test_what_passes_is_left_to_lambda(scene: Scene) -> None:
    scene.files.content = StorageUnavailable("SlowDown")
    with pytest.raises(TransientFailure, match="BUCKET"):
        scene.handle()
    scene.files.content = json.dumps(analysis_file()).encode()
    scene.dynamodb.items.clear()
    scene.directory.fault = DirectoryUnavailable("ThrottlingException")
    with pytest.raises(TransientFailure, match="CONNECT_ThrottlingException"):
        scene.handle()


def test_a_ledger_that_does_not_answer(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(**_: object) -> None:
        raise LedgerUnavailable("ConnectTimeoutError")

    monkeypatch.setattr(scene.dynamodb, "update_item", down)
    with pytest.raises(TransientFailure, match="LEDGER_UNAVAILABLE"):
        scene.handle()


def test_what_is_refused_is_a_dead_letter(scene: Scene) -> None:
    scene.org.fault = lambda: Rejected("wrong", status=400)
    assert scene.handle() == ("dead_lettered", "400")


def test_a_lost_dead_letter_is_tried_again(scene: Scene) -> None:
    scene.files.content = FileTooLarge()
    scene.letters.fault = "AccessDenied"
    with pytest.raises(TransientFailure, match="DEAD_LETTER_LOST"):
        scene.handle()


def test_a_defect_quotes_nothing(scene: Scene) -> None:
    def broken() -> None:
        raise RuntimeError("All is well.")

    scene.org.fault = broken
    assert scene.handle() == ("dead_lettered", "DEFECT")
    assert "well" not in scene.logged.stream.getvalue()
