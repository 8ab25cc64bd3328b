"""moto's server as the simulator needs it: one request after the other, and no line for each.

moto's own ThreadedMotoServer logs every access and leaves its socket open when it stops.
"""

from collections.abc import Iterable
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Final, Self

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from simulator.loopback import LOOPBACK, refuse_taken

_SHUTDOWN_POLL_SECONDS: Final = 0.02


class MotoServer:
    """AWS on a free loopback port, as a context manager. All servers of a process share moto's
    memory."""

    def __init__(self, port: int = 0) -> None:
        """Bind the port; nothing is answered before the context is entered.

        Raises:
            PortTaken: another program listens there.
        """
        if port:
            refuse_taken(port, "AWS")
        self._server = make_server(
            LOOPBACK, port, _OneAtATime(), threaded=True, request_handler=_QuietHandler
        )
        self._thread = Thread(
            target=self._server.serve_forever, args=(_SHUTDOWN_POLL_SECONDS,), daemon=True
        )
        self.port = self._server.server_port
        self.endpoint = f"http://{LOOPBACK}:{self.port}"

    def __enter__(self) -> Self:
        """Answer from now on."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, and free the port."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _OneAtATime:
    """moto's application. A conditional write of DynamoDB is atomic; moto's looks at the condition
    and writes with other threads in between, so two workers would both get a lease."""

    _lock = Lock()

    def __init__(self) -> None:
        self._application = _Dispatcher()

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        with self._lock:
            return list(self._application(environ, start_response))


class _Dispatcher(DomainDispatcherApplication):
    """moto's. For each request that one goes through its folders and all addresses of AWS."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self._backends: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        """The service; called with moto's own lock held."""
        if host not in self._backends:
            self._backends[host] = super().get_backend_for_host(host)
        return self._backends[host]


class _QuietHandler(MotoRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: what the bridge says is what is to be read."""
