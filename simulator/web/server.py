"""Serves the console on loopback, as a context manager."""

import socket
import threading
import time
from types import TracebackType
from typing import Final, Self

import uvicorn

from simulator.loopback import LOOPBACK, port_taken
from simulator.web.guard import Guard
from simulator.web.hub import Hub
from simulator.web.routes import application

_START_SECONDS: Final = 20.0


class ConsoleServer:
    """The console on `port`; 0: any free port."""

    def __init__(self, hub: Hub, port: int = 0) -> None:
        """Bind the port.

        Raises:
            PortTaken: another program listens there.
        """
        self._socket = _bound(port)
        self.port = int(self._socket.getsockname()[1])
        app = Guard(application(hub))
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://{LOOPBACK}:{self.port}"

    def __enter__(self) -> Self:
        """Serve from now on."""
        self._thread.start()
        until = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > until:
                raise OSError("the console did not start")
            time.sleep(0.01)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop serving, and free the port."""
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except OSError as error:
        listener.close()
        raise port_taken(error, port, "the console") from None
    return listener
