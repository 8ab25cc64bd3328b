"""A deployment as Lambda would run it, made for this machine: the newest Python, the built layer,
the runtime.

The layer is the one that is shipped (same lock, same pruning, compiled), built by the same script
for this machine's Python and platform. Another revision is checked out and built by its own script.
All of it is kept in .build/bench and made anew when what it is made from has changed.
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

from tests.performance.authority import Authority, authority

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / ".build" / "bench"
DEV_LOCK: Final = ROOT / "requirements" / "dev.lock"
VERSIONS: Final = ("3.13", "3.12", "3.11")  # newest first; 3.13 is what is deployed
RUNTIME_PACKAGES: Final = ("awslambdaric", "simplejson", "snapshot-restore-py")


class NotDeployableError(Exception):
    """No Python, no layer or no such revision; the text says what to do."""


def layer_of(root: Path) -> Path:
    """Where a revision has the layer's script, lock and package."""
    return root / "layers" / "voicecall_bridge"


LAYER: Final = layer_of(ROOT)


@dataclass(frozen=True, slots=True)
class Deployed:
    """A revision as it is deployed.

    Attributes:
        python: runs the functions with `layers` on its path; the last of them is AWS's runtime.
        version: of that Python.
        layers: folders that stand for /opt/python.
        root: the revision's files: its template and its functions.
        name: what the tables call it.
    """

    python: str
    version: str
    layers: tuple[Path, ...]
    root: Path = ROOT
    name: str = "this tree"

    @property
    def size(self) -> float:
        """Megabytes of the layer, unpacked."""
        files = (file for file in self.layers[0].rglob("*") if file.is_file())
        return sum(file.stat().st_size for file in files) / 1e6


def deployed(revision: str = "") -> Deployed:
    """Find the newest Python and build layer and runtime for it.

    Args:
        revision: any name that git knows; empty is the working tree.

    Raises:
        NotDeployableError: what is missing.
    """
    python, version = newest_python()
    root, name = (_checkout(revision), revision) if revision else (ROOT, "this tree")
    layer = FOLDER / f"layer-{root.name if revision else 'tree'}-{version}"
    source = layer_of(root)
    script = source / "build.py"
    trusted = authority(FOLDER)
    sources = [source / "requirements.lock", *source.rglob("*.py")]
    if _is_stale(layer, [*sources, trusted.certificate]):
        _run([python, str(script), "--platform", "local", "--target", str(layer)])
        _trust(layer, trusted)
        _stamp(layer)
    layers = (layer / "python", runtime_client(python, version))
    return Deployed(python, version, layers, root, name)


def _checkout(revision: str) -> Path:
    """The files of a revision, in a folder of its own."""
    asked = subprocess.run(
        ["git", "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    if asked.returncode != 0:
        raise NotDeployableError(f"git knows no revision {revision!r}: set BASE to one")
    commit = asked.stdout.strip()
    folder = FOLDER / commit[:12]
    if not (folder / "template.yaml").exists():
        shutil.rmtree(folder, ignore_errors=True)
        _run(["git", "-C", str(ROOT), "worktree", "prune"])
        _run(
            ["git", "-C", str(ROOT), "worktree", "add", "--quiet", "--detach", str(folder), commit]
        )
    return folder


def _trust(layer: Path, trusted: Authority) -> None:
    """Let the functions trust the fakes: their trusted certificates are a file of the layer in any
    revision."""
    certificate = trusted.certificate.read_text(encoding="ascii")
    for file in layer.rglob("cacert.pem"):
        with file.open("a", encoding="utf-8") as bundle:
            bundle.write(f"\n{certificate}")


def runtime_client(python: str, version: str) -> Path:
    """A folder with the part of Lambda's image that is needed: the runtime client. Raises
    NotDeployableError."""
    runtime = FOLDER / f"runtime-{version}"
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
    """Major and minor of a Python that has pip, else ""; a pyenv shim may lack a Python."""
    probe = "import sys, pip; print('%d.%d' % sys.version_info[:2])"
    try:
        asked = subprocess.run(
            [command, "-c", probe], check=False, capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""


def _is_stale(target: Path, sources: Iterable[Path]) -> bool:
    """Whether `target` must be made; removes an older version of it."""
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
    """The lock's entries, hashes included, of the packages in Lambda's own image."""
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
