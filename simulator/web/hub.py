"""Everything behind the console's interface: the simulator, what it recorded, what it can do."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from threading import Event, Thread
from typing import Any, Final, Self

from simulator.aws.fault_endpoint import KINDS as AWS_KINDS
from simulator.aws.fault_endpoint import AwsFault, FaultEndpoint
from simulator.salesforce import Exchange, Fault
from simulator.salesforce.faults import KINDS as SALESFORCE_KINDS
from simulator.simulator import Simulator
from simulator.web.calls import Call
from simulator.web.conversation import conversation
from simulator.web.facts import keys_of_exchange
from simulator.web.lanes import Lanes
from simulator.web.recorder import Recorder
from simulator.web.sending import Sender

CONNECT_KINDS: Final[Mapping[str, str]] = {
    "throttle": "DescribeContact is refused as throttled",
    "500": "DescribeContact answers 500",
    "hang": "DescribeContact never answers",
}
_FOLLOW_SECONDS: Final = 0.1
_UNANSWERED_SECONDS: Final = 2.0


class Hub:
    """The object that the routes call; as a context manager it follows the simulator.

    Attributes:
        simulator: what runs.
        recorder: what happened.
        sender: sends stories and events.
        lanes: how far the streams are.
    """

    def __init__(
        self,
        simulator: Simulator,
        recorder: Recorder,
        aws: FaultEndpoint,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Nothing is followed before the context is entered."""
        self.simulator = simulator
        self.recorder = recorder
        self.sender = Sender(simulator, recorder)
        self._aws = aws
        self._clock = clock
        self._ended = Event()
        self._seen = 0
        self._unanswered: dict[int, Exchange] = {}
        self.lanes = Lanes(clock)
        self._follower = Thread(target=self._follow, name="exchanges", daemon=True)

    def __enter__(self) -> Self:
        """Follow from now on."""
        self.sender.__enter__()
        self._follower.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop sending, then following."""
        self.sender.__exit__(*error)
        self._ended.set()
        self._follower.join()

    def story(self, call: Call) -> dict[str, Any]:
        """All that is known of a call."""
        return {
            "call": call.to_json(),
            "entries": [entry.to_json() for entry in call.entries],
            "parent": call.previous,
            "children": [child.to_json() for child in self.recorder.children(call.contact_id)],
            "tree": self._tree(self._root(call)),
            "conversation": self._conversation(call),
            "ledger": self._ledger_item(call),
            "voiceCalls": [
                asdict(record)
                for record in self.simulator.salesforce.voice_calls()
                if record.vendor_call_key.lower() == call.contact_id.lower()
            ],
            "actions": [
                asdict(action)
                for action in self.simulator.salesforce.actions()
                if action.vendor_call_key.lower() == call.contact_id.lower()
            ],
        }

    def faults(self) -> dict[str, Any]:
        """The faults that there are, and those that are switched on."""
        return {
            "kinds": {
                "salesforce": SALESFORCE_KINDS,
                "aws": AWS_KINDS,
                "connect": CONNECT_KINDS,
            },
            "on": {
                "salesforce": self.simulator.salesforce.waiting_faults(),
                "aws": [asdict(fault) for fault in self._aws.faults],
                "connect": self.simulator.connect.waiting_faults(),
            },
        }

    def inject(self, service: str, members: Mapping[str, Any]) -> None:
        """Switch a fault on.

        Raises:
            ValueError: naming what cannot be used.
        """
        match service:
            case "salesforce":
                self.simulator.salesforce.inject(Fault.from_json({"method": None, **members}))
            case "aws":
                fault = AwsFault(**members)
                self._aws.inject(fault)
                if fault.kind == "secret-missing":
                    self.simulator.restart_functions()  # one that runs has read the secret
            case "connect":
                kind, times = str(members.get("kind")), int(members.get("times") or 1)
                if kind not in CONNECT_KINDS:
                    raise ValueError(f"no fault {kind!r}; there are {', '.join(CONNECT_KINDS)}")
                self.simulator.connect.fail_next(kind, times)  # type: ignore[arg-type]
            case _:
                raise ValueError(f"{service!r} is not salesforce, aws or connect")
        self.recorder.note(f"fault on: {service} {members.get('kind')}", dict(members))

    def clear_faults(self) -> None:
        """Switch all faults off."""
        self.simulator.salesforce.clear_faults()
        self.simulator.connect.clear_faults()
        self._aws.clear()
        self.recorder.note("all faults off")

    def dead_letters(self) -> dict[str, Any]:
        """The dead letters of the queue with their payloads, and how many there are by reason."""
        url = self.simulator.setting("DEAD_LETTER_QUEUE_URL")
        letters = [
            letter for letter in self.simulator.aws.messages(url) if isinstance(letter, dict)
        ]
        reasons: dict[str, int] = {}
        for letter in letters:
            reason = str(letter.get("reason"))
            reasons[reason] = reasons.get(reason, 0) + 1
        given_up = [asdict(record) for record in self.simulator.records_given_up()]
        return {"letters": letters, "byReason": reasons, "givenUp": given_up}

    def redrive(self, request: Mapping[str, Any]) -> Any:
        """Invoke the redrive function; its answer, or its error."""
        done = self.simulator.invoke(self.simulator.sources["redrive"].function, dict(request))
        return done.payload if done.error is None else {"error": done.error}

    def reset(self) -> None:
        """Forget all that happened: records, journal, ledger, dead letters, faults."""
        self.sender.stop()
        self.clear_faults()
        self.simulator.reset()
        self._seen, self._unanswered = 0, {}
        self.lanes.clear()
        self.recorder.clear()

    def chain(self, call: Call) -> list[Call]:
        """The call behind all those that it was transferred from, the first one first."""
        found = [call]
        while parent := self.recorder.call(found[0].previous):
            if any(parent is known for known in found):
                break  # what inputs say of contacts may go in a circle
            found.insert(0, parent)
        return found

    def _root(self, call: Call) -> Call:
        return self.chain(call)[0]

    def _conversation(self, call: Call) -> dict[str, Any]:
        """The call's own; where it has none, which call of its chain has it."""
        own, root = conversation(call.entries, call.contact_id), self._root(call)
        elsewhere = not own["lines"] and root is not call
        there = elsewhere and conversation(root.entries, root.contact_id)["lines"]
        return {**own, "elsewhere": root.contact_id if there else ""}

    def _tree(self, call: Call, depth: int = 0) -> dict[str, Any]:
        children = self.recorder.children(call.contact_id) if depth < 20 else []
        return {
            "contactId": call.contact_id,
            "voiceCallId": call.voice_call_id,
            "initiationMethod": call.initiation,
            "children": [self._tree(child, depth + 1) for child in children],
        }

    def _ledger_item(self, call: Call) -> Mapping[str, Any]:
        table = self.simulator.setting("LEDGER_TABLE")
        key = {"ledger_key": f"{call.instance_id}/{call.contact_id}"}
        item = self.simulator.aws.item(table, key)
        return {name: _plain(value) for name, value in item.items()}

    def _follow(self) -> None:
        while not self._ended.wait(_FOLLOW_SECONDS):
            self._follow_once()

    def _follow_once(self) -> None:
        for exchange in self.simulator.salesforce.journal(self._seen):
            self._seen = max(self._seen, exchange.number)
            self._unanswered[exchange.number] = exchange
        if not self._unanswered:
            return
        first = min(self._unanswered)
        now = {it.number: it for it in self.simulator.salesforce.journal(first - 1)}
        for number in sorted(self._unanswered):
            exchange = now.get(number, self._unanswered[number])
            old = self._clock() - exchange.at > _UNANSWERED_SECONDS
            if exchange.status is not None or old:
                del self._unanswered[number]
                self.recorder.exchange(_shown(exchange))
                for key in keys_of_exchange(exchange.path, exchange.body):
                    if record := self.simulator.salesforce.voice_call(key):
                        self.recorder.found(key, record.voice_call_id)


def _shown(exchange: Exchange) -> dict[str, Any]:
    shown = asdict(exchange)
    try:
        shown["answer"] = json.loads(exchange.answer)
    except ValueError:
        shown["answer"] = exchange.answer
    return shown


def _plain(value: Mapping[str, Any]) -> Any:
    """A value of DynamoDB without its type."""
    kind, content = next(iter(value.items()))
    if kind == "N":
        return float(content) if "." in content else int(content)
    return content
