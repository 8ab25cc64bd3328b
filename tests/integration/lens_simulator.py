"""Contact Lens' two functions as deployed: their handlers over moto, beside the simulators for
Amazon Connect and Salesforce. Every spoken word here is a canary.
"""

from __future__ import annotations

import functools
import json
import time
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from simulator.aws.queue_clock import let_time_pass, visible_in
from simulator.functions.lambda_process import Invocation
from simulator.pollers.queue_mapping import read_queue_mappings
from simulator.pollers.sqs_poller import SqsPoller
from tests.integration.canaries import CATEGORY, SAID, SUMMARY, key_lines, leaks
from tests.integration.event_simulator import INSTANCE, Servers, center, load_handler
from tests.integration.simulator import CapturedOutput, Context, wait_until
from tests.samples.lens_records import categories, segments, utterance
from tests.samples.stream_records import stream_record
from tests.unit.test_contact_lens_source import analysis_file, created
from voicecall_bridge.composition import contact_lens, post_call_analysis
from voicecall_bridge.observability import Observer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.salesforce import ContactCenterIdentity, Exchange

__all__ = ["center"]

SERVICE = "contact_lens_integration"
LENS, POST_CALL = "ContactLensFunction", "PostCallAnalysisFunction"
FILES = "contact-lens-files"
LATE = "transcripts-too-late/"
SUMMARY_FIELD = "Summary__c"
CONNECTED = datetime(2026, 11, 20, 10, 0, 45, tzinfo=UTC)
"""When an agent took the call."""
KINDS = ("", "Delayed", "NotVisible")
"""Of a queue's messages, in the names of its attributes."""
LONGER_THAN_ANY_PAUSE = 30.0
LONGER_THAN_HIDDEN = 200.0
"""Seconds; messages that were received are visible again after them."""
LINES = 2
"""Of each call."""


class LensSimulator:
    """One module's world; every test has contacts of its own.

    Attributes:
        servers: what the functions talk to.
        logged: what they write.
    """

    def __init__(self, servers: Servers, patch: pytest.MonkeyPatch) -> None:
        self.servers, self.salesforce, self.logged = servers, servers.salesforce, _logged()
        self._patch = patch
        self._number = 0
        self._lens, self._post_call = (
            load_handler("contact_lens"),
            load_handler("post_call_analysis"),
        )
        template = servers.aws.template
        (mapping,) = (it for it in read_queue_mappings(template) if it.function == LENS)
        self._queue = SqsPoller(servers.clients["sqs"], mapping, self._invoke, visible_in)

    def begin(self) -> None:
        """Begin a test with an empty log, without faults and without requests."""
        self.logged.clear()
        self.salesforce.reset()

    def configure(self, **variables: str) -> None:
        """Change the functions' environment: new execution environments."""
        for function in (LENS, POST_CALL):
            for name, value in self.servers.environment(function).items():
                self._patch.setenv(name, value)
        self._patch.setenv("POWERTOOLS_SERVICE_NAME", SERVICE)
        self._patch.setenv("POST_CALL_SUMMARY_FIELD", SUMMARY_FIELD)
        for name, value in variables.items():
            self._patch.setenv(name, value)
        contact_lens.contact_lens.cache_clear()
        post_call_analysis.post_call_analysis.cache_clear()

    def call(self, *, stored: bool = True) -> str:
        """A new contact that Amazon Connect knows, and Salesforce, if it is stored."""
        self._number += 1
        contact_id = f"lens-{time.time_ns()}-{self._number}"
        self.servers.connect.add_contact(
            INSTANCE, contact_id, Channel="VOICE", InitiationMethod="INBOUND"
        )
        if stored:
            self.salesforce.add_voice_call(contact_id)
        return contact_id

    def batch(
        self, *contacts: str, age: float = 0.0, category: bool = False
    ) -> dict[str, list[dict[str, Any]]]:
        """A batch with a record for each of them."""
        more = [categories(CATEGORY)] if category else []
        said = (segments(*spoken(contact), *more, contact=contact) for contact in contacts)
        arrived = time.time() - age
        numbered = enumerate(said, time.time_ns())
        return {"Records": [stream_record(it, number, arrived=arrived) for number, it in numbered]}

    def speak(self, *contacts: str, age: float = 0.0, category: bool = False) -> list[str]:
        """Deliver a batch. Returns the records to be delivered again."""
        answer = self._call(self._lens, self.batch(*contacts, age=age, category=category))
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def try_waiting(self) -> None:
        """Deliver the waiting records after their pause."""
        let_time_pass(LONGER_THAN_ANY_PAUSE)
        self._queue.poll_once()

    def try_until_nothing_waits(self) -> None:
        """Deliver until nothing waits: the bridge pauses requests to an org that did not answer."""

        def tried() -> bool:
            self.try_waiting()
            return self.waiting() == 0

        wait_until(tried)

    def waiting(self) -> int:
        """How many records wait in the queue."""
        url = self.servers.environment(LENS)["WAITING_QUEUE_URL"]
        counts = self.servers.clients["sqs"].get_queue_attributes(
            QueueUrl=url, AttributeNames=["All"]
        )["Attributes"]
        return sum(int(counts[f"ApproximateNumberOfMessages{kind}"]) for kind in KINDS)

    def empty_queues(self) -> None:
        """Empty the retry queue and the dead-letter queue."""
        let_time_pass(LONGER_THAN_HIDDEN)
        for name in ("WAITING_QUEUE_URL", "DEAD_LETTER_QUEUE_URL"):
            url = self.servers.environment(LENS)[name]
            self.servers.aws.purge(url)

    def write_file(self, contact_id: str) -> dict[str, Any]:
        """Contact Lens has written a call's file; the event that announces it."""
        key = f"Analysis/Voice/2026/11/20/{contact_id}_analysis_2026-11-20T10:06:00Z.json"
        turns = [dict(turn or {}, Content=SAID) for turn in analysis_file()["Transcript"]]
        summary = {"PostContactSummary": {"Content": SUMMARY}}
        characteristics = analysis_file()["ConversationCharacteristics"]
        file = analysis_file(
            Transcript=turns,
            ConversationCharacteristics={**characteristics, "ContactSummary": summary},
        )
        self.servers.aws.put_file(FILES, key, json.dumps(file).encode())
        event = created(key, **{"version-id": f"version-{time.time_ns()}"})
        event["detail"]["bucket"]["name"] = FILES
        return event

    def connected(self, contact_id: str) -> None:
        """An agent was connected: DescribeContact has the agent from now on."""
        self.servers.connect.add_contact(
            INSTANCE,
            contact_id,
            Channel="VOICE",
            InitiationMethod="INBOUND",
            AgentInfo={"Id": "agent", "ConnectedToAgentTimestamp": CONNECTED},
            DisconnectTimestamp=CONNECTED + timedelta(minutes=5),
        )

    def bring(self, event: dict[str, Any], seconds_left: float = 30.0) -> dict[str, str]:
        """One asynchronous invocation for a file."""
        answer: dict[str, str] = self._call(self._post_call, event, seconds_left)
        return answer

    def said(self, contact_id: str) -> list[str]:
        """The ids of the lines that Salesforce has of a call, in order."""
        return [
            str(one.body["messageId"])
            for one in self.salesforce.actions()
            if one.vendor_call_key == contact_id and one.operation == "messages"
        ]

    def events(self, contact_id: str, operation: str) -> list[dict[str, Any]]:
        """The conversation events that Salesforce has of a call."""
        return [
            event
            for one in self.salesforce.actions()
            if one.vendor_call_key == contact_id and one.operation == operation
            for event in one.body["events"]
        ]

    def requests(self, path: str) -> list[Exchange]:
        """The requests with a path that ends so."""
        return [one for one in self.salesforce.journal() if one.path.endswith(path)]

    def ends(self) -> list[tuple[str, str]]:
        """Disposition and reason of each delivery, in order."""
        lines = [line for line in self.logged.records() if line.get("message") == "delivery"]
        return [(line["disposition"], line["reason"]) for line in lines]

    def codes(self) -> set[str]:
        """The error codes of the deliveries that are to be tried later."""
        return {
            line["errorCode"]
            for line in self.logged.records()
            if line.get("message") == "retry later"
        }

    def dead_letters(self) -> list[dict[str, Any]]:
        """The dead letters."""
        return self.servers.aws.messages(self.servers.environment(LENS)["DEAD_LETTER_QUEUE_URL"])

    def late(self) -> list[Any]:
        """The records in the bucket with lines that came too late."""
        bucket = self.servers.environment(LENS)["FAILURE_BUCKET"]
        return [file for _, file in self.servers.aws.objects(bucket, LATE)]

    def check_what_was_logged(self, *lines: str) -> None:
        """Nothing of it, or of a process's lines, is personal data, a secret, or what was said."""
        text = "\n".join([self.logged.text, *lines])
        assert leaks(text, key_lines(self.servers.identity.private_key_pem)) == []

    def _invoke(self, event: dict[str, Any]) -> Invocation:
        payload = self._call(self._lens, event)
        return Invocation(payload, None, [], 0.0, None, False, "request", False)

    def _call(self, handler: Any, event: object, seconds_left: float = 30.0) -> Any:
        with redirect_stdout(self.logged):
            return handler(event, Context(seconds_left))


def spoken(contact_id: str) -> list[dict[str, Any]]:
    """The segments with a call's lines."""
    return [
        utterance(f"{contact_id}-{number}", f"{SAID} {number}", number * 1000)
        for number in range(LINES)
    ]


@contextmanager
def deployed_lens(servers: Servers) -> Iterator[LensSimulator]:
    """The functions in their template's environment."""
    with pytest.MonkeyPatch.context() as patch:
        lens_simulator = LensSimulator(servers, patch)
        lens_simulator.configure()
        yield lens_simulator
    contact_lens.contact_lens.cache_clear()
    post_call_analysis.post_call_analysis.cache_clear()


@pytest.fixture(scope="module")
def lens_simulator(center: ContactCenterIdentity) -> Iterator[LensSimulator]:
    """The functions of a module."""
    with Servers(center) as servers, deployed_lens(servers) as made:
        yield made


@pytest.fixture
def lens(lens_simulator: LensSimulator) -> Iterator[LensSimulator]:
    """Everything is up and empty; the output is searched at the end."""
    lens_simulator.begin()
    yield lens_simulator
    lens_simulator.salesforce.clear_faults()
    lens_simulator.empty_queues()
    lens_simulator.check_what_was_logged()


@functools.cache
def _logged() -> CapturedOutput:
    """One for all tests: the bridge's logger is made once, and keeps its stream and its level."""
    logged = CapturedOutput()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(logged):
        patch.setenv("POWERTOOLS_SERVICE_NAME", SERVICE)
        patch.setenv("POWERTOOLS_LOG_LEVEL", "DEBUG")
        Observer()
    return logged
