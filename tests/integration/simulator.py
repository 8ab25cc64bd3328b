"""The contact flow's function as deployed, between moto's AWS and the Salesforce simulator."""

from __future__ import annotations

import importlib.util
import io
import json
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.samples.members import INSTANCE_ID as INSTANCE
from voicecall_bridge.composition import contact_flow

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from simulator.salesforce import Exchange, SalesforceSimulator
    from tests.contract.aws import Aws

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = ("delivered", "superseded", "skipped", "dead_lettered")
PATIENCE_SECONDS = 20.0
"""No condition that a test waits for takes this long."""


def load_handler() -> Callable[[object, object], dict[str, str]]:
    """The function's handler, its module imported anew."""
    path = ROOT / "functions" / "contact_flow" / "app.py"
    spec = importlib.util.spec_from_file_location("contact_flow_app", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Callable[[object, object], dict[str, str]] = module.handler
    return handler


HANDLER = load_handler()


@dataclass(frozen=True)
class Context:
    """Lambda's context, with the members that the handler uses."""

    seconds_left: float

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda's own time-out."""
        return int(self.seconds_left * 1000)


class CapturedOutput(io.TextIOBase):
    """All that is written to standard output and standard error, as CloudWatch would keep it."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._parts: list[str] = []

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, text: str) -> int:
        """Keep it."""
        with self._lock:
            self._parts.append(text)
        return len(text)

    def clear(self) -> None:
        """Forget."""
        with self._lock:
            self._parts = []

    @property
    def text(self) -> str:
        """What was written so far."""
        with self._lock:
            return "".join(self._parts)

    def records(self) -> list[dict[str, Any]]:
        """The JSON lines; every other line is left out."""
        lines = (line for line in self.text.splitlines() if line.startswith("{"))
        return [json.loads(line) for line in lines]


class Simulator:
    """One test's world.

    Attributes:
        salesforce, aws: what the function talks to.
        logged: what it writes.
        invocations: how often the handler was called.
    """

    def __init__(
        self,
        salesforce: SalesforceSimulator,
        aws: Aws,
        logged: CapturedOutput,
        patch: pytest.MonkeyPatch,
    ) -> None:
        self.salesforce = salesforce
        self.aws = aws
        self.logged = logged
        self.invocations = 0
        self.limit = 8.0
        self._patch = patch
        self._lock = threading.Lock()

    def set(self, **variables: str | None) -> None:
        """Change the function's environment (None removes): a new execution environment."""
        for name, value in variables.items():
            if value is None:
                self._patch.delenv(name, raising=False)
            else:
                self._patch.setenv(name, value)
        self.limit = float(variables.get("FLOW_TIME_LIMIT_SECONDS") or self.limit)
        contact_flow.flow_service.cache_clear()

    def deliver(self, event: object, seconds_left: float = 30.0) -> dict[str, str]:
        """Invoke the handler, which must end within the limit of the flow's block."""
        return self.invoke(lambda: HANDLER(event, Context(seconds_left)))

    def invoke(self, call: Callable[[], dict[str, str]]) -> dict[str, str]:
        """Make one invocation with the given function and check its duration. Time in which a ready
        thread has no CPU is not counted: it is this machine's fault.
        """
        with self._lock:
            self.invocations += 1
            # Here and not in a fixture: pytest sets both anew before each phase of a test.
            self._patch.setattr(sys, "stdout", self.logged)
            self._patch.setattr(sys, "stderr", self.logged)
        started, waited = time.monotonic(), waits_for_a_cpu()
        try:
            answer = call()
        finally:
            took = time.monotonic() - started
            late = sum(now - waited.get(it, 0.0) for it, now in waits_for_a_cpu().items())
            assert took - late < self.limit, f"answered after {took:.1f} s, {late:.1f} s late"
        assert all(isinstance(value, str) for value in answer.values())
        return answer

    def deliveries(self) -> list[dict[str, Any]]:
        """The delivery lines, in order."""
        return [record for record in self.logged.records() if record.get("message") == "delivery"]

    def error_messages(self) -> list[str]:
        """The messages of error lines in order, without delivery lines."""
        return [
            record["message"]
            for record in self.logged.records()
            if record.get("level") == "ERROR" and record["message"] != "delivery"
        ]

    def metric(self, name: str) -> int:
        """The sum of a metric; its copies by reason are not counted twice."""
        lines = (record for record in self.logged.records() if "_aws" in record)
        records = (record for record in lines if "reason" not in record)
        return sum(int(sum(record.get(name, [0.0]))) for record in records)

    def posts(self, contact_id: str = "contact-1") -> list[Exchange]:
        """The requests that arrived for a contact."""
        return [
            exchange
            for exchange in self.salesforce.journal()
            if isinstance(exchange.body, dict) and exchange.body.get("vendorCallKey") == contact_id
        ]

    def item(self, contact_id: str = "contact-1") -> dict[str, Any]:
        """The ledger's item of a contact, {} when there is none."""
        return self.aws.item(f"{INSTANCE}/{contact_id}")

    def voice_call_id(self, contact_id: str = "contact-1") -> str:
        """The id of a contact's one record."""
        [record] = [
            record
            for record in self.salesforce.voice_calls()
            if record.vendor_call_key == contact_id
        ]
        return record.voice_call_id


def waits_for_a_cpu() -> dict[str, float]:
    """Seconds that each thread of this process was ready without a CPU; {} if not on Linux."""
    found = {}
    for path in Path("/proc/self/task").glob("*/schedstat"):
        with suppress(OSError):  # a thread that has just ended
            found[path.parent.name] = int(path.read_text(encoding="ascii").split()[1]) / 1e9
    return found


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until another thread has made the condition true."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def join_overrunning() -> None:
    """Wait for the threads with answers that came too late, so that they end within their test."""
    for thread in threading.enumerate():
        if thread.name == "before-deadline":
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive(), "a thread behind a deadline does not end"
