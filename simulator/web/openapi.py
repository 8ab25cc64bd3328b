"""The OpenAPI document of the console's interface, made from its routes. Pure."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.web.routes import Row


def document(rows: Sequence["Row"]) -> dict[str, Any]:
    """The document (OpenAPI 3.1)."""
    paths: dict[str, dict[str, Any]] = {}
    for row in rows:
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(row)
    paths["/api/live"] = {
        "get": {
            "summary": "server-sent events: each change of a call, with the figures",
            "parameters": [_parameter("query", "after", "behind that entry's number")],
            "responses": {"200": {"description": "text/event-stream"}},
        }
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "VoiceCall bridge: console of the simulator",
            "version": "1",
            "description": "Loopback only. Errors are {error: text} with status 400, 403 or 404.",
        },
        "paths": paths,
    }


def _operation(row: "Row") -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": row.summary,
        "parameters": [
            *(_parameter("path", name, name) for name in re.findall(r"{(\w+)}", row.path)),
            *(_parameter("query", name, what) for name, what in (row.query or {}).items()),
        ],
        "responses": {
            "200": {"description": row.summary},
            "400": {"description": "the request cannot be done; the text says why"},
        },
    }
    if row.body is not None:
        properties = {name: {"description": what} for name, what in row.body.items()}
        schema = {"type": "object", "properties": properties}
        operation["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    return operation


def _parameter(place: str, name: str, what: str) -> dict[str, Any]:
    return {
        "in": place,
        "name": name,
        "description": what,
        "required": place == "path",
        "schema": {"type": "string"},
    }
