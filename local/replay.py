"""Replays samples against a stand: sets faults, delivers events, looks at what came of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from local.account import Account, DeliveryLine, delivery_lines
from local.comparison import call_differences, differences
from local.events import ExpectCalls, Input, Sample, SetFaults
from local.lambda_process import Invocation
from local.reading import EventError
from local.salesforce import VoiceCallRecord
from local.stand import FUNCTIONS, Stand


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one delivery ended.

    Attributes:
        path: the sample's file.
        delivered: the event, its source and how it was to end.
        invocation: the function's answer, error and log.
        lines: its delivery lines, normally one.
        differences: from what the sample expects; empty where it expects nothing.
        known_before: vendor call keys of the VoiceCalls that were there before it.
    """

    path: Path
    delivered: Input
    invocation: Invocation
    lines: tuple[DeliveryLine, ...]
    differences: tuple[str, ...]
    known_before: frozenset[str] = frozenset()

    @property
    def succeeded(self) -> bool:
        """Whether the flow goes on as it should: the VoiceCall is there, or none is wanted."""
        status = self.answer.get("status")
        skipped = any(line.disposition == "skipped" for line in self.lines)
        return self.invocation.error is None and (status in ("created", "existing") or skipped)

    @property
    def answer(self) -> dict[str, str]:
        """The function's answer; empty when it raised."""
        payload = self.invocation.payload
        return payload if isinstance(payload, dict) else {}

    @property
    def unknown_parent(self) -> str:
        """The previous contact of a transfer that found no VoiceCall of it; empty otherwise."""
        details = _members(_members(self.delivered.event).get("Details"))
        data = _members(details.get("ContactData"))
        previous = data.get("PreviousContactId")
        if not isinstance(previous, str) or previous == data.get("ContactId"):
            return ""
        return previous if previous not in self.known_before else ""


class Viewer(Protocol):
    """Whom a replay tells what happens, while it happens."""

    def delivered(self, outcome: Outcome) -> None:
        """One delivery has ended."""

    def calls_differ(self, path: Path, differences: Sequence[str]) -> None:
        """At the end of a sample Salesforce's records are not the expected ones."""


@dataclass(slots=True)
class Replay:
    """Replays samples one after the other, and remembers every delivery for the account."""

    stand: Stand
    viewer: Viewer
    outcomes: list[Outcome] = field(default_factory=list)
    wrong: list[Path] = field(default_factory=list)
    """Samples that did not end as their files say, in order."""

    def run(self, samples: Iterable[Sample]) -> None:
        """Replay samples, each without the faults of the one before."""
        for sample in samples:
            ended_right = True
            for step in sample.steps:
                ended_right &= self._step(sample, step)
            self.stand.salesforce.clear_faults()
            if not ended_right:
                self.wrong.append(sample.path)

    def account(self) -> Account:
        """What went in so far, and what became of it."""
        return Account(
            [outcome.lines for outcome in self.outcomes],
            self.stand.ledger(),
            self.stand.dead_letters(),
        )

    def _step(self, sample: Sample, step: Input | SetFaults | ExpectCalls) -> bool:
        if isinstance(step, SetFaults):
            self.stand.salesforce.clear_faults()
            for fault in step.faults:
                self.stand.salesforce.inject(fault)
            return True
        if isinstance(step, Input):
            outcome = self._deliver(sample, step)
            self.outcomes.append(outcome)
            self.viewer.delivered(outcome)
            return not outcome.differences
        found = call_differences(step.calls, self._calls_of(sample))
        if found:
            self.viewer.calls_differ(sample.path, found)
        return not found

    def _deliver(self, sample: Sample, step: Input) -> Outcome:
        before = self.stand.salesforce.voice_calls()
        try:
            invocation = self.stand.invoke(FUNCTIONS[step.source], step.event, sample.settings)
        except ValueError as error:  # larger than Lambda takes
            raise EventError(f"{sample.path}: {error}") from error
        after = self.stand.salesforce.voice_calls()
        lines = delivery_lines(invocation.logs)
        found = (
            differences(step.expectation, invocation, lines, before, after)
            if step.expectation
            else []
        )
        known = frozenset(record.vendor_call_key for record in before)
        return Outcome(sample.path, step, invocation, lines, tuple(found), known)

    def _calls_of(self, sample: Sample) -> list[VoiceCallRecord]:
        contacts = {
            line.contact_id
            for outcome in self.outcomes
            if outcome.path == sample.path
            for line in outcome.lines
        }
        return [
            record
            for record in self.stand.salesforce.voice_calls()
            if record.vendor_call_key in contacts
        ]


def _members(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
