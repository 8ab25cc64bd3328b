"""A built function under AWS's Runtime Interface Emulator, which aws-sam-cli carries along.

The emulator stands in for Lambda: it starts the runtime client with the first invocation, hands it
one event at a time and kills it when it overruns its time-out. It answers HTTP 200 for whatever a
handler answers or raises, and a line of plain text for a time-out; the caller must distinguish
them.
"""

import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self
from urllib.error import HTTPError

ROOT: Final = Path(__file__).parents[2]
LOOPBACK: Final = "127.0.0.1"
PROCESSORS: Final = {"x86_64": "x86_64", "aarch64": "arm64"}
"""This machine's word for its processor -> Lambda's and the emulator's."""
PATIENCE_SECONDS: Final = 60.0
"""No invocation takes this long: the emulator ends it before."""

# Ends the emulator, and the emulator its runtime, when the process at the pipe's other end is gone.
_KEEPER: Final = """
import os, subprocess, sys
emulator = subprocess.Popen(sys.argv[2:])
os.read(int(sys.argv[1]), 1)
emulator.terminate()
sys.exit(emulator.wait())
"""
# -S: the packages of a virtual environment are not in Lambda.
_RUNTIME: Final = ("-S", "-s", "-m", "awslambdaric")


@dataclass(frozen=True, slots=True)
class Ended:
    """How an invocation ended: a handler's answer, an error, or `Task timed out after …`."""

    status: int
    text: str

    @property
    def payload(self) -> Any:
        """The handler's answer. Raises AssertionError when there is none."""
        assert self.status == 200, self.text
        assert not self.timed_out, self.text
        payload = json.loads(self.text)
        assert not (isinstance(payload, dict) and "errorType" in payload), self.text
        return payload

    @property
    def timed_out(self) -> bool:
        """Whether the emulator has killed it."""
        return self.text.startswith("Task timed out after")


class Emulator:
    """One function under the emulator, as a context manager."""

    def __init__(
        self,
        code: Path,
        layers: Sequence[Path],
        environment: Mapping[str, str],
        *,
        python: str,
        timeout: int,
        handler: str = "app.handler",
    ) -> None:
        """`timeout` in seconds, as Lambda has it. `layers` lie on the path, first wins."""
        self._code = code
        self._environment = {
            "AWS_ACCESS_KEY_ID": "laptop",
            "AWS_SECRET_ACCESS_KEY": "laptop",
            "AWS_LAMBDA_FUNCTION_NAME": code.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "LANG": "C.UTF-8",
            # As in Lambda: a function cannot write to its folders of code.
            "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": os.environ.get("PATH", os.defpath),
            "TZ": ":UTC",
            **environment,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout),
            "PYTHONPATH": os.pathsep.join(str(layer) for layer in layers),
            "_HANDLER": handler,
        }
        self._runtime = [python, *_RUNTIME, handler]
        self._port, api = _free_port(), _free_port()
        self._addresses = [
            f"--runtime-interface-emulator-address={LOOPBACK}:{self._port}",
            f"--runtime-api-address={LOOPBACK}:{api}",
        ]

    def __enter__(self) -> Self:
        """Start the emulator; it starts the function with the first invocation."""
        self._scratch = Path(tempfile.mkdtemp(prefix="emulator-"))
        self._log = (self._scratch / "log").open("w+b")
        reading, self._lifeline = os.pipe()
        home = {"HOME": str(self._scratch), "TMPDIR": str(self._scratch)}
        try:
            keeper = [sys.executable, "-S", "-c", _KEEPER, str(reading)]
            self._keeper = subprocess.Popen(
                [*keeper, str(emulator_program()), *self._addresses, *self._runtime],
                cwd=self._code,
                env={**home, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                pass_fds=(reading,),
            )
        finally:
            os.close(reading)
        self._wait_until_it_listens()
        return self

    def __exit__(self, *_: object) -> None:
        """End the function and the emulator; waits for both."""
        os.close(self._lifeline)
        self._keeper.wait(PATIENCE_SECONDS)
        self._log.close()
        shutil.rmtree(self._scratch)

    def invoke(self, event: object) -> Ended:
        """Deliver an event and wait for its end."""
        path = "/2015-03-31/functions/function/invocations"
        request = urllib.request.Request(
            f"http://{LOOPBACK}:{self._port}{path}", data=json.dumps(event).encode(), method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                return Ended(answer.status, answer.read().decode())
        except HTTPError as error:
            with error:
                return Ended(error.code, error.read().decode())

    @property
    def logged(self) -> str:
        """All that function and emulator have written so far."""
        return (self._scratch / "log").read_text("utf-8", "replace")

    def logs(self) -> list[dict[str, Any]]:
        """What the function has logged in JSON so far; the emulator's own lines are left out."""
        return [json.loads(line) for line in self.logged.splitlines() if line.startswith("{")]

    def _wait_until_it_listens(self) -> None:
        """Wait for a connection: the emulator does not log when it listens."""
        for _ in range(int(PATIENCE_SECONDS / 0.02)):
            assert self._keeper.poll() is None, self.logged
            with socket.socket() as probe:
                probe.settimeout(0.02)
                if probe.connect_ex((LOOPBACK, self._port)) == 0:
                    return
            try:
                self._keeper.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
        raise AssertionError("the emulator does not listen")


def emulator_program() -> Path:
    """The emulator for this machine's processor, in the environment of aws-sam-cli."""
    name = f"aws-lambda-rie-{PROCESSORS[platform.machine()]}"
    pattern = f"lib/python3.*/site-packages/samcli/local/rapid/{name}"
    [program] = (ROOT / ".venv-sam").glob(pattern)
    return program


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port
