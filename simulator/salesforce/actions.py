"""What Salesforce does about a voice call that is there: routing, callbacks, transcripts.

Source: Telephony Integration API facts, section 4. Which agent or queue an Omni flow finds is an
org's own business: here it is the transfer target, else the fallback queue, else one queue for all.
What a second message with the same id, or a second callback, does is documented nowhere: here the
message stays one, and the callback is made twice, the worst that the silence allows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.salesforce.checks import check_object, check_text, check_whole_number, invalid
from simulator.salesforce.ids import new_record_id
from simulator.salesforce.messages import Answer, RefusalError, Request, json_answer
from simulator.salesforce.store import Store

# Both are invented.
ANY_QUEUE = "00G000000000001AAA"
CALLBACK_PREFIX = "0aQ"

SENDER_TYPES = ("END_USER", "EXTERNAL_USER", "HUMAN_AGENT", "SUPERVISOR", "VIRTUAL_AGENT")


Body = Mapping[str, Any]


@dataclass(frozen=True)
class Action:
    """An operation on a call that is there.

    Attributes:
        name: as the path has it.
        act: checks a body and answers.
        has_body: whether the request has one.
        by_key_only: the path takes the vendor call key, and no record id.
        unique: the property that tells one request about a call from another; empty: none does.
    """

    name: str
    act: Callable[[Body], dict[str, Any]]
    has_body: bool = True
    by_key_only: bool = False
    unique: str = ""

    def perform(self, store: Store, request: Request, name: str, now: float) -> Answer:
        """Answer the request, and remember it with its answer.

        Raises:
            RefusalError: there is no such call, or the body is wrong.
        """
        body = request.json_object() if self.has_body else {}
        with store.lock:
            record = store.by_key(name) if self.by_key_only else store.by_id_or_key(name)
            if record is None:
                raise RefusalError(404, "NOT_FOUND", "there is no such voice call")
            answer = self.act(body)
            if not self._is_known(store, record.vendor_call_key, body):
                store.add_action(record.vendor_call_key, self.name, body, answer, now)
        return json_answer(200, answer)

    def _is_known(self, store: Store, vendor_call_key: str, body: Body) -> bool:
        if not self.unique:
            return False
        return any(
            (known.operation, known.vendor_call_key) == (self.name, vendor_call_key)
            and known.body[self.unique] == body[self.unique]
            for known in store.actions()
        )


def _omni_flow(body: Body) -> dict[str, Any]:
    check_text(body, "dialedNumber")
    _check_optional(body, "flowDevName", "fallbackQueue", "transferTarget")
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
    return {"recordId": new_record_id(CALLBACK_PREFIX)}


def _message(body: Body) -> dict[str, Any]:
    for name in ("participantId", "messageId", "content", "senderType"):
        check_text(body, name)
    if body["senderType"] not in SENDER_TYPES:
        raise invalid("senderType", f"must be one of {', '.join(SENDER_TYPES)}")
    if check_whole_number(body, "startTime") > check_whole_number(body, "endTime"):
        raise invalid("startTime", "must not lie behind endTime")
    return {"result": "Accepted"}


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
