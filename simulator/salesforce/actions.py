"""Salesforce's other operations on voice calls: routing, callbacks, transcripts,
voicemail, numbers. A new operation is one function here, one Action, and one line in api.ROUTES.

Source: Salesforce's Voice implementation guide, its REST API pages; for voicemail and numbers
Salesforce's own package: the addresses and numbers here are invented. Which agent or queue an Omni
flow finds is an org's own business: here it is the transfer target, else the fallback queue, else
one queue for all. The effect of a second message with the same id, or of a second callback, is not
documented: here the message stays one, and the callback is made twice, the worst that the silence
allows.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.salesforce.checks import (
    check_moment,
    check_object,
    check_text,
    check_whole_number,
    invalid,
)
from simulator.salesforce.ids import new_record_id
from simulator.salesforce.messages import Answer, RefusalError, Request, json_answer
from simulator.salesforce.store import Store

# Both are invented.
ANY_QUEUE = "00G000000000001AAA"
CALLBACK_PREFIX = "0aQ"

DROP_URL = "https://example.test/voicemail/drop.wav"
GREETING_URL = "https://example.test/voicemail/greeting.wav"
OUTBOUND_NUMBER = "+12065550177"

SENDER_TYPES = ("END_USER", "EXTERNAL_USER", "HUMAN_AGENT", "SUPERVISOR", "VIRTUAL_AGENT")


Body = Mapping[str, Any]


@dataclass(frozen=True)
class Action:
    """An operation.

    Attributes:
        name: as the path has it.
        act: checks a body, or the query string of a GET, and answers.
        has_body: whether the request has one.
        by_key_only: the path takes the vendor call key, and no record id.
        unique: the property that identifies a request about a call; empty: there is none.
        about_call: the path names a call, which must be there.
    """

    name: str
    act: Callable[[Body], dict[str, Any]]
    has_body: bool = True
    by_key_only: bool = False
    unique: str = ""
    about_call: bool = True

    def perform(self, store: Store, request: Request, name: str, now: float) -> Answer:
        """Answer the request, and remember it with its answer.

        Raises:
            RefusalError: there is no such call, or the body is wrong.
        """
        body = self._asked(request)
        with store.lock:
            key = self._key(store, name) if self.about_call else ""
            answer = self.act(body)
            if not self._is_known(store, key, body):
                store.add_action(key, self.name, body, answer, now)
        return json_answer(200, answer)

    def _asked(self, request: Request) -> dict[str, Any]:
        if request.method == "GET":
            return dict(request.query())
        return request.json_object() if self.has_body else {}

    def _key(self, store: Store, name: str) -> str:
        record = store.by_key(name) if self.by_key_only else store.by_id_or_key(name)
        if record is None:
            raise RefusalError(404, "NOT_FOUND", "there is no such voice call")
        return record.vendor_call_key

    def _is_known(self, store: Store, vendor_call_key: str, body: Body) -> bool:
        if not self.unique:
            return False
        return any(
            (known.operation, known.vendor_call_key) == (self.name, vendor_call_key)
            and known.body[self.unique] == body[self.unique]
            for known in store.actions()
        )


def _omni_flow(body: Body) -> dict[str, Any]:
    # Voice implementation guide for partners: a call that is transferred to a flow has no number.
    if "flowDevName" not in body:
        check_text(body, "dialedNumber")
    _check_optional(body, "dialedNumber", "flowDevName", "fallbackQueue", "transferTarget")
    target = body.get("transferTarget", "")
    if target.startswith("005"):  # the key prefix of a user
        return {"agent": target, "queue": None}
    return {"agent": None, "queue": target or body.get("fallbackQueue") or ANY_QUEUE}


def _route(body: Body) -> dict[str, Any]:
    check_text(body, "routingTarget")
    _check_optional(body, "fallbackQueue")
    return {"status": "Success"}


def _request_callback(body: Body) -> dict[str, Any]:
    check_text(body, "callbackNumber")
    if "scheduledRoutingDateTime" in body:
        check_moment(body, "scheduledRoutingDateTime")
    if not isinstance(body.get("isPreviewCallback", False), bool):
        raise invalid("isPreviewCallback", "must be true or false")
    return {"recordId": new_record_id(CALLBACK_PREFIX)}


def _message(body: Body) -> dict[str, Any]:
    check_message(body)
    return {"result": "Accepted"}


def check_message(body: Body) -> None:
    """Check a line of a transcript.

    Raises:
        RefusalError: 400, naming the property.
    """
    for name in ("participantId", "messageId", "content", "senderType"):
        check_text(body, name)
    if body["senderType"] not in SENDER_TYPES:
        raise invalid("senderType", f"must be one of {', '.join(SENDER_TYPES)}")
    if check_whole_number(body, "startTime") > check_whole_number(body, "endTime"):
        raise invalid("startTime", "must not lie behind endTime")


def _default_outbound_number(asked: Body) -> dict[str, Any]:
    check_text(asked, "externalRepId")
    return {"phoneNumber": OUTBOUND_NUMBER}


def _voicemail_greeting(asked: Body) -> dict[str, Any]:
    check_text(asked, "toPhoneNumber")
    return {"greetingUrl": GREETING_URL}


def _reserve(asked: Body) -> dict[str, Any]:
    check_text(asked, "countryCode")
    _check_context(asked, "callId", "transactionId", "originalFromNumber")
    handle = {"routableNumber": OUTBOUND_NUMBER, **_handle("uid")}
    return {"status": 200, "mode": "RESERVED", "handle": handle}


def _create_context(asked: Body) -> dict[str, Any]:
    _check_context(asked, "callId", "transactionId")
    return {"status": 200, "mode": "CONTEXT", "handle": _handle("correlationId")}


def _check_context(asked: Body, *optional: str) -> None:
    check_text(asked, "fromNumber")
    if "context" not in asked:
        raise invalid("context", "is required")
    check_object(asked, "context")
    context = asked["context"]
    if not str(check_text(context, "scrt2Domain")).startswith("http"):
        raise invalid("context.scrt2Domain", "must be scheme and host")
    check_text(context, "toNumber")
    _check_optional(context, *optional)


def _handle(name: str) -> dict[str, Any]:
    return {name: str(uuid.uuid4()), "expiresAt": "2026-12-01T15:00:00Z"}


def _check_optional(body: Body, *names: str) -> None:
    for name in names:
        if name in body:
            check_text(body, name)
    if "flowInputParameters" in body:
        check_object(body, "flowInputParameters")


OMNI_FLOW = Action("omniFlow", _omni_flow)
CLEAR_ROUTING = Action("clearRouting", lambda _: {}, has_body=False)
REROUTE = Action("reroute", lambda _: {"status": "Success"}, has_body=False)
ROUTE = Action("routeVoiceCall", _route)
REQUEST_CALLBACK = Action("requestCallback", _request_callback)
MESSAGES = Action("messages", _message, by_key_only=True, unique="messageId")
VOICEMAIL_DROP = Action("voicemailDrop", lambda _: {"recordingUrl": DROP_URL}, has_body=False)
DEFAULT_OUTBOUND_NUMBER = Action(
    "defaultOutboundPhoneNumber", _default_outbound_number, has_body=False, about_call=False
)
VOICEMAIL_GREETING = Action(
    "voicemailGreeting", _voicemail_greeting, has_body=False, about_call=False
)
RESERVE_NUMBER = Action("reserveRoutableNumber", _reserve, about_call=False)
CREATE_CONTEXT = Action("createVoiceCallContext", _create_context, about_call=False)
