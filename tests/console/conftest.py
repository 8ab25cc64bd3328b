"""One simulator with its console for all tests of the folder; each test begins with nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import requests

from simulator.pollers.poller_thread import PollerThread
from simulator.simulator import Simulator
from simulator.web.hub import Hub
from simulator.web.recorder import Recorder
from simulator.web.server import ConsoleServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 60.0
"""Seconds until a test gives up; nothing is asserted about time."""


@dataclass(frozen=True)
class Console:
    """The console as tests use it: by its REST interface."""

    url: str
    hub: Hub

    def get(self, path: str) -> Any:
        answer = requests.get(self.url + path, timeout=PATIENCE)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: Any = None) -> requests.Response:
        return requests.post(self.url + path, json=body or {}, timeout=PATIENCE)

    def trigger(self, story: str, **order: Any) -> list[str]:
        answer = self.post(f"/api/stories/{story}", order)
        assert answer.status_code == 200, answer.text
        ids: list[str] = answer.json()["contactIds"]
        return ids

    def until(self, holds: Callable[[], bool]) -> None:
        """Waits until the condition is true; after a time-out the test's own assertion fails."""
        end = time.monotonic() + PATIENCE
        while not holds() and time.monotonic() < end:
            time.sleep(0.2)

    def call(self, contact_id: str) -> dict[str, Any]:
        """The call's story; one without entries where it has not been seen yet."""
        answer = requests.get(f"{self.url}/api/calls/{contact_id}", timeout=PATIENCE)
        story: dict[str, Any] = answer.json()
        return story if answer.status_code == 200 else {"entries": [], "parent": ""}


@pytest.fixture(scope="session")
def running_console() -> Iterator[Console]:
    recorder = Recorder()
    simulator = Simulator(compressed=False, observe=recorder.invocation)
    with (
        simulator,
        Hub(simulator, recorder, simulator.aws_faults) as hub,
        ConsoleServer(hub) as server,
        PollerThread(simulator.sources, hub.lanes.batch),
    ):
        yield Console(server.url, hub)


@pytest.fixture
def console(running_console: Console) -> Console:
    assert running_console.post("/api/reset").status_code == 200
    return running_console
