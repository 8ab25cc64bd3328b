"""Every call of the Telephony Integration API that the bridge makes: one table. Pure.

Source: Salesforce's Voice implementation guide, its REST API pages. Where Salesforce's own package
(SCVL) sends another form, both are here. SCVL's form is the default, because orgs answer it in
production every day; the setting TELEPHONY_VARIANTS takes the guide's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping


class Operation(StrEnum):
    """The operations of Salesforce's API; the value is the word for each in TELEPHONY_VARIANTS."""

    CREATE = "create"
    UPDATE = "update"
    OMNI_FLOW = "omniFlow"
    CLEAR_ROUTING = "clearRouting"
    REROUTE = "reroute"
    ROUTE = "routeVoiceCall"
    REQUEST_CALLBACK = "requestCallback"
    MESSAGES = "messages"
    BULK_MESSAGES = "bulkMessages"
    REALTIME_EVENTS = "realtimeConversationEvents"
    POST_CALL_EVENTS = "postConversationEvents"
    VOICEMAIL_DROP = "voicemailDrop"
    DEFAULT_OUTBOUND_NUMBER = "defaultOutboundPhoneNumber"
    VOICEMAIL_GREETING = "voicemailGreeting"
    RESERVE_NUMBER = "reserveRoutableNumber"
    CREATE_CONTEXT = "createVoiceCallContext"


class Variant(StrEnum):
    """The source of a call's form, where the two differ."""

    SCVL = "scvl"
    GUIDE = "guide"


class UnknownVariant(ValueError):
    """A text that names no variant. The message names the known ones, never the given text."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call.

    Attributes:
        method: of HTTP. The members of a GET's request become its query string.
        path: below the base; "{key}" stands for the call's vendor call key or record id.
        why: source of method and path.
        answer: the text that a good answer has; without it, the outcome is unknown. Empty: any JSON
            object counts.
        empty: so does an answer with nothing in it: no answer is documented, or nothing depends on
            it.
        repeatable: sending the same twice does no harm.
        names_center: the body has callCenterApiName.
        names_domain: the body's context has scrt2Domain.
        kept: members of the answer that a repeat gets where the request is made once.
    """

    method: str
    path: str
    why: str
    answer: str = ""
    empty: bool = False
    repeatable: bool = True
    names_center: bool = False
    names_domain: bool = False
    kept: tuple[str, ...] = ()

    def target(self, vendor_call_key: str, request: Mapping[str, object] | None = None) -> str:
        """Path and query string for one request. Values from outside are encoded, so that each
        keeps its place."""
        path = self.path.replace("{key}", quote(vendor_call_key, safe=""))
        if self.method != "GET" or not request:
            return path
        return f"{path}?{urlencode(request, quote_via=quote, safe='')}"


_RESERVATION = ("status", "mode", "handle")

CALLS: Mapping[Operation, Call] = MappingProxyType(
    {
        Operation.CREATE: Call(
            "POST",
            "/voiceCalls",
            "guide and SCVL; guides 236 to 246: a second one returns the first one's record",
            "voiceCallId",
            names_center=True,
        ),
        Operation.UPDATE: Call(
            "PATCH",
            "/voiceCalls/{key}",
            "guide and SCVL; the last one counts",
            names_center=True,
        ),
        Operation.OMNI_FLOW: Call(
            "PATCH",
            "/voiceCalls/{key}/omniFlow",
            "guide and SCVL; routes the same call again",
            empty=True,
        ),
        Operation.CLEAR_ROUTING: Call(
            "PATCH",
            "/voiceCalls/{key}/clearRouting",
            "guide and SCVL; what is cleared stays cleared. No answer is documented",
            empty=True,
        ),
        Operation.REROUTE: Call(
            "PATCH",
            "/voiceCalls/{key}/reroute",
            "SCVL sends PATCH in production; the guide says POST. A call is routed to one agent",
            empty=True,
        ),
        Operation.ROUTE: Call(
            "PATCH",
            "/voiceCalls/route/{key}",
            "SCVL's path and method in production; the guide's differ in both. As reroute",
        ),
        Operation.REQUEST_CALLBACK: Call(
            "POST",
            "/voiceCalls/{key}/requestCallback",
            "guide and SCVL; each one makes a record, and nothing says that a second does not",
            "recordId",
            repeatable=False,
            kept=("recordId",),
        ),
        Operation.MESSAGES: Call(
            "POST",
            "/voiceCalls/{key}/messages",
            "guide and SCVL; messageId is unique in the conversation",
            empty=True,
            names_center=True,
        ),
        Operation.BULK_MESSAGES: Call(
            "POST",
            "/voiceCalls/messages",
            "guide and SCVL; each line has an id that is unique in its conversation",
        ),
        Operation.REALTIME_EVENTS: Call(
            "POST",
            "/voiceCalls/{key}/realtimeConversationEvents",
            "guide and SCVL; a category that matched is shown, and not kept",
        ),
        Operation.POST_CALL_EVENTS: Call(
            "POST",
            "/voiceCalls/{key}/postConversationEvents",
            "guide and SCVL; the same event twice says the same",
        ),
        Operation.VOICEMAIL_DROP: Call(
            "GET",
            "/voiceCalls/{key}/voicemailDrop",
            "SCVL; reads",
        ),
        Operation.DEFAULT_OUTBOUND_NUMBER: Call(
            "GET",
            "/voiceCalls/defaultOutboundPhoneNumber",
            "SCVL; reads",
        ),
        Operation.VOICEMAIL_GREETING: Call(
            "GET",
            "/voiceCalls/voicemailGreeting",
            "SCVL; reads",
        ),
        Operation.RESERVE_NUMBER: Call(
            "POST",
            "/voiceCalls/reserveRoutableNumber",
            "SCVL; each one takes a number out of the pool",
            repeatable=False,
            names_domain=True,
            kept=_RESERVATION,
        ),
        Operation.CREATE_CONTEXT: Call(
            "POST",
            "/voiceCalls/createVoiceCallContext",
            "SCVL; each one makes a context",
            repeatable=False,
            names_domain=True,
            kept=_RESERVATION,
        ),
    }
)

GUIDES: Mapping[Operation, Call] = MappingProxyType(
    {
        Operation.REROUTE: Call(
            "POST", "/voiceCalls/{key}/reroute", "the guide's method", empty=True
        ),
        Operation.ROUTE: Call(
            "POST",
            "/voiceCalls/{key}/routeVoiceCall",
            "the guide's method and path",
        ),
    }
)
"""The guide's form of the calls that SCVL sends otherwise."""


def calls_with(variants: str) -> Mapping[Operation, Call]:
    """The table with the chosen variants.

    Args:
        variants: operation=variant with commas between, e.g. "reroute=guide"; empty: the default.

    Raises:
        UnknownVariant: an item is not such a pair.
    """
    chosen = dict(CALLS)
    for pair in filter(str.strip, variants.split(",")):
        name, _, variant = (part.strip() for part in pair.partition("="))
        if name not in list(GUIDES) or variant not in list(Variant):
            known = (f"{operation}={form}" for operation in GUIDES for form in Variant)
            raise UnknownVariant(f"must be one of {', '.join(known)}")
        operation = Operation(name)
        chosen[operation] = (GUIDES if variant == Variant.GUIDE else CALLS)[operation]
    return MappingProxyType(chosen)
