"""The output of the commands: lines, an answer, the calls as a tree, the tally.

On a terminal with colours; anywhere else as plain lines of the same words in the same order, so
that a log of CI reads like the screen.
"""

import os
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TextIO

from rich.console import Console as RichConsole
from rich.markup import escape

from simulator.replay.outcome import Outcome
from simulator.replay.tally import Tally
from simulator.salesforce import ActionRecord, VoiceCallRecord

STYLES: Final[Mapping[str, str]] = {
    "delivered": "green",
    "superseded": "cyan",
    "skipped": "blue",
    "dead_lettered": "yellow",
}
_SENDERS: Final[Mapping[str, str]] = {"END_USER": "customer", "VIRTUAL_AGENT": "agent"}
MOST_LINES: Final = 12
"""Lines of a call's transcript that are shown."""
_KEPT: Final[Mapping[str, str]] = {
    "ledger": "in the ledger",
    "queue": "in the queue",
    "bucket": "in the bucket",
    "failure_queue": "in a queue of failures",
    "unknown": "in one of both (the answer did not wait)",
    "none": "nowhere",
    "": "nowhere",
}
LEAST_WIDTH: Final = 80
MOST_WIDTH: Final = 200
"""Columns of a line, whatever the terminal has."""
_FILE_WIDTH: Final = 120
"""The width without a terminal, as in a log of CI."""


class _Console(RichConsole):
    """Rich's own, but for a reader who has seen enough: that ends a command as it ends others."""

    def on_broken_pipe(self) -> None:
        """Called while the exception is handled, which goes on."""
        raise  # noqa: PLE0704


class Terminal:
    """The place where a command shows its output.

    Args:
        out: where to; standard output when None.
        terminal: whether `out` is a terminal; found out when None.
        width: columns; found out when None.
    """

    def __init__(
        self, out: TextIO | None = None, terminal: bool | None = None, width: int | None = None
    ) -> None:
        """Nothing is shown yet."""
        # Rich breaks no line: a file takes them whole, and `say` breaks those of a terminal.
        self.rich = _Console(
            file=out or sys.stdout,
            force_terminal=terminal,
            width=width,
            highlight=False,
            # A secret's ARN holds ":secret:".
            emoji=False,
            soft_wrap=True,
        )
        unicode = self.rich.encoding.startswith("utf")
        self._guides = ("├──", "└──", "│  ") if unicode else ("|--", "`--", "|  ")
        self.ellipsis = "…" if unicode else "..."

    @property
    def is_terminal(self) -> bool:
        """Whether a person watches: the output is a terminal."""
        return bool(self.rich.is_terminal)

    @property
    def width(self) -> int:
        """Columns that a line may take."""
        if not self.is_terminal:
            return _FILE_WIDTH
        return max(LEAST_WIDTH, min(self.rich.width, MOST_WIDTH))

    def fitted(self, text: str, width: int) -> str:
        """The text, cut where it takes more columns."""
        if len(text) <= width:
            return text
        return text[: max(0, width - len(self.ellipsis))] + self.ellipsis

    def say(self, text: str = "", style: str = "", *, whole: bool = False) -> None:
        """Lines as they are, as far as the output has their characters; on a terminal broken
        between words, unless they are to stay whole: commands, which people copy."""
        known = text.encode(self.rich.encoding, "replace").decode(self.rich.encoding)
        if self.is_terminal and not whole:
            known = "\n".join(broken(line, self.width) for line in known.split("\n"))
        self.rich.print(escape(known), style=style or None)

    def answer(self, outcome: Outcome) -> None:
        """Shows the flow's answer, member by member."""
        members = outcome.answer or {
            name: str(value) for name, value in outcome.error.items() if name != "stackTrace"
        }
        for name, value in members.items():
            self.say(f"      {name}: {value}")

    def calls(
        self, records: Sequence[VoiceCallRecord], actions: Sequence[ActionRecord] = ()
    ) -> None:
        """The calls: a transfer below the call it was transferred from, and below each call the
        lines of its transcript, which are among `actions`."""
        self.say(f"\nCalls in Salesforce: {len(records)}", "bold")
        orgs = dict.fromkeys(record.org for record in records)
        for org in orgs:
            if len(orgs) > 1:
                self.say(f"in the org {org}")
            self._tree([record for record in records if record.org == org], _said(actions))

    def _tree(self, records: Sequence[VoiceCallRecord], said: Mapping[str, Sequence[str]]) -> None:
        known = {record.vendor_call_key for record in records}
        for record in records:
            if record.parent not in known:
                self.say(_call(record))
                for line in _branches(record, records, said, self._guides):
                    self.say(line)

    def tally(self, tally: Tally, *, whole: bool = True) -> None:
        """in = delivered + superseded + skipped + dead-lettered, and why it does not close.

        Args:
            tally: what went in, and what became of it.
            whole: with the reasons, and where the payloads of dead letters lie.
        """
        totals = tally.totals()
        if whole:
            self._reasons(tally)
        for fault in tally.faults():
            self.say(f"  {fault}", "red")
        ends = ", ".join(f"{it.total()} {_words(name)}" for name, it in totals.items() if it)
        verdict = "does not close" if tally.faults() else "closes"
        total = sum(reasons.total() for reasons in totals.values())
        self.say(f"{tally.inputs} in, {total} accounted for: the tally {verdict}", "bold")
        if not whole and ends:
            self.say(f"  {ends}")

    def _reasons(self, tally: Tally) -> None:
        self.say("\nTally", "bold")
        self.say(f"  {tally.inputs:4} in, counted where they were sent")
        for disposition, reasons in tally.totals().items():
            self.say(f"  {reasons.total():4} {disposition}", STYLES.get(disposition, "red"))
            for reason, number in sorted(reasons.items()):
                if reason:
                    self.say(f"       {number:4} {reason}")
        if tally.unmatched:
            events = "event" if tally.unmatched == 1 else "events"
            self.say(f"  {tally.unmatched:4} {events} besides that no rule takes")
        kept = [line.payload_kept for line in tally.lines if line.disposition == "dead_lettered"]
        where = ", ".join(f"{kept.count(at)} {_KEPT.get(at, at)}" for at in sorted(set(kept)))
        if where:
            self.say(f"  payloads of dead letters: {where}")


def broken(line: str, width: int) -> str:
    """A line broken between words, what follows indented below it; longer words stay whole."""
    if len(line) <= width:
        return line
    margin = line[: len(line) - len(line.lstrip(" -"))]
    return textwrap.fill(
        line,
        width,
        subsequent_indent=" " * (len(margin) + 2),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _words(disposition: str) -> str:
    return disposition.replace("_", "-")


def name_of(path: Path) -> str:
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
    """The facts that a contact record has added to a call: its end, its agent, how it ended."""
    if "endTime" not in fields:
        return
    yield f"{fields.get('startTime', '?')} until {fields['endTime']}"
    if agent := fields.get("agent"):
        yield f"{agent}, {fields.get('agentInteractionDuration', 0)} s"
    yield str(fields.get("disconnectReason", {}).get("value", ""))


def _said(actions: Sequence[ActionRecord]) -> dict[str, list[str]]:
    """The lines of each call's transcript, by its vendor call key; of a long one the first."""
    said: dict[str, list[str]] = {}
    for action in actions:
        if action.operation == "messages":
            sender = str(action.body.get("senderType"))
            content = str(action.body.get("content"))
            words = "".join(one if one.isprintable() else " " for one in content)
            said.setdefault(action.vendor_call_key, []).append(
                f"{_SENDERS.get(sender, sender)}: {words}"
            )
    return {
        key: [*lines[:MOST_LINES], f"and {len(lines) - MOST_LINES} lines more"]
        if len(lines) > MOST_LINES
        else lines
        for key, lines in said.items()
    }


def _branches(
    parent: VoiceCallRecord,
    records: Sequence[VoiceCallRecord],
    said: Mapping[str, Sequence[str]],
    guides: tuple[str, str, str],
    margin: str = "",
) -> Iterator[str]:
    """Lines for the transcript of `parent` and the calls transferred from it; guides: a branch, the
    last one, passing by."""
    branch, last_branch, passing = guides
    children = [record for record in records if record.parent == parent.vendor_call_key]
    for line in said.get(parent.vendor_call_key, ()):
        yield f"{margin}{passing if children else '   '} {line}"
    for child in children:
        last = child is children[-1]
        yield f"{margin}{last_branch if last else branch} {_call(child)}"
        deeper = f"{margin}{'   ' if last else passing} "
        yield from _branches(child, records, said, guides, deeper)
