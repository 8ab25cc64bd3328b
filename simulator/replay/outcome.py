"""How one delivery ended."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from simulator.functions.lambda_process import Invocation
from simulator.replay.tally import DEAD_LETTERED, DeliveryLine
from simulator.salesforce import Exchange
from simulator.samples.steps import Input


@dataclass(frozen=True, slots=True)
class Passage:
    """The way of a contact event through bus and stream.

    Attributes:
        matched: whether a rule took it, or it was put into the stream.
        deliveries: how often the function was given it.
        trouble: why it was given to it more than once, or was given up; empty when it was not.
        redriven: it came out of the dead letters.
    """

    matched: bool
    deliveries: int = 0
    trouble: str = ""
    redriven: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one delivery ended.

    Attributes:
        path: the sample's file.
        delivered: the event, its source and how it was to end.
        invocation: the function's answer, error and log; None where a stream was between.
        lines: its delivery lines, normally one.
        differences: from what the sample expects; empty where it expects nothing.
        known_before: vendor call keys of the VoiceCalls that were there before it.
        passage: of a contact event: how it came to the function.
    """

    path: Path
    delivered: Input
    invocation: Invocation | None
    lines: tuple[DeliveryLine, ...]
    differences: tuple[str, ...]
    known_before: frozenset[str] = frozenset()
    passage: Passage | None = None

    @property
    def error(self) -> Mapping[str, Any]:
        """The error that the function raised; empty when it raised none."""
        return (self.invocation.error if self.invocation else None) or {}

    @property
    def duration_ms(self) -> float:
        """How long the function had it; for a record, in the delivery that ended it."""
        if self.invocation is not None:
            return self.invocation.duration_ms
        return self.lines[0].duration_ms if self.lines else 0.0

    @property
    def is_input(self) -> bool:
        """Whether the bridge was given it: what no rule takes, it never sees; a request for dead
        letters is an operator's."""
        if self.passage is None:
            return self.delivered.source != "redrive"
        return self.passage.matched

    @property
    def reached(self) -> bool:
        """Whether a rule of the bus took the event; true of what needs none."""
        return self.passage is None or self.passage.matched

    @property
    def succeeded(self) -> bool:
        """Whether the flow goes on as it should: it got what it asked for, or none is wanted. An
        event has been taken up, or is none that a rule takes."""
        if self.passage is not None:
            return not any(line.disposition == DEAD_LETTERED for line in self.lines[:1])
        if self.delivered.source == "redrive":
            return not self.error
        status = self.answer.get("status")
        skipped = any(line.disposition == "skipped" for line in self.lines)
        # A success may have a status of Salesforce's own.
        done = bool(status) and status not in ("deferred", "failed")
        return not self.error and (done or skipped)

    @property
    def answer(self) -> dict[str, str]:
        """The function's answer; empty when it raised."""
        payload = self.invocation.payload if self.invocation else None
        return payload if isinstance(payload, dict) else {}

    def unknown_call(self, journal: Iterable[Exchange]) -> str:
        """The contact that was asked about, where Salesforce has no VoiceCall of it; else empty: a
        fault's 404 is not a missing call's.

        Args:
            journal: Salesforce's.
        """
        refused = {line.contact_id for line in self.lines if line.reason == "404"}
        for exchange in journal:
            asked = refused.intersection(unquote(urlsplit(exchange.path).path).split("/"))
            if asked and exchange.status == 404 and not exchange.fault:
                return asked.pop()
        return ""

    def refused_parent(self, journal: Iterable[Exchange]) -> str:
        """The parent that was named to Salesforce and that it did not know; empty when there is
        none: another refusal is not a parent's fault.

        Args:
            journal: Salesforce's.
        """
        contacts = {line.contact_id for line in self.lines}
        for exchange in journal:
            sent = _members(exchange.body)
            parent = sent.get("parentVoiceCallId")
            about_this = exchange.status == 400 and sent.get("vendorCallKey") in contacts
            if about_this and isinstance(parent, str) and parent not in self.known_before:
                return parent
        return ""


def _members(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
