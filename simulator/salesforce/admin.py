"""The simulator's REST interface, below /_simulator: for tests, the replay and a person with curl.

No token, and nothing of it is in the journal. Bodies are JSON whatever their Content-Type says.

    GET    /_simulator/calls      the voice calls, in the order of creation
    POST   /_simulator/calls      {"vendorCallKey": "..."}: store a call; {"voiceCallId": "0LQ..."}
    GET    /_simulator/actions    what was done about them: routing, callbacks, messages
    GET    /_simulator/requests   the journal
    GET    /_simulator/faults     the faults that wait, with how often each will still hit
    POST   /_simulator/faults     {"kind": "status", "status": 503, ...}: inject a fault
    DELETE /_simulator/faults     forget the faults; requests that hang are let go
    POST   /_simulator/reset      forget everything
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from simulator.salesforce import checks
from simulator.salesforce.faults import Fault, FaultQueue
from simulator.salesforce.messages import (
    Answer,
    RefusalError,
    Request,
    failure,
    json_answer,
    parse_json,
)
from simulator.salesforce.orgs import Orgs
from simulator.salesforce.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

ADMIN_SEGMENT = "_simulator"


class AdminApi:
    """Answers the requests below /_simulator."""

    def __init__(self, store: Store, faults: FaultQueue, api: Orgs) -> None:
        self._store = store
        self._faults = faults
        self._api = api
        self._routes: dict[tuple[str, str], Callable[[Request], Answer]] = {
            ("GET", "calls"): self._calls,
            ("POST", "calls"): self._seed,
            ("GET", "actions"): self._actions,
            ("GET", "requests"): self._requests,
            ("GET", "faults"): self._waiting,
            ("POST", "faults"): self._inject,
            ("DELETE", "faults"): self._clear,
            ("POST", "reset"): self._reset,
        }

    def reset(self) -> None:
        """Forget the records, the journal, the tokens' ids and the faults."""
        self._faults.clear()
        self._store.clear()

    def handle(self, request: Request) -> Answer:
        """Process a request; a refusal is an answer too."""
        try:
            segments = request.segments()
            route = self._routes.get((request.method, "/".join(segments[1:])))
            if route is None:
                raise RefusalError(404, "NOT_FOUND", "there is no such resource")
            return route(request)
        except RefusalError as refusal:
            return refusal.answer

    def _calls(self, _: Request) -> Answer:
        return json_answer(200, [asdict(record) for record in self._store.voice_calls()])

    def _seed(self, request: Request) -> Answer:
        key = checks.check_text(_object(request), "vendorCallKey")
        return json_answer(201, {"voiceCallId": self._api.seed(key)})

    def _actions(self, _: Request) -> Answer:
        return json_answer(200, [asdict(action) for action in self._store.actions()])

    def _requests(self, _: Request) -> Answer:
        return json_answer(200, [asdict(exchange) for exchange in self._store.journal()])

    def _waiting(self, _: Request) -> Answer:
        return json_answer(200, self._faults.waiting())

    def _inject(self, request: Request) -> Answer:
        try:
            self._faults.inject(Fault.from_json(_object(request)))
        except ValueError as error:
            return failure(400, "INVALID_FIELD", str(error))
        return json_answer(201, self._faults.waiting())

    def _clear(self, _: Request) -> Answer:
        self._faults.clear()
        return json_answer(200, [])

    def _reset(self, _: Request) -> Answer:
        self.reset()
        return json_answer(200, {})


def _object(request: Request) -> dict[str, Any]:
    try:
        value = parse_json(request.body)
    except ValueError as error:
        raise RefusalError(400, "JSON_PARSER_ERROR", "the body is not JSON") from error
    if not isinstance(value, dict):
        raise RefusalError(400, "JSON_PARSER_ERROR", "the body must be a JSON object")
    return value
