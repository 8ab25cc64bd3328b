"""ministack: an emulator of AWS in one process, IAM enforced, functions in processes of their own.

EmulatorError it does not run; the text says what to do
"""

import os
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.error import URLError

import boto3
from botocore.config import Config

from tests.performance.authority import authority

ROOT: Final = Path(__file__).parents[2]
BIN: Final = ROOT / ".venv-emulator" / "bin"
ACCOUNT: Final = "111122223333"
"""The account of the sample events."""
REGION: Final = "us-west-2"
LOOPBACK: Final = "127.0.0.1"
_PATIENCE_SECONDS: Final = 60.0
# Ends the emulator and its functions, which are in its process group, when the process at the
# pipe's other end is gone.
_KEEPER: Final = """
import os, signal, subprocess, sys
subprocess.Popen(sys.argv[2:])
os.read(int(sys.argv[1]), 1)
os.killpg(0, signal.SIGKILL)
"""


class EmulatorError(RuntimeError):
    """The emulator does not run."""


class Ministack:
    """The emulator on a free loopback port, as a context manager.

    endpoint    its address, for every service
    log         what it wrote
    """

    endpoint: str
    log: Path

    def __init__(self) -> None:
        """Nothing runs before the context is entered."""
        self._parts = ExitStack()

    def __enter__(self) -> Self:
        """Start it, and wait until it answers. Raises EmulatorError."""
        with ExitStack() as parts:
            folder = Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="ministack-")))
            self.log = folder / "log"
            port = _free_port()
            self.endpoint = f"https://{LOOPBACK}:{port}"
            self._authority = authority(folder / "tls")
            self._start(folder, port, parts)
            self._wait()
            self._parts = parts.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it and everything that it started."""
        self._parts.close()

    def client(self, service: str, **credentials: str) -> Any:
        """A client of a service, as the account's root unless credentials say otherwise."""
        keys = credentials or {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            verify=str(self._authority.certificate),
            config=Config(retries={"total_max_attempts": 1}),
            **keys,
        )

    def _start(self, folder: Path, port: int, parts: ExitStack) -> None:
        if not (BIN / "ministack").exists():
            raise EmulatorError("no .venv-emulator: `make .venv-emulator/bin/ready` first")
        read, write = os.pipe()
        log = parts.enter_context(self.log.open("wb"))
        with os.fdopen(read, "rb") as reading:
            keeper = subprocess.Popen(
                [BIN / "python", "-c", _KEEPER, str(read), BIN / "ministack"],
                env={
                    "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
                    "HOME": str(folder),
                    "TMPDIR": str(folder),
                    "AUTH": "true",  # IAM is enforced
                    "BIND_HOST": LOOPBACK,
                    "GATEWAY_PORT": str(port),
                    "IOT_MTLS_ENABLED": "0",  # it would listen on a fixed port
                    "LAMBDA_EXECUTOR": "local",  # no Docker
                    "MINISTACK_ACCOUNT_ID": ACCOUNT,
                    "MINISTACK_REGION": REGION,
                    # Without TLS the policies of queues, bucket and topic refuse every request.
                    "USE_SSL": "1",
                    "MINISTACK_SSL_CERT": str(self._authority.server),
                    "MINISTACK_SSL_KEY": str(self._authority.server),
                    "AWS_CA_BUNDLE": str(self._authority.certificate),
                },
                stdout=log,
                stderr=log,
                pass_fds=[reading.fileno()],
                start_new_session=True,
            )
        parts.callback(keeper.wait)
        parts.callback(os.close, write)

    def _wait(self) -> None:
        trusted = ssl.create_default_context(cafile=self._authority.certificate)
        end = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < end:
            try:
                health = f"{self.endpoint}/_ministack/health"
                with urllib.request.urlopen(health, timeout=5, context=trusted):
                    return
            except (URLError, OSError):
                time.sleep(0.1)
        raise EmulatorError(f"it does not answer: {self.log.read_text(errors='replace')[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
