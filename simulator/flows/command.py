"""`python -m simulator flow`: walks a flow and says what the caller goes through."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from simulator.flows.caller import AGENT, Caller, initiation_of, new_caller
from simulator.flows.checks import doubts, faults
from simulator.flows.choices import read_choices
from simulator.flows.files import flows_in, read_flow
from simulator.flows.flow import FLOW_TYPES, INBOUND, MODULE, Flow
from simulator.flows.interpreter import walk
from simulator.flows.lambda_block import Invoke, NotInvoked
from simulator.flows.report import report
from simulator.flows.state import End
from simulator.flows.surroundings import EVERY, Surroundings
from simulator.flows.ways import MOST_LAMBDA_SECONDS, of_the_ways
from simulator.functions.lambda_process import Invocation
from simulator.salesforce import Fault
from simulator.samples.reading import EventError
from simulator.simulator import Simulator
from simulator.terminal import Terminal

FUNCTION: Final = "ContactFlowFunction"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("path", type=Path, help="a flow's file, also one of your own")
    parser.add_argument(
        "--with",
        action="append",
        default=[],
        dest="further",
        type=Path,
        metavar="PATH",
        help="a flow or module that this one goes on in, or a folder of them (may be repeated)",
    )
    parser.add_argument(
        "--take",
        action="append",
        default=[],
        metavar="BLOCK=BRANCH",
        help='take a branch instead of running the block: "Check staffing=False", '
        '"2b8ac416=Error" (may be repeated, also for one block: one visit after the other)',
    )
    parser.add_argument(
        "--answer",
        action="append",
        default=[],
        metavar="BLOCK=JSON",
        help="what a Lambda block answers instead of being run (may be repeated)",
    )
    parser.add_argument("--press", action="append", default=[], metavar="KEY", help="in a menu")
    parser.add_argument(
        "--attribute",
        action="append",
        default=[],
        type=_attribute,
        metavar="NAME=VALUE",
        help="of the contact, before the flow begins (may be repeated)",
    )
    _add_what_is_the_case(parser)
    _add_what_fails(parser)


def _add_what_is_the_case(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--type", choices=list(FLOW_TYPES), help="the flow's type, where its file does not say it"
    )
    parser.add_argument(
        "--initiation",
        default="",
        metavar="METHOD",
        help="how the contact began: INBOUND, TRANSFER, DISCONNECT, API, CALLBACK, ...",
    )
    parser.add_argument(
        "--created", action="store_true", help="the VoiceCall is there before (a subflow)"
    )
    parser.add_argument("--withheld", action="store_true", help="the caller hides the number")
    parser.add_argument(
        "--agents", type=int, default=1, metavar="N", help="agents there, online and available"
    )
    parser.add_argument("--closed", action="store_true", help="outside the hours of operation")


def _add_what_fails(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--salesforce",
        metavar="FAULT",
        type=_fault,
        help="a kind of simulator/salesforce/faults.py for every request: hang, status:503",
    )
    parser.add_argument("--function", choices=("missing", "silent"), help="the function's fault")
    parser.add_argument("--full", action="append", default=[], metavar="QUEUE", help="at capacity")
    parser.add_argument(
        "--unknown", action="append", default=[], metavar="QUEUE", help="cannot be set as target"
    )
    parser.add_argument("--no-agent", action="store_true", help="the agent cannot be reached")


def run(parsed: argparse.Namespace) -> bool:
    """Walk and report; whether the caller is looked after and the flow makes no mistake.

    Raises:
        EventError: a file is not a flow, Connect would refuse it, or a choice does not exist.
        TemplateError, OSError: as Simulator.
    """
    flow = read_flow(parsed.path)
    if parsed.type:
        flow = replace(flow, type=parsed.type, type_is_guessed=False)
    further = flows_in(parsed.further)
    if wrong := [f"{each.path}: {fault}" for each in (flow, *further) for fault in faults(each)]:
        raise EventError("\n".join(wrong))
    choices = read_choices(parsed.take, parsed.answer, flow, further)
    console = Terminal()
    for warning in [*doubts(flow), *of_the_ways(flow)]:
        console.say(f"{parsed.path}: {warning}", "yellow")
    caller = _caller(flow, parsed)
    with Simulator() as simulator:
        _prepare(simulator, flow, caller, parsed)
        invoke = _invoke(simulator, parsed.function)
        walked = walk(flow, caller, _surroundings(parsed), invoke, choices)
    report(console, flow, walked)
    in_time = walked.lambda_seconds <= MOST_LAMBDA_SECONDS
    return walked.end is not End.SILENCE and in_time and not walked.mistakes


def _caller(flow: Flow, parsed: argparse.Namespace) -> Caller:
    changes: dict[str, Any] = {"CustomerEndpoint": None} if parsed.withheld else {}
    by_type = initiation_of(flow.type, after_the_call=flow.is_after_the_call)
    caller = new_caller(flow.type, parsed.initiation or by_type, **changes)
    caller.attributes.update(parsed.attribute)
    return caller


def _prepare(simulator: Simulator, flow: Flow, caller: Caller, parsed: argparse.Namespace) -> None:
    """Gives Salesforce the caller's earlier calls, and its faults."""
    contact = caller.contact
    if contact["PreviousContactId"] != contact["ContactId"]:
        simulator.salesforce.add_voice_call(contact["PreviousContactId"])
    # The flow before the queue created it; an agent's own call is Salesforce's.
    later = flow.type not in (INBOUND, MODULE) and contact["InitiationMethod"] != "TRANSFER"
    if parsed.created or later:
        simulator.salesforce.add_voice_call(contact["ContactId"])
    simulator.salesforce.clear_faults()
    if parsed.salesforce:
        # For any call: a number is asked for without one, a transcript for the first one.
        simulator.salesforce.inject(parsed.salesforce)


def _surroundings(parsed: argparse.Namespace) -> Surroundings:
    return Surroundings(
        is_open=not parsed.closed,
        keys=tuple(parsed.press),
        agents=parsed.agents,
        full=frozenset(parsed.full),
        unknown=frozenset([*parsed.unknown, *([AGENT] if parsed.no_agent else [])]),
    )


def _invoke(simulator: Simulator, fault: str | None) -> Invoke:
    def invoke(event: dict[str, Any]) -> Invocation:
        if fault == "missing":
            raise NotInvoked("the function is missing")
        if fault == "silent":
            return silent_invocation()
        return simulator.invoke(FUNCTION, event)

    return invoke


def silent_invocation() -> Invocation:
    """An invocation that does not answer, without the wait."""
    return Invocation(
        payload=None,
        error={"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out"},
        logs=[],
        duration_ms=0.0,
        init_ms=None,
        timed_out=True,
        request_id="",
        cold=False,
    )


def _fault(text: str) -> Fault:
    kind, _, status = text.partition(":")
    try:
        return Fault(kind, times=None, method=EVERY, status=int(status) if status else None)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _attribute(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError("an attribute is NAME=VALUE")
    return name, value
