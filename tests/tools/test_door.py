"""`./bridge`: from any folder, with any arguments, and with the exit status of what it runs."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
VENV = ".venv-{}.{}".format(*sys.version_info[:2])
SET_UP = """\
echo "setting up $*"
[ ! -e fails ] || exit 1
mkdir -p "$1/bin"
ln -s "$2" "$1/bin/python"
touch "$1/ready"
"""
"""In place of tools/set_up.sh, which has tests of its own."""
COMMAND = """\
import os, signal, sys
name, *arguments = sys.argv[1:]
if name == "run":
    sys.exit(int(arguments[0]))
if name == "console":
    while True:
        print("more", flush=True)
if name == "simulator":
    os.kill(os.getpid(), signal.SIGINT)
print(repr(arguments), sys.stdin.read())
"""
"""In place of the simulator's commands: only the exit status counts here."""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A checkout with `./bridge` and small programs as its commands, in a folder with a space."""
    root = tmp_path / "my house"
    for name in ("bridge", "tools/door.py", "tools/find_python.sh"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    written = {
        "requirements/dev.lock": "",
        "tools/__init__.py": "",
        "tools/set_up.sh": SET_UP,
        "tools/migrate.py": "import sys; print('migrate', sys.argv[1:])",
        "tools/deploy.py": "import sys; print('deploy', sys.argv[1:])",
        "doctor/__main__.py": "import sys; print('doctor', sys.argv[1:])",
        "simulator/__main__.py": COMMAND,
    }
    for name, text in written.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


@pytest.fixture(autouse=True, scope="module")
def ctrl_c_is_heard() -> Iterator[None]:
    """Also where a shell runs the tests in the background. Such a shell ignores the signal, and
    every process below inherits that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def called(
    bridge: Path | str, *arguments: str, folder: Path = ROOT, given: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [bridge, *arguments],
        cwd=folder,
        input=given,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHON": sys.executable},
    )


@pytest.mark.parametrize("arguments", [(), ("help",), ("--help",)])
def test_it_lists_what_there_is(arguments: tuple[str, ...]) -> None:
    ended = called(ROOT / "bridge", *arguments)
    assert ended.returncode == 0
    assert max(map(len, ended.stdout.splitlines())) <= 80
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    listed = re.findall(r"^  ([a-z]+)  +\S", ended.stdout, re.MULTILINE)
    assert sorted(listed) == sorted(set(re.findall(r"\./bridge ([a-z]+)", makefile)))


def test_an_unknown_command_is_refused() -> None:
    ended = called(ROOT / "bridge", "repaly")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("there is no command repaly\n./bridge <command>")


def test_arguments_and_standard_input_pass_unchanged(house: Path, tmp_path: Path) -> None:
    """Given a link in a folder of the PATH, another folder and arguments of all kinds."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "bridge").symlink_to(house / "bridge")
    (tmp_path / "tools.py").write_text("raise SystemExit(9)", encoding="utf-8")
    odd = ["my file.json", 'a "quoted" word', "$HOME", "*", "-", "", "--set", "a=b c", "it's"]
    ended = called(tmp_path / "bin" / "bridge", "replay", *odd, folder=tmp_path, given="in")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == f"{odd!r} in\n"
    assert ended.stderr.startswith(f"setting up {VENV} ")


@pytest.mark.parametrize("name", ["doctor", "migrate", "deploy"])
def test_each_command_reaches_its_module(house: Path, name: str) -> None:
    assert called(house / "bridge", name, "a b").stdout == f"{name} ['a b']\n"


@pytest.mark.parametrize("status", [0, 1, 2, 7])
def test_the_exit_status_is_the_commands_own(house: Path, status: int) -> None:
    ended = called(house / "bridge", "run", str(status))
    assert (ended.returncode, ended.stdout) == (status, "")


def test_ctrl_c_ends_without_a_word(house: Path) -> None:
    called(house / "bridge", "run", "0")
    ended = called(house / "bridge", "simulator")
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_ctrl_c_while_modules_are_read(house: Path) -> None:
    called(house / "bridge", "run", "0")
    early = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"
    (house / "doctor" / "__main__.py").write_text(early, encoding="utf-8")
    ended = called(house / "bridge", "doctor")
    assert (ended.returncode, ended.stderr) == (128 + signal.SIGINT, "")


def test_a_reader_that_has_seen_enough(house: Path) -> None:
    called(house / "bridge", "run", "0")
    with subprocess.Popen(
        [house / "bridge", "console"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHON": sys.executable},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"more\n"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 128 + signal.SIGPIPE


def test_what_it_needs_is_set_up_once(house: Path) -> None:
    """Given a lock file that is newer than the environment, then it is set up anew."""
    assert "setting up" in called(house / "bridge", "run", "0").stderr
    assert called(house / "bridge", "run", "0").stderr == ""
    ready = house / VENV / "ready"
    os.utime(ready, (0, 0))
    (house / VENV / "bin" / "python").unlink()
    assert "setting up" in called(house / "bridge", "run", "0").stderr


def test_a_set_up_that_fails_is_status_2(house: Path) -> None:
    (house / "fails").touch()
    ended = called(house / "bridge", "run", "0")
    assert (ended.returncode, ended.stdout) == (2, "")


def test_no_python_is_status_2_and_says_what_to_install(house: Path, tmp_path: Path) -> None:
    """Given a PATH with nothing but the tools of a shell."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "cat", "dirname", "readlink", "find"):
        found = shutil.which(name)
        assert found
        (tools / name).symlink_to(found)
    ended = subprocess.run(
        [house / "bridge", "run"],
        env={"PATH": str(tools), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Python 3.11, 3.12 or 3.13 is needed" in ended.stderr
