"""The built functions and layer, each function under the emulator, against the simulator."""

import platform
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from simulator.simulator import Simulator
from tests.artefact.artefact import Artefact, build
from tests.artefact.emulator import Emulator
from tests.samples.members import CUSTOMER, SYSTEM

Start = Callable[..., Emulator]
_BUILT = pytest.StashKey[Artefact]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The emulator is a Linux program; elsewhere its tests say why they are skipped."""
    if platform.system() == "Linux":
        return
    elsewhere = pytest.mark.skip(reason="AWS's Runtime Interface Emulator runs on Linux only")
    for item in items:
        if "start" in getattr(item, "fixturenames", ()):
            item.add_marker(elsewhere)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say on which Python the functions ran, also where it is not the deployed one."""
    if (artefact := config.stash.get(_BUILT, None)) is not None:
        terminalreporter.write_line(f"artefact: {artefact.said}")


@pytest.fixture(scope="session")
def artefact(request: pytest.FixtureRequest) -> Artefact:
    built = request.config.stash[_BUILT] = build()
    return built


# Of a module, not of the session: a process has one simulator at a time.
@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(running: Simulator) -> Iterator[Simulator]:
    yield running
    running.salesforce.reset()


@pytest.fixture(scope="module")
def emulators(artefact: Artefact, running: Simulator) -> Iterator[Start]:
    """Start built functions, one emulator for each and its settings; all end with the module.

    At its end their output must hold neither a number nor a line of the key.
    """
    made: dict[tuple[str, frozenset[tuple[str, str]]], Emulator] = {}
    with ExitStack() as parts:

        def started(function: str, **settings: str) -> Emulator:
            key = (function, frozenset(settings.items()))
            if key not in made:
                deployed = running.template.functions[function]
                limit = int(settings.get("FLOW_TIME_LIMIT_SECONDS", deployed.timeout))
                made[key] = parts.enter_context(
                    Emulator(
                        artefact.built / function,
                        [artefact.layer, artefact.runtime],
                        {
                            **running.environment(function),
                            "AWS_DEFAULT_REGION": running.aws.region,
                            **settings,
                        },
                        python=artefact.python,
                        timeout=min(deployed.timeout, limit),
                        handler=deployed.handler,
                    )
                )
            return made[key]

        yield started
        key = running.salesforce.identity.private_key_pem.splitlines()[1]
        for emulator in made.values():
            assert "START RequestId" in emulator.logged
            assert not {text for text in (CUSTOMER, SYSTEM, key) if text in emulator.logged}


@pytest.fixture
def start(simulator: Simulator, emulators: Start) -> Start:
    return emulators


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """An empty folder for a function of the test's own."""
    return tmp_path
