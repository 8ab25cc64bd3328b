"""The scenarios of the sample flows that do not route: outbound, disconnect, voicemail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.flows.state import End
from simulator.flows.surroundings import EVERY, Surroundings
from tests.flows.scenarios import BUSY, MUTE, QUEUE, ROUTING, SORRY, Scenario, Where
from tests.flows.scenarios import SCENARIOS as ROUTING_SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Mapping

OUTBOUND, DISCONNECT, VOICEMAIL = "outbound", "disconnect", "voicemail"
FLOWS = (*ROUTING, OUTBOUND, DISCONNECT, VOICEMAIL)
DROP = "https://example.test/voicemail/drop.wav"
"""What the Salesforce simulator has recorded."""
SAVED = "Thank you, your message has been recorded. Goodbye."

GOES_ON: Where = (End.DONE, "")
HUNG_UP: Where = (End.HUNG_UP, "")
IS_SAVED: Where = (End.MESSAGE, SAVED)
ALLOWED = {"Attributes": {"VoicemailDrop": "Enable"}}


def _outbound(
    surroundings: Surroundings | None = None,
    function: Mapping[str, str] | None = None,
    takes: tuple[str, ...] = (),
    answers: tuple[str, ...] = (),
) -> Scenario:
    return Scenario(
        surroundings or Surroundings(),
        function=function or {},
        takes=takes,
        answers=answers,
        ends={OUTBOUND: GOES_ON},
        flows=(OUTBOUND,),
    )


def _disconnect(
    end: Where,
    surroundings: Surroundings | None = None,
    function: Mapping[str, str] | None = None,
    contact: Mapping[str, object] | None = None,
    status: int = 0,
) -> Scenario:
    fault = {"kind": "status", "status": status, "path_contains": "voicemailDrop"}
    return Scenario(
        surroundings or Surroundings(),
        salesforce=(fault,) if status else (),
        function=function or {},
        contact=ALLOWED if contact is None else contact,
        ends={DISCONNECT: end},
        flows=(DISCONNECT,),
    )


def _voicemail(
    end: Where,
    surroundings: Surroundings | None = None,
    function: Mapping[str, str] | None = None,
    takes: tuple[str, ...] = (),
    answers: tuple[str, ...] = (),
) -> Scenario:
    around = surroundings or Surroundings()
    return Scenario(
        around,
        function=function or {},
        takes=takes,
        answers=answers,
        ends={VOICEMAIL: end},
        speechless=bool(around.mute),
        flows=(VOICEMAIL,),
    )


NO_STREAM = ("Start recording=Error",)
SCENARIOS: Mapping[str, Scenario] = {
    **ROUTING_SCENARIOS,
    "agent calls": _outbound(),
    "agent calls, Salesforce has no number": _outbound(
        answers=('Get caller id={"status": "done", "phoneNumber": ""}',)
    ),
    "agent calls, function missing": _outbound(function={EVERY: "missing"}),
    "agent calls, function does not answer": _outbound(function={EVERY: "silent"}),
    "agent calls, function raises": _outbound(function={EVERY: "raises"}),
    "agent calls, attributes cannot be set": _outbound(Surroundings(keeps_attributes=False)),
    "agent calls, disconnect flow missing": _outbound(takes=("Set disconnect flow=Error",)),
    # The agent has left.
    "agent drops a voicemail": _disconnect((End.MESSAGE, DROP)),
    "agent drops none": _disconnect(HUNG_UP, status=404),
    "drop, Salesforce down": _disconnect(HUNG_UP, status=503),
    "drop, function missing": _disconnect(HUNG_UP, function={EVERY: "missing"}),
    "drop, function does not answer": _disconnect(HUNG_UP, function={EVERY: "silent"}),
    "drop cannot be played": _disconnect(HUNG_UP, Surroundings(mute=frozenset({EVERY}))),
    "drop is not allowed": _disconnect(HUNG_UP, contact={}),
    "a chat has ended": _disconnect(HUNG_UP, contact={**ALLOWED, "Channel": "CHAT"}),
    # The caller leaves a message.
    "message": _voicemail(IS_SAVED),
    "message, ended by #": _voicemail(IS_SAVED, Surroundings(keys=("#",))),
    "message, another key": _voicemail(IS_SAVED, Surroundings(keys=("9",))),
    "message, no greeting recorded": _voicemail(
        IS_SAVED, answers=('Get greeting={"status": "done", "greetingUrl": ""}',)
    ),
    "message, function missing": _voicemail(IS_SAVED, function={EVERY: "missing"}),
    "message, function does not answer": _voicemail(IS_SAVED, function={EVERY: "silent"}),
    "message, recording cannot be stopped": _voicemail(IS_SAVED, takes=("Stop recording=Error",)),
    "message, queue unknown": _voicemail(IS_SAVED, Surroundings(unknown=frozenset({QUEUE}))),
    "message, prompts do not play": _voicemail(
        (End.SILENCE, MUTE), Surroundings(mute=frozenset({EVERY}))
    ),
    "message cannot be marked": _voicemail(
        (End.QUEUE, QUEUE), Surroundings(keeps_attributes=False)
    ),
    "message cannot be recorded": _voicemail((End.QUEUE, QUEUE), takes=NO_STREAM),
    "message cannot be recorded, mark stays": _voicemail(
        (End.QUEUE, QUEUE), takes=(*NO_STREAM, "Unmark voicemail=Error")
    ),
    "message cannot be recorded, queue full": _voicemail(
        (End.MESSAGE, BUSY), Surroundings(full=frozenset({QUEUE})), takes=NO_STREAM
    ),
    "message cannot be recorded, queue unknown": _voicemail(
        (End.MESSAGE, SORRY), Surroundings(unknown=frozenset({QUEUE})), takes=NO_STREAM
    ),
    "message cannot be recorded, queue full, mute": _voicemail(
        (End.SILENCE, MUTE),
        Surroundings(full=frozenset({QUEUE}), mute=frozenset({EVERY})),
        takes=NO_STREAM,
    ),
    "message cannot be recorded, queue unknown, mute": _voicemail(
        (End.SILENCE, MUTE),
        Surroundings(unknown=frozenset({QUEUE}), mute=frozenset({EVERY})),
        takes=NO_STREAM,
    ),
}
