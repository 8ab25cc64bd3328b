"""The console's REST interface: one for the page, the tests and the shell.

Every route is a row of ROUTES, from which openapi.py makes the document.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from simulator.material import read_material
from simulator.web.calls import Call
from simulator.web.exports import as_curl, payload_of
from simulator.web.hub import Hub
from simulator.web.openapi import document
from simulator.web.sample_export import as_sample
from simulator.web.sending import Order, kinds_of
from simulator.web.stories import STORIES, read_overrides

STATIC: Final = Path(__file__).resolve().parent / "static"
MOST_ROWS: Final = 1_000
MOST_TIMES: Final = 1_000
SENT_AS: Final[Mapping[str, str]] = {
    "contact_flow": "flow",
    "contact_events": "event",
    "contact_records": "record",
    "contact_lens": "lens",
    "post_call_analysis": "file",
}
"""Sources of recognised material that can be sent, and what `send` calls them."""
_LIVE_SECONDS: Final = 15.0
"""So often an idle stream of events says that it is there."""
_LIVE_PAUSE: Final = 0.1
"""At most so often changes are sent, so that a flood does not drown the page."""

Answer = Response
Handler = Callable[[Hub, Request, Any], Any]


class BadRequest(ValueError):
    """The request cannot be done; the text says what was received and what to do."""


class NotFound(LookupError):
    """The resource does not exist."""


@dataclass(frozen=True, slots=True)
class Row:
    """One route.

    Attributes:
        method, path: of HTTP.
        summary: what it does.
        handler: answers a JSON value or a response; gets the hub, the request and the JSON body.
        query: names of query parameters and what they mean.
        body: members of the JSON body and what they mean.
        raw: the body is not JSON; the handler gets its bytes.
    """

    method: str
    path: str
    summary: str
    handler: Handler
    query: Mapping[str, str] | None = None
    body: Mapping[str, str] | None = None
    raw: bool = False


def application(hub: Hub) -> Starlette:
    """The application, unguarded (see guard.Guard)."""
    routes = [
        Route("/", lambda _: FileResponse(STATIC / "index.html")),
        Route("/calls/{contact_id:path}", lambda _: FileResponse(STATIC / "index.html")),
        Route("/openapi.json", lambda _: JSONResponse(_document())),
        Route("/api/live", _live(hub)),
        *(Route(row.path, _endpoint(hub, row), methods=[row.method]) for row in ROUTES),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    return Starlette(routes=routes)


def _document() -> dict[str, Any]:
    return document(ROUTES)


def _endpoint(hub: Hub, row: Row) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            content = await request.body()
            body = content if row.raw else _parsed(content)
            value = await run_in_threadpool(row.handler, hub, request, body)
        except BadRequest as error:
            return JSONResponse({"error": str(error)}, 400)
        except NotFound as error:
            return JSONResponse({"error": str(error)}, 404)
        except (TypeError, ValueError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return value if isinstance(value, Response) else _json(value)

    return endpoint


def _json(value: Any) -> Response:
    return Response(json.dumps(value, default=str), media_type="application/json")


def _parsed(body: bytes) -> Any:
    if not body:
        return {}
    try:
        return json.loads(body)
    except ValueError as error:
        raise BadRequest(f"the body is not JSON: {error}") from None


def _live(hub: Hub) -> Callable[[Request], Any]:
    async def live(request: Request) -> Response:
        begin = int(request.query_params.get("after", hub.recorder.number))
        return StreamingResponse(_changes(hub, request, begin), media_type="text/event-stream")

    return live


async def _changes(hub: Hub, request: Request, number: int) -> AsyncIterator[str]:
    """Server-sent events: `calls` (summaries that changed), `figures`; comments while idle."""
    yield ": hello\n\n"
    while not await request.is_disconnected():
        newest = await run_in_threadpool(hub.recorder.wait, number, 1.0)
        if newest == number:
            yield ": idle\n\n"
            continue
        rows = [call.to_json() for call in hub.recorder.calls_since(number)]
        number = newest
        changes = {"number": number, "calls": rows, "figures": hub.recorder.figures()}
        yield f"id: {number}\nevent: changes\ndata: {json.dumps(changes, default=str)}\n\n"
        await asyncio.sleep(_LIVE_PAUSE)


def _members(body: Any) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    return body


def _number(text: Any, name: str, least: int, most: int) -> int:
    try:
        number = int(text)
    except (TypeError, ValueError):
        raise BadRequest(f"{name} is {text!r}; take a number from {least} to {most}") from None
    if not least <= number <= most:
        raise BadRequest(f"{name} is {number}; take a number from {least} to {most}")
    return number


def _call(hub: Hub, request: Request) -> Call:
    contact_id = str(request.path_params["contact_id"])
    call = hub.recorder.call(contact_id)
    if call is None:
        raise NotFound(f"no contact {contact_id!r} has been seen")
    return call


def _calls(hub: Hub, request: Request, _: Any) -> Any:
    query = request.query_params
    limit = _number(query.get("limit", 200), "limit", 1, MOST_ROWS)
    skip = _number(query.get("skip", 0), "skip", 0, 10_000_000)
    rows = hub.recorder.calls(query.get("query", ""), query.get("state", ""), limit, skip)
    return {"number": hub.recorder.number, "calls": [call.to_json() for call in rows]}


def _story(hub: Hub, request: Request, _: Any) -> Any:
    return hub.story(_call(hub, request))


def _export(hub: Hub, request: Request, _: Any) -> Any:
    call, form = _call(hub, request), request.query_params.get("form", "sample")
    if form == "sample":
        return PlainTextResponse(as_sample(hub.chain(call)))
    number = _number(request.query_params.get("entry", 0), "entry", 1, 10**12)
    entry = next((each for each in call.entries if each.number == number), None)
    if entry is None:
        raise NotFound(f"the call has no entry {number}")
    if form == "curl":
        return PlainTextResponse(as_curl(entry, str(request.base_url).rstrip("/")))
    if form == "event":
        return _json(payload_of(entry))
    raise BadRequest(f"form is {form!r}; take sample, curl or event")


def _send(hub: Hub, _: Request, body: Any) -> Any:
    members = _members(body)
    if "payload" not in members:
        raise BadRequest("payload is missing: the event, or a list of events")
    payload = members["payload"]
    kind = str(members.get("kind") or kinds_of(payload))
    if kind not in SENT_AS.values():
        raise BadRequest(
            "the payload is not a flow's event, contact event, contact record, segment of "
            "Contact Lens or event of its file"
        )
    times = _number(members.get("times", 1), "times", 1, MOST_TIMES)
    hub.sender.send(kind, payload, times, shuffled=bool(members.get("shuffled")))
    return {"kind": kind, "times": times}


def _material(hub: Hub, request: Request, body: Any) -> Any:
    query = request.query_params
    found = read_material(bytes(body))
    times = _number(query.get("times", 1), "times", 1, MOST_TIMES)
    by_kind: dict[str, list[Any]] = {}
    for event in found.events:
        if event.source in SENT_AS and isinstance(event.payload, dict):
            by_kind.setdefault(SENT_AS[event.source], []).append(event.payload)
    sending = query.get("send") == "true"
    for kind, events in by_kind.items() if sending else ():
        hub.sender.send(kind, events, times, shuffled=query.get("shuffled") == "true")
    counts = {kind: len(events) for kind, events in by_kind.items()}
    left = len(found.events) - sum(counts.values())
    return {
        "recognised": found.summary(),
        "events": counts,
        "notSent": left,
        "sent": sending,
        "notes": sorted({note for event in found.events for note in event.notes}),
    }


def _stories(_: Hub, __: Request, ___: Any) -> Any:
    return {"stories": list(STORIES)}


def _play_story(hub: Hub, request: Request, body: Any) -> Any:
    members = _members(body)
    given = members.get("set", {})
    overrides = read_overrides(given) if isinstance(given, list) else dict(given)
    order = Order(
        story=str(request.path_params["name"]),
        calls=_number(members.get("calls", 1), "calls", 1, 10_000),
        rate=float(members.get("rate", 1.0)),
        seed=_number(members.get("seed", hub.recorder.number + 1), "seed", 0, 2**31),
        overrides={str(path): str(value) for path, value in overrides.items()},
    )
    return {"seed": order.seed, "contactIds": hub.sender.start(order)}


def _faults(hub: Hub, _: Request, __: Any) -> Any:
    return hub.faults()


def _inject(hub: Hub, request: Request, body: Any) -> Any:
    hub.inject(str(request.path_params["service"]), _members(body))
    return hub.faults()["on"]


def _clear_faults(hub: Hub, _: Request, __: Any) -> Any:
    hub.clear_faults()
    return hub.faults()["on"]


def _streams(hub: Hub, _: Request, __: Any) -> Any:
    return hub.lanes.to_json()


def _letters(hub: Hub, _: Request, __: Any) -> Any:
    return hub.dead_letters()


def _redrive(hub: Hub, _: Request, body: Any) -> Any:
    return hub.redrive({"dryRun": True, **_members(body)})


def _figures(hub: Hub, _: Request, __: Any) -> Any:
    return hub.recorder.figures()


def _log(hub: Hub, request: Request, _: Any) -> Any:
    after = _number(request.query_params.get("after", 0), "after", 0, 10**12)
    return {"entries": [entry.to_json() for entry in hub.recorder.entries_after(after)]}


def _reset(hub: Hub, _: Request, __: Any) -> Any:
    hub.reset()
    return {"number": hub.recorder.number}


_PAGE: Final = {"limit": f"rows, up to {MOST_ROWS}", "skip": "rows to leave out"}
ROUTES: Final[tuple[Row, ...]] = (
    Row(
        "GET",
        "/api/calls",
        "the calls, newest first",
        _calls,
        {"query": "words that all must be found", "state": "live, ended, trouble, ...", **_PAGE},
    ),
    Row("GET", "/api/calls/{contact_id}", "all that is known of a call", _story),
    Row(
        "GET",
        "/api/calls/{contact_id}/export",
        "a call as a sample with its parents, or one of its entries as curl or event",
        _export,
        {"form": "sample, curl or event", "entry": "the entry's number"},
    ),
    Row(
        "POST",
        "/api/events",
        "send an event, or several, once or more often",
        _send,
        body={
            "payload": "the event, or a list of events",
            "kind": "flow, event, record, lens or file; left out: what it looks like",
            "times": f"up to {MOST_TIMES}",
            "shuffled": "true: in any order",
        },
    ),
    Row(
        "POST",
        "/api/material",
        "recognise real material, as pasted, and send it if asked",
        _material,
        {"send": "true: send it", "times": f"up to {MOST_TIMES}", "shuffled": "true: in any order"},
        raw=True,
    ),
    Row("GET", "/api/stories", "the stories that can be played", _stories),
    Row(
        "POST",
        "/api/stories/{name}",
        "play a story",
        _play_story,
        body={
            "set": 'fields instead of the story\'s: {"CustomerEndpoint.Address": "+1..."}',
            "calls": "how many",
            "rate": "calls a second, up to 100",
            "seed": "the same seed makes the same calls",
        },
    ),
    Row("GET", "/api/faults", "what can fail, and what is switched on", _faults),
    Row(
        "POST",
        "/api/faults/{service}",
        "switch a fault of salesforce, aws or connect on",
        _inject,
        body={"kind": "see GET /api/faults", "times": "how many requests; null: all"},
    ),
    Row("DELETE", "/api/faults", "switch all faults off", _clear_faults),
    Row("GET", "/api/streams", "lanes, and what became of the newest batches", _streams),
    Row("GET", "/api/dead-letters", "dead letters with their payloads", _letters),
    Row(
        "POST",
        "/api/dead-letters/redrive",
        "invoke the redrive function; a dry run unless dryRun is false",
        _redrive,
        body={"dryRun": "false: do it", "reason": "only these", "contactId": "only this contact"},
    ),
    Row("GET", "/api/figures", "calls, outcomes, latency and the tally", _figures),
    Row("GET", "/api/log", "everything behind an entry's number", _log, {"after": "the number"}),
    Row("POST", "/api/reset", "forget everything that happened", _reset),
)
