"""Walks of the sample flows against the simulator: the function as it is deployed, over HTTP."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.flows.caller import Caller, new_caller
from simulator.flows.choices import read_choices
from simulator.flows.command import FUNCTION, silent_invocation
from simulator.flows.files import read_flow
from simulator.flows.interpreter import Walk, walk
from simulator.flows.lambda_block import Invoke, NotInvoked
from simulator.flows.surroundings import EVERY
from tests.flows.other_scenarios import DISCONNECT, FLOWS, OUTBOUND, SCENARIOS, VOICEMAIL
from tests.flows.scenarios import REQUEST_CALLBACK, SLOW_LIMIT_SECONDS, Scenario
from tools.flow_pictures import FOLDER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.flows.flow import Flow
    from simulator.functions.lambda_process import Invocation
    from simulator.salesforce import VoiceCallRecord
    from simulator.simulator import Simulator

SIDE_BY_SIDE = 2
"""Walks at the same time. A walk with a silent Salesforce only waits; every further walk starts
environments of its own."""


@dataclass(frozen=True)
class WalkOutcome:
    """A walk, and what Salesforce has of the caller's contact afterwards.

    Attributes:
        record: its VoiceCall.
        callbacks: the requests for a callback that Salesforce granted.
    """

    walk: Walk
    record: VoiceCallRecord | None
    callbacks: tuple[Mapping[str, Any], ...]

    @property
    def contact_id(self) -> str:
        """The caller's contact."""
        return str(self.walk.caller.contact["ContactId"])


def caller_of(name: str, flow: Flow, changes: Mapping[str, Any]) -> Caller:
    """A caller as a sample flow first sees the contact."""
    return new_caller(flow.type, "DISCONNECT" if name == DISCONNECT else "", **changes)


class World:
    """All walks, each once, started together. `outcome` waits for one."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self.flows = {name: read_flow(FOLDER / f"{name}.json") for name in FLOWS}
        self._threads = ThreadPoolExecutor(SIDE_BY_SIDE)
        # Walks that wait for Salesforce begin first.
        names = sorted(SCENARIOS, key=lambda name: not SCENARIOS[name].salesforce)
        self._outcomes: Mapping[tuple[str, str], Future[WalkOutcome]] = {
            (flow, name): self._threads.submit(self._walk, flow, SCENARIOS[name])
            for name in names
            for flow in SCENARIOS[name].flows
        }

    def close(self) -> None:
        """Begin no more, and wait for what has begun."""
        self._threads.shutdown(cancel_futures=True)

    def outcomes(self, flow: str) -> list[WalkOutcome]:
        """The outcomes of a flow under every scenario it was walked under."""
        return [outcome.result() for (name, _), outcome in self._outcomes.items() if name == flow]

    def outcome(self, flow: str, scenario: str) -> WalkOutcome:
        """The outcome of a flow under a scenario."""
        return self._outcomes[flow, scenario].result()

    def _walk(self, name: str, scenario: Scenario) -> WalkOutcome:
        flow = self.flows[name]
        caller = caller_of(name, flow, scenario.contact)
        contact_id = caller.contact["ContactId"]
        previous = caller.contact["PreviousContactId"]
        if previous != contact_id:
            self._simulator.salesforce.add_voice_call(previous)
        if name in (OUTBOUND, VOICEMAIL):  # Salesforce's own, or the flow's before
            self._simulator.salesforce.add_voice_call(contact_id)
        invoke = self._invoke(scenario)
        if scenario.created:
            self._create(flow, caller, invoke)
        for fault in scenario.faults(previous if name == DISCONNECT else contact_id):
            self._simulator.salesforce.inject(fault)
        choices = read_choices(scenario.takes, scenario.answers, flow, [])
        walked = walk(flow, caller, scenario.surroundings, invoke, choices)
        return WalkOutcome(
            walked, self._simulator.salesforce.voice_call(contact_id), self._callbacks(contact_id)
        )

    def _callbacks(self, contact_id: str) -> tuple[Mapping[str, Any], ...]:
        return tuple(
            exchange.body
            for exchange in self._simulator.salesforce.journal()
            if exchange.path.endswith(f"/{contact_id}/{REQUEST_CALLBACK}")
            and exchange.status == 200
        )

    def _create(self, flow: Flow, caller: Caller, invoke: Invoke) -> None:
        block = flow.actions["Create VoiceCall"]
        made = invoke(caller.event(block.parameters["LambdaInvocationAttributes"]))
        assert made.payload["status"] == "created"

    def _invoke(self, scenario: Scenario) -> Invoke:
        settings = {"FLOW_TIME_LIMIT_SECONDS": str(SLOW_LIMIT_SECONDS)} if scenario.slow else None

        def invoke(event: dict[str, Any]) -> Invocation:
            parameters = event["Details"]["Parameters"]
            faults = scenario.function
            fault = faults.get(parameters["methodName"]) or faults.get(EVERY)
            if fault == "missing":
                raise NotInvoked("the function is missing")
            if fault == "silent":
                return silent_invocation()
            if fault == "raises":
                # Only a mistake of the flow's author raises in any case.
                parameters["methodName"] = "noSuchMethod"
            return self._simulator.invoke(FUNCTION, event, settings)

        return invoke
