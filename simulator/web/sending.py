"""Sends the inputs of stories and people through the simulator, and lets the recorder see them."""

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import Any, Final

from simulator.salesforce import Fault
from simulator.samples.moments import at_delivery, with_times
from simulator.samples.sources import source_of
from simulator.simulator import Simulator
from simulator.web import facts
from simulator.web.facts import ContactFacts
from simulator.web.recorder import Recorder
from simulator.web.sample_export import CONTACT_KNOWN, NO_RULE
from simulator.web.stories import Step, StoryError, steps_of

FLOW_FUNCTION: Final = "ContactFlowFunction"
_WORKERS: Final = 16
FASTEST: Final = 100.0
MOST_CALLS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Order:
    """A story to play.

    Attributes:
        story: its word.
        calls: how many, from 1 to MOST_CALLS.
        rate: calls a second, up to FASTEST.
        seed: of the first call; each further call has the next one.
        overrides: see stories.Teller.
    """

    story: str
    calls: int = 1
    rate: float = 1.0
    seed: int = 1
    overrides: Mapping[str, str] | None = None

    def check(self) -> None:
        """Refuse a story that cannot be played.

        Raises:
            StoryError: naming what was received and what is taken.
        """
        if not 1 <= self.calls <= MOST_CALLS:
            raise StoryError(f"calls is {self.calls}; take 1 to {MOST_CALLS}")
        if not 0.01 <= self.rate <= FASTEST:
            raise StoryError(f"rate is {self.rate}; take 0.01 to {FASTEST:g} calls a second")
        steps_of(self.story, self.seed, self.overrides or {}, datetime.now(UTC))


class Sender:
    """Sends to the simulator from threads of its own, as a context manager.

    Args:
        simulator: where to.
        recorder: sees each input before it is sent.
        clock, wait: seconds on a monotonic clock; a wait that answers True when it is to end.
    """

    def __init__(
        self,
        simulator: Simulator,
        recorder: Recorder,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing runs before the context is entered."""
        self._simulator = simulator
        self._recorder = recorder
        self._clock = clock
        self._ended = Event()
        self._lock = Lock()
        self._players: list[Thread] = []

    def __enter__(self) -> "Sender":
        """Make the workers."""
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="sender")
        return self

    def __exit__(self, *_: object) -> None:
        """Stop all stories; requests that were sent are finished."""
        self.stop()
        self._pool.shutdown(cancel_futures=True)

    def stop(self) -> None:
        """Stop all stories. Requests that were sent go on."""
        with self._lock:
            self._ended.set()
            players, self._players = self._players, []
            self._ended = Event()
        for player in players:
            player.join()

    def start(self, order: Order) -> list[str]:
        """Begin to play; the contact ids of the first call.

        Raises:
            StoryError: the story cannot be played.
        """
        order.check()
        first = steps_of(order.story, order.seed, order.overrides or {}, datetime.now(UTC))
        with self._lock:
            order_and_end = (order, self._ended)
            player = Thread(target=self._play, args=order_and_end, name="player", daemon=True)
            self._players = [each for each in self._players if each.is_alive()]
            self._players.append(player)
        player.start()
        return list(dict.fromkeys(ids for step in first if (ids := _contact_of(step))))

    def send(self, kind: str, payload: Any, times: int = 1, *, shuffled: bool = False) -> None:
        """Send one event, or each event of a list, so many times."""
        items = payload if isinstance(payload, list) else [payload]
        copies = [item for _ in range(times) for item in items]
        if shuffled:
            random.shuffle(copies)
        for item in copies:
            self._pool.submit(self._guarded, Step(0.0, kind, item))  # type: ignore[arg-type]

    def _play(self, order: Order, ended: Event) -> None:
        begun = self._clock()
        waiting: list[tuple[float, Step]] = []
        for number in range(order.calls):
            at = number / order.rate
            steps = steps_of(
                order.story, order.seed + number, order.overrides or {}, datetime.now(UTC)
            )
            waiting += [(at + step.after, step) for step in steps]
            waiting.sort(key=lambda pair: pair[0])
            until = (number + 1) / order.rate if number + 1 < order.calls else float("inf")
            while waiting and waiting[0][0] < until:
                due, step = waiting.pop(0)
                if ended.wait(max(0.0, due - (self._clock() - begun))):
                    return
                self._pool.submit(self._guarded, step)

    def _guarded(self, step: Step) -> None:
        try:
            self._one(step)
        except Exception as error:  # a person sees it in the call's story
            contact_id = _contact_of(step)
            self._recorder.note(f"could not be sent: {error}", {"contactId": contact_id})

    def _one(self, step: Step) -> None:
        simulator, payload = self._simulator, at_delivery(step.payload, datetime.now(UTC))
        match step.kind:
            case "flow":
                simulator.invoke(FLOW_FUNCTION, payload)
            case "event":
                self._recorder.input("event", payload, facts.of_event(payload))
                if not simulator.sources.publish(payload):
                    self._recorder.note(NO_RULE, {}, facts.of_event(payload))
            case "record":
                self._recorder.input("record", payload, facts.of_record(payload))
                key = str(payload.get("ContactId") or "-")
                simulator.sources.put("contact_records", key, json.dumps(payload))
            case "lens":
                self._recorder.input("lens", payload, facts.of_record(payload))
                key = str(payload.get("ContactId") or "-")
                simulator.sources.put("contact_lens", key, json.dumps(payload))
            case "file":
                self._file(payload)
            case "contact":
                members = dict(payload)
                instance = simulator.aws.template.resolve({"Ref": "ConnectInstanceArn"})
                contact_id = str(members.pop("Id"))
                known = ContactFacts(contact_id=contact_id)
                self._recorder.note(CONTACT_KNOWN, {"contact": payload}, known)
                simulator.connect.add_contact(
                    str(instance).rpartition("/")[2], contact_id, **with_times(members)
                )
            case "fault":
                simulator.salesforce.inject(Fault.from_json(payload))
            case _:
                raise StoryError(f"{step.kind!r} is not a kind of step")

    def _file(self, payload: Mapping[str, Any]) -> None:
        """Writes a file of Contact Lens, if there is one, and announces it."""
        event = payload.get("event", payload)
        if "content" in payload:
            where = event["detail"]
            content = json.dumps(payload["content"]).encode()
            self._simulator.aws.put_file(where["bucket"]["name"], where["object"]["key"], content)
        more = {"content": payload["content"]} if "content" in payload else {}
        self._recorder.input("file", event, facts.of_file(event), more)
        self._simulator.invoke(self._simulator.sources["post_call_analysis"].function, event)


_READERS: Final[Mapping[str, Callable[[Any], ContactFacts | None]]] = {
    "flow": facts.of_flow,
    "event": facts.of_event,
    "record": facts.of_record,
    "lens": facts.of_record,
    "file": lambda file: facts.of_file(file.get("event", file)),
}


def _contact_of(step: Step) -> str:
    reader = _READERS.get(step.kind)
    contact = reader(step.payload) if reader else None
    return contact.contact_id if contact else ""


def kinds_of(payload: Any) -> str:
    """flow, event, record, lens or file, by what the payload looks like; empty for anything else.

    A list is judged by its first item.
    """
    first = payload[0] if isinstance(payload, Sequence) and payload else payload
    if not isinstance(first, Mapping):
        return ""
    if facts.of_flow(first):
        return "flow"
    if facts.of_event(first):
        return "event"
    if source_of(first) == "contact_lens":
        return "lens"
    if facts.of_file(first):
        return "file"
    return "record" if facts.of_record(first) else ""
