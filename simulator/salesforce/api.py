"""Salesforce's side of the Telephony Integration API: what is asked, checked, stored, answered.

Source: Salesforce's Voice implementation guide, REST API. A new operation is one line in ROUTES
and one method, or one of `actions` if it neither creates nor updates a voice call.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.salesforce import actions, checks
from simulator.salesforce.actions import Action
from simulator.salesforce.conversations import Conversations, Refusals, bulk_keys
from simulator.salesforce.identity import ContactCenterIdentity
from simulator.salesforce.ids import is_voice_call_id
from simulator.salesforce.messages import Answer, RefusalError, Request, json_answer
from simulator.salesforce.store import NewVoiceCall, Store, VoiceCallRecord

BASE_PATH = "/telephony/v1"
_BASE_SEGMENTS = ("telephony", "v1")

# Every PATCH overwrites these; absent means 0 (guide, "Update a Voice Call Record").
_OVERWRITTEN = ("totalHoldDuration", "numberOfHolds", "agentInteractionDuration")


@dataclass(frozen=True)
class Limits:
    """The org's limits, and whether a second POST of a call returns the record of the first.

    Guides 236 to 246 say that it does; the current one no longer says so. If it does not, a
    second POST makes a second record: the worst that the silence allows.
    """

    creates_per_second: int
    concurrent_conversations: int
    returns_existing: bool
    lines_per_second: int = 5_000


class TelephonyApi:
    """Answers requests as Salesforce does.

    Args:
        clock: epoch seconds.

    Raises:
        ValueError: the identity's certificate does not hold an RSA key.
    """

    def __init__(
        self,
        identity: ContactCenterIdentity,
        store: Store,
        limits: Limits,
        clock: Callable[[], float],
    ) -> None:
        self._identity = identity
        self._key = checks.public_key(identity)
        self._store = store
        self._limits = limits
        self._clock = clock
        self._conversations = Conversations(store, limits.lines_per_second, clock)

    def exchange_certificate(self, identity: ContactCenterIdentity) -> None:
        """Take tokens of the new key from now on, and of no other.

        Raises:
            ValueError: the identity's certificate does not hold an RSA key.
        """
        self._key = checks.public_key(identity)

    def handle(self, request: Request, refused: Refusals | None = None) -> Answer:
        """Process a request; a refusal is an answer too.

        Args:
            refused: calls of a request with lines in bulk that a fault keeps from being taken.
        """
        try:
            self._authorise(request)
            checks.check_provider(request)
            operation, key = _route(request)
            if operation is TelephonyApi._add_lines:
                return self._conversations.add_in_bulk(request, refused or {})
            return operation(self, request, key)
        except RefusalError as refusal:
            return refusal.answer

    def spend_token(self, request: Request) -> None:
        """Remember the token of a request that a fault keeps from being processed.

        Salesforce has seen its `jti`, so trying again takes a new token. A token that is refused
        has no `jti` to remember, and the fault decides the answer.
        """
        try:
            self._authorise(request)
        except RefusalError:
            return

    def vendor_call_key(self, request: Request) -> str | None:
        """The vendor call key of the call a request is about, None where it names none."""
        try:
            if is_bulk(request):
                keys = bulk_keys(request)
                return keys[0] if len(keys) == 1 else None
            if request.segments() == (*_BASE_SEGMENTS, "voiceCalls"):
                key = request.json_object().get("vendorCallKey")
                return key if isinstance(key, str) else None
            segments = request.segments()
            name = segments[4] if segments[3:4] == ("route",) else segments[3]
        except (RefusalError, IndexError):
            return None
        record = self._find(name)
        return record.vendor_call_key if record else name

    def bulk_keys(self, request: Request) -> list[str]:
        """The calls of a request with lines in bulk; none for every other request."""
        try:
            return bulk_keys(request) if is_bulk(request) else []
        except RefusalError:
            return []

    def seed(self, vendor_call_key: str) -> str:
        """The record id of the call with this key, stored now if there is none."""
        with self._store.lock:
            fields = {"vendorCallKey": vendor_call_key}
            record = self._store.by_key(vendor_call_key) or self._store.add_call(
                NewVoiceCall(vendor_call_key, fields, self._clock(), "SEED")
            )
            return record.voice_call_id

    def _authorise(self, request: Request) -> None:
        jti = checks.check_token(request, self._identity, self._key, self._clock())
        if jti is not None and not self._store.first_sight(jti):
            raise RefusalError(401, "UNAUTHORIZED", "jti was seen before")

    def _create(self, request: Request, _: str) -> Answer:
        body = request.json_object()
        checks.check_new_voice_call(body, self._identity)
        with self._store.lock:
            parent = self._known_parent(body)
            record = self._existing(body["vendorCallKey"])
            if record is None:
                self._check_limits()
                record = self._store.add_call(
                    NewVoiceCall(body["vendorCallKey"], body, self._clock(), "POST", parent)
                )
        return json_answer(200, {"voiceCallId": record.voice_call_id, "errors": []})

    def _existing(self, vendor_call_key: str) -> VoiceCallRecord | None:
        return self._store.by_key(vendor_call_key) if self._limits.returns_existing else None

    def _known_parent(self, body: Mapping[str, Any]) -> str | None:
        if "parentVoiceCallId" not in body:
            return None
        parent = self._find(body["parentVoiceCallId"])
        if parent is None:
            raise RefusalError(400, "INVALID_FIELD", "parentVoiceCallId is not a known voice call")
        return parent.vendor_call_key

    def _check_limits(self) -> None:
        if self._store.count_posted_after(self._clock() - 1) >= self._limits.creates_per_second:
            raise _limit_exceeded("too many calls created in this second")
        if self._store.count_active() >= self._limits.concurrent_conversations:
            raise _limit_exceeded("too many concurrent conversations")

    def _update(self, request: Request, name: str) -> Answer:
        body = request.json_object()
        # The guide does not document this property; SCVL sends it.
        checks.check_center(body, self._identity)
        # False closes the conversation, and so does leaving it out.
        active = body.get("isActiveCall") is True
        with self._store.lock:
            record = self._find(name)
            parent = self._named_parent(body)
            if record is not None:
                fields = {**record.fields, **_reset_durations(record.fields), **body}
                self._store.update_call(
                    record.voice_call_id,
                    parent=parent or record.parent,
                    fields=fields,
                    active=active,
                )
            elif is_voice_call_id(name):
                # The guide does not say what happens here. A record id names no contact, so no
                # VoiceCall can be made for it.
                raise RefusalError(404, "NOT_FOUND", "no voice call has this record id")
            else:
                checks.check_text({"vendorCallKey": name}, "vendorCallKey")
                self._store.add_call(
                    NewVoiceCall(name, body, self._clock(), "PATCH", parent, active)
                )
        return json_answer(200, {"status": "pending"})

    def _act(self, request: Request, name: str, action: Action) -> Answer:
        if action.has_body:
            checks.check_center(request.json_object(), self._identity)
        return action.perform(self._store, request, name, self._clock())

    def _add_lines(self, request: Request, _: str) -> Answer:
        return self._conversations.add_in_bulk(request, {})

    def _add_events(self, request: Request, name: str) -> Answer:
        return self._conversations.add_events(request, name, request.segments()[-1])

    def _named_parent(self, body: Mapping[str, Any]) -> str | None:
        name = body.get("parentCallIdentifier")
        if not isinstance(name, str) or not name:
            return None
        parent = self._find(name)
        return parent.vendor_call_key if parent else name

    def _find(self, name: str) -> VoiceCallRecord | None:
        return self._store.by_id_or_key(name)


Operation = Callable[[TelephonyApi, Request, str], Answer]


def _about(action: Action) -> Operation:
    return lambda api, request, name: api._act(request, name, action)


@dataclass(frozen=True)
class Route:
    """A method, a path below the base ("{call}" stands for one segment), and its operation."""

    method: str
    path: tuple[str, ...]
    operation: Operation

    def match(self, method: str, segments: tuple[str, ...]) -> str | None:
        """The segment that names the call, "" for a path without one, None for no match."""
        if method != self.method or len(segments) != len(self.path):
            return None
        call = ""
        for expected, given in zip(self.path, segments, strict=True):
            if expected == "{call}" and given:
                call = given
            elif expected != given:
                return None
        return call


ROUTES = (
    Route("POST", ("voiceCalls",), TelephonyApi._create),
    Route("PATCH", ("voiceCalls", "{call}"), TelephonyApi._update),
    Route("PATCH", ("voiceCalls", "{call}", "omniFlow"), _about(actions.OMNI_FLOW)),
    Route("PATCH", ("voiceCalls", "{call}", "clearRouting"), _about(actions.CLEAR_ROUTING)),
    # POST in the guide, PATCH in Salesforce's own package: both are answered.
    Route("PATCH", ("voiceCalls", "{call}", "reroute"), _about(actions.REROUTE)),
    Route("POST", ("voiceCalls", "{call}", "reroute"), _about(actions.REROUTE)),
    # The first is the package's, the second the guide's.
    Route("PATCH", ("voiceCalls", "route", "{call}"), _about(actions.ROUTE)),
    Route("POST", ("voiceCalls", "{call}", "routeVoiceCall"), _about(actions.ROUTE)),
    Route("POST", ("voiceCalls", "{call}", "requestCallback"), _about(actions.REQUEST_CALLBACK)),
    Route("POST", ("voiceCalls", "messages"), TelephonyApi._add_lines),
    Route("POST", ("voiceCalls", "{call}", "messages"), _about(actions.MESSAGES)),
    Route("POST", ("voiceCalls", "{call}", "realtimeConversationEvents"), TelephonyApi._add_events),
    Route("POST", ("voiceCalls", "{call}", "postConversationEvents"), TelephonyApi._add_events),
    Route("GET", ("voiceCalls", "{call}", "voicemailDrop"), _about(actions.VOICEMAIL_DROP)),
    Route(
        "GET",
        ("voiceCalls", "defaultOutboundPhoneNumber"),
        _about(actions.DEFAULT_OUTBOUND_NUMBER),
    ),
    Route("GET", ("voiceCalls", "voicemailGreeting"), _about(actions.VOICEMAIL_GREETING)),
    Route("POST", ("voiceCalls", "reserveRoutableNumber"), _about(actions.RESERVE_NUMBER)),
    Route("POST", ("voiceCalls", "createVoiceCallContext"), _about(actions.CREATE_CONTEXT)),
)


def is_bulk(request: Request) -> bool:
    """Whether it is a request with lines of several calls. Raises RefusalError."""
    return request.segments() == (*_BASE_SEGMENTS, "voiceCalls", "messages")


def _route(request: Request) -> tuple[Operation, str]:
    segments = request.segments()
    if segments[:2] == _BASE_SEGMENTS:
        for route in ROUTES:
            call = route.match(request.method, segments[2:])
            if call is not None:
                return route.operation, call
    raise RefusalError(404, "NOT_FOUND", "there is no such resource")


def _reset_durations(stored: Mapping[str, Any]) -> dict[str, int]:
    return {name: 0 for name in _OVERWRITTEN if name in stored}


def _limit_exceeded(message: str) -> RefusalError:
    return RefusalError(429, "LIMIT_EXCEEDED", message, {"Retry-After": "1"})
