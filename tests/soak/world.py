"""The deliveries to the models, their order, and the rules that must hold for each delivery."""

from __future__ import annotations

import heapq
import random
from typing import TYPE_CHECKING

from tests.soak.aws import Aws, at
from tests.soak.books import Books
from tests.soak.calls import Input, new_call
from tests.soak.chance import Chance
from tests.soak.functions import kinesis_record
from tests.soak.process import FUNCTIONS, Process
from tests.soak.salesforce import Salesforce

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.soak.clock import Clock

STREAMS = ("event", "record", "line")
RETRIED = ("event", "record")
MOST_IN_A_BATCH = 10
BUDGET = 6.5
LAST_REQUEST_SECONDS = 1.5
"""The time that a request may take here if it began in time; the bridge would not wait for it."""
IN_TIME_SECONDS = 30.0
"""A batch that took no longer had time for each of its records."""
GIVEN_UP_SECONDS = {"event": 3600.0, "record": 4 * 3600.0, "line": 3600.0}
CALLS_AT_ONCE = 40
AGAIN = 0.03
"""How likely a record that has ended is delivered again: Lambda and SQS deliver at least once."""

Item = tuple[str, float, Input]
"""A record in its stream: shard and sequence number, when it arrived, what it is."""


class World:
    """Delivers random calls until so many inputs were handed to the functions.

    Attributes:
        deliveries: inputs handed to a function, repeats included.
        inputs: of calls.
        books: how they ended.
        violations: promises that did not hold.
    """

    def __init__(self, seed: int, clock: Clock, secrets: Mapping[str, str]) -> None:
        self.random = random.Random(seed)
        self.clock = clock
        self.chance = Chance(self.random, self._meanwhile)
        self.aws = Aws(self.chance, clock, secrets)
        self.salesforce = Salesforce(self.chance, clock, self.aws)
        self.process = Process(self.aws, self.salesforce)
        self.books = Books(self.aws, self.salesforce)
        self.deliveries = self.inputs = 0
        self.violations = self.salesforce.violations
        self._waiting: list[tuple[float, int, Input]] = []
        self._streams: dict[str, dict[str, list[Item]]] = {kind: {} for kind in STREAMS}
        self._busy: set[str] = set()
        self._number = 0

    def run(self, deliveries: int, *, stops: str | None = None) -> None:
        """Deliver so many inputs, then let everything end without further accidents.

        Args:
            deliveries: at least.
            stops: at the first violation with this text; None: at none.
        """
        with self.process.installed():
            while self.deliveries < deliveries and not self._stopped(stops):
                if len(self._waiting) < CALLS_AT_ONCE * 8:
                    self._begin_call()
                self._step()
            self.chance.calm = True
            if self._stopped(stops):
                return
            while self._waiting or self._any_open() or self._any_parked():
                self._step()
        self.books.close()

    def _stopped(self, stops: str | None) -> bool:
        return stops is not None and any(stops in broken for broken in self.violations)

    def _any_open(self) -> bool:
        return any(self._streams.values())

    def _any_parked(self) -> bool:
        return bool(self.aws.lines) or any(self.aws.parked.values())

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
        self.books.begin(call)
        for one in call.inputs:
            self._number += 1
            heapq.heappush(self._waiting, (begin + one.after, self._number, one))

    def _step(self) -> None:
        if self.aws.lines.is_due() and self.random.random() < 0.9:
            self._deliver_lines()
        elif self._any_parked() and self.random.random() < 0.3:
            self._deliver_queued()
        elif self._waiting and (self._waiting[0][0] <= self.clock.now or not self._any_open()):
            self._arrive()
        else:
            self._deliver_some()

    def _arrive(self) -> None:
        moment, number, one = heapq.heappop(self._waiting)
        self.clock.now = max(self.clock.now, moment)
        self.inputs += 1
        if one.kind == "flow":
            self._flow(one)
            return
        if one.kind == "event" and one.body["detail"]["eventType"] == "DISCONNECTED":
            self.aws.contacts[one.contact_id]["DisconnectTimestamp"] = at(self.clock.now)
        name = f"s-1:{number}"
        self.books.arrived(name, one)
        self._streams[one.kind].setdefault(one.chain, []).append((name, self.clock.now, one))
        if self.random.random() < 0.7:
            self._deliver_some()

    def _meanwhile(self) -> None:
        """Another delivery in the middle of a request, in an environment of its own."""
        if self._waiting and self.random.random() < 0.5:
            self._arrive()
        else:
            self._deliver_some()

    def _flow(self, one: Input) -> None:
        self.deliveries += 1
        begun, between = self.clock.now, self.chance.faults["deliveries in between"]
        answer = self.process.invoke("flow", one.body).answer
        # In one thread, a delivery in between takes this one's time.
        alone = between == self.chance.faults["deliveries in between"]
        late = self.clock.now - begun > BUDGET + LAST_REQUEST_SECONDS
        self._require(not (alone and late), f"{one.contact_id}: a flow that waited too long")
        if answer is None:
            self.books.ends["killed flow"] += 1
        else:
            self.books.answered += 1
            self._read_log()
        self.books.ended(one.chain)

    def _read_log(self) -> None:
        for line in self.process.lines():
            self.books.note(line)

    def _deliver_queued(self) -> None:
        """Delivers the messages of a queue that are due; if nothing else is left, time passes until
        then."""
        if not (self._waiting or self._any_open()):
            self.clock.now = max(self.clock.now, self.aws.next_due())
        if self.random.random() < 0.5:
            self._deliver_lines()
        else:
            self._deliver_parked(self.random.choice(RETRIED))

    def _deliver_lines(self) -> None:
        """Delivers the messages that are due in the queue of deferred lines."""
        queue, environment = self.aws.lines, self.process.environments.begin()
        ready = queue.receive(MOST_IN_A_BATCH, environment)
        if not ready:
            self.process.environments.end(environment, killed=False)
            return
        self.deliveries += len(ready)
        event = {"Records": [it.message for it in ready]}
        answer = self.process.invoke_lens(event, environment).answer
        if answer is None:
            return  # the messages are delivered again after their visibility time-out
        self._read_log()
        failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
        for waiting in ready:
            done = waiting.message["messageId"] not in failed and not self._again()
            if done and queue.delete(waiting):
                ended = self.books.gone(waiting.record_id)
                self._require(ended, "a line that waited ended unseen")

    def _deliver_parked(self, kind: str) -> None:
        """Delivers the messages that are due in the retry queue of a function."""
        source = FUNCTIONS[kind]
        ready = self.aws.due(source, MOST_IN_A_BATCH)
        if not ready:
            return
        self.deliveries += len(ready)
        answer = self.process.invoke(kind, {"Records": [it.message for it in ready]}).answer
        if answer is None:
            return  # the messages are delivered again after their visibility time-out
        self._read_log()
        failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
        for parked in ready:
            message_id = parked.message["messageId"]
            if message_id in failed or self._again():
                continue
            if self.aws.parked[source].pop(message_id, None):
                ended = self.books.gone(parked.record_id)
                self._require(ended, "a parked record that ended unseen")

    def _again(self) -> bool:
        return self.random.random() < AGAIN and not self.chance.calm

    def _deliver_some(self) -> None:
        kind = self.random.choice(STREAMS)
        chains = self._streams[kind]
        ready = [chain for chain in chains if kind != "line" or chain not in self._busy]
        if not ready:
            return
        batch: list[Item] = []
        chosen = self.random.sample(ready, min(len(ready), self.random.randrange(1, 6)))
        for chain in chosen:
            taken = min(self.random.randrange(1, 4), MOST_IN_A_BATCH - len(batch))
            batch += chains[chain][:taken]
            # Records under way are taken out of the streams.
            chains[chain] = chains[chain][taken:]
            if not chains[chain]:
                del chains[chain]
        if kind == "line":
            self._busy.update(chosen)  # a lane has one batch at a time
        self._batch(kind, batch)
        if kind == "line":
            self._busy.difference_update(chosen)

    def _batch(self, kind: str, batch: list[Item]) -> None:
        self.deliveries += len(batch)
        begun = self.clock.now
        event = {
            "Records": [kinesis_record(number, arrived, one) for number, arrived, one in batch]
        }
        if kind == "line":
            environment = self.process.environments.begin()
            outcome = self.process.invoke_lens(event, environment)
        else:
            outcome = self.process.invoke(kind, event)
        if outcome.answer is None:
            again = {number.partition(":")[2] for number, _, _ in batch}
        else:
            self._read_log()
            again = {each["itemIdentifier"] for each in outcome.answer["batchItemFailures"]}
            hindered = "sqs" in outcome.failed or self.clock.now - begun > IN_TIME_SECONDS
            self._require(hindered or not again, "a record that stays in its lane")
        kept: list[Item] = []
        for item in batch:
            number, _, one = item
            if number.partition(":")[2] in again:
                kept.append(item)
                continue
            accounted = self.books.is_accounted_for(number)
            self._require(accounted, f"{one.contact_id}: a record that ended unseen")
            if self._again():
                kept.append(item)
            else:
                self.books.gone(number)
        self._put_back(kind, kept)

    def _put_back(self, kind: str, kept: list[Item]) -> None:
        """The records that must be delivered again, if they are not too old for that."""
        for number, arrived, one in reversed(kept):
            if self.clock.now - arrived > GIVEN_UP_SECONDS[kind]:
                self._require(False, f"{one.contact_id}: given up by Lambda")
                self.books.given_up(one.contact_id)
                self.books.gone(number)
            else:
                self._streams[kind].setdefault(one.chain, []).insert(0, (number, arrived, one))
        if kept:
            self.clock.sleep(1.0)

    def _require(self, holds: bool, broken: str) -> None:
        self.salesforce.require(holds, broken)
