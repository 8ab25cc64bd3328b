"""Clients of AWS's services.

botocore directly, not boto3: the clients are the same, and boto3's resource layer costs start-up
time for nothing the bridge uses.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import botocore.loaders
import botocore.session
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Callable

STREAM_SECONDS = 3.0
"""What AWS may take for an answer where no caller waits."""
STREAM_ATTEMPTS = 3
"""Attempts at a request where no caller waits."""
_MAKING = threading.Lock()


def new_session() -> botocore.session.Session:
    """A session; all of them share the models of AWS's services."""
    session = botocore.session.get_session()
    session.register_component("data_loader", _models())
    return session


@lru_cache(maxsize=1)
def _models() -> botocore.loaders.Loader:
    """The models of AWS's services, read from the disk once in the life of a process."""
    return botocore.loaders.create_loader()


@dataclass(slots=True)
class AwsClients:
    """Makes each client once, when it is first needed. Use it from many threads.

    The chains of an environment's first batch all want the same clients at once, and botocore's
    session is not made for several threads: clients are made one at a time.

    Attributes:
        attempts: how often a request is tried.
        connections: connections that a client keeps.
    """

    attempts: int
    connections: int = 8
    _session: botocore.session.Session = field(default_factory=new_session, init=False)
    _made: dict[tuple[str, float], Any] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def maker(self, service: str, seconds: float = STREAM_SECONDS) -> Callable[[], Any]:
        """What gives the client of a service.

        Args:
            service: botocore's name of it.
            seconds: for connecting, and for an answer.
        """
        return partial(self._shared, service, seconds)

    def _shared(self, service: str, seconds: float) -> Any:
        with self._lock:
            if (service, seconds) not in self._made:
                self._made[service, seconds] = self._new(service, seconds)
            return self._made[service, seconds]

    def _new(self, service: str, seconds: float) -> Any:
        config = Config(
            connect_timeout=seconds,
            read_timeout=seconds,
            retries={"total_max_attempts": self.attempts},
            # The requests are the bridge's own; checking each against the model takes 0.9 ms.
            parameter_validation=False,
            tcp_keepalive=True,
            max_pool_connections=self.connections,
            # A fixed text: botocore would put its own together twice a call, 0.1 ms each.
            user_agent="voicecall-bridge",
        )
        with _MAKING:  # a session is not made for threads; the clients it makes are
            return self._session.create_client(service, config=config)
