"""Rules about a contact that all sources share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voicecall_bridge.contact import InitiationMethod
from voicecall_bridge.sources.reading import in_lower_case, members, text

if TYPE_CHECKING:
    from collections.abc import Mapping

_SUBTYPE = "connect:Subtype"
_WEB_RTC = "connect:webrtc"
_DIRECTION = "connect:Direction"
_SYSTEM_ENDPOINT_TAG = "aws:connect:systemEndpoint"


def previous_contact(previous: object, *own: str) -> str:
    """The contact that this one follows; empty on the first contact of a chain. In flow events the
    first contact names itself."""
    named = text(previous)
    same = named.lower() in {contact_id.lower() for contact_id in own}
    return "" if same else in_lower_case(named)


def instance(stated: object, stack_arn: str = "") -> str:
    """The bare id of an instance, of its ARN or its id; the stack's where none is stated."""
    return (text(stated) or stack_arn).rpartition("/")[2]


def is_web_rtc(method: InitiationMethod, segment_attributes: object) -> bool:
    """Whether it is an in-app or web call instead of a telephone call."""
    return (
        method is InitiationMethod.WEBRTC_API
        or segment_attribute(segment_attributes, _SUBTYPE).lower() == _WEB_RTC
    )


def is_outbound(segment_attributes: object) -> bool:
    """Whether Connect says that it called the customer, as it does for campaigns."""
    return segment_attribute(segment_attributes, _DIRECTION).upper() == "OUTBOUND"


def segment_attribute(segment_attributes: object, name: str) -> str:
    """The text of a segment attribute. Events spell both names in lower case."""
    return text(_in_any_case(_in_any_case(segment_attributes, name), "ValueString"))


def address(endpoint: object) -> str:
    """The address of an endpoint (E.164, an e-mail, a name)."""
    return text(_in_any_case(endpoint, "Address"))


def tagged_system_address(tags: object) -> str:
    """The number that the customer dialled or saw. Connect sets the tag even where it omits
    SystemEndpoint, and where a flow shows a number other than the queue's own."""
    return text(_in_any_case(tags, _SYSTEM_ENDPOINT_TAG))


def _in_any_case(value: object, name: str) -> object:
    given: Mapping[str, object] = members(value)
    if name in given:
        return given[name]
    lower = name.lower()
    return next((item for key, item in given.items() if key.lower() == lower), None)
