"""What Lambda would run, made for this machine: the newest Python, the built layer, the runtime.

The layer is the one that is shipped (same lock, same pruning, compiled), built by the same script
for this machine's Python and platform. Both folders are kept in .build/ and made anew when what
they are made from has changed.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
LAYER: Final = ROOT / "layers" / "voicecall_bridge"
DEV_LOCK: Final = ROOT / "requirements" / "dev.lock"
VERSIONS: Final = ("3.13", "3.12", "3.11")  # newest first; 3.13 is what is deployed
RUNTIME_PACKAGES: Final = ("awslambdaric", "simplejson", "snapshot-restore-py")


class NotDeployableError(Exception):
    """No Python, or no layer; says what to do."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """`python` runs the functions with `layers` on its path; the last of them is AWS's runtime."""

    python: str
    version: str
    layers: tuple[Path, ...]


def deployed() -> Deployed:
    """Find the newest Python and build layer and runtime for it. Raises NotDeployableError."""
    python, version = newest_python()
    layer = ROOT / ".build" / f"bench-layer-{version}"
    script = LAYER / "build.py"
    sources = [LAYER / "requirements.lock", script, *LAYER.glob("voicecall_bridge/**/*.py")]
    if _is_stale(layer, sources):
        _run([python, str(script), "--platform", "local", "--target", str(layer)])
        _stamp(layer)
    return Deployed(python, version, (layer / "python", runtime_client(python, version)))


def runtime_client(python: str, version: str) -> Path:
    """A folder with what Lambda's image has: the runtime client. Raises NotDeployableError."""
    runtime = ROOT / ".build" / f"bench-runtime-{version}"
    if _is_stale(runtime, [DEV_LOCK]):
        runtime.mkdir(parents=True)
        pins = runtime / "requirements.txt"
        pins.write_text(_pins(DEV_LOCK.read_text(encoding="utf-8")), encoding="utf-8")
        command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        command += ["--no-deps", "--require-hashes", "--only-binary=:all:"]
        _run([*command, "--target", str(runtime), "--requirement", str(pins)])
        _stamp(runtime)
    return runtime


def newest_python() -> tuple[str, str]:
    """Command and version of the newest Python here that has pip. Raises NotDeployableError."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for version in VERSIONS:
        installed = sorted(map(str, pyenv.glob(f"{version}.*/bin/python")))
        for command in (sys.executable, shutil.which(f"python{version}"), *installed):
            if command is not None and _version(command) == version:
                return command, version
    raise NotDeployableError(f"no Python with pip among {', '.join(VERSIONS)} found: install one")


def _version(command: str) -> str:
    """Major and minor of a Python that has pip, else ""; a pyenv shim may be no Python at all."""
    probe = "import sys, pip; print('%d.%d' % sys.version_info[:2])"
    try:
        asked = subprocess.run(
            [command, "-c", probe], check=False, capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""


def _is_stale(target: Path, sources: Iterable[Path]) -> bool:
    """Whether `target` must be made; removes what is there of an older one."""
    stamp = target / "made"
    if stamp.exists():
        made = stamp.stat().st_mtime
        if all(source.stat().st_mtime <= made for source in sources):
            return False
    shutil.rmtree(target, ignore_errors=True)
    return True


def _stamp(target: Path) -> None:
    (target / "made").touch()


def _pins(lock: str) -> str:
    """The lock's entries, hashes included, of what Lambda's own image brings along."""
    entries = re.findall(r"(?m)^\S.*(?:\n[ \t]+.*)*", lock)
    wanted = [entry for entry in entries if entry.split("==")[0] in RUNTIME_PACKAGES]
    if len(wanted) != len(RUNTIME_PACKAGES):
        raise NotDeployableError(
            f"{DEV_LOCK.name} does not pin all of {', '.join(RUNTIME_PACKAGES)}"
        )
    return "\n".join(wanted) + "\n"


def _run(command: list[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise NotDeployableError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
