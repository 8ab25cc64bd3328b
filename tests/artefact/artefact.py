"""The result of `make build`, and the same layer for this machine: built once, for all tests.

The shipped layer holds machine code for arm64. Where this machine is another, its functions run
with the layer that the same script builds for this machine from the same lock: the wheels of the
other processor on the deployed Python, else those of whatever Python is here.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from tests.artefact.emulator import PROCESSORS, ROOT
from tests.performance.deployed import newest_python, runtime_client

DEPLOYED_VERSION: Final = "3.13"
SHIPPED: Final = "arm64"
FOLDER: Final = ROOT / ".build" / "artefact"
LAYER: Final = ROOT / "layers" / "voicecall_bridge"
SAM: Final = ROOT / ".venv-sam" / "bin"


@dataclass(frozen=True, slots=True)
class Artefact:
    """built        what `sam build` made: a folder for each function and for the layer, template
    layer         the layer's folder that this machine runs
    other         the layer of the processor that is not shipped
    runtime       AWS's runtime client, which Lambda's image has
    python        the Python that runs the functions, and its version
    platform      what `layer` was built for: arm64, x86_64 or local
    """

    built: Path
    layer: Path
    other: Path
    runtime: Path
    python: str
    version: str
    platform: str

    @property
    def shipped(self) -> Path:
        """The layer that is deployed."""
        return self.built / "BridgeLayer" / "python"

    @property
    def said(self) -> str:
        """One line: which artefact ran on which Python."""
        where = f"Python {self.version} with the layer for {self.platform}"
        if self.version == DEPLOYED_VERSION:
            return f"the built functions ran on {where}"
        return f"NOT run on the deployed Python {DEPLOYED_VERSION}, which is not here: on {where}"


def build() -> Artefact:
    """Build what has changed since the last time."""
    python, version = newest_python()
    wheels = _wheels_that_run_here(version)
    with ThreadPoolExecutor() as side_by_side:
        runtime = side_by_side.submit(runtime_client, python, version)
        shipped = side_by_side.submit(_made, "shipped", _sam_build)
        layers = {
            each: side_by_side.submit(_made, f"{each}-{version}", partial(_layer, python, each))
            for each in {"x86_64", wheels} - {SHIPPED}
        }
        built = shipped.result()
        folders = {SHIPPED: built / "BridgeLayer"}
        folders |= {each: layer.result() for each, layer in layers.items()}
        return Artefact(
            built=built,
            layer=folders[wheels] / "python",
            other=folders["x86_64"] / "python",
            runtime=runtime.result(),
            python=python,
            version=version,
            platform=wheels,
        )


def layer_for(python: str, version: str) -> Path:
    """The layer for another Python of this machine, built once."""
    return _made(f"local-{version}", partial(_layer, python, "local"))


def _wheels_that_run_here(version: str) -> str:
    if version != DEPLOYED_VERSION or not sys.platform.startswith("linux"):
        return "local"
    return PROCESSORS[platform.machine()]


def _sam_build(target: Path) -> None:
    """As the Makefile's target build."""
    flags = ["--build-dir", str(target)]
    _run([str(SAM / "sam"), "build", *flags], PYTHON=str(SAM / "python"))


def _layer(python: str, wheels: str, target: Path) -> None:
    _run([python, str(LAYER / "build.py"), "--platform", wheels, "--target", str(target)])


def _made(name: str, make: Callable[[Path], None]) -> Path:
    target, stamp = FOLDER / name, FOLDER / f"{name}.made-from"
    digest = _digest()
    if not stamp.exists() or stamp.read_text(encoding="ascii") != digest:
        stamp.unlink(missing_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        FOLDER.mkdir(parents=True, exist_ok=True)
        make(target)
        stamp.write_text(digest, encoding="ascii")
    return target


def _digest() -> str:
    """A digest of the names and contents of all that a build is made from."""
    digest = hashlib.sha256()
    for path in sorted(_sources()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    yield from (
        ROOT / name
        for name in (
            "template.yaml",
            "monitoring/template.yaml",
            "samconfig.toml",
            "requirements/sam.lock",
        )
    )
    for folder in (ROOT / "functions", LAYER):
        for path in folder.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def _run(command: list[str], **environment: str) -> None:
    # A `make` around the tests must not speak to the one that sam starts.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    quiet = {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-west-2"}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**kept, **quiet, **environment},
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
