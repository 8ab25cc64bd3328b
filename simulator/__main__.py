"""The simulator's commands: `./bridge run`, `replay`, `flow`, `simulator`, ...."""

import argparse
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from simulator.flows import command as flow_command
from simulator.material import NotUnderstood, read_material
from simulator.material.anonymize import anonymize
from simulator.replay.outcome import Outcome
from simulator.replay.own_file import read_data, read_own_file
from simulator.replay.replay import Replay
from simulator.sam.template import TemplateError
from simulator.samples.files import samples_in
from simulator.samples.moments import at_delivery
from simulator.samples.reading import EventError
from simulator.simulator import ROOT, Simulator
from simulator.terminal import Terminal
from simulator.views import DeliveryView, RunView
from simulator.web import command as web
from simulator.web.stories import StoryError

RIGHT: Final = 0
WRONG: Final = 1
UNUSABLE: Final = 2
INTERRUPTED: Final = 128 + signal.SIGINT
"""A shell's status of a program that a signal ended."""
_HINTS: Final[Mapping[str, str]] = {
    "CONTACT_NOT_FOUND": "DescribeContact does not know the contact here; add it with a line "
    '{"connect": {"contacts": [...]}} in a call (events/README.md)',
    "FILE_GONE": "the bucket is empty here; put the file into it with a line "
    '{"inBucket": {...}} in a call (events/README.md)',
}
"""Reason -> what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; answers its exit status, one of the constants above."""
    parsed = parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = parsed.command
    try:
        return command(parsed)
    except BrokenPipeError:  # the reader has seen enough (tools.door)
        raise
    except (EventError, StoryError, TemplateError, BotoCoreError, ClientError, OSError) as error:
        Terminal(sys.stderr).say(str(error))
        return UNUSABLE
    except KeyboardInterrupt:
        return INTERRUPTED


def parser() -> argparse.ArgumentParser:
    """The commands' arguments."""
    parser = argparse.ArgumentParser(prog="./bridge")
    commands = parser.add_subparsers(required=True, metavar="command")
    run = commands.add_parser("run", help="replay every sample; fails unless each ends as it says")
    run.add_argument("folder", nargs="?", type=Path, default=ROOT / "events")
    run.add_argument(
        "-v", "--verbose", action="store_true", help="one line a delivery, all calls, all reasons"
    )
    run.set_defaults(command=_run)
    _add_material_commands(commands)
    flow = commands.add_parser("flow", help="walk a contact flow with a caller, block by block")
    flow_command.add_arguments(flow)
    flow.set_defaults(command=_flow)
    _add_console_commands(commands)
    return parser


def _add_material_commands(commands: Any) -> None:
    replay = commands.add_parser("replay", help="replay one file, also one of your own")
    replay.add_argument(
        "path",
        type=Path,
        help="real material as it was copied, an event, a whole call; - for standard input",
    )
    replay.add_argument(
        "--allow-unmatched",
        action="store_true",
        help="an event that no rule of the template takes is not a failure",
    )
    replay.add_argument(
        "--parent",
        action="append",
        default=[],
        metavar="CONTACT_ID",
        type=_contact_id,
        help="a contact that has a VoiceCall already: a transfer's parent, or a method's own "
        "(may be repeated)",
    )
    replay.set_defaults(command=_replay)
    anonymous = commands.add_parser(
        "anonymize", help="write material anew without numbers, names, ids and values"
    )
    anonymous.add_argument("path", type=Path, help="the material; - for standard input")
    anonymous.add_argument("out", type=Path, help="the file to write")
    anonymous.set_defaults(command=_anonymize)


def _add_console_commands(commands: Any) -> None:
    simulator = commands.add_parser(
        "simulator", help="leave the simulator running and print its addresses"
    )
    simulator.add_argument(
        "--state", type=Path, help="a folder that keeps Salesforce's records and journal"
    )
    simulator.add_argument(
        "--set",
        action="append",
        default=[],
        dest="settings",
        metavar="NAME=VALUE",
        type=_setting,
        help="a setting of the functions instead of the template's (may be repeated)",
    )
    web.add_serve_arguments(simulator)
    simulator.set_defaults(command=_serve)
    console = commands.add_parser("console", help="replay every sample and show it on the console")
    web.add_serve_arguments(console)
    console.set_defaults(command=_console)
    trigger = commands.add_parser("trigger", help="play a story in a running simulator")
    web.add_trigger_arguments(trigger)
    trigger.set_defaults(command=_trigger)


def _run(parsed: argparse.Namespace) -> int:
    samples = samples_in(parsed.folder)
    terminal = Terminal()
    terminal.say("starting Salesforce, AWS and the functions on loopback")
    details = DeliveryView(terminal) if parsed.verbose else None
    view = RunView(terminal, len(samples), details)
    with Simulator() as simulator:
        replay = Replay(simulator, view)
        with view:
            replay.run(samples)
        if parsed.verbose:
            terminal.calls(simulator.salesforce.voice_calls(), simulator.salesforce.actions())
        tally = replay.tally()
    terminal.say()
    terminal.tally(tally, whole=parsed.verbose)
    view.verdict()
    return WRONG if replay.wrong or tally.faults() else RIGHT


def _replay(parsed: argparse.Namespace) -> int:
    own = read_own_file(parsed.path)
    samples = own.samples
    terminal = Terminal()
    for line in own.said:
        terminal.say(line)
    with Simulator(instance=own.instance) as simulator:
        for contact_id in parsed.parent:
            simulator.salesforce.add_voice_call(contact_id)
        replay = Replay(simulator, DeliveryView(terminal))
        replay.run(samples)
        explained = [each for each in replay.outcomes if each.path == samples[-1].path]
        for number, outcome in enumerate(explained, 1):
            if len(explained) > 1:
                terminal.say(f"{number:4}. {_title(outcome)}")
            _explain(terminal, outcome, simulator)
        terminal.calls(simulator.salesforce.voice_calls(), simulator.salesforce.actions())
        tally = replay.tally()
    terminal.tally(tally)
    # A file that says how it ends is held to its word; any other one is to end well.
    unsaid = [outcome for outcome in replay.outcomes if outcome.delivered.expectation is None]
    allowed = parsed.allow_unmatched
    ended_well = all(it.succeeded and (it.reached or allowed) for it in unsaid)
    return RIGHT if ended_well and not replay.wrong and not tally.faults() else WRONG


def _anonymize(parsed: argparse.Namespace) -> int:
    data = read_data(parsed.path)
    try:
        changed = anonymize(data)
    except NotUnderstood as error:
        raise EventError(f"{parsed.path}: {error}") from error
    if parsed.out.exists() and parsed.out.resolve() == parsed.path.resolve():
        raise EventError(f"{parsed.out}: the material itself is not overwritten; name another file")
    parsed.out.parent.mkdir(parents=True, exist_ok=True)
    parsed.out.write_bytes(changed)
    terminal = Terminal()
    terminal.say(f"written: {parsed.out}: {read_material(changed).summary()}")
    terminal.say("look through it before you pass it on: names of members and times are kept")
    return RIGHT


def _flow(parsed: argparse.Namespace) -> int:
    return RIGHT if flow_command.run(parsed) else WRONG


def _serve(parsed: argparse.Namespace) -> int:
    web.serve(parsed, partial(Terminal().say, whole=True))
    return RIGHT


def _console(parsed: argparse.Namespace) -> int:
    web.console(parsed, partial(Terminal().say, whole=True))
    return RIGHT


def _trigger(parsed: argparse.Namespace) -> int:
    web.trigger(parsed, print)
    return RIGHT


def _title(outcome: Outcome) -> str:
    """The title of a delivery, where several are explained one after the other."""
    line = outcome.lines[0] if outcome.lines else None
    words = (outcome.delivered.source, line.method, line.contact_id) if line else ()
    return "  ".join(word for word in words if word) or outcome.delivered.source


def _explain(terminal: Terminal, outcome: Outcome, simulator: Simulator) -> None:
    terminal.answer(outcome)
    for line in outcome.lines:
        if line.error_text and not outcome.answer:
            terminal.say(f"      {line.error_text}")
    if not outcome.reached:
        terminal.say("      no rule of template.yaml takes it; the nearest one:")
        event = at_delivery(outcome.delivered.event, datetime.now(UTC))
        for difference in simulator.sources.why_unmatched(event):
            terminal.say(f"      {difference}")
        terminal.say("      --allow-unmatched accepts that")
    for hint in _hints(outcome, simulator):
        terminal.say(f"      hint: {hint}")


def _hints(outcome: Outcome, simulator: Simulator) -> Iterator[str]:
    """Advice for a reader, where the material alone is not enough."""
    journal = simulator.salesforce.journal()
    reasons = {line.reason for line in outcome.lines}
    yield from (text for reason, text in _HINTS.items() if reason in reasons)
    if not outcome.reached and _event_type(outcome.delivered.event) == "INITIATED":
        yield "a stack takes INITIATED only where its parameter CreateFromEvents is always"
    if call := outcome.unknown_call(journal):
        yield (
            "Salesforce has no VoiceCall of this contact here; put its createVoiceCall before it "
            "in a call (.jsonl, events/README.md), or have the call there already: add "
            f"--parent {call}"
        )
    if parent := outcome.refused_parent(journal):
        yield f"Salesforce does not know the parent here; to have it known, add --parent {parent}"


def _event_type(event: Any) -> Any:
    detail = event.get("detail") if isinstance(event, dict) else None
    return detail.get("eventType") if isinstance(detail, dict) else None


def _contact_id(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("a contact id is not empty")
    return text


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError("a setting is NAME=VALUE")
    return name, value


def _end(signal_number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - signal's own
    """End as an exception does, so that everything that was started is stopped."""
    sys.exit(128 + signal_number)


if __name__ == "__main__":
    # A shell makes its background programs ignore SIGINT, but `serve` must end on it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _end)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # An event may hold what this terminal has no characters for.
            stream.reconfigure(errors="backslashreplace")
    sys.exit(main())
