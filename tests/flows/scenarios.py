"""The scenarios of the sample flows that route a caller, and the right end of each.

Every flow is walked under every scenario that can make a difference to it. Those of the flows that
do not route are in `other_scenarios`. `ends` says only what differs from a good day; "*" stands for
all flows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulator.flows.caller import AGENT, QUICK_CONNECT_QUEUE
from simulator.flows.state import End
from simulator.flows.surroundings import EVERY, Surroundings
from simulator.salesforce import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

INBOUND, AGENT_TRANSFER, QUEUE_TRANSFER, CALLBACK, OMNI, DIRECT = (
    "inbound",
    "agent_transfer",
    "queue_transfer",
    "callback",
    "omni_routing",
    "direct_to_rep",
)
ROUTING = (INBOUND, AGENT_TRANSFER, QUEUE_TRANSFER, CALLBACK, OMNI, DIRECT)
"""Flows that create a VoiceCall and route the caller."""
QUEUE = "${QueueArn}"
VOICEMAIL_FLOW = "VoiceCall voicemail"
OMNI_QUEUE = "arn:aws:connect:us-west-2:111122223333:instance/0f0e0d0c/queue/90000003"
OMNI_FLOW, REQUEST_CALLBACK = "omniFlow", "requestCallback"
"""Parts of the paths of Salesforce's API (Voice implementation guide)."""
SLOW_LIMIT_SECONDS = 2
"""Of the function where Salesforce hangs, so that walks are short; the blocks keep their 8 s, which
leave a busy machine its time."""

Where = tuple[End, str]
GOOD_DAY: Mapping[str, Where] = {
    INBOUND: (End.QUEUE, QUEUE),
    AGENT_TRANSFER: (End.AGENT, AGENT),
    QUEUE_TRANSFER: (End.QUEUE, QUICK_CONNECT_QUEUE),
    CALLBACK: (End.QUEUE, QUEUE),
    # The simulator's Omni flow finds only the fallback queue that the flow passes.
    OMNI: (End.QUEUE, "${OmniFallbackQueue}"),
    # So it finds no rep either.
    DIRECT: (End.ELSEWHERE, VOICEMAIL_FLOW),
}
TO_VOICEMAIL: Mapping[str, Where] = {DIRECT: GOOD_DAY[DIRECT]}
NOWHERE_ELSE: Mapping[str, Where] = {}


@dataclass(frozen=True, slots=True)
class Scenario:
    """One world.

    Attributes:
        surroundings: what Connect does.
        salesforce: faults, by kind and arguments, for the requests of this caller alone.
        function: method -> missing, silent or raises; EVERY for all methods.
        contact: members of the contact's data that are different.
        created: the VoiceCall is there before.
        slow: with the short limit.
        takes: branches that are taken instead of running their blocks: "block=branch".
        answers: what Lambda blocks answer instead of being run: "block=JSON".
        ends: flow -> where the caller ends, unless as on a good day.
        speechless: Connect cannot speak, and nothing else is left: the only silence allowed.
        flows: those that it can make a difference to.
    """

    surroundings: Surroundings = field(default_factory=Surroundings)
    salesforce: tuple[Mapping[str, Any], ...] = ()
    function: Mapping[str, str] = field(default_factory=dict)
    contact: Mapping[str, Any] = field(default_factory=dict)
    created: bool = False
    slow: bool = False
    takes: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    ends: Mapping[str, Where] = field(default_factory=dict)
    speechless: bool = False
    flows: tuple[str, ...] = ROUTING

    def end(self, flow: str) -> Where:
        """Where a caller of this flow is to end."""
        return self.ends.get(flow) or self.ends.get(EVERY) or GOOD_DAY[flow]

    def faults(self, vendor_call_key: str) -> list[Fault]:
        """Salesforce's faults for one caller."""
        always = {"times": None, "method": "*", "vendor_call_key": vendor_call_key}
        return [Fault(**{**always, **fault}) for fault in self.salesforce]


def _all(end: End, detail: str) -> Mapping[str, Where]:
    return {EVERY: (end, detail)}


def _down(**fault: Any) -> tuple[Mapping[str, Any], ...]:
    return (fault,)


def _status(status: int, path: str = "") -> tuple[Mapping[str, Any], ...]:
    return ({"kind": "status", "status": status, "path_contains": path},)


def _omni(
    answer: Mapping[str, Any],
    surroundings: Surroundings | None = None,
    ends: Mapping[str, Where] = NOWHERE_ELSE,
) -> Scenario:
    fault = {"kind": "status", "status": 200, "body": answer, "path_contains": OMNI_FLOW}
    return Scenario(surroundings or Surroundings(), salesforce=(fault,), ends=ends, flows=(OMNI,))


def _rep(
    surroundings: Surroundings | None = None, ends: Mapping[str, Where] = NOWHERE_ELSE
) -> Scenario:
    """The Omni flow names the rep."""
    fault = {"kind": "status", "status": 200, "body": {"agent": AGENT}, "path_contains": OMNI_FLOW}
    return Scenario(surroundings or Surroundings(), salesforce=(fault,), ends=ends, flows=(DIRECT,))


def _no_voicemail(surroundings: Surroundings, end: Where) -> Scenario:
    """The voicemail flow was not imported."""
    return Scenario(
        surroundings,
        takes=("To voicemail=Error",),
        ends={DIRECT: end},
        speechless=bool(surroundings.mute),
        flows=(DIRECT,),
    )


def _second(method_fault: str) -> Mapping[str, str]:
    return {"executeOmniFlow": method_fault, "callbackExecution": method_fault}


BUSY = "All our lines are busy. Please call again later. Goodbye."
SORRY = "We are sorry, we cannot connect your call. Please call again later. Goodbye."
CLOSED = "We are closed now. Please call again during our opening hours. Goodbye."
QUEUE_CLOSED = "That queue is closed now. Goodbye."
PROMISE = "We will call you back as soon as we can. Goodbye."

FALLS_BACK: Mapping[str, Where] = {OMNI: (End.QUEUE, QUEUE), DIRECT: (End.QUEUE, QUEUE)}
CALLED_BACK: Mapping[str, Where] = {CALLBACK: (End.MESSAGE, PROMISE)}
PRESSES_1 = Surroundings(keys=("1",))
ASKS_TWICE = (CALLBACK, OMNI, DIRECT)
HAVE_HOURS = (INBOUND, QUEUE_TRANSFER, CALLBACK)
MUTE = "hung up without a word"
IS_CLOSED: Mapping[str, Where] = {
    INBOUND: (End.MESSAGE, CLOSED),
    QUEUE_TRANSFER: (End.MESSAGE, QUEUE_CLOSED),
    CALLBACK: (End.MESSAGE, CLOSED),
}

SCENARIOS: Mapping[str, Scenario] = {
    "good day": Scenario(),
    "VoiceCall there before": Scenario(created=True),
    "number withheld": Scenario(contact={"CustomerEndpoint": None}),
    # Salesforce fails at every request.
    "Salesforce down": Scenario(salesforce=_status(503), ends=FALLS_BACK),
    "limit reached": Scenario(salesforce=_status(429), ends=FALLS_BACK),
    "refused": Scenario(salesforce=_status(400), ends=FALLS_BACK),
    "token refused": Scenario(salesforce=_status(401), ends=FALLS_BACK),
    "Salesforce hangs": Scenario(salesforce=_down(kind="hang"), slow=True, ends=FALLS_BACK),
    # Salesforce makes the VoiceCall and fails then.
    "down when asked to route or call back": Scenario(
        PRESSES_1,
        salesforce=_status(503, OMNI_FLOW) + _status(503, REQUEST_CALLBACK),
        ends=FALLS_BACK,
        flows=ASKS_TWICE,
    ),
    "limit reached when asked to route or call back": Scenario(
        PRESSES_1,
        salesforce=_status(429, OMNI_FLOW) + _status(429, REQUEST_CALLBACK),
        ends=FALLS_BACK,
        flows=ASKS_TWICE,
    ),
    "refuses to route or call back": Scenario(
        PRESSES_1,
        salesforce=_status(400, OMNI_FLOW) + _status(400, REQUEST_CALLBACK),
        ends=FALLS_BACK,
        flows=ASKS_TWICE,
    ),
    "hangs when asked to route or call back": Scenario(
        PRESSES_1,
        salesforce=_down(kind="hang", path_contains=OMNI_FLOW)
        + _down(kind="hang", path_contains=REQUEST_CALLBACK),
        slow=True,
        ends=FALLS_BACK,
        flows=ASKS_TWICE,
    ),
    # The function.
    "function missing": Scenario(function={EVERY: "missing"}, ends=FALLS_BACK),
    "function does not answer": Scenario(function={EVERY: "silent"}, ends=FALLS_BACK),
    "function raises": Scenario(function={EVERY: "raises"}, ends=FALLS_BACK),
    "function missing when asked to route or call back": Scenario(
        PRESSES_1, function=_second("missing"), ends=FALLS_BACK, flows=ASKS_TWICE
    ),
    "function does not answer when asked to route or call back": Scenario(
        PRESSES_1, function=_second("silent"), ends=FALLS_BACK, flows=ASKS_TWICE
    ),
    "function raises when asked to route or call back": Scenario(
        PRESSES_1, function=_second("raises"), ends=FALLS_BACK, flows=ASKS_TWICE
    ),
    # Connect.
    "closed": Scenario(Surroundings(is_open=False), ends=IS_CLOSED, flows=HAVE_HOURS),
    "hours cannot be checked": Scenario(Surroundings(is_open=None), flows=HAVE_HOURS),
    "every queue full": Scenario(
        Surroundings(full=frozenset({EVERY})), ends={**_all(End.MESSAGE, BUSY), **TO_VOICEMAIL}
    ),
    "no way into any queue": Scenario(
        Surroundings(broken=frozenset({EVERY})), ends={**_all(End.MESSAGE, SORRY), **TO_VOICEMAIL}
    ),
    "attributes cannot be set": Scenario(Surroundings(keeps_attributes=False)),
    "attributes cannot be set, refused": Scenario(
        Surroundings(keeps_attributes=False), salesforce=_status(400), ends=FALLS_BACK
    ),
    "attributes cannot be set, function missing": Scenario(
        Surroundings(keeps_attributes=False), function={EVERY: "missing"}, ends=FALLS_BACK
    ),
    "agent cannot be reached": Scenario(
        Surroundings(unknown=frozenset({AGENT})),
        ends={AGENT_TRANSFER: (End.QUEUE, QUEUE)},
        flows=(AGENT_TRANSFER,),
    ),
    "agent's queue full": Scenario(
        Surroundings(full=frozenset({AGENT})),
        ends={AGENT_TRANSFER: (End.QUEUE, QUEUE)},
        flows=(AGENT_TRANSFER,),
    ),
    "no way to the agent": Scenario(
        Surroundings(broken=frozenset({AGENT})),
        ends={AGENT_TRANSFER: (End.QUEUE, QUEUE)},
        flows=(AGENT_TRANSFER,),
    ),
    "no queue or agent known": Scenario(
        Surroundings(unknown=frozenset({EVERY})),
        # The quick connect has set the queue before.
        ends={
            **_all(End.MESSAGE, SORRY),
            **TO_VOICEMAIL,
            QUEUE_TRANSFER: GOOD_DAY[QUEUE_TRANSFER],
        },
    ),
    # The Omni flow's answer (guide: agent and queue).
    "Omni names an agent": _omni({"agent": AGENT}, ends={OMNI: (End.AGENT, AGENT)}),
    "Omni names a queue": _omni({"queue": OMNI_QUEUE}, ends={OMNI: (End.QUEUE, OMNI_QUEUE)}),
    "Omni names an agent whom Connect does not know, and a queue": _omni(
        {"agent": AGENT, "queue": OMNI_QUEUE},
        Surroundings(unknown=frozenset({AGENT})),
        ends={OMNI: (End.QUEUE, OMNI_QUEUE)},
    ),
    "Omni names a queue that Connect does not know": _omni(
        {"queue": OMNI_QUEUE}, Surroundings(unknown=frozenset({OMNI_QUEUE})), ends=FALLS_BACK
    ),
    "Omni names a queue that is full": _omni(
        {"queue": OMNI_QUEUE}, Surroundings(full=frozenset({OMNI_QUEUE})), ends=FALLS_BACK
    ),
    "Omni names a queue with no way in": _omni(
        {"queue": OMNI_QUEUE}, Surroundings(broken=frozenset({OMNI_QUEUE})), ends=FALLS_BACK
    ),
    "Omni names nobody": _omni({"errors": ["no agent is available"]}, ends=FALLS_BACK),
    # Connect cannot speak.
    "prompts do not play": Scenario(Surroundings(mute=frozenset({EVERY}), keys=("1",))),
    "closed, prompts do not play": Scenario(
        Surroundings(is_open=False, mute=frozenset({EVERY})),
        ends=_all(End.SILENCE, MUTE),
        speechless=True,
        flows=HAVE_HOURS,
    ),
    "every queue full, prompts do not play": Scenario(
        Surroundings(full=frozenset({EVERY}), mute=frozenset({EVERY})),
        ends={**_all(End.SILENCE, MUTE), **TO_VOICEMAIL},
        speechless=True,
    ),
    "no way into any queue, prompts do not play": Scenario(
        Surroundings(broken=frozenset({EVERY}), mute=frozenset({EVERY})),
        ends={**_all(End.SILENCE, MUTE), **TO_VOICEMAIL},
        speechless=True,
    ),
    # The callback.
    "wants a callback": Scenario(PRESSES_1, ends=CALLED_BACK, flows=(CALLBACK,)),
    "wants a callback, attributes cannot be set": Scenario(
        Surroundings(keys=("1",), keeps_attributes=False), ends=CALLED_BACK, flows=(CALLBACK,)
    ),
    "wants to wait": Scenario(Surroundings(keys=("2",)), flows=(CALLBACK,)),
    "presses another key": Scenario(Surroundings(keys=("9",)), flows=(CALLBACK,)),
    "menu does not work": Scenario(Surroundings(keys=None), flows=(CALLBACK,)),
    "wants a callback, it cannot be said that he gets one": Scenario(
        Surroundings(keys=("1",), mute=frozenset({"Say callback"})),
        ends={CALLBACK: (End.SILENCE, MUTE)},
        speechless=True,
        flows=(CALLBACK,),
    ),
    "wants a callback, it cannot be said that he gets none": Scenario(
        Surroundings(keys=("1",), mute=frozenset({"Say no callback"})),
        salesforce=_status(400, REQUEST_CALLBACK),
        flows=(CALLBACK,),
    ),
    # The rep.
    "rep is there": _rep(ends={DIRECT: (End.AGENT, AGENT)}),
    "rep is away": _rep(Surroundings(agents=0)),
    "staffing cannot be checked": _rep(
        Surroundings(agents=None), ends={DIRECT: (End.AGENT, AGENT)}
    ),
    "rep's queue is full": _rep(Surroundings(full=frozenset({AGENT}))),
    "no way to the rep": _rep(Surroundings(broken=frozenset({AGENT}))),
    "no voicemail": _no_voicemail(Surroundings(), (End.QUEUE, QUEUE)),
    "no voicemail, queue full": _no_voicemail(
        Surroundings(full=frozenset({QUEUE})), (End.MESSAGE, BUSY)
    ),
    "no voicemail, no way into the queue": _no_voicemail(
        Surroundings(broken=frozenset({QUEUE})), (End.MESSAGE, SORRY)
    ),
    "no voicemail, queue unknown": _no_voicemail(
        Surroundings(unknown=frozenset({QUEUE})), (End.MESSAGE, SORRY)
    ),
    "no voicemail, queue full, prompts do not play": _no_voicemail(
        Surroundings(full=frozenset({QUEUE}), mute=frozenset({EVERY})), (End.SILENCE, MUTE)
    ),
    "no voicemail, queue unknown, prompts do not play": _no_voicemail(
        Surroundings(unknown=frozenset({QUEUE}), mute=frozenset({EVERY})), (End.SILENCE, MUTE)
    ),
}
