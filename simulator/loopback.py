"""An HTTP server on a free loopback port that ends with its connections: for the
parts of the simulator."""

import errno
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Lock, Thread
from typing import Any, Final

LOOPBACK: Final = "127.0.0.1"
_JOIN_SECONDS: Final = 10.0


class PortTaken(OSError):
    """Another program listens on a port; the text says which, and what to do."""


def port_taken(error: OSError, port: int, name: str) -> OSError:
    """The error for people, where a port is taken; any other error as it is."""
    if error.errno != errno.EADDRINUSE:
        return error
    return PortTaken(
        f"port {port} for {name} is taken: end the other program, or begin at another port, "
        "e.g. ./bridge simulator --port 9025"
    )


def refuse_taken(port: int, name: str) -> None:
    """For servers that end the program where a port is taken.

    Raises:
        PortTaken: another program listens there.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise port_taken(error, port, name) from None


class LoopbackServer(ThreadingHTTPServer):
    """Listens from the moment it is made, one thread a connection.

    Args:
        handler: answers the requests of a connection.
        name: what it is, for the errors.
        port: where it listens; 0: any free port.

    Raises:
        PortTaken: another program listens there.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, handler: type[BaseHTTPRequestHandler], name: str, port: int = 0) -> None:
        try:
            super().__init__((LOOPBACK, port), handler)
        except OSError as error:
            raise port_taken(error, port, name) from None
        self._name = name
        self._lock = Lock()
        self._connections: dict[socket.socket, Thread] = {}
        self._serving: Thread | None = None

    def server_bind(self) -> None:
        """Bind without the look-up of the host's name, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, int(self.server_address[1])

    def start(self) -> None:
        """Serve in a thread of its own."""
        self._serving = Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._serving.start()

    def stop(self) -> None:
        """Stop serving, close every connection, wait for the threads.

        Raises:
            RuntimeError: a thread did not end.
        """
        if self._serving is not None:
            self.shutdown()
            self._serving.join(_JOIN_SECONDS)
        self.server_close()
        with self._lock:
            connections = dict(self._connections)
            for connection in connections:
                _shut_down(connection)
        for thread in connections.values():
            thread.join(_JOIN_SECONDS)
            if thread.is_alive():
                raise RuntimeError(f"a connection of {self._name} did not end")

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start the connection's thread, and remember both until it ends."""
        thread = Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True
        )
        with self._lock:
            self._connections[request] = thread
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        """Close a connection that has ended."""
        with self._lock:
            self._connections.pop(request, None)
            self.close_connection(request)

    def close_connection(self, request: Any) -> None:
        """How a connection is closed: said good-bye to first."""
        super().shutdown_request(request)


def _shut_down(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the client was faster, and has left nothing to shut down
