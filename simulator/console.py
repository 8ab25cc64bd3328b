"""What a replay shows: one line a delivery, the calls as a tree, the tally.

On a terminal with colours and a bar at the bottom; anywhere else as plain lines of the same words
in the same order, so that a log of CI reads like the screen.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TextIO

from rich.console import Console as RichConsole
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from simulator.replay.outcome import Outcome
from simulator.replay.tally import SettingFault, Tally
from simulator.salesforce import VoiceCallRecord

_STYLES: Final[Mapping[str, str]] = {
    "delivered": "green",
    "superseded": "cyan",
    "skipped": "blue",
    "dead_lettered": "yellow",
}
_KEPT: Final[Mapping[str, str]] = {
    "ledger": "in the ledger",
    "queue": "in the queue",
    "bucket": "in the bucket",
    "failure_queue": "in a queue of failures",
    "unknown": "in one of both (the answer did not wait)",
    "none": "nowhere",
    "": "nowhere",
}
_NONE: Final = "-"


class Console:
    """Shows a replay; as a context manager, with a bar that tells how far it is.

    Args:
        deliveries: how many there will be, for the bar; 0: no bar.
        out: where to; standard output when None.
        terminal: whether `out` is a terminal; found out when None.
    """

    def __init__(
        self, deliveries: int = 0, out: TextIO | None = None, terminal: bool | None = None
    ) -> None:
        """Nothing is shown yet."""
        # Lines are never broken here: a file takes them whole, and a terminal breaks by itself.
        self._rich = RichConsole(
            file=out or sys.stdout,
            force_terminal=terminal,
            highlight=False,
            # A secret's ARN holds ":secret:".
            emoji=False,
            soft_wrap=True,
        )
        unicode = self._rich.encoding.startswith("utf")
        self._guides = ("├──", "└──", "│  ") if unicode else ("|--", "`--", "|  ")
        self._bar = Progress(
            TextColumn("replaying"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._rich,
            transient=True,
            disable=not (self._rich.is_terminal and deliveries),
        )
        self._task = self._bar.add_task("", total=deliveries)

    def __enter__(self) -> Self:
        """Show the bar."""
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        self._bar.stop()

    def say(self, text: str = "", style: str = "") -> None:
        """One line, as it is."""
        self._rich.print(escape(text), style=style or None)

    def delivered(self, outcome: Outcome) -> None:
        """One delivery: source, contact, method, the flow's answer, time, end, file."""
        self._bar.advance(self._task)
        self._rich.print(f"{_mark(outcome)} {_delivery(outcome)}")
        for difference in outcome.differences:
            self.say(f"      {difference}", "red")

    def answer(self, outcome: Outcome) -> None:
        """What the flow gets, member by member."""
        members = outcome.answer or {
            name: str(value) for name, value in outcome.error.items() if name != "stackTrace"
        }
        for name, value in members.items():
            self.say(f"      {name}: {value}")

    def setting_fault(self, path: Path, fault: SettingFault) -> None:
        """A wrong item of a setting: it costs nothing but itself, so nothing else shows it."""
        text = f"{fault.setting}: {fault.item}: {fault.fault}"
        self._rich.print(f"[bold yellow]SETTING[/] {escape(_name(path))}: {escape(text)}")

    def differ(self, path: Path, what: str, differences: Sequence[str]) -> None:
        """What a sample leaves behind is not as expected."""
        self._rich.print(f"[bold red]WRONG[/] {escape(_name(path))}: {what}")
        for difference in differences:
            self.say(f"      {difference}", "red")

    def calls(self, records: Sequence[VoiceCallRecord]) -> None:
        """The calls: a transfer below the call it was transferred from."""
        self.say(f"\nCalls in Salesforce: {len(records)}", "bold")
        orgs = dict.fromkeys(record.org for record in records)
        for org in orgs:
            if len(orgs) > 1:
                self.say(f"in the org {org}")
            self._tree([record for record in records if record.org == org])

    def _tree(self, records: Sequence[VoiceCallRecord]) -> None:
        known = {record.vendor_call_key for record in records}
        for record in records:
            if record.parent not in known:
                self.say(_call(record))
                for line in _branches(record, records, self._guides):
                    self.say(line)

    def tally(self, tally: Tally) -> None:
        """in = delivered + superseded + skipped + dead-lettered, and why it does not close."""
        self.say("\nTally", "bold")
        totals = tally.totals()
        self.say(f"  {tally.inputs:4} in, counted where they were sent")
        for disposition, reasons in totals.items():
            self.say(f"  {reasons.total():4} {disposition}", _STYLES.get(disposition, "red"))
            for reason, number in sorted(reasons.items()):
                if reason:
                    self.say(f"       {number:4} {reason}")
        if tally.unmatched:
            self.say(f"  {tally.unmatched:4} events besides that no rule takes")
        faults = tally.faults()
        for fault in faults:
            self.say(f"  {fault}", "red")
        kept = [line.payload_kept for line in tally.lines if line.disposition == "dead_lettered"]
        where = ", ".join(f"{kept.count(at)} {_KEPT.get(at, at)}" for at in sorted(set(kept)))
        if where:
            self.say(f"  payloads of dead letters: {where}")
        total = sum(reasons.total() for reasons in totals.values())
        verdict = "does not close" if faults else "closes"
        self.say(f"  {tally.inputs} in, {total} accounted for: the tally {verdict}", "bold")

    def verdict(self, samples: int, wrong: Sequence[Path]) -> None:
        """How many samples ended as their files say, and which did not."""
        self.say(
            f"\n{samples - len(wrong)} of {samples} samples ended as their files say",
            "bold red" if wrong else "bold green",
        )
        for path in wrong:
            self.say(f"  not so: {_name(path)}", "red")


def _mark(outcome: Outcome) -> str:
    if outcome.delivered.expectation is None:
        return f"{_NONE:5}"
    return "[bold red]WRONG[/]" if outcome.differences else "[green]ok   [/]"


def _delivery(outcome: Outcome) -> str:
    line = outcome.lines[0] if outcome.lines else None
    answer, error = outcome.answer, outcome.error
    status = answer.get("status") or ("raises" if error else _NONE)
    result = answer.get("voiceCallId") or answer.get("errorCode") or error.get("errorType")
    result = result or (line.voice_call_id if line else "") or _NONE
    end = _end(outcome)
    if line and line.reason not in ("", result):
        end += f" ({line.reason})"
    columns = [
        f"{outcome.delivered.source:12}",
        f"{(line.contact_id if line else '') or _NONE:36}",
        f"{(line.method if line else '') or _NONE:23}",
        f"{status:8}",
        f"{result:23}",
        f"{round(outcome.duration_ms):5} ms",
        f"{end:28}",
    ]
    style = _STYLES.get(line.disposition if line else "", "red")
    shown = [escape(column) for column in columns]
    shown[-1] = f"[{style}]{shown[-1]}[/]"
    return "  ".join([*shown, f"[dim]{escape(_name(outcome.path))}[/]"])


def _end(outcome: Outcome) -> str:
    passage = outcome.passage
    if outcome.delivered.source == "redrive":
        return ", ".join(f"{name} {outcome.answer.get(name)}" for name in ("found", "redriven"))
    if passage is not None and not passage.matched:
        return "no rule takes it"
    end = outcome.lines[0].disposition if outcome.lines else "no delivery line"
    if passage is None:
        return end
    if passage.redriven:
        end = f"redriven: {end}"
    return f"{end}, delivered {passage.deliveries} times" if passage.deliveries > 1 else end


def _name(path: Path) -> str:
    """The path as short as it can be said here."""
    relative = os.path.relpath(path)
    return path.name if relative.startswith(os.pardir) else relative


def _call(record: VoiceCallRecord) -> str:
    fields = record.fields
    parts = [record.vendor_call_key, record.voice_call_id]
    parts += [str(fields[name]) for name in ("initiationMethod", "callSubtype") if name in fields]
    sides = [fields.get(name) or fields.get(f"{name}Number") for name in ("from", "to")]
    if all(sides):
        parts.append(f"{sides[0]} to {sides[1]}")
    parts += _final(fields)
    if record.source == "SEED":
        parts.append("(seeded)")
    return "  ".join(parts)


def _final(fields: Mapping[str, Any]) -> Iterator[str]:
    """What a contact record has told of a call: until when, with whom, how it ended."""
    if "endTime" not in fields:
        return
    yield f"{fields.get('startTime', '?')} until {fields['endTime']}"
    if agent := fields.get("agent"):
        yield f"{agent}, {fields.get('agentInteractionDuration', 0)} s"
    yield str(fields.get("disconnectReason", {}).get("value", ""))


def _branches(
    parent: VoiceCallRecord,
    records: Sequence[VoiceCallRecord],
    guides: tuple[str, str, str],
    margin: str = "",
) -> Iterator[str]:
    """Lines for the calls transferred from `parent`; guides: a branch, the last one, passing by."""
    branch, last_branch, passing = guides
    children = [record for record in records if record.parent == parent.vendor_call_key]
    for child in children:
        last = child is children[-1]
        yield f"{margin}{last_branch if last else branch} {_call(child)}"
        deeper = f"{margin}{'   ' if last else passing} "
        yield from _branches(child, records, guides, deeper)
