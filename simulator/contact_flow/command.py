"""`python -m simulator flow`: walks a flow and tells what the caller went through."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from simulator.console import Console
from simulator.contact_flow.blocks import FLOW_TYPES
from simulator.contact_flow.caller import AGENT, new_caller
from simulator.contact_flow.checks import MOST_LAMBDA_SECONDS, faults, to_replace, warnings
from simulator.contact_flow.flow import Flow, read_flow
from simulator.contact_flow.interpreter import End, Step, Walk, walk
from simulator.contact_flow.lambda_block import Invoke, NotInvoked
from simulator.contact_flow.surroundings import EVERY, Surroundings
from simulator.functions.lambda_process import Invocation
from simulator.reading import EventError
from simulator.salesforce import Fault
from simulator.simulator import Simulator

FUNCTION: Final = "ContactFlowFunction"
_ENDS: Final = {
    End.QUEUE: "waits in the queue",
    End.AGENT: "waits for the agent",
    End.MESSAGE: "is told, and the line is hung up:",
    End.SILENCE: "is left in SILENCE:",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("path", type=Path, help="a flow's file, also one of your own")
    parser.add_argument(
        "--type", choices=list(FLOW_TYPES), help="the flow's type, where its file does not say it"
    )
    parser.add_argument(
        "--salesforce",
        metavar="FAULT",
        type=_fault,
        help="a kind of simulator/salesforce/faults.py for every request: hang, status:503",
    )
    parser.add_argument("--function", choices=("missing", "silent"), help="the function's fault")
    parser.add_argument("--closed", action="store_true", help="outside the hours of operation")
    parser.add_argument("--full", action="append", default=[], metavar="QUEUE", help="at capacity")
    parser.add_argument(
        "--unknown", action="append", default=[], metavar="QUEUE", help="cannot be set as target"
    )
    parser.add_argument("--no-agent", action="store_true", help="the agent cannot be reached")
    parser.add_argument("--press", default="", metavar="KEY", help="in a menu")
    parser.add_argument("--withheld", action="store_true", help="the caller hides his number")


def run(parsed: argparse.Namespace) -> bool:
    """Walk and tell; whether the caller is looked after.

    Raises:
        EventError: the file is no flow, or Connect would refuse it.
        TemplateError, OSError: as Simulator.
    """
    flow = read_flow(parsed.path)
    if parsed.type:
        flow = replace(flow, type=parsed.type)
    if wrong := faults(flow):
        raise EventError("\n".join(f"{parsed.path}: {fault}" for fault in wrong))
    console = Console()
    for warning in warnings(flow):
        console.say(f"{parsed.path}: {warning}", "yellow")
    with Simulator() as simulator:
        caller = new_caller(flow.type, **({"CustomerEndpoint": None} if parsed.withheld else {}))
        previous = caller.contact["PreviousContactId"]
        if previous != caller.contact["ContactId"]:
            simulator.salesforce.add_voice_call(previous)
        if parsed.salesforce:
            key = caller.contact["ContactId"]
            simulator.salesforce.inject(replace(parsed.salesforce, vendor_call_key=key))
        walked = walk(flow, caller, _surroundings(parsed), _invoke(simulator, parsed.function))
    _tell(console, flow, walked)
    return walked.end is not End.SILENCE and walked.lambda_seconds <= MOST_LAMBDA_SECONDS


def _surroundings(parsed: argparse.Namespace) -> Surroundings:
    return Surroundings(
        is_open=not parsed.closed,
        key=parsed.press,
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


def _tell(console: Console, flow: Flow, walked: Walk) -> None:
    console.say(f"{flow.name} ({FLOW_TYPES[flow.type]})", "bold")
    for step in walked.steps:
        console.say(f"  {step.action:24}  {step.branch or '-':24}  {_what(step)}".rstrip())
    style = "bold red" if walked.end is End.SILENCE else "bold green"
    console.say(f"the caller {_ENDS[walked.end]} {walked.detail}", style)
    console.say(
        f"longest wait for Lambda without a prompt: {walked.lambda_seconds:.1f} s "
        f"of {MOST_LAMBDA_SECONDS}"
    )
    if left := to_replace(flow):
        console.say(f"to be replaced before the import: {', '.join(left)}")


def _what(step: Step) -> str:
    if step.answer is None:
        return step.what
    repeated = f", {step.answer.attempts} invocations" if step.answer.attempts > 1 else ""
    return f"{step.what}  ({step.answer.seconds:.2f} s{repeated})"


def _fault(text: str) -> Fault:
    kind, _, status = text.partition(":")
    try:
        return Fault(kind, times=None, method=EVERY, status=int(status) if status else None)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
