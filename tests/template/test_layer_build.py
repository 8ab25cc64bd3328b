"""build.py as `sam build` runs it: a lock file and wheels in, the layer's folder out."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import build
import library_sources
import pruning
import pytest

from tests.template.wheels import lock, make_wheel

UNCHECKED_HASH = 0b01  # PEP 552: hash-based, and not checked against the source


@dataclass
class Workshop:
    """A layer's folder of its own: build.py, a lock file, a package and a folder of wheels."""

    folder: Path
    target: Path
    wheels: Path

    def build(
        self, platform: str, target: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the command; pip sees the wheels and nothing else."""
        offline = {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_FIND_LINKS": str(self.wheels),
            "PIP_NO_INDEX": "1",
        }
        return subprocess.run(
            [
                sys.executable,
                "build.py",
                f"--platform={platform}",
                f"--target={target or self.target}",
            ],
            cwd=self.folder,
            env={**os.environ, **offline, **environment},
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """Given a pure wheel, and one that exists for two processors and this machine."""
    shop = Workshop(tmp_path / "layer", tmp_path / "built", tmp_path / "wheels")
    (shop.folder / "voicecall_bridge" / "__pycache__").mkdir(parents=True)
    (shop.folder / "voicecall_bridge" / "__init__.py").write_text("PLACE = __file__\n")
    (shop.folder / "voicecall_bridge" / "__pycache__" / "old.cpython-27.pyc").write_bytes(b"")
    for script in (build, library_sources, pruning):
        shutil.copy(str(script.__file__), shop.folder)
    shutil.copytree(pruning.REPLACEMENTS, shop.folder / "replacements")
    wheels = [
        make_wheel(
            shop.wheels,
            "pure",
            {
                "pure/__init__.py": "def known(x):\n    return x in {'a', 'b', 'c', 'd'}\n",
                "pure/__init__.pyi": "def known(x: str) -> bool: ...\n",
                "pure/tests/test_pure.py": "raise SystemExit\n",
                "pure-1.0.data/scripts/pure-tool": "#!python\n",
            },
        ),
        make_wheel(shop.wheels, "native", {"native/processor.py": "NAME = 'any'\n"}),
    ]
    for processor in ("aarch64", "x86_64"):
        wheels.append(  # noqa: PERF401
            make_wheel(
                shop.wheels,
                "native",
                {"native/processor.py": f"NAME = {processor!r}\n"},
                tag=f"cp313-cp313-manylinux2014_{processor}",
            )
        )
    (shop.folder / "requirements.lock").write_text(lock(*wheels))
    return shop


def files(site: Path) -> set[str]:
    return {str(path.relative_to(site)) for path in site.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("platform", "processor"), [("arm64", "aarch64"), ("x86_64", "x86_64")])
def test_layer_holds_wheels_of_the_deployed_platform(
    workshop: Workshop, platform: str, processor: str
) -> None:
    """Given any Python and processor here, then the wheels are those of Lambda's."""
    done = workshop.build(platform)
    assert done.returncode == 0, done.stderr
    chosen = workshop.target / "python" / "native" / "processor.py"
    assert chosen.read_text() == f"NAME = {processor!r}\n"


def test_layer_holds_package_licences_and_nothing_idle(workshop: Workshop) -> None:
    done = workshop.build("arm64")
    assert done.returncode == 0, done.stderr
    kept = {name for name in files(workshop.target / "python") if not name.endswith(".pyc")}
    assert kept == {
        "native/processor.py",
        "native-1.0.dist-info/METADATA",
        "native-1.0.dist-info/licenses/LICENSE",
        "pure/__init__.py",
        "pure-1.0.dist-info/METADATA",
        "pure-1.0.dist-info/licenses/LICENSE",
        "voicecall_bridge/__init__.py",
    }


def test_local_layer_runs_here_with_byte_code(workshop: Workshop) -> None:
    """Given --platform local, then this Python imports it, compiled, from where it lies."""
    # When
    done = workshop.build("local")
    assert done.returncode == 0, done.stderr
    # Then
    site = workshop.target / "python"
    modules = list(site.rglob("*.py"))
    compiled = list(site.rglob(f"*.{sys.implementation.cache_tag}.pyc"))
    assert len(compiled) == len(modules) > 0
    assert {path.read_bytes()[4] for path in compiled} == {UNCHECKED_HASH}
    asked = subprocess.run(
        [sys.executable, "-c", "import voicecall_bridge as v; print(v.PLACE, v.__cached__)"],
        env={"PYTHONPATH": str(site)},
        check=True,
        capture_output=True,
        text=True,
    )
    place, cached = asked.stdout.split()
    assert Path(place).is_relative_to(site)
    assert Path(cached) in compiled


def test_two_builds_are_equal(workshop: Workshop, tmp_path: Path) -> None:
    """Given other folders, hash seeds and rights for new files, then not one byte differs."""
    # When
    targets = [tmp_path / "one", tmp_path / "another"]
    for target, seed, umask in zip(targets, ("1", "2"), (0o022, 0o077), strict=True):
        before = os.umask(umask)
        try:
            done = workshop.build("arm64", target, PYTHONHASHSEED=seed)
        finally:
            os.umask(before)
        assert done.returncode == 0, done.stderr
        # Byte code as for the deployed Python, whether or not there is one on this machine.
        build.compile_all(sys.executable, target / "python", build.MOUNT)
        build.normalise(target / "python")
    # Then
    one, another = ([*sorted((target / "python").rglob("*"))] for target in targets)
    assert [path.relative_to(targets[0]) for path in one] == [
        path.relative_to(targets[1]) for path in another
    ]
    for left, right in zip(one, another, strict=True):
        assert left.stat().st_mtime == right.stat().st_mtime == build.MODIFIED
        assert left.stat().st_mode == right.stat().st_mode
        assert left.is_dir() or left.read_bytes() == right.read_bytes(), left


def test_missing_deployed_python_is_said(workshop: Workshop, tmp_path: Path) -> None:
    """Given no Python of the deployed minor to be found, then the layer is built and says so."""
    nowhere = str(tmp_path)
    done = workshop.build("arm64", PATH=nowhere, HOME=nowhere, PYENV_ROOT=nowhere)
    assert done.returncode == 0, done.stderr
    compiled = [name for name in files(workshop.target / "python") if name.endswith(".pyc")]
    if sys.version_info[:2] == build.DEPLOYED_PYTHON:
        assert compiled
        assert f"byte code by {sys.executable}" in done.stdout
    else:
        assert not compiled
        assert "WITHOUT byte code: no Python 3.13 found" in done.stdout


def test_changed_wheel_is_refused(workshop: Workshop) -> None:
    """Given a wheel that is not the locked one, then no half-built layer is left."""
    make_wheel(workshop.wheels, "pure", {"pure/__init__.py": "import evil\n"})
    done = workshop.build("arm64")
    assert done.returncode == 1
    assert "pip could not install requirements.lock for arm64" in done.stderr
    assert not (workshop.target / "python").exists()


def test_lock_without_hashes_is_refused(workshop: Workshop) -> None:
    (workshop.folder / "requirements.lock").write_text("pure==1.0\n")
    done = workshop.build("arm64")
    assert done.returncode == 1
    assert "pip could not install requirements.lock" in done.stderr


def test_module_that_does_not_compile_is_an_error(workshop: Workshop) -> None:
    (workshop.folder / "voicecall_bridge" / "broken.py").write_text("def (:\n")
    done = workshop.build("local")
    assert done.returncode == 1
    assert "could not compile the layer" in done.stderr
    assert not (workshop.target / "python").exists()


def test_full_target_is_left_alone(workshop: Workshop) -> None:
    mine = workshop.target / "python" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("keep")
    done = workshop.build("arm64")
    assert done.returncode == 1
    assert "exists already" in done.stderr
    assert mine.read_text() == "keep"


def test_missing_package_is_said(workshop: Workshop) -> None:
    shutil.rmtree(workshop.folder / "voicecall_bridge")
    done = workshop.build("arm64")
    assert done.returncode == 1
    assert "voicecall_bridge is missing" in done.stderr


def test_unknown_platform_is_refused(workshop: Workshop) -> None:
    done = workshop.build("sparc")
    assert done.returncode == 2
    assert "--platform" in done.stderr


def test_old_python_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 6, "final", 0))
    assert build.main(["--platform", "arm64", "--target", str(tmp_path)]) == 1
    assert "needs Python 3.11 or newer, this is 3.9: set PYTHON" in capsys.readouterr().err


def command(folder: Path, name: str, script: str) -> Path:
    """A program `name` in `folder` that runs `script`."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("script", "version"),
    [
        ("echo 3 13 final", (3, 13)),
        ("echo 3 14 final", (3, 14)),
        ("echo 3 13 candidate", None),
        ("echo pyenv: python3.13: command not found >&2; exit 127", None),
        ("echo hello", None),
        ("exit 0", None),
    ],
)
def test_version_is_asked_of_the_program(
    tmp_path: Path, script: str, version: tuple[int, int] | None
) -> None:
    assert build.version_of(str(command(tmp_path, "python3.13", script))) == version


def test_program_that_cannot_start_has_no_version(tmp_path: Path) -> None:
    assert build.version_of(str(tmp_path / "absent")) is None


def test_deployed_python_is_found_behind_a_failing_shim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a shim on PATH that fails and a pre-release, then pyenv's released version is taken."""
    # Given
    here = command(tmp_path / "here", "python", "echo 3 11 final")
    command(tmp_path / "path", "python3.13", "exit 127")
    command(tmp_path / "pyenv" / "versions" / "3.13-dev" / "bin", "python", "echo 3 13 beta")
    found = command(tmp_path / "pyenv" / "versions" / "3.13.1" / "bin", "python", "echo 3 13 final")
    monkeypatch.setattr(sys, "executable", str(here))
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}{os.pathsep}/bin{os.pathsep}/usr/bin")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    # When, Then
    assert build.find_deployed_python() == str(found)


def test_python_that_builds_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = command(tmp_path / "here", "python", "echo 3 13 final")
    other = command(tmp_path / "path", "python3.13", "echo 3 13 final")
    monkeypatch.setattr(sys, "executable", str(here))
    monkeypatch.setenv("PATH", str(other.parent))
    assert build.find_deployed_python() == str(here)
