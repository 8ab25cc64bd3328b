"""The methods for a VoiceCall that is there: parameters of the block to requests of the API.

Source of names and meanings: what Salesforce's own Lambda reads and answers (SCVL). Salesforce's
other Lambdas invoke these directly, with a contact id and no contact.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from voicecall_bridge.flow.methods import Method, Plan
from voicecall_bridge.sources.flow_parameters import FIELD_VALUES, FlowParameters, ParameterFault
from voicecall_bridge.voice_call.actions import (
    MESSAGE_PROPERTIES,
    UPDATE_PROPERTIES,
    ExecuteOmniFlow,
    RequestCallback,
    RouteVoiceCall,
    WrongProperty,
    live_update,
    transcript_line,
)
from voicecall_bridge.voice_call.create import require_voice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    from voicecall_bridge.deadline import Deadline
    from voicecall_bridge.sources.flow import FlowInvocation
    from voicecall_bridge.use_cases.call_actions import CallActions
    from voicecall_bridge.use_cases.outcomes import Answered, Progress

    Request = TypeVar("Request")


def update_voice_call(invocation: FlowInvocation) -> Plan:
    """Reads fieldValues."""
    update = _from_field_values(invocation, UPDATE_PROPERTIES, live_update)
    contact = invocation.contact
    return _plan(invocation, lambda use, deadline, _: use.update(contact, update, deadline))


def execute_omni_flow(invocation: FlowInvocation) -> Plan:
    """Reads flowDevName, fallbackQueue, transferTarget, flowInput-*, and, where Connect does not
    tell the number dialled, fieldValues.dialedNumber."""
    given, contact = invocation.parameters, invocation.contact
    request = ExecuteOmniFlow(
        _dialed_number(invocation),
        given.optional("flowDevName"),
        given.optional("fallbackQueue"),
        given.optional("transferTarget"),
        given.flow_inputs(),
    )
    return _plan(
        invocation, lambda use, deadline, _: use.execute_omni_flow(contact, request, deadline)
    )


def cancel_omni_flow_execution(invocation: FlowInvocation) -> Plan:
    """Reads nothing."""
    contact = invocation.contact
    return _plan(invocation, lambda use, deadline, _: use.cancel_omni_flow(contact, deadline))


def reroute_flow_execution(invocation: FlowInvocation) -> Plan:
    """Reads nothing."""
    contact = invocation.contact
    return _plan(invocation, lambda use, deadline, _: use.reroute(contact, deadline))


def route_voice_call(invocation: FlowInvocation) -> Plan:
    """Reads routingTarget, fallbackQueue and flowInput-*."""
    given, contact = invocation.parameters, invocation.contact
    request = RouteVoiceCall(
        given.required("routingTarget", "the id of an agent, a queue or a flow in Salesforce"),
        given.optional("fallbackQueue"),
        given.flow_inputs(),
    )
    return _plan(invocation, lambda use, deadline, _: use.route(contact, request, deadline))


def callback_execution(invocation: FlowInvocation) -> Plan:
    """Reads customerCallbackNumber."""
    contact = invocation.contact
    request = RequestCallback(
        invocation.parameters.required(
            "customerCallbackNumber", "the number that the customer wants to be called at"
        )
    )
    return _plan(
        invocation,
        lambda use, deadline, progress: use.request_callback(contact, request, deadline, progress),
    )


def send_message(invocation: FlowInvocation) -> Plan:
    """Reads fieldValues. A transcript belongs to the first call of the chain."""
    line = _from_field_values(invocation, MESSAGE_PROPERTIES, transcript_line)
    contact = invocation.contact
    key = contact.contact_id if invocation.names_contact else contact.initial_contact_id
    return _plan(
        invocation,
        lambda use, deadline, _: use.add_message(contact, key, line, deadline),
        key,
    )


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "updateVoiceCall": Method(update_voice_call),
        "executeOmniFlow": Method(execute_omni_flow, {"agent": "", "queue": ""}, True),
        "cancelOmniFlowExecution": Method(cancel_omni_flow_execution),
        "rerouteFlowExecution": Method(reroute_flow_execution, must_succeed=True),
        "routeVoiceCall": Method(route_voice_call, must_succeed=True),
        "callbackExecution": Method(callback_execution, {"recordId": ""}, True),
        # SCVL answers "Error" for whatever fails.
        "sendMessage": Method(send_message, {"result": "Error"}),
    }
)


def _plan(
    invocation: FlowInvocation,
    run: Callable[[CallActions, Deadline, Progress], Answered],
    vendor_call_key: str = "",
) -> Plan:
    contact = invocation.contact

    def of_a_call(actions: CallActions, deadline: Deadline, progress: Progress) -> Answered:
        require_voice(contact)
        return run(actions, deadline, progress)

    return Plan(
        vendor_call_key or contact.contact_id,
        lambda use, deadline, progress: of_a_call(use.actions(), deadline, progress),
    )


def _dialed_number(invocation: FlowInvocation) -> str:
    """The number dialled, which the API requires."""
    if invocation.system_endpoint:
        return invocation.system_endpoint
    values = FlowParameters(invocation.parameters.field_values(("dialedNumber",)))
    # The last is not of SCVL, which would fail: Connect leaves the endpoint out of queue transfers.
    number = values.optional("dialedNumber") or invocation.contact.system_address
    if not number:
        raise ParameterFault(
            f"the number dialled is not known: add it to the Lambda block's parameter "
            f"{FIELD_VALUES} as dialedNumber, or pass it as a parameter of that name"
        )
    return number


def _from_field_values(
    invocation: FlowInvocation,
    known: Mapping[str, object],
    make: Callable[[Mapping[str, object]], Request],
) -> Request:
    values = invocation.parameters.field_values(known.keys())
    if not values:
        raise ParameterFault(
            f"the Lambda block's parameter {FIELD_VALUES} is missing or empty: add it, with the "
            f"properties to send, e.g. {', '.join(list(known)[:3])}"
        )
    try:
        return make(values)
    except WrongProperty as error:
        raise ParameterFault(
            f"{error.name} in the Lambda block's parameter {FIELD_VALUES} {error.cure}"
        ) from None
