"""The simulator as a whole: an identity, a memory, faults and a server, started and stopped."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from simulator.salesforce.admin import ADMIN_SEGMENT, AdminApi
from simulator.salesforce.api import BASE_PATH, Limits
from simulator.salesforce.delivery import REDIRECT_PATH
from simulator.salesforce.faults import Fault, FaultQueue
from simulator.salesforce.identity import ContactCenterIdentity
from simulator.salesforce.orgs import Orgs
from simulator.salesforce.server import Parts, SalesforceServer
from simulator.salesforce.store import ActionRecord, Exchange, Store, VoiceCallRecord


class SalesforceSimulator:
    """Salesforce's Telephony Integration API on a free loopback port.

    Use it in a `with` statement, or call `start` and `stop`. It cannot be started again.

    Args:
        identity: the contact center; its tokens are accepted.
        others: further contact centers. Each org sees its own records only.
        database: ":memory:", or a file that keeps records, journal and tokens' ids.
        creates_per_second: calls a POST may create within any one second; beyond it 429.
        concurrent_conversations: conversations that may be open at once; beyond it 429.
        lines_per_second: transcript lines that are taken within any one second; beyond it 429.
        clock: epoch seconds, for tokens, limits, time stamps and the Date header.
        returns_existing: whether a second POST of a vendor call key returns the first record
            (guides 236 to 246); False makes a second record, as the current guide's silence allows.
        port: where it listens; 0: any free port.

    Raises:
        ValueError: a limit is below 1, or the identity's certificate holds no RSA key.
        sqlite3.Error: the database cannot be opened.
    """

    def __init__(
        self,
        identity: ContactCenterIdentity,
        *,
        others: Sequence[ContactCenterIdentity] = (),
        database: Literal[":memory:"] | Path = ":memory:",
        creates_per_second: int = 50,
        concurrent_conversations: int = 25_000,
        lines_per_second: int = 5_000,
        clock: Callable[[], float] = time.time,
        returns_existing: bool = True,
        port: int = 0,
    ) -> None:
        if creates_per_second < 1 or concurrent_conversations < 1:
            raise ValueError("creates_per_second and concurrent_conversations must be 1 or more")
        self.identity = identity
        limits = Limits(
            creates_per_second, concurrent_conversations, returns_existing, lines_per_second
        )
        self._store = Store(database, identity.org_id)
        try:
            self._faults = FaultQueue()
            self._api = Orgs((identity, *others), self._store, limits, clock)
            self._admin = AdminApi(self._store, self._faults, self._api)
            parts = Parts(self._api, self._admin, self._store, self._faults, clock)
            self._server = SalesforceServer(parts, port)
        except Exception:
            self._store.close()
            raise

    def exchange_certificate(self, identity: ContactCenterIdentity) -> None:
        """Exchanges the key pair of the contact center, as an administrator does."""
        self._api.exchange_certificate(identity)
        self.identity = identity

    def start(self) -> None:
        """Answer requests from now on."""
        self._server.start()

    def stop(self) -> None:
        """Let go of every request, close every connection, end every thread, close the database.

        Raises:
            RuntimeError: a thread did not end.
        """
        try:
            self._server.stop()
        finally:
            self._store.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        """The API's whole base, as the secret holds it."""
        return self._origin + BASE_PATH

    @property
    def admin_url(self) -> str:
        """The base of the simulator's own interface (see `admin`)."""
        return f"{self._origin}/{ADMIN_SEGMENT}"

    @property
    def _origin(self) -> str:
        return f"http://{self._server.server_name}:{self._server.server_port}"

    def inject(self, fault: Fault) -> None:
        """Set a fault for requests to come, behind those that wait already."""
        self._faults.inject(fault)

    def clear_faults(self) -> None:
        """Forget the faults, and let go of every request that hangs in one."""
        self._faults.clear()

    def waiting_faults(self) -> list[dict[str, Any]]:
        """The faults that wait, with how often each will still hit."""
        return self._faults.waiting()

    def reset(self) -> None:
        """Forget the records, the journal, the tokens' ids and the faults."""
        self._admin.reset()

    def journal(self, after: int = 0) -> list[Exchange]:
        """Every request received behind that number, in order."""
        return self._store.journal(after)

    def redirects_followed(self) -> int:
        """How many requests came to the path that the fault `redirect` points to."""
        return sum(exchange.path == REDIRECT_PATH for exchange in self.journal())

    def voice_calls(self) -> list[VoiceCallRecord]:
        """Every voice call, in the order of creation."""
        return self._store.voice_calls()

    def actions(self) -> list[ActionRecord]:
        """The actions on voice calls, in order: routing, callbacks, messages."""
        return self._store.actions()

    def voice_call(self, vendor_call_key: str) -> VoiceCallRecord | None:
        """The voice call with this key, in whichever org; the first, should there be several."""
        return self._store.by_key(vendor_call_key)

    def add_voice_call(self, vendor_call_key: str) -> str:
        """Store a call, to be a parent or to be found; its record id.

        Raises:
            ValueError: the key is empty.
        """
        if not vendor_call_key.strip():
            raise ValueError("a vendor call key is not empty")
        return self._api.seed(vendor_call_key)
