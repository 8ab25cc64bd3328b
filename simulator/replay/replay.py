"""Replays samples against a simulator: sets faults, delivers events, looks at the results."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from simulator.functions.lambda_process import Invocation
from simulator.replay.comparison import (
    action_differences,
    answer_differences,
    call_differences,
    count_differences,
    differences,
    passage_differences,
)
from simulator.replay.evidence import Evidence
from simulator.replay.outcome import Outcome
from simulator.replay.placement import misplaced
from simulator.replay.streamed import Passed, deliver, take_back
from simulator.replay.tally import SettingFault, Tally, delivery_lines
from simulator.salesforce import ActionRecord, VoiceCallRecord
from simulator.samples.moments import at_delivery, with_times
from simulator.samples.reading import EventError
from simulator.samples.steps import (
    Batch,
    ExpectCalls,
    ExpectDeadLetters,
    ExpectLines,
    ExpectRequests,
    ExpectSettingFaults,
    Input,
    Redrive,
    Sample,
    SetConnect,
    SetFaults,
    SetFile,
    Step,
    Together,
)
from simulator.simulator import Simulator
from simulator.sources import Way

__all__ = ["Outcome", "Replay", "Viewer"]

Calls = Sequence[VoiceCallRecord]


class Viewer(Protocol):
    """Observes a replay while it runs."""

    def began(self, sample: Sample) -> None:
        """A sample begins."""

    def step(self, sample: Sample, step: Step) -> None:
        """A step of the sample begins."""

    def ended(self, sample: Sample, *, right: bool) -> None:
        """A sample has ended, as its file says or not."""

    def delivered(self, outcome: Outcome) -> None:
        """One delivery has ended."""

    def differ(self, path: Path, what: str, differences: Sequence[str]) -> None:
        """A sample's result, such as "the calls in Salesforce", is not as expected."""

    def setting_fault(self, path: Path, fault: SettingFault) -> None:
        """A function reported a wrong item of a setting while the sample ran."""


@dataclass(slots=True)
class Replay:
    """Replays samples one after the other, and remembers every delivery for the tally."""

    simulator: Simulator
    viewer: Viewer
    outcomes: list[Outcome] = field(default_factory=list)
    wrong: list[Path] = field(default_factory=list)
    """Samples that did not end as their files say, in order."""
    _taken_back: Counter[str] = field(default_factory=Counter, init=False)
    _shown: set[SettingFault] = field(default_factory=set, init=False)

    def run(self, samples: Iterable[Sample]) -> None:
        """Replay samples, each without the faults of the one before."""
        for sample in samples:
            self.viewer.began(sample)
            evidence = Evidence(self.simulator, sample)
            ended_right = True
            for step in sample.steps:
                self.viewer.step(sample, step)
                ended_right &= self._step(sample, step, evidence)
            self.simulator.salesforce.clear_faults()
            self.simulator.connect.clear_faults()
            if not ended_right:
                self.wrong.append(sample.path)
            self.viewer.ended(sample, right=ended_right)

    def tally(self) -> Tally:
        """The inputs so far, and how each ended."""
        return Tally(
            [outcome.lines for outcome in self.outcomes if outcome.is_input],
            self.simulator.ledger(),
            self.simulator.dead_letters(),
            given_up=len(self.simulator.records_given_up()),
            undelivered=self.simulator.undelivered_events(),
            taken_back=self._taken_back,
            unmatched=sum(not outcome.reached for outcome in self.outcomes),
            misplaced=tuple(
                misplaced(
                    self.simulator.salesforce.journal(),
                    self.simulator.ledger(),
                    self.simulator.orgs,
                )
            ),
        )

    def _step(self, sample: Sample, step: Step, evidence: Evidence) -> bool:
        match step:
            case SetFaults() | SetConnect() | SetFile():
                self._set(sample, step)
                return True
            case ExpectCalls():
                calls = self._calls_of(sample)
                found = call_differences(step.calls, calls, any_order=step.any_order)
                return self._as_expected(sample, "the calls in Salesforce", found)
            case ExpectRequests():
                counted = evidence.requests(self._contacts_of(sample))
                found = count_differences("requests", step.counts, counted)
                return self._as_expected(sample, "the requests", found)
            case ExpectDeadLetters() | ExpectSettingFaults() | ExpectLines():
                return self._as_expected(sample, *evidence.differences(step))
            case Redrive():
                return self._redrive(sample, step)
            case _:
                return self._deliver(sample, step)

    def _set(self, sample: Sample, step: SetFaults | SetConnect | SetFile) -> None:
        if isinstance(step, SetFile):
            self.simulator.aws.put_file(step.bucket, step.key, step.content)
            return
        if isinstance(step, SetFaults):
            self.simulator.salesforce.clear_faults()
            for fault in step.faults:
                self.simulator.salesforce.inject(fault)
            return
        now = datetime.now(UTC)
        for contact in step.contacts:
            try:
                self.simulator.connect.add_contact(
                    contact.instance_id,
                    contact.contact_id,
                    **with_times(at_delivery(dict(contact.members), now)),
                )
            except ValueError as error:
                raise EventError(f"{sample.path}: {contact.contact_id}: {error}") from error
        for connect_fault in step.faults:
            self.simulator.connect.fail_next(connect_fault)

    def _deliver(self, sample: Sample, step: Input | Batch | Together) -> bool:
        before = self.simulator.salesforce.voice_calls()
        done_before = len(self.simulator.salesforce.actions())
        inputs = (step,) if isinstance(step, Input) else step.inputs
        flows = [delivered for delivered in inputs if self._is_called(delivered)]
        events = tuple(delivered for delivered in inputs if not self._is_called(delivered))
        batch = step if isinstance(step, Batch) else Batch(events)
        with ThreadPoolExecutor(max_workers=len(inputs)) as executor:
            invoked = [executor.submit(self._invoke, sample, delivered) for delivered in flows]
            passed = self._pass(
                sample, lambda: deliver(self.simulator.sources, batch, sample.settings)
            )
            answers = [(it, future.result()) for it, future in zip(flows, invoked, strict=True)]
        after = self.simulator.salesforce.voice_calls()
        outcomes = [self._answered(sample, *answer, before, after) for answer in answers]
        done = self.simulator.salesforce.actions()[done_before:]
        outcomes = [_with_actions(outcome, done) for outcome in outcomes]
        outcomes += [_streamed(sample, it, before, after) for it in passed]
        return self._note(sample, outcomes, batch.ends)

    def _redrive(self, sample: Sample, step: Redrive) -> bool:
        letters = Counter(letter.reason for letter in self.simulator.dead_letters())
        given_up = len(self.simulator.records_given_up())
        before = self.simulator.salesforce.voice_calls()
        invocation = self._invoke(sample, step.asked)
        self._taken_back += letters - Counter(it.reason for it in self.simulator.dead_letters())
        if back := given_up - len(self.simulator.records_given_up()):
            self._taken_back["GIVEN_UP"] += back
        passed = self._pass(sample, lambda: take_back(self.simulator.sources, sample.settings))
        after = self.simulator.salesforce.voice_calls()
        expected = step.asked.expectation
        found = tuple(answer_differences(expected, invocation)) if expected else ()
        outcomes = [Outcome(sample.path, step.asked, invocation, (), found)]
        streamed = [_streamed(sample, it, before, after) for it in passed]
        return self._note(sample, outcomes, None) & self._note(sample, streamed, step.ends)

    def _note(
        self, sample: Sample, outcomes: Sequence[Outcome], ends: Mapping[str, int] | None
    ) -> bool:
        """Remember and show; whether all is as expected."""
        self.outcomes += outcomes
        for outcome in outcomes:
            self.viewer.delivered(outcome)
        for fault in set(self.simulator.setting_faults) - self._shown:
            self._shown.add(fault)
            self.viewer.setting_fault(sample.path, fault)
        right = not any(outcome.differences for outcome in outcomes)
        if ends is None:
            return right
        counted = Counter(line.disposition for outcome in outcomes for line in outcome.lines[:1])
        found = count_differences("records", ends, counted)
        return self._as_expected(sample, "the ends of a batch", found) and right

    def _pass(self, sample: Sample, passes: Callable[[], list[Passed]]) -> list[Passed]:
        try:
            return passes()
        except ValueError as error:
            raise EventError(f"{sample.path}: {error}") from error

    def _invoke(self, sample: Sample, delivered: Input) -> Invocation:
        event = at_delivery(delivered.event, datetime.now(UTC))
        try:
            return self.simulator.invoke(
                self.simulator.sources[delivered.source].function, event, sample.settings
            )
        except ValueError as error:  # larger than Lambda takes
            raise EventError(f"{sample.path}: {error}") from error

    def _is_called(self, delivered: Input) -> bool:
        return self.simulator.sources[delivered.source].way is Way.CALL

    def _answered(
        self, sample: Sample, delivered: Input, invocation: Invocation, before: Calls, after: Calls
    ) -> Outcome:
        lines = delivery_lines(invocation.logs)
        expected = delivered.expectation
        found = differences(expected, invocation, lines, before, after) if expected else []
        known = frozenset(record.vendor_call_key for record in before)
        return Outcome(sample.path, delivered, invocation, lines, tuple(found), known)

    def _as_expected(self, sample: Sample, what: str, found: Sequence[str]) -> bool:
        if found:
            self.viewer.differ(sample.path, what, found)
        return not found

    def _contacts_of(self, sample: Sample) -> set[str]:
        return {
            line.contact_id
            for outcome in self.outcomes
            if outcome.path == sample.path
            for line in outcome.lines
        }

    def _calls_of(self, sample: Sample) -> list[VoiceCallRecord]:
        contacts = self._contacts_of(sample)
        return [
            record
            for record in self.simulator.salesforce.voice_calls()
            if record.vendor_call_key in contacts
        ]


def _with_actions(outcome: Outcome, actions: Sequence[ActionRecord]) -> Outcome:
    expected = outcome.delivered.expectation
    found = action_differences(expected, actions) if expected else ()
    return replace(outcome, differences=(*outcome.differences, *found))


def _streamed(sample: Sample, passed: Passed, before: Calls, after: Calls) -> Outcome:
    expected = passed.delivered.expectation
    found = (
        passage_differences(expected, passed.passage, passed.lines, before, after)
        if expected
        else []
    )
    known = frozenset(record.vendor_call_key for record in before)
    return Outcome(
        sample.path, passed.delivered, None, passed.lines, tuple(found), known, passed.passage
    )
