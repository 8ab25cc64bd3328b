"""Everything that happened, in order, and by contact: what the console shows.

One lock guards all of it; readers get copies. The recorder keeps the newest entries and forgets
the oldest beyond `capacity`, so a simulator that is left running all day does not grow for ever.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from threading import Condition
from typing import Any, Final

from simulator.functions.lambda_process import Invocation
from simulator.web import facts
from simulator.web.calls import SHOWN_STATES, Call, Entry, in_state, learn_from_log
from simulator.web.facts import ContactFacts
from simulator.web.figures import Figures

CAPACITY: Final = 200_000
MOST_CALLS: Final = 20_000


@dataclass(frozen=True, slots=True)
class _Seen:
    """An entry before it has a number; it is about `contact`, or else about `contact_ids`."""

    kind: str
    title: str
    data: Mapping[str, Any]
    contact: ContactFacts | None = None
    at: float | None = None
    contact_ids: tuple[str, ...] = ()


class Recorder:
    """Remembers what happened. Use it from many threads."""

    def __init__(self, clock: Callable[[], float] = time.time, capacity: int = CAPACITY) -> None:
        """Begin with nothing; `clock` returns epoch seconds."""
        self._clock = clock
        self._changed = Condition()
        self._entries: deque[Entry] = deque(maxlen=capacity)
        self._calls: OrderedDict[str, Call] = OrderedDict()
        self._number = 0
        self._figures = Figures()

    def input(
        self,
        kind: str,
        payload: Any,
        contact: ContactFacts | None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        """An event that was published, or a record that was put into its stream.

        `more`: what belongs to it, such as a file's content.
        """
        data = {"payload": payload, **(more or {})}
        self._add(_Seen(kind, _title_of(kind, payload), data, contact))

    def invocation(self, function: str, event: Any, done: Invocation, started: float) -> None:
        """A function ran."""
        in_batch = [
            contact for each in facts.payloads(event) if (contact := facts.of_payload(each))
        ]
        flow, file = facts.of_flow(event), facts.of_file(event)
        data = {
            "function": function,
            "event": event,
            "answer": done.payload,
            "error": done.error,
            "durationMs": round(done.duration_ms, 1),
            "cold": done.cold,
            "timedOut": done.timed_out,
            "requestId": done.request_id,
        }
        if in_batch:
            ids = tuple(dict.fromkeys(each.contact_id for each in in_batch))
            title = f"{function}: batch of {len(in_batch)}"
            self._add(_Seen("delivery", title, data, None, started, ids))
            self._learn(in_batch)
        elif file:
            self._add(_Seen("delivery", f"{function}: a file", data, file, started))
        else:
            self._add(_Seen("flow", _flow_title(event, done), data, flow, started))
            if flow:
                with self._changed:
                    self._figures.invoked(started, done.duration_ms)
        for line in done.logs:
            self.log(line)

    def exchange(self, exchange: Mapping[str, Any]) -> None:
        """A request to Salesforce and its answer."""
        method, path = str(exchange.get("method")), str(exchange.get("path"))
        keys = facts.keys_of_exchange(path, exchange.get("body"))
        status = exchange.get("status")
        title = f"{method} {path.removeprefix('/telephony/v1')} → {status or 'no answer'}"
        fault = f" ({exchange['fault']})" if exchange.get("fault") else ""
        at = float(exchange["at"])
        self._add(_Seen("exchange", title + fault, exchange, None, at, keys))

    def log(self, line: str) -> None:
        """A line that a function wrote; lines that name no contact are kept without one."""
        fields = facts.log_line(line)
        if not fields or "_aws" in fields:
            return  # the embedded metric format: the figures come from the delivery lines
        contact_id = str(fields.get("ContactId") or "")
        ids = (contact_id,) if contact_id else ()
        self._add(_Seen("log", _log_title(fields), fields, None, None, ids))

    def note(
        self,
        title: str,
        data: Mapping[str, Any] | None = None,
        contact: ContactFacts | None = None,
    ) -> None:
        """Something that a person did on the console, or that no function sees."""
        self._add(_Seen("note", title, data or {}, contact))

    def clear(self) -> None:
        """Forget everything."""
        with self._changed:
            self._entries.clear()
            self._calls.clear()
            self._figures = Figures()
            self._number += 1
            self._changed.notify_all()

    def calls(
        self, query: str = "", state: str = "", limit: int = 200, skip: int = 0
    ) -> list[Call]:
        """Summaries, newest first. `query`: words that all must match; `state`: see in_state."""
        words = query.lower().split()
        with self._changed:
            found: list[Call] = []
            for call in reversed(self._calls.values()):
                if (state and not in_state(call, state)) or (words and not call.matches(words)):
                    continue
                if skip:
                    skip -= 1
                    continue
                found.append(call)
                if len(found) == limit:
                    break
            return found

    def call(self, contact_id: str) -> Call | None:
        """One contact; ids are compared without regard to case."""
        with self._changed:
            return self._calls.get(contact_id.lower())

    def children(self, contact_id: str) -> list[Call]:
        """The contacts that were transferred from this one."""
        with self._changed:
            return [it for it in self._calls.values() if it.previous.lower() == contact_id.lower()]

    def entries_after(self, number: int, limit: int = 1000) -> list[Entry]:
        """Entries behind that number, oldest first."""
        with self._changed:
            found: list[Entry] = []
            for entry in reversed(self._entries):
                if entry.number <= number:
                    break
                found.append(entry)
            return found[::-1][:limit]

    def calls_since(self, version: int) -> list[Call]:
        """Summaries that changed behind that entry's number."""
        with self._changed:
            return [call for call in self._calls.values() if call.version > version]

    @property
    def number(self) -> int:
        """The newest entry's number."""
        with self._changed:
            return self._number

    def wait(self, number: int, seconds: float) -> int:
        """Wait until there is an entry behind `number`, at most so long; the newest number."""
        with self._changed:
            self._changed.wait_for(lambda: self._number > number, seconds)
            return self._number

    def figures(self) -> dict[str, Any]:
        """Calls, outcomes, latency and the tally."""
        with self._changed:
            return {"calls": len(self._calls), **self._figures.to_json(self._clock())}

    def _add(self, seen: _Seen) -> None:
        with self._changed:
            self._number += 1
            ids = (seen.contact.contact_id,) if seen.contact else seen.contact_ids
            moment = self._clock() if seen.at is None else seen.at
            entry = Entry(self._number, moment, seen.kind, ids, seen.title, seen.data)
            self._entries.append(entry)
            for contact_id in ids:
                self._note(self._call_of(contact_id, moment), entry, seen.contact)
            if entry.kind == "log":
                self._figures.log(entry.data)
            self._changed.notify_all()

    def _learn(self, contacts: Iterable[ContactFacts]) -> None:
        with self._changed:
            for contact in contacts:
                self._call_of(contact.contact_id, self._clock()).learn(contact)

    def found(self, contact_id: str, voice_call_id: str) -> None:
        """A VoiceCall is in Salesforce; the row shows it where no log line named one."""
        with self._changed:
            call = self._calls.get(contact_id.lower())
            if call is not None and not call.voice_call_id:
                call.voice_call_id = voice_call_id

    def _call_of(self, contact_id: str, at: float) -> Call:
        key = contact_id.lower()
        if key not in self._calls:
            self._calls[key] = Call(contact_id, at, at)
            while len(self._calls) > MOST_CALLS:
                self._calls.popitem(last=False)
        return self._calls[key]

    def _note(self, call: Call, entry: Entry, contact: ContactFacts | None) -> None:
        call.entries.append(entry)
        call.changed, call.version = max(call.changed, entry.at), entry.number
        if contact:
            call.learn(contact)
        if entry.kind == "event":
            kind = str(entry.data["payload"].get("detail", {}).get("eventType", ""))
            call.state = SHOWN_STATES.get(kind.upper(), call.state)
        elif entry.kind == "record":
            call.state = "recorded"
        elif entry.kind == "log":
            learn_from_log(call, entry.data)


def _title_of(kind: str, payload: Any) -> str:
    if kind == "event":
        return str(payload.get("detail", {}).get("eventType", "event"))
    if kind == "lens":
        return "segments of Contact Lens"
    if kind == "file":
        return "a file of Contact Lens"
    if kind == "record":
        return f"contact record, {payload.get('LastUpdateTimestamp', 'no time')}"
    return kind


def _flow_title(event: Any, done: Invocation) -> str:
    details = event.get("Details") if isinstance(event, dict) else None
    parameters = details.get("Parameters") if isinstance(details, dict) else None
    method = parameters.get("methodName") if isinstance(parameters, dict) else None
    if done.error:
        end = str(done.error.get("errorType", "error"))
    else:
        end = str(done.payload.get("status", "")) if isinstance(done.payload, dict) else ""
    return f"{method or 'invocation'} → {end or 'answered'} in {done.duration_ms:.0f} ms"


def _log_title(line: Mapping[str, Any]) -> str:
    parts = [line.get("message"), line.get("disposition"), line.get("reason"), line.get("status")]
    return " ".join(str(part) for part in parts if part)
