"""Builds the layer into TARGET/python: the locked dependencies, then the package voicecall_bridge.

Without Docker and on any Python from 3.11 on: pip downloads the wheels of the deployed platform.
Modules that no function needs are removed (pruning.py), because a cold start pays for them. The
byte code is compiled for the deployed Python, or every cold start would compile it anew.

The same inputs give the same files, times included, so that nothing is uploaded twice.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from pruning import PruningError, prune_libraries

HERE = Path(__file__).resolve().parent
LOCK = HERE / "requirements.lock"
PACKAGE = HERE / "voicecall_bridge"

OLDEST_PYTHON = (3, 11)
DEPLOYED_PYTHON = (3, 13)  # Globals.Function.Runtime of template.yaml
WHEEL_PLATFORMS = {"arm64": "manylinux2014_aarch64", "x86_64": "manylinux2014_x86_64"}
LOCAL = "local"

INSTALLER_NOTES = frozenset(
    {
        "INSTALLER",
        "RECORD",
        "REQUESTED",
        "WHEEL",
        "direct_url.json",
        "entry_points.txt",
        "top_level.txt",
        "zip-safe",
    }
)
"""Files of a *.dist-info that a layer does not need. METADATA (what scanners look for), licences,
notices and bills of materials stay."""

MOUNT = "/opt/python"  # where Lambda mounts the layer's folder `python`
MODIFIED = 315_532_800  # 1980-01-01T00:00:00Z, the oldest time a ZIP file can hold
PYTHON_PROBE = "import sys; print(*sys.version_info[:2], sys.version_info.releaselevel)"


class BuildError(Exception):
    """The layer cannot be built; the text says why and what to do."""


def build(platform: str, target: Path) -> str:
    """Fill `target`/python for `platform` (arm64, x86_64, or local: this machine and Python).

    Returns one line that says what was built. Raises BuildError.
    """
    site = target / "python"
    if site.exists():
        raise BuildError(f"{site} exists already: remove it or choose another --target")
    if not PACKAGE.is_dir():
        raise BuildError(f"{PACKAGE} is missing: the layer's package must lie beside build.py")
    compiler = sys.executable if platform == LOCAL else find_deployed_python()
    try:
        install(platform, site)
        shutil.copytree(PACKAGE, site / PACKAGE.name)
        prune(site)
        if compiler is not None:
            compile_all(compiler, site, mount=str(site) if platform == LOCAL else MOUNT)
        normalise(site)
    except (BuildError, OSError):
        shutil.rmtree(site, ignore_errors=True)  # half a layer must not be taken for one
        raise
    size = sum(file.stat().st_size for file in site.rglob("*") if file.is_file())
    return f"layer for {platform}: {size / 1e6:.1f} MB in {site}, {byte_code(compiler)}"


def byte_code(compiler: str | None) -> str:
    """The last line's words about the byte code."""
    if compiler is not None:
        return f"byte code by {compiler}"
    deployed = "{}.{}".format(*DEPLOYED_PYTHON)
    return (
        f"WITHOUT byte code: no Python {deployed} found here, so each cold start compiles the "
        f"layer itself (slower). Install python{deployed} and build again to mend it."
    )


def install(platform: str, site: Path) -> None:
    """Install what the lock file names, by hash, without running any package's own code."""
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    command += ["--no-input", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    command += ["--no-compile", "--requirement", str(LOCK), "--target", str(site)]
    if platform != LOCAL:
        deployed = "{}.{}".format(*DEPLOYED_PYTHON)
        command += ["--platform", WHEEL_PLATFORMS[platform]]
        command += ["--implementation", "cp", "--python-version", deployed]
    # The user's pip settings may say --user or another target; indexes and wheel folders stay.
    environment = {**os.environ, "PIP_USER": "0"}
    done = subprocess.run(command, check=False, env=environment)  # noqa: S603
    if done.returncode != 0:
        raise BuildError(
            f"pip could not install {LOCK.name} for {platform} (its message stands above). "
            f"{sys.executable} needs pip and a way to the package index."
        )


def prune(site: Path) -> None:
    """Remove from `site` what no function reads at run time. Raises BuildError."""
    shutil.rmtree(site / "bin", ignore_errors=True)  # present only if a wheel has scripts
    for folder in [*site.rglob("__pycache__"), *site.rglob("tests")]:
        if folder.is_dir():
            shutil.rmtree(folder)
    for stub in site.rglob("*.pyi"):
        stub.unlink()
    for information in site.glob("*.dist-info"):
        for file in information.iterdir():
            if file.name in INSTALLER_NOTES:
                file.unlink()
    try:
        prune_libraries(site)
    except PruningError as error:
        raise BuildError(str(error)) from None


def find_deployed_python() -> str | None:
    """The command of a Python on this machine that compiles for the deployed one, or None."""
    deployed = "{}.{}".format(*DEPLOYED_PYTHON)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    installed = sorted((pyenv / "versions").glob(f"{deployed}*/bin/python"))
    for command in [sys.executable, shutil.which(f"python{deployed}"), *map(str, installed)]:
        if command is not None and version_of(command) == DEPLOYED_PYTHON:
            return command
    return None


def version_of(command: str) -> tuple[int, int] | None:
    """(major, minor) of the released Python that `command` starts, None if it starts none.

    A command can be there and yet no Python: pyenv's shims fail for versions not chosen. Byte code
    of a pre-release is not that of the release.
    """
    try:
        asked = subprocess.run(  # noqa: S603
            [command, "-I", "-c", PYTHON_PROBE],
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    answer = asked.stdout.split()
    if asked.returncode != 0 or len(answer) != 3 or answer[2] != "final":
        return None
    return int(answer[0]), int(answer[1])


def compile_all(compiler: str, site: Path, mount: str) -> None:
    """Byte code for every module, valid whatever the file times.

    `mount` is where the folder will lie when the code runs: tracebacks name the files there.
    """
    command = [compiler, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    command += ["-s", str(site), "-p", mount, str(site)]
    done = subprocess.run(command, check=False)  # noqa: S603
    if done.returncode != 0:
        raise BuildError(f"{compiler} could not compile the layer (its message stands above)")


def normalise(site: Path) -> None:
    """One time and one set of rights for all files, so that two builds are equal."""
    for path in [site, *site.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (MODIFIED, MODIFIED))


def main(arguments: list[str] | None = None) -> int:
    """Command line; exit status 0 when the layer is complete, else 1 and the reason on stderr."""
    parser = argparse.ArgumentParser(description="Build the layer into TARGET/python.")
    parser.add_argument("--platform", choices=[*WHEEL_PLATFORMS, LOCAL], required=True)
    parser.add_argument("--target", type=Path, required=True, help="folder to build into")
    options = parser.parse_args(arguments)
    try:
        if sys.version_info < OLDEST_PYTHON:
            oldest = "{}.{}".format(*OLDEST_PYTHON)
            found = "{}.{}".format(*sys.version_info)
            raise BuildError(f"needs Python {oldest} or newer, this is {found}: set PYTHON")
        print(build(options.platform, options.target.resolve()))
    except (BuildError, OSError) as error:
        print(f"layer build: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
