"""Requests that are more than renamed parameters of the Lambda block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voicecall_bridge.sources.flow_parameters import FIELD_VALUES, FlowParameters, ParameterFault
from voicecall_bridge.voice_call.actions import (
    MESSAGE_PROPERTIES,
    UPDATE_PROPERTIES,
    WrongProperty,
    transcript_line,
    update_properties,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voicecall_bridge.sources.flow import FlowInvocation

    Reader = Callable[[Mapping[str, object]], dict[str, object]]


def read_update(invocation: FlowInvocation, _passed: dict[str, object]) -> dict[str, object]:
    """Reads fieldValues. Empty fieldValues close the conversation."""
    return _from_field_values(invocation, UPDATE_PROPERTIES, update_properties, empty=True)


def read_message(invocation: FlowInvocation, _passed: dict[str, object]) -> dict[str, object]:
    """Reads fieldValues."""
    return _from_field_values(invocation, MESSAGE_PROPERTIES, transcript_line)


def add_dialed_number(invocation: FlowInvocation, passed: dict[str, object]) -> dict[str, object]:
    """Adds the number dialled. The API needs it where no flow is named."""
    if number := invocation.system_endpoint:
        return {"dialedNumber": number, **passed}
    values = FlowParameters(invocation.parameters.field_values(("dialedNumber",)))
    # SCVL knows only these two and would fail: Connect leaves the endpoint out of queue transfers.
    number = values.optional("dialedNumber") or invocation.contact.system_address
    if not number and passed.get("flowDevName"):
        return passed
    if not number:
        raise ParameterFault(
            "the number dialled is not known: name the Omni flow (flowDevName), or add the number "
            f"to the Lambda block's parameter {FIELD_VALUES} as dialedNumber"
        )
    return {"dialedNumber": number, **passed}


def _from_field_values(
    invocation: FlowInvocation,
    known: Mapping[str, object],
    read: Reader,
    *,
    empty: bool = False,
) -> dict[str, object]:
    values = invocation.parameters.field_values(known.keys())
    stated = invocation.parameters.given.get(FIELD_VALUES) not in (None, "")
    if not values and not (empty and stated):
        raise ParameterFault(
            f"the Lambda block's parameter {FIELD_VALUES} is missing or empty: add it, with the "
            f"properties to send, e.g. {', '.join(list(known)[:3])}"
        )
    try:
        return read(values)
    except WrongProperty as error:
        raise ParameterFault(
            f"{error.name} in the Lambda block's parameter {FIELD_VALUES} {error.cure}"
        ) from None
