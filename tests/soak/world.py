"""The real handlers among the models: what is delivered, what is killed, what must hold."""

from __future__ import annotations

import heapq
import io
import json
import logging
import random
from collections import Counter, defaultdict
from concurrent.futures import Executor, Future
from contextlib import redirect_stdout
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

from requests.adapters import HTTPAdapter

from tests.soak.aws import Aws, at
from tests.soak.calls import CANARY, Input, new_call
from tests.soak.chance import Chance, Killed
from tests.soak.functions import kinesis_record, load_handler
from tests.soak.salesforce import Salesforce
from voicecall_bridge.composition import aws as aws_composition
from voicecall_bridge.composition.contact_events import contact_events
from voicecall_bridge.composition.contact_flow import flow_service
from voicecall_bridge.composition.contact_records import contact_records
from voicecall_bridge.deadline import Deadline, DeadlineExceeded
from voicecall_bridge.flow import service as flow_module
from voicecall_bridge.flow.results import FlowFailed
from voicecall_bridge.streams import processor as stream_module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.soak.clock import Clock

FUNCTIONS = {"flow": "contact_flow", "event": "contact_events", "record": "contact_records"}
FUNCTIONS_SOURCES = {"event": "contact_events", "record": "contact_records"}
MOST_IN_A_BATCH = 10
FLOW_LIMIT = 8.0
BUDGET = 6.5
LAST_REQUEST_SECONDS = 1.5
"""What a request that began in time may take here; the bridge would not wait for it."""
STREAM_LIMIT = 60.0
GIVEN_UP_SECONDS = {"event": 3600.0, "record": 4 * 3600.0}
SECRET_NAME = "center"
CALLS_AT_ONCE = 40


class AtOnce(Executor):
    """Runs what is submitted before it answers, so that a seed can be repeated."""

    def __init__(self, *_: Any, **__: Any) -> None:
        """Takes what ThreadPoolExecutor takes."""

    def submit(self, work: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work(*arguments, **named))
        except Killed:
            raise
        except BaseException as error:  # what a pool's worker does
            future.set_exception(error)
        return future


def _within(deadline: Deadline, work: Callable[[], Any]) -> Any:
    """run_before in one thread: the work ends, and its answer may come too late."""
    answer = work()
    if not deadline.allows(0.0):
        raise DeadlineExceeded("the time for this answer has run out")
    return answer


class World:
    """Delivers random calls until so many inputs were handed to the functions.

    Attributes:
        deliveries: inputs handed to a function, repeats included.
        ends: how inputs ended, by disposition and reason.
        violations: promises that did not hold.
    """

    def __init__(self, seed: int, clock: Clock, secret: str) -> None:
        self.random = random.Random(seed)
        self.clock = clock
        self.chance = Chance(self.random, self._meanwhile)
        self.aws = Aws(self.chance, clock, secret)
        self.salesforce = Salesforce(self.chance, clock, self.aws)
        self.deliveries = 0
        self.inputs = 0
        self.ends: Counter[str] = Counter()
        self.ended: dict[str, Counter[str]] = defaultdict(Counter)
        self.violations = self.salesforce.violations
        self.newest: dict[str, int] = {}
        self._told: set[str] = set()
        self._answered = 0
        self._flow_ends = 0
        self._waiting: list[tuple[float, int, Input]] = []
        self._streams: dict[str, dict[str, list[tuple[str, float, Input]]]] = {
            "event": defaultdict(list),
            "record": defaultdict(list),
        }
        self._number = 0
        self._written = io.StringIO()
        self._handlers = {kind: load_handler(name) for kind, name in FUNCTIONS.items()}

    def run(self, deliveries: int, *, stops: bool = False) -> None:
        """Deliver so many inputs, then let everything end without further accidents.

        Args:
            deliveries: at least.
            stops: at the first violation.
        """
        with self._installed():
            while self.deliveries < deliveries and not (stops and self.violations):
                if len(self._waiting) < CALLS_AT_ONCE * 8:
                    self._begin_call()
                self._step()
            self.chance.calm = True
            if stops and self.violations:
                return
            while self._waiting or any(map(any, self._open())) or self.aws.parked:
                self._step()
        self._check_end()

    def _open(self) -> Iterator[list[Any]]:
        for chains in self._streams.values():
            yield from chains.values()

    def _begin_call(self) -> None:
        begin = self.clock.now
        call = new_call(self.random, begin)
        for contact in call.contacts:
            self.aws.contacts[contact["ContactId"]] = {
                **{name: contact[name] for name in ("InitiationMethod", "Channel", "Attributes")},
                **{name: contact[name] for name in ("CustomerEndpoint", "SystemEndpoint")},
                "PreviousContactId": contact["PreviousContactId"],
                "InitialContactId": contact["InitialContactId"],
                "InitiationTimestamp": at(begin),
            }
        for one in call.inputs:
            self._number += 1
            heapq.heappush(self._waiting, (begin + one.after, self._number, one))
            if one.kind == "record":
                stamp = int(one.body["Attributes"]["sfdc-Stamp"])
                self.newest[one.contact_id] = max(self.newest.get(one.contact_id, 0), stamp)

    def _step(self) -> None:
        if self.aws.parked and self.random.random() < 0.3:
            self._deliver_parked()
        elif self._waiting and (self._waiting[0][0] <= self.clock.now or not any(self._open())):
            moment, number, one = heapq.heappop(self._waiting)
            self.clock.now = max(self.clock.now, moment)
            self.inputs += 1
            self._arrive(number, one)
        else:
            self._deliver_some()

    def _arrive(self, number: int, one: Input) -> None:
        if one.kind == "flow":
            self._flow(one)
            return
        if one.kind == "event" and one.body["detail"]["eventType"] == "DISCONNECTED":
            self.aws.contacts[one.contact_id]["DisconnectTimestamp"] = at(self.clock.now)
        self._streams[one.kind][one.chain].append((f"s-1:{number}", self.clock.now, one))
        if self.random.random() < 0.7:
            self._deliver_some()

    def _meanwhile(self) -> None:
        """What runs in the middle of another delivery's request: an environment of its own."""
        outer = self.salesforce.from_events, self.aws.ledger_failed
        try:
            if self._waiting and self.random.random() < 0.5:
                _, number, one = heapq.heappop(self._waiting)
                self.inputs += 1
                self._arrive(number, one)
            else:
                self._deliver_some()
        finally:
            self.salesforce.from_events = outer[0]
            self.aws.ledger_failed = self.aws.ledger_failed or outer[1]

    def _flow(self, one: Input) -> None:
        self.deliveries += 1
        self.salesforce.from_events = False
        begun, between = self.clock.now, self.chance.faults["deliveries in between"]
        answer = self._invoke("flow", one.body, FLOW_LIMIT)
        # In one thread, a delivery in between takes this one's time.
        alone = between == self.chance.faults["deliveries in between"]
        late = self.clock.now - begun > BUDGET + LAST_REQUEST_SECONDS
        self._require(not (alone and late), f"{one.contact_id}: a flow that waited too long")
        if answer is None:
            self.ends["killed flow"] += 1
            return
        self._answered += 1
        for line in self._lines():
            self._note(line)

    def _deliver_parked(self) -> None:
        """What is due in a retry queue; where nothing else is left, time passes until then."""
        if not (self._waiting or any(self._open())):
            next_due = min(it.due for it in self.aws.parked.values())
            self.clock.now = max(self.clock.now, next_due)
        kind = self.random.choice(("event", "record"))
        messages = self.aws.due(FUNCTIONS_SOURCES[kind])[:MOST_IN_A_BATCH]
        if not messages:
            return
        self.deliveries += len(messages)
        self.salesforce.from_events = kind == "event"
        answer = self._invoke(kind, {"Records": messages}, STREAM_LIMIT)
        if answer is None:
            return  # they come when their visibility time-out is over
        for line in self._lines():
            self._note(line)
        failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
        for message in messages:
            if message["messageId"] in failed:
                continue
            raw = json.loads(message["body"])["payload"]
            self._require(raw["eventID"] in self._told, "a parked record that ended unseen")
            if self.random.random() >= 0.03 or self.chance.calm:  # SQS delivers at least once
                self.aws.parked.pop(message["messageId"], None)

    def _deliver_some(self) -> None:
        kind = self.random.choice(("event", "record"))
        chains = self._streams[kind]
        ready = [chain for chain, items in chains.items() if items]
        if not ready:
            return
        batch: list[tuple[str, float, Input]] = []
        chosen = self.random.sample(ready, min(len(ready), self.random.randrange(1, 6)))
        for chain in chosen:
            taken = self.random.randrange(1, 4)
            batch += chains[chain][:taken]
            # Taken out while they are under way: a lane has one batch at a time.
            chains[chain] = chains[chain][taken:]
        batch = batch[:MOST_IN_A_BATCH] + [
            item for item in batch[MOST_IN_A_BATCH:] if self._put_back(kind, item)
        ]
        self._batch(kind, batch)

    def _put_back(self, kind: str, item: tuple[str, float, Input]) -> bool:
        self._streams[kind][item[2].chain].insert(0, item)
        return False

    def _batch(self, kind: str, batch: list[tuple[str, float, Input]]) -> None:
        self.deliveries += len(batch)
        self.salesforce.from_events = kind == "event"
        event = {
            "Records": [kinesis_record(number, arrived, one) for number, arrived, one in batch]
        }
        answer = self._invoke(kind, event, STREAM_LIMIT)
        lines = self._lines() if answer is not None else []
        if answer is None:
            again = {number.partition(":")[2] for number, _, _ in batch}
        else:
            again = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
        for line in lines:
            self._note(line)
        kept: list[tuple[str, float, Input]] = []
        for number, arrived, one in batch:
            name = number.partition(":")[2]
            if name in again:
                kept.append((number, arrived, one))
            else:
                ended = number in self._told or number in self._parked()
                self._require(ended, f"{one.contact_id}: a record that ended unseen")
                if self.random.random() < 0.03 and not self.chance.calm:
                    kept.append((number, arrived, one))  # Lambda delivers at least once
        for number, arrived, one in reversed(kept):
            if self.clock.now - arrived > GIVEN_UP_SECONDS[kind]:
                self.ends["given up by Lambda"] += 1
                self._require(False, f"{one.contact_id}: given up by Lambda")
                self.ended[one.contact_id]["given up"] += 1
            else:
                self._streams[kind][one.chain].insert(0, (number, arrived, one))
        if kept:
            self.clock.sleep(1.0)

    def _parked(self) -> set[str]:
        """The ids of the records in the retry queues."""
        bodies = (json.loads(it.message["body"]) for it in self.aws.parked.values())
        return {body["payload"]["eventID"] for body in bodies}

    def _invoke(self, kind: str, event: Any, limit: float) -> Any:
        """The handler's answer; None where its process was killed."""
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: limit * 1000)
        self.aws.ledger_failed = False
        self.salesforce.clearing.clear()
        try:
            answer = self._handlers[kind](event, context)
            if not self.aws.ledger_failed:
                self.salesforce.cleared |= self.salesforce.clearing
            return answer
        except Killed:
            # The next invocation of this function starts cold.
            {"flow": flow_service, "event": contact_events, "record": contact_records}[
                kind
            ].cache_clear()
            return None
        except FlowFailed:
            return {}

    def _lines(self) -> list[dict[str, Any]]:
        """The delivery lines since the last look; nothing of a caller may be in any line."""
        text = self._written.getvalue()
        self._written.seek(0)
        self._written.truncate()
        self._require(CANARY not in text, "a caller's number in a log")
        lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        defects = [line for line in lines if line.get("message") == "defect"]
        self._require(not defects, f"a defect: {defects[:1]}")
        return [line for line in lines if line.get("message") == "delivery"]

    def _note(self, line: dict[str, Any]) -> None:
        self._told.add(line["inputId"])
        self._flow_ends += line["source"] == "contact_flow"
        end = f"{line['disposition']} {line['reason']}".strip()
        self.ends[end] += 1
        self.ended[line["ContactId"]][end] += 1

    def _require(self, holds: bool, broken: str) -> None:
        if not holds:
            self.violations.append(broken)

    def _check_end(self) -> None:
        """What holds when everything has ended: each flow's answer has its line, and the newest
        version of each contact stands."""
        self._require(
            self._flow_ends >= self._answered, "a flow's invocation that ended without its line"
        )
        for contact_id, stamp in self.newest.items():
            lost = any("dead" in end or "given up" in end for end in self.ended[contact_id])
            stored = self.salesforce.stored.get(contact_id)
            if stored is None or stored.stamp != stamp:
                self._require(lost, f"{contact_id}: the newest version is not in Salesforce")

    def second_calls(self) -> int:
        """VoiceCalls beyond the first of a contact, all after an outcome nobody could know."""
        return sum(max(0, len(stored.ids) - 1) for stored in self.salesforce.stored.values())

    def _installed(self) -> Any:
        logging.disable(logging.NOTSET)
        stack = mock.patch.multiple(
            aws_composition.AwsClients,
            maker=lambda _, service, seconds=0.0: lambda: self.aws.client(service),
        )
        return _Together(
            stack,
            mock.patch.object(HTTPAdapter, "send", _sending(self.salesforce)),
            mock.patch.object(flow_module, "run_before", _within),
            mock.patch.object(stream_module, "ThreadPoolExecutor", AtOnce),
            mock.patch.object(stream_module, "wait", _all_done),
            redirect_stdout(self._written),
        )


class _Together:
    def __init__(self, *parts: Any) -> None:
        self._parts = parts

    def __enter__(self) -> None:
        for part in self._parts:
            part.__enter__()

    def __exit__(self, *error: Any) -> None:
        for part in reversed(self._parts):
            part.__exit__(*error)


def _sending(salesforce: Salesforce) -> Any:
    return lambda _, request, **options: salesforce.send(request, **options)


def _all_done(*_: Any, **__: Any) -> Any:
    return SimpleNamespace(not_done=())
