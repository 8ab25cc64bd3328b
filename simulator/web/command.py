"""The commands around the console: serve, console and trigger."""

import argparse
import contextlib
import webbrowser
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from shlex import quote
from typing import Any, Final

import requests

from simulator.addresses import addresses, exports
from simulator.ending import wait_for_ending
from simulator.functions.lambda_api import LambdaApi
from simulator.pollers.poller_thread import PollerThread
from simulator.replay.replay import Replay
from simulator.samples.files import samples_in
from simulator.simulator import ROOT, Ports, Simulator
from simulator.terminal import Terminal
from simulator.views import DeliveryView
from simulator.web.hub import Hub
from simulator.web.recorder import Recorder
from simulator.web.server import ConsoleServer
from simulator.web.stories import STORIES, StoryError, read_overrides

FIRST_PORT: Final = 8025
EXPORTS: Final = ROOT / ".simulator" / "exports.sh"
LAST_PORT: Final = 65_535 - 4
"""The other parts take the next four."""
_TRIGGER_SECONDS: Final = 30.0


def add_serve_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `serve` and `console`."""
    parser.add_argument(
        "--port",
        type=_port,
        default=FIRST_PORT,
        help="the console's port; Salesforce, AWS, Connect and Lambda take the next four",
    )
    parser.add_argument(
        "--exports", type=Path, default=EXPORTS, help="the file that a shell can source"
    )


def add_trigger_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `trigger`."""
    parser.add_argument("story", choices=list(STORIES), metavar="STORY", help=", ".join(STORIES))
    parser.add_argument(
        "--set", action="append", default=[], dest="overrides", metavar="PATH=VALUE"
    )
    parser.add_argument("--calls", type=int, default=1)
    parser.add_argument("--rate", type=float, default=1.0, help="calls a second, up to 100")
    parser.add_argument("--seed", type=int, help="the same seed makes the same calls")
    parser.add_argument("--port", type=_port, default=FIRST_PORT, help="the console's port")


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= LAST_PORT:
        raise argparse.ArgumentTypeError(f"from 1 to {LAST_PORT}, or 0 for any that is free")
    return port


def serve(parsed: argparse.Namespace, say: Callable[[str], None]) -> None:
    """Leave the simulator running with its console until a signal ends the command."""
    with _running(parsed, say):
        _until_ended()


def console(parsed: argparse.Namespace, say: Callable[[str], None]) -> None:
    """Replay every sample, then show the run on the console until a signal ends the command."""
    with _running(parsed, say) as (simulator, server):
        samples = samples_in(ROOT / "events")
        say(f"replaying {len(samples)} samples; the page fills meanwhile")
        webbrowser.open(server.url)
        Replay(simulator, DeliveryView(Terminal())).run(samples)
        _until_ended()


def trigger(parsed: argparse.Namespace, say: Callable[[str], None]) -> None:
    """Play a story in a simulator that runs.

    Raises:
        StoryError: the story cannot be played, or no simulator answers.
    """
    order: dict[str, Any] = {
        "set": read_overrides(parsed.overrides),
        "calls": parsed.calls,
        "rate": parsed.rate,
    }
    if parsed.seed is not None:
        order["seed"] = parsed.seed
    address = f"http://127.0.0.1:{parsed.port}"
    try:
        answer = requests.post(
            f"{address}/api/stories/{parsed.story}", json=order, timeout=_TRIGGER_SECONDS
        )
    except requests.ConnectionError:
        raise StoryError(
            f"no simulator answers at {address}: run `./bridge simulator` first"
        ) from None
    answered = answer.json()
    if answer.status_code != HTTPStatus.OK:
        raise StoryError(answered["error"])
    say(f"seed {answered['seed']}")
    for contact_id in answered["contactIds"]:
        say(f"{address}/calls/{contact_id}")


@contextlib.contextmanager
def _running(
    parsed: argparse.Namespace, say: Callable[[str], None]
) -> Iterator[tuple[Simulator, ConsoleServer]]:
    recorder = Recorder()
    ports = Ports.beginning(parsed.port) if parsed.port else Ports()
    simulator = Simulator(
        state=getattr(parsed, "state", None),
        compressed=False,
        settings=dict(getattr(parsed, "settings", [])),
        observe=recorder.invocation,
        ports=ports,
    )
    with contextlib.ExitStack() as parts:
        parts.enter_context(simulator)
        hub = parts.enter_context(Hub(simulator, recorder, simulator.aws_faults))
        server = parts.enter_context(ConsoleServer(hub, ports.console))
        parts.enter_context(PollerThread(simulator.sources, hub.lanes.batch))
        lambda_api = parts.enter_context(LambdaApi(simulator, ports.functions))
        parsed.exports.parent.mkdir(parents=True, exist_ok=True)
        parsed.exports.write_text("".join(f"{line}\n" for line in exports(simulator)))
        for line in addresses(simulator, lambda_api):
            say(line)
        say(f"For a function that is run by other means: source {quote(str(parsed.exports))}")
        say("")
        say(f"Console           {server.url}")
        yield simulator, server


def _until_ended() -> None:
    # To be ended by a signal is how these commands end well.
    with contextlib.suppress(KeyboardInterrupt, SystemExit):
        wait_for_ending()
