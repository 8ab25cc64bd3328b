"""The output while samples are replayed: one line a sample, or one line a delivery."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Final, Self

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from simulator.replay.outcome import Outcome
from simulator.replay.tally import DEAD_LETTERED, SettingFault
from simulator.samples.steps import Batch, Redrive, Sample, SetConnect, SetFaults, Step
from simulator.terminal import STYLES, Terminal, name_of

__all__ = ["DeliveryView", "RunView"]

_NONE: Final = "-"
_WIDE: Final = 150
"""From so many columns on ids stand whole."""
_MIDDLE: Final = 112
"""Below it a delivery's line is a short one."""
_MARK: Final = len("ok    ")
_HANGS: Final = {
    "hang": "Salesforce does not answer, on purpose",
    "hang_after_storing": "Salesforce stores and does not answer, on purpose",
    "slow": "Salesforce is slow, on purpose",
    "trickle_body": "Salesforce answers byte by byte, on purpose",
    "trickle_headers": "Salesforce answers byte by byte, on purpose",
    "endless_body": "Salesforce's answer does not end, on purpose",
}
"""Kinds of faults that cause a wait by themselves."""


class DeliveryView:
    """One line a delivery, as it ends: for a person who looks at few."""

    def __init__(self, terminal: Terminal) -> None:
        """Nothing is shown yet."""
        self._terminal = terminal

    def began(self, sample: Sample) -> None:
        """Its deliveries say all."""

    def step(self, sample: Sample, step: Step) -> None:
        """Its delivery says all."""

    def ended(self, sample: Sample, *, right: bool) -> None:
        """Its deliveries have said all."""

    def delivered(self, outcome: Outcome) -> None:
        """Source, contact, method, the flow's answer, time, end, file; what is wrong below."""
        self._terminal.rich.print(f"{_mark(outcome)} {self._line(outcome)}")
        for difference in outcome.differences:
            self._terminal.say(f"      {difference}", "red")

    def differ(self, path: Path, what: str, differences: Sequence[str]) -> None:
        """A sample's result is not as expected."""
        self._terminal.rich.print(f"[bold red]WRONG[/] {escape(name_of(path))}: {what}")
        for difference in differences:
            self._terminal.say(f"      {difference}", "red")

    def setting_fault(self, path: Path, fault: SettingFault) -> None:
        """A wrong item of a setting: it costs nothing but itself, so nothing else shows it."""
        text = f"{fault.setting}: {fault.item}: {fault.fault}"
        name = escape(name_of(path))
        self._terminal.rich.print(f"[bold yellow]SETTING[/] {name}: {escape(text)}")

    def _line(self, outcome: Outcome) -> str:
        line = outcome.lines[0] if outcome.lines else None
        status, result = _answered(outcome)
        end = _end(outcome)
        if line and line.reason not in ("", result):
            end += f" ({line.reason})"
        if self._terminal.is_terminal and self._terminal.width < _MIDDLE:
            return self._narrow(outcome, "" if status == _NONE else f"{status}, ", end)
        wide = self._terminal.width >= _WIDE or not self._terminal.is_terminal
        contact = (line.contact_id if line else "") or _NONE
        columns = [
            f"{outcome.delivered.source:15}",
            f"{contact:36}" if wide else f"{self._short(contact):13}",
            f"{(line.method if line else '') or _NONE:{23 if wide else 18}}",
            f"{status:8}",
            f"{result:{23 if wide else 18}}",
            f"{round(outcome.duration_ms):5} ms",
            f"{end:28}" if wide else end,
        ]
        shown = [escape(column) for column in columns]
        shown[-1] = f"[{STYLES.get(line.disposition if line else '', 'red')}]{shown[-1]}[/]"
        if wide:
            shown.append(f"[dim]{escape(name_of(outcome.path))}[/]")
        return "  ".join(shown)

    def _narrow(self, outcome: Outcome, status: str, end: str) -> str:
        """The text that fits beside the mark; an end that does not fit stands below."""
        line = outcome.lines[0] if outcome.lines else None
        contact = self._short((line.contact_id if line else "") or _NONE)
        method = self._terminal.fitted((line.method if line else "") or _NONE, 15)
        ms = f"{round(outcome.duration_ms)} ms"
        text = f"{outcome.delivered.source:15} {contact:13} {method:15} {ms:>8}"
        said = f"{status}{end}"
        room = self._terminal.width - _MARK - len(text) - 1
        style = STYLES.get(line.disposition if line else "", "red")
        between = " " if len(said) <= room else "\n" + " " * _MARK
        return f"{escape(text)}{between}[{style}]{escape(said)}[/]"

    def _short(self, contact: str) -> str:
        return (
            contact
            if len(contact) <= 13
            else f"{contact[:8]}{self._terminal.ellipsis}{contact[-4:]}"
        )


class RunView:
    """One line a sample, and the one that is under way; as a context manager.

    Args:
        terminal: where to.
        samples: how many there will be.
        details: shows each delivery instead of each sample.
    """

    def __init__(
        self, terminal: Terminal, samples: int, details: DeliveryView | None = None
    ) -> None:
        """Nothing is shown yet."""
        self._terminal = terminal
        self._details = details
        self._samples = samples
        self._wrong: dict[Path, list[str]] = {}
        self._outcomes: list[Outcome] = []
        self._began = self._run_began = monotonic()
        self._bar = Progress(
            MofNCompleteColumn(),
            BarColumn(bar_width=16),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=terminal.rich,
            transient=True,
            disable=not terminal.is_terminal,
        )
        self._task = self._bar.add_task("", total=samples)

    def __enter__(self) -> Self:
        """Show what is under way."""
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing is under way."""
        self._bar.stop()

    def began(self, sample: Sample) -> None:
        """Name the sample that is under way."""
        self._began = monotonic()
        self._outcomes = []
        why = "a function starts with settings of its own" if sample.settings else ""
        self._show(sample, why)

    def step(self, sample: Sample, step: Step) -> None:
        """Say why the sample waits."""
        if why := why_it_waits(step):
            self._show(sample, why)

    def delivered(self, outcome: Outcome) -> None:
        """Remember how it ended."""
        if self._details:
            self._details.delivered(outcome)
        self._outcomes.append(outcome)
        what = " ".join(word for word in (outcome.delivered.source, _contact(outcome)) if word)
        found = self._wrong.setdefault(outcome.path, [])
        found += [f"{what}: {difference}" for difference in outcome.differences]

    def differ(self, path: Path, what: str, differences: Sequence[str]) -> None:
        """Remember what the sample leaves behind otherwise than expected."""
        if self._details:
            self._details.differ(path, what, differences)
        self._wrong.setdefault(path, []).extend(f"{what}: {it}" for it in differences)

    def setting_fault(self, path: Path, fault: SettingFault) -> None:
        """Samples say which setting faults they expect: shown with the details alone."""
        if self._details:
            self._details.setting_fault(path, fault)

    def ended(self, sample: Sample, *, right: bool) -> None:
        """The sample's line."""
        self._bar.advance(self._task)
        if not self._details:
            self._sample(sample, right=right)

    def _sample(self, sample: Sample, *, right: bool) -> None:
        seconds = f"{monotonic() - self._began:5.1f} s"
        room = self._terminal.width - len("WRONG ") - len("  ") * 2 - len(seconds)
        column = min(48, room // 2)
        name = self._terminal.fitted(_short_name(sample.path), column)
        ends = self._terminal.fitted(_ends(self._outcomes), room - column)
        mark = "[green]ok[/]   " if right else "[bold red]WRONG[/]"
        style = "yellow" if right and any(map(_is_failure, self._outcomes)) else "default"
        shown = f"[{style}]{escape(f'{ends:{room - column}}')}[/]"
        self._terminal.rich.print(f"{mark} {escape(f'{name:{column}}')}  {shown}  {seconds}")

    def verdict(self) -> None:
        """How many samples ended as their files say; of the others, what differs, and how to see
        it again."""
        wrong = {path: found for path, found in self._wrong.items() if found}
        if wrong:
            self._terminal.say()
        for path, found in wrong.items():
            self._terminal.say(f"WRONG {name_of(path)}", "bold red")
            for difference in found:
                self._terminal.say(f"      {difference}", "red")
            self._terminal.say(f"      again: ./bridge replay {name_of(path)}", whole=True)
        right = self._samples - len(wrong)
        seconds = round(monotonic() - self._run_began)
        self._terminal.say(
            f"{right} of {self._samples} samples ended as their files say, in {seconds} s",
            "bold red" if wrong else "bold green",
        )

    def _show(self, sample: Sample, why: str) -> None:
        text = _short_name(sample.path) + (f": {why}" if why else "")
        self._bar.update(
            self._task, description=escape(self._terminal.fitted(text, self._terminal.width - 40))
        )


def why_it_waits(step: Step) -> str:
    """Why a step takes longer than others; empty where it does not."""
    if isinstance(step, SetFaults):
        return next(
            (_why(it.kind, it.status) for it in step.faults if _why(it.kind, it.status)), ""
        )
    if isinstance(step, SetConnect) and step.faults:
        return "DescribeContact fails, on purpose"
    if isinstance(step, Redrive):
        return "dead letters are put back"
    if isinstance(step, Batch):
        return f"{len(step.inputs)} records at once"
    return ""


def _why(kind: str, status: int | None) -> str:
    if kind in _HANGS:
        return _HANGS[kind]
    if status in (429, 500, 502, 503, 504):
        return f"Salesforce answers {status} on purpose, and the bridge tries again"
    if kind.startswith("reset"):
        return "Salesforce drops the connection on purpose, and the bridge tries again"
    return ""


def _short_name(path: Path) -> str:
    """Folder and name of a sample."""
    return f"{path.parent.name}/{path.stem}"


def _contact(outcome: Outcome) -> str:
    return outcome.lines[0].contact_id if outcome.lines else ""


def _mark(outcome: Outcome) -> str:
    if outcome.delivered.expectation is None:
        return f"{_NONE:5}"
    return "[bold red]WRONG[/]" if outcome.differences else "[green]ok   [/]"


def _answered(outcome: Outcome) -> tuple[str, str]:
    """The flow's status, and the id or the code that it got."""
    answer, error = outcome.answer, outcome.error
    status = answer.get("status") or ("raises" if error else _NONE)
    result = answer.get("voiceCallId") or answer.get("errorCode") or error.get("errorType")
    line = outcome.lines[0] if outcome.lines else None
    return status, result or (line.voice_call_id if line else "") or _NONE


def _ends(outcomes: Sequence[Outcome]) -> str:
    """How the deliveries of a sample ended: each end once, and how often."""
    counted = Counter(map(_said, outcomes))
    return ", ".join(
        text if number == 1 else f"{number} {text}" for text, number in counted.items()
    )


def _said(outcome: Outcome) -> str:
    if outcome.delivered.source == "redrive" or outcome.passage is not None:
        text = _end(outcome)
    else:
        text, result = _answered(outcome)
        if text == _NONE:
            text = _end(outcome)
        elif text != "raises" and (code := outcome.answer.get("errorCode")):
            text = f"{text} {code}"
        elif text == "raises":
            text = f"raises {result}"
    reason = outcome.lines[0].reason if outcome.lines else ""
    if outcome.passage is not None and reason:
        text = f"{text} {reason}"
    text = text.replace("dead_lettered", "dead-lettered")
    expected = outcome.delivered.expectation is not None and not outcome.differences
    return f"{text} as expected" if _is_failure(outcome) and expected else text


def _is_failure(outcome: Outcome) -> bool:
    """Whether this would be a fault if no sample expected it."""
    return bool(outcome.error) or any(
        line.disposition == DEAD_LETTERED for line in outcome.lines[:1]
    )


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
    return f"{end} ({passage.deliveries} deliveries)" if passage.deliveries > 1 else end
