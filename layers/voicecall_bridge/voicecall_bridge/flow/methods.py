"""The methods that contact flows can call: one registry of all of them, as data.

The contract (names of methods, parameters and results) is that of Salesforce's own Lambda (SCVL),
so that flows in the field keep working when only the function's ARN is exchanged. Salesforce's
other Lambdas invoke all but the creating methods directly, with a contact id and no contact.

A method that passes parameters on is one entry of METHODS. CONTRIBUTING.md says what else to touch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from voicecall_bridge.flow.requests import add_dialed_number, read_message, read_update
from voicecall_bridge.flow.results import FlowMistake, Result
from voicecall_bridge.settings.contact_flow import FlowFailure
from voicecall_bridge.sources.flow import NO_CONTACT_DATA
from voicecall_bridge.sources.flow_parameters import Kind
from voicecall_bridge.telephony.operations import Operation
from voicecall_bridge.voice_call.create import CallInitiation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voicecall_bridge.contact import Contact
    from voicecall_bridge.sources.flow import FlowInvocation

ON_FAILURE = "onFailure"
NOT_FOUND = "Not found"


class ContactRule(StrEnum):
    """Which contact a method is about, unless the block's parameter contactId names one."""

    OWN = "the flow's own contact"
    FIRST = "the first contact of the chain"


class Fallback(StrEnum):
    """The source of a parameter's value if the block does not pass it."""

    NONE = ""
    ATTRIBUTE = "the contact attribute of the same name"
    SYSTEM_ENDPOINT = "SystemEndpoint.Address"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the Lambda block that goes to Salesforce.

    Attributes:
        name: as the block passes it.
        property: of Salesforce's request, a dot between levels; empty: the parameter's name.
        required: what the flow's author has to pass; empty: the parameter may be left out.
        kind: what it must be; checked before anything is sent.
        fallback: see Fallback.
    """

    name: str
    property: str = ""
    required: str = ""
    kind: Kind = Kind.TEXT
    fallback: Fallback = Fallback.NONE


@dataclass(frozen=True, slots=True)
class Method:
    """One method.

    Attributes:
        operation: what is asked of Salesforce; None: nothing, the ledger remembers the contact
            center that the flow names.
        parameters: what is passed on.
        flow_inputs: every flowInput-… goes along, for the Omni flow.
        results: keys of the answer besides those that every answer has.
        must_succeed: the flow cannot go on without it: a failure takes the block's Error branch,
            unless the block's parameter onFailure says otherwise.
        contact: see ContactRule.
        creates: the kind of VoiceCall it creates; None: it is about an existing one.
        may_lack: a 404 means that Salesforce has none, which is a result and not a failure.
        complete: for requests that data cannot describe: takes the invocation and the passed
            parameters, returns the request.
    """

    operation: Operation | None
    parameters: tuple[Parameter, ...] = ()
    flow_inputs: bool = False
    results: tuple[Result, ...] = ()
    must_succeed: bool = False
    contact: ContactRule = ContactRule.OWN
    creates: CallInitiation | None = None
    may_lack: bool = False
    complete: Callable[[FlowInvocation, dict[str, object]], dict[str, object]] | None = None


_FROM = Parameter("fromNumber", required="the caller's number", kind=Kind.PHONE_NUMBER)
_CONTEXT = (
    Parameter("toNumber", "context.toNumber", "the number that was called", Kind.PHONE_NUMBER),
    Parameter("callId", "context.callId", fallback=Fallback.ATTRIBUTE),
    Parameter("transactionId", "context.transactionId", fallback=Fallback.ATTRIBUTE),
)

METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "createVoiceCall": Method(
            Operation.CREATE, creates=CallInitiation.INBOUND, results=(Result("voiceCallId"),)
        ),
        "createTransferVC": Method(
            Operation.CREATE, creates=CallInitiation.TRANSFER, results=(Result("voiceCallId"),)
        ),
        "updateVoiceCall": Method(Operation.UPDATE, complete=read_update),
        "executeOmniFlow": Method(
            Operation.OMNI_FLOW,
            (Parameter("flowDevName"), Parameter("fallbackQueue"), Parameter("transferTarget")),
            flow_inputs=True,
            results=(Result("agent"), Result("queue")),
            must_succeed=True,
            complete=add_dialed_number,
        ),
        "cancelOmniFlowExecution": Method(Operation.CLEAR_ROUTING),
        "rerouteFlowExecution": Method(Operation.REROUTE, must_succeed=True),
        "routeVoiceCall": Method(
            Operation.ROUTE,
            (
                Parameter(
                    "routingTarget", required="the id of an agent, a queue or a flow in Salesforce"
                ),
                Parameter("fallbackQueue"),
            ),
            flow_inputs=True,
            must_succeed=True,
        ),
        "callbackExecution": Method(
            Operation.REQUEST_CALLBACK,
            (
                Parameter(
                    "customerCallbackNumber",
                    "callbackNumber",
                    "the number that the customer wants to be called at",
                ),
                Parameter("scheduledRoutingDateTime", kind=Kind.MOMENT),
                Parameter("isPreviewCallback", kind=Kind.TRUTH),
            ),
            results=(Result("recordId"),),
            must_succeed=True,
        ),
        "sendMessage": Method(
            Operation.MESSAGES,
            # SCVL answers "Error" whatever failed.
            results=(Result("result", failed="Error"),),
            # A transcript belongs to the first call of the chain.
            contact=ContactRule.FIRST,
            complete=read_message,
        ),
        "getVoicemailDrop": Method(
            Operation.VOICEMAIL_DROP,
            # SCVL's sample flows compare with this text, and play any other one.
            results=(Result("recordingUrl", failed=NOT_FOUND, missing=NOT_FOUND),),
            must_succeed=True,
            contact=ContactRule.FIRST,
            may_lack=True,
        ),
        "getDefaultOutboundPhoneNumber": Method(
            Operation.DEFAULT_OUTBOUND_NUMBER,
            (Parameter("agentARN", "externalRepId", "the ARN of the agent who calls"),),
            # A flow sets its caller id to it: with nothing in it the call would fail.
            results=(Result("phoneNumber", needed=True),),
            must_succeed=True,
            contact=ContactRule.FIRST,
        ),
        "getVoicemailGreeting": Method(
            Operation.VOICEMAIL_GREETING,
            (
                Parameter(
                    "toPhoneNumber",
                    required="the number dialled: the contact has no SystemEndpoint",
                    kind=Kind.PHONE_NUMBER,
                    fallback=Fallback.SYSTEM_ENDPOINT,
                ),
            ),
            results=(Result("greetingUrl"),),
            must_succeed=True,
            contact=ContactRule.FIRST,
            may_lack=True,
        ),
        "reserveRoutableNumber": Method(
            Operation.RESERVE_NUMBER,
            (
                Parameter(
                    "countryCode",
                    required="the country of the number, or set the contact attribute of that name",
                    fallback=Fallback.ATTRIBUTE,
                ),
                _FROM,
                *_CONTEXT,
                Parameter(
                    "originalFromNumber",
                    "context.originalFromNumber",
                    kind=Kind.PHONE_NUMBER,
                    fallback=Fallback.ATTRIBUTE,
                ),
            ),
            results=(
                Result("statusCode", "status"),
                Result("routableNumber", "handle.routableNumber"),
                Result("uid", "handle.uid"),
                Result("expiresAt", "handle.expiresAt"),
                Result("mode"),
            ),
            must_succeed=True,
            contact=ContactRule.FIRST,
        ),
        "createVoiceCallContext": Method(
            Operation.CREATE_CONTEXT,
            (_FROM, *_CONTEXT),
            results=(
                Result("statusCode", "status"),
                Result("correlationId", "handle.correlationId"),
                Result("expiresAt", "handle.expiresAt"),
                Result("mode"),
            ),
            must_succeed=True,
            contact=ContactRule.FIRST,
        ),
        # SCVL keeps a cache of contacts and secrets; here the ledger takes its place.
        "updateCache": Method(
            None, results=(Result("statusCode"), Result("message"), Result("contactId"))
        ),
    }
)


@dataclass(frozen=True, slots=True)
class MethodCall:
    """A method that a flow calls, its parameters read and checked.

    Attributes:
        method: which one.
        contact: the contact it is about.
        request: what goes to Salesforce; None: nothing but the call's key.
        failure: what the flow gets if it does not get what it asked for.
    """

    method: Method
    contact: Contact
    request: Mapping[str, object] | None
    failure: FlowFailure


def method_call(invocation: FlowInvocation, method: Method, setting: FlowFailure) -> MethodCall:
    """The method call of an invocation.

    Args:
        invocation: what the block passes.
        method: the method it names.
        setting: what flows get on a failure where neither block nor method says.

    Raises:
        FlowMistake, ParameterFault: what the block passes can never work.
    """
    failure = _on_failure(invocation, method, setting)
    if method.creates is not None and not invocation.has_contact_data:
        raise FlowMistake(NO_CONTACT_DATA)
    contact = invocation.contact
    if method.contact is ContactRule.FIRST and not invocation.names_contact:
        contact = replace(contact, contact_id=contact.initial_contact_id)
    return MethodCall(method, contact, _request(invocation, method), failure)


def _request(invocation: FlowInvocation, method: Method) -> dict[str, object] | None:
    given, passed = invocation.parameters, dict[str, object]()
    for parameter in method.parameters:
        value = _value(invocation, parameter)
        if value != "":
            _put(passed, parameter.property or parameter.name, value)
    if method.flow_inputs and (inputs := given.flow_inputs()):
        passed["flowInputParameters"] = inputs
    if method.complete is not None:
        return method.complete(invocation, passed)
    return passed if method.parameters else None


def _put(request: dict[str, object], path: str, value: object) -> None:
    *levels, name = path.split(".")
    for level in levels:
        request = request.setdefault(level, {})  # type: ignore[assignment]
    request[name] = value


def _value(invocation: FlowInvocation, parameter: Parameter) -> object:
    given, name, contact = invocation.parameters, parameter.name, invocation.contact
    value = given.truth(name) if parameter.kind is Kind.TRUTH else given.optional(name)
    if not value and parameter.fallback is Fallback.SYSTEM_ENDPOINT:
        value = contact.system_address
    if not value and parameter.fallback is Fallback.ATTRIBUTE:
        value = contact.attributes.get(name, "").strip()
    if not value and parameter.required:
        value = given.required(name, parameter.required)
    return given.checked(name, value, parameter.kind) if value else ""


def _on_failure(invocation: FlowInvocation, method: Method, setting: FlowFailure) -> FlowFailure:
    given = invocation.parameters.given.get(ON_FAILURE)
    wanted = given.strip().lower() if isinstance(given, str) else given
    if wanted is None or wanted == "":
        return FlowFailure.ERROR if method.must_succeed else setting
    if not isinstance(wanted, str) or wanted not in list(FlowFailure):
        raise FlowMistake(
            f"the Lambda block's parameter {ON_FAILURE} must be continue or error: set it to one "
            "of them, or leave it out"
        )
    return FlowFailure(wanted)
