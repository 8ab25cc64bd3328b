"""Lets only this machine's own page use the interface.

A foreign web page must not drive the simulator. A request with a foreign Origin is refused, and so
is one with another Host than the loopback address that the console listens on: a DNS rebinding
attack looks like that. Scripts and styles come from the console itself only.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)
MOST_BODY_BYTES: Final = 20_000_000
_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Middleware around the console's application (ASGI)."""

    def __init__(self, app: App) -> None:
        """Guard `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on with the headers that protect the page."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if fault := _fault(headers, scope["server"][1]):
            await JSONResponse({"error": fault}, 403)(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await self._app(scope, receive, guarded)


def _fault(headers: Headers, port: int) -> str:
    """Why the request is refused; empty when it is not."""
    own = {f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"}
    host = headers.get("host", "")
    if host not in own:
        return f"Host is {host!r}; the console answers to {', '.join(sorted(own))}"
    origin = headers.get("origin")
    if origin is not None and origin.removeprefix("http://") not in own:
        return f"Origin is {origin!r}; only the console's own page may call it"
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MOST_BODY_BYTES:
        return f"Content-Length is {length[:20]!r}; a body may have {MOST_BODY_BYTES} bytes"
    return ""
