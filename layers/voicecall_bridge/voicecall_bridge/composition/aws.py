"""Clients of AWS's services.

botocore directly, not boto3: the clients are the same, and boto3's resource layer costs start-up
time for nothing the bridge uses.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import botocore.httpsession
import botocore.loaders
import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.credentials import Credentials, create_credential_resolver
from botocore.exceptions import NoCredentialsError

from voicecall_bridge.tls import read_public_certificates, remembering

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

STREAM_SECONDS = 3.0
"""Seconds that AWS may take for an answer where no caller waits."""
STREAM_ATTEMPTS = 3
"""Attempts at a request where no caller waits."""
_ONCE = frozenset({"connect"})
"""Services that are tried once: botocore would wait while it is throttled, and their caller decides
when to wait (aws.contact_directory)."""
_MAKING = threading.Lock()
_EMPTY = b'{"SecretString": "", "Parameter": {"Value": ""}}'
"""An answer without content, whatever was asked: botocore reads the members that it looks for."""


def new_session() -> botocore.session.Session:
    """A session; all of them share the models of AWS's services."""
    session = botocore.session.get_session()
    session.register_component("data_loader", _models())
    return session


def _new_context() -> ssl.SSLContext:
    return remembering(botocore.httpsession.create_urllib3_context())


class LateCredentials:
    """Credentials that are looked up when something is first signed.

    A client asks for credentials when it is made. One that is made before a snapshot must not: its
    copies have credentials of their own.
    """

    method = "late"  # how botocore names where credentials come from

    def __init__(self, session: botocore.session.Session) -> None:
        self._session = session
        self._places: Any = None
        self._found: Any = None
        self._lock = threading.Lock()

    def load_credentials(self) -> LateCredentials:
        """Answers botocore's session, which takes this for its chain of providers."""
        return self

    def get_frozen_credentials(self) -> Any:
        """Answers what signs a request.

        Raises:
            NoCredentialsError: there are none.
        """
        return self._looked_up().get_frozen_credentials()

    def get_deferred_property(self, name: str) -> Callable[[], Any]:
        """Answers what reads a property when it is needed, as botocore's own credentials do."""
        return lambda: getattr(self._looked_up(), name)

    @contextmanager
    def placeholder(self) -> Iterator[None]:
        """Signs with false credentials while this lasts; looks nothing up."""
        self._places = create_credential_resolver(self._session)
        self._found = Credentials("rehearsal", "rehearsal")
        try:
            yield
        finally:
            self._found = None

    def _looked_up(self) -> Any:
        with self._lock:
            if self._found is None:
                places = self._places or create_credential_resolver(self._session)
                self._found = places.load_credentials()
            if self._found is None:
                raise NoCredentialsError
            return self._found


@lru_cache(maxsize=1)
def _models() -> botocore.loaders.Loader:
    """The models of AWS's services, read from the disk once in the life of a process."""
    return botocore.loaders.create_loader()


@dataclass(eq=False, repr=False, slots=True)
class AwsClients:
    """Makes each client once, when it is first needed. Use it from many threads.

    The chains of an environment's first batch all want the same clients at once, and botocore's
    session is not made for several threads: clients are made one at a time.

    Attributes:
        attempts: how often a request is tried.
        connections: connections that a client keeps.
        credentials: what its clients sign with.
    """

    attempts: int
    connections: int = 8
    _session: botocore.session.Session = field(default_factory=new_session, init=False)
    credentials: LateCredentials = field(init=False, repr=False)
    _context: ssl.SSLContext = field(default_factory=_new_context, init=False, repr=False)
    _wanted: set[tuple[str, float]] = field(default_factory=set, init=False, repr=False)
    _made: dict[tuple[str, float], Any] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        """Lets the session's clients look credentials up late."""
        self.credentials = LateCredentials(self._session)
        self._session.register_component("credential_provider", self.credentials)

    def maker(self, service: str, seconds: float = STREAM_SECONDS) -> Callable[[], Any]:
        """A function that gives the client of a service.

        Args:
            service: botocore's name of it.
            seconds: for connecting, and for an answer.
        """
        self._wanted.add((service, seconds))
        return partial(self._shared, service, seconds)

    def prepare(self) -> None:
        """Makes every client that was asked for, as far as that goes without a request."""
        for service, seconds in sorted(self._wanted):
            self._shared(service, seconds)
        # AWS_CA_BUNDLE may name other ones, which the public ones must not join.
        if all(_connections(client)._verify is True for client in self._made.values()):
            read_public_certificates(self._context)

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """Lets the clients that were made build, sign and read requests without sending them.

        A client's first request takes three times the CPU of its later ones: it works out its
        endpoint, and looks up what it needs of the service's model.
        """
        sessions = [_connections(client) for client in self._made.values()]
        with self.credentials.placeholder():
            for each in sessions:
                each.send = _answer_with_nothing
            try:
                yield
            finally:
                for each in sessions:
                    del each.send  # its class's own again

    def _shared(self, service: str, seconds: float) -> Any:
        with self._lock:
            if (service, seconds) not in self._made:
                self._made[service, seconds] = self._new(service, seconds)
            return self._made[service, seconds]

    def _new(self, service: str, seconds: float) -> Any:
        config = Config(
            connect_timeout=seconds,
            read_timeout=seconds,
            retries={"total_max_attempts": 1 if service in _ONCE else self.attempts},
            # The requests are the bridge's own; checking each against the model takes 0.9 ms.
            parameter_validation=False,
            tcp_keepalive=True,
            max_pool_connections=self.connections,
            # A fixed text: botocore would put its own together twice a call, 0.1 ms each.
            user_agent="voicecall-bridge",
            # Its look-up would want the credentials' account for each request.
            account_id_endpoint_mode="disabled",
        )
        with _MAKING:  # a session is not made for threads; the clients it makes are
            client = self._session.create_client(service, config=config)
        _connections(client)._manager.connection_pool_kw["ssl_context"] = self._context
        return client


def _connections(client: Any) -> Any:
    # Nothing public leads there. tests/contract/test_certificates.py holds what is done with it.
    return client._endpoint.http_session


class _Nothing:
    """The body of an invented answer, as urllib3 would hand it over."""

    def stream(self) -> Iterator[bytes]:
        yield _EMPTY


def _answer_with_nothing(request: Any) -> AWSResponse:
    return AWSResponse(request.url, 200, {}, _Nothing())
