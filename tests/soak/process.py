"""The real handlers in one thread of this process, so that a seed can be repeated."""

from __future__ import annotations

import io
import json
import logging
from concurrent.futures import Executor, Future
from concurrent.futures._base import DoneAndNotDoneFutures
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

import botocore.session
from requests.adapters import HTTPAdapter

from tests.soak.calls import CANARY
from tests.soak.chance import Killed
from tests.soak.environments import Environments
from tests.soak.functions import load_handler
from tests.soak.talk import WORDS
from voicecall_bridge.composition import aws as aws_composition
from voicecall_bridge.composition import contact_lens as lens_composition
from voicecall_bridge.composition import ledger as ledger_composition
from voicecall_bridge.composition.contact_events import contact_events
from voicecall_bridge.composition.contact_flow import flow_service
from voicecall_bridge.composition.contact_records import contact_records
from voicecall_bridge.deadline import Deadline, DeadlineExceeded
from voicecall_bridge.flow import service as flow_module
from voicecall_bridge.flow.results import FlowFailed
from voicecall_bridge.streams import processor as stream_module
from voicecall_bridge.use_cases import transcripts as transcripts_module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.soak.aws import Aws
    from tests.soak.salesforce import Salesforce

FUNCTIONS = {
    "flow": "contact_flow",
    "event": "contact_events",
    "record": "contact_records",
    "line": "contact_lens",
}
LIMITS = {"flow": 8.0, "event": 60.0, "record": 60.0, "line": 30.0}
"""Seconds of Lambda's time-outs."""
_SERVICES = {"flow": flow_service, "event": contact_events, "record": contact_records}


class AtOnce(Executor):
    """Runs what is submitted before it answers."""

    def __init__(self, *_: Any, **__: Any) -> None:
        """Accepts the arguments of ThreadPoolExecutor."""

    def submit(self, work: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work(*arguments, **named))
        except Killed:
            raise
        except BaseException as error:  # what a pool's worker does
            future.set_exception(error)
        return future


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an invocation ended.

    Attributes:
        answer: the handler's; None where its process was killed.
        failed: services of AWS of which one of its requests failed.
    """

    answer: Any
    failed: set[str]


class Process:
    """The functions' execution environments, among the models."""

    def __init__(self, aws: Aws, salesforce: Salesforce) -> None:
        self._aws, self._salesforce = aws, salesforce
        self._written = io.StringIO()
        self._handlers = {kind: load_handler(name) for kind, name in FUNCTIONS.items()}
        self.environments = Environments(aws.lines)
        self._handlers["line"].__globals__["contact_lens"] = self.environments.service

    def installed(self) -> ExitStack:
        """Until it ends, the bridge's clients reach the models, and no thread is used."""
        logging.disable(logging.NOTSET)
        session = botocore.session.get_session()
        stack = ExitStack()
        for part in (
            # The session is not used; making one takes longer than a delivery.
            mock.patch.object(botocore.session, "get_session", return_value=session),
            mock.patch.object(
                aws_composition.AwsClients,
                "maker",
                lambda _, service, seconds=0.0: lambda: self._aws.client(service),
            ),
            mock.patch.object(ledger_composition, "DynamoDb", lambda client, *_: client),
            mock.patch.object(HTTPAdapter, "send", _sending(self._salesforce)),
            mock.patch.object(flow_module, "run_before", _within),
            mock.patch.object(stream_module, "ThreadPoolExecutor", AtOnce),
            mock.patch.object(stream_module, "wait", _all_done),
            mock.patch.object(lens_composition, "ThreadPoolExecutor", AtOnce),
            mock.patch.object(transcripts_module, "wait", _all_done),
            redirect_stdout(self._written),
        ):
            stack.enter_context(part)
        return stack

    def invoke(self, kind: str, event: Any) -> Outcome:
        """Lets a function handle an event; another function may be in the middle of a request."""
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: LIMITS[kind] * 1000)
        aws, salesforce = self._aws, self._salesforce
        outer = aws.failed, salesforce.sender, salesforce.clearing
        failed, clearing = set[str](), set[str]()
        aws.failed, salesforce.sender, salesforce.clearing = failed, kind, clearing
        try:
            answer = self._handlers[kind](event, context)
            if "dynamodb" not in failed:
                salesforce.cleared |= clearing
        except Killed:
            if kind in _SERVICES:
                _SERVICES[kind].cache_clear()  # the function's next invocation starts cold
            answer = None
        except FlowFailed:
            answer = {}
        finally:
            aws.failed, salesforce.sender, salesforce.clearing = outer
        return Outcome(answer, failed)

    def invoke_lens(self, event: Any, environment: int) -> Outcome:
        """Lets `contact_lens` handle an event in an environment."""
        queue = self._aws.lines
        outer, queue.environment = queue.environment, environment
        outcome = self.invoke("line", event)
        queue.environment = outer
        self.environments.end(environment, killed=outcome.answer is None)
        return outcome

    def lines(self) -> list[dict[str, Any]]:
        """The delivery lines since the last call. Checks that no line holds anything of a
        caller."""
        require = self._salesforce.require
        text = self._written.getvalue()
        self._written.seek(0)
        self._written.truncate()
        require(CANARY not in text, "a caller's number in a log")
        require(WORDS not in text, "a caller's words in a log")
        lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        defects = [line for line in lines if line.get("message") == "defect"]
        require(not defects, f"a defect: {defects[:1]}")
        return [line for line in lines if line.get("message") == "delivery"]


def _within(deadline: Deadline, work: Callable[[], Any]) -> Any:
    """run_before in one thread: the work ends, and its answer may come too late."""
    answer = work()
    if not deadline.allows(0.0):
        raise DeadlineExceeded("the time for this answer has run out")
    return answer


def _sending(salesforce: Salesforce) -> Any:
    return lambda _, request, **options: salesforce.send(request, **options)


def _all_done(futures: Iterable[Future[Any]], timeout: float) -> DoneAndNotDoneFutures[Any]:
    return DoneAndNotDoneFutures(set(futures), set())
