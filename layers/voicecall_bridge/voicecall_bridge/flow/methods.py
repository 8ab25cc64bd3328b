"""What contact flows call: the registry of methods, and those that create VoiceCalls.

The contract (names of methods, parameters and results) is that of Salesforce's own Lambda, so that
flows in the field keep working when only the function's ARN is exchanged. A method is one function,
which reads its parameters and says what is to be done, and one line in a registry.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from voicecall_bridge.flow.results import FlowMistake
from voicecall_bridge.settings.all import FlowFailure
from voicecall_bridge.sources.flow import NO_CONTACT_DATA
from voicecall_bridge.voice_call.create import CallInitiation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voicecall_bridge.deadline import Deadline
    from voicecall_bridge.sources.flow import FlowInvocation
    from voicecall_bridge.use_cases.call_actions import CallActions
    from voicecall_bridge.use_cases.create import Bridge
    from voicecall_bridge.use_cases.outcomes import Answered, Creation, Progress

ON_FAILURE = "onFailure"


@dataclass(frozen=True, slots=True)
class UseCases:
    """What methods can ask for.

    Attributes:
        bridge: creating a VoiceCall.
        actions: makes what is asked about one that is there, when it is needed.
    """

    bridge: Bridge
    actions: Callable[[], CallActions]


@dataclass(frozen=True, slots=True)
class Plan:
    """What an invocation is to do, its parameters read and checked.

    Attributes:
        vendor_call_key: the call it is about.
        run: does it; raises what the use case raises.
    """

    vendor_call_key: str
    run: Callable[[UseCases, Deadline, Progress], Creation | Answered]


@dataclass(frozen=True, slots=True)
class Method:
    """One method.

    Attributes:
        plan: reads the parameters; raises FlowMistake or ParameterFault for what can never work.
        results: what it answers beside the keys that every answer has, and what each is where it
            failed.
        must_succeed: without it the flow cannot go on, so that failing takes the block's Error
            branch unless the block's parameter onFailure says otherwise.
    """

    plan: Callable[[FlowInvocation], Plan]
    results: Mapping[str, str] = field(default_factory=dict)
    must_succeed: bool = False


def _create(asked: CallInitiation, invocation: FlowInvocation) -> Plan:
    if not invocation.has_contact_data:
        raise FlowMistake(NO_CONTACT_DATA)
    contact = invocation.contact
    return Plan(
        contact.contact_id,
        lambda use, deadline, progress: use.bridge.create(contact, asked, deadline, progress),
    )


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "createVoiceCall": Method(partial(_create, CallInitiation.INBOUND), {"voiceCallId": ""}),
        "createTransferVC": Method(partial(_create, CallInitiation.TRANSFER), {"voiceCallId": ""}),
    }
)


def on_failure(invocation: FlowInvocation, method: Method, setting: FlowFailure) -> FlowFailure:
    """What the flow gets when it does not get what it asked for: its block decides, else the
    method, else the setting.

    Raises:
        FlowMistake: the block's parameter is neither continue nor error.
    """
    wanted = invocation.parameters.given.get(ON_FAILURE)
    if wanted is None or wanted == "":
        return FlowFailure.ERROR if method.must_succeed else setting
    if not isinstance(wanted, str) or wanted.strip() not in list(FlowFailure):
        raise FlowMistake(
            f"the Lambda block's parameter {ON_FAILURE} must be continue or error: set it to one "
            "of them, or leave it out"
        )
    return FlowFailure(wanted.strip())
