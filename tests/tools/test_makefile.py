"""The Makefile and its scripts run on any machine: make 3.81 and BSD's tools, as macOS has them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
SCRIPTS = [ROOT / "bridge", *sorted(ROOT.glob("tools/*.sh"))]

# Feature -> how it is written. Each came after 3.81 (GNU make, NEWS).
NEWER_THAN_3_81 = {
    "--output-sync (4.0)": r"--output-sync|(?<!\S)-O\b",
    ".ONESHELL (3.82)": r"^\.ONESHELL",
    ".SHELLFLAGS (3.82)": r"^\.SHELLFLAGS",
    "!= (4.0)": r"^\w+ *!=",
    "::= (4.0)": r"::=",
    ":::= (4.4)": r":::=",
    "$(file (4.0)": r"\$\(file ",
    "$(guile (4.0)": r"\$\(guile ",
    "$(let (4.4)": r"\$\(let ",
    "$(intcmp (4.4)": r"\$\(intcmp ",
    "undefine (3.82)": r"^undefine ",
    "private (3.82)": r"\bprivate \w+ *[:?+]?=",
    "define = (3.82)": r"^define +\w+ *[:?+]?=",
    "grouped targets (4.3)": r"&:",
    ".EXTRA_PREREQS (4.3)": r"\.EXTRA_PREREQS",
    ".NOTINTERMEDIATE (4.4)": r"\.NOTINTERMEDIATE",
}
# GNU's alone -> how it is written.
NOT_IN_BSD = {
    "grep -P": r"grep +-\w*P",
    "sed -i": r"sed +-\w*i",
    "sed -r": r"sed +-\w*r\b",
    "find -printf": r"-printf",
    "readlink -f": r"readlink +-f",
    "realpath": r"\brealpath\b",
    "date -d": r"date +-d",
    "xargs -r": r"xargs +-\w*r\b",
    "stat -c": r"stat +-c",
    "sort -V": r"sort +-\w*V",
    "cp --": r"\bcp +--",
    "mktemp --": r"mktemp +--",
    "timeout": r"(?<![\w-])timeout [0-9]",
    "nproc": r"\bnproc\b",
    "echo -e": r"echo +-[ne]",
    "[[": r"\[\[ ",
}


@pytest.mark.parametrize("feature", NEWER_THAN_3_81)
def test_makefile_needs_nothing_newer_than_3_81(feature: str) -> None:
    assert not re.search(NEWER_THAN_3_81[feature], MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("tool", NOT_IN_BSD)
def test_recipes_and_scripts_need_no_tool_of_gnu(tool: str) -> None:
    for text in (MAKEFILE, *(path.read_text(encoding="utf-8") for path in SCRIPTS)):
        assert not re.search(NOT_IN_BSD[tool], text), tool


def test_patterns_would_find_them() -> None:
    """Given a Makefile with newer features, then the patterns find them."""
    modern = ".ONESHELL:\nA != date\nall:\n\t$(MAKE) --output-sync=target -j7\n\t$(file >x,y)\n"

    found = [name for name, way in NEWER_THAN_3_81.items() if re.search(way, modern, re.MULTILINE)]

    assert found == ["--output-sync (4.0)", ".ONESHELL (3.82)", "!= (4.0)", "$(file (4.0)"]


@pytest.mark.parametrize("target", re.findall(r"^([a-z]+):.*##", MAKEFILE, re.MULTILINE))
def test_target_can_be_planned(target: str) -> None:
    """Given the variables that a target needs, then make can plan each target of `make help`."""
    asked = ("EVENT", "FLOW", "FLOWS", "IN", "OUT", "STORY", "SECRET", "INSTANCE", "BASE")
    variables = [*(f"{name}=x" for name in asked), f"PYTHON={sys.executable}"]

    planned = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", target, *variables],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert planned.returncode == 0, planned.stderr


def test_help_lists_every_target() -> None:
    listed = subprocess.run(
        ["make"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()

    assert listed.pop().startswith("  ./bridge ")
    names = [line.split()[1] for line in listed]
    assert names == re.findall(r"^([a-z]+):.*##", MAKEFILE, re.MULTILINE)
    assert all(len(line.split(None, 2)) == 3 for line in listed)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_script_is_plain_shell(script: Path) -> None:
    """dash refuses what only bash knows."""
    shell = "dash" if Path("/bin/dash").exists() else "sh"
    subprocess.run([shell, "-n", str(script)], check=True)
    assert script.read_text(encoding="utf-8").startswith("#!/bin/sh\n")


# Makes an environment with the pip that is here, since installing one takes most of the time. The
# first `make` on a machine makes one with a pip of its own.
QUICK_PYTHON = f"""#!/bin/sh
[ "$1" = --version ] && exec {sys.executable} --version
[ "$1 $2 $3" = "-m venv --clear" ] || exit 9
mkdir -p "$4/bin"
printf '#!/bin/sh\\nexec {sys.executable} -m pip "$@"\\n' > "$4/bin/pip"
chmod +x "$4/bin/pip"
"""


def set_up(folder: Path, lock: Path) -> subprocess.CompletedProcess[str]:
    python = lock.with_name("python")
    python.write_text(QUICK_PYTHON, encoding="utf-8")
    python.chmod(0o755)
    return subprocess.run(
        ["sh", str(ROOT / "tools" / "set_up.sh"), str(folder), str(python), str(lock)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_set_up_of_an_environment(tmp_path: Path) -> None:
    """Given a lock file without packages, then the environment is made, and is marked as ready."""
    lock = tmp_path / "none.lock"
    lock.write_text("# nothing\n", encoding="utf-8")

    made = set_up(tmp_path / "venv", lock)

    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith(f"setting up {tmp_path / 'venv'}: Python 3.")
    assert "is ready, after" in made.stdout
    assert (tmp_path / "venv" / "ready").exists()


def test_set_up_that_fails_says_what_to_install(tmp_path: Path) -> None:
    """Given a package that cannot be had, then the cause is shown, and which Python to install."""
    lock = tmp_path / "bad.lock"
    lock.write_text(f"nothing @ file://{tmp_path}/missing.whl --hash=sha256:{'0' * 64}\n")

    made = set_up(tmp_path / "venv", lock)

    assert made.returncode == 1
    assert "missing.whl" in made.stderr
    assert "install Python 3.13" in made.stderr
    assert not (tmp_path / "venv" / "ready").exists()


def test_link_is_left_alone(tmp_path: Path) -> None:
    """Given a link to an environment, then what it leads to is not emptied."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "kept").touch()
    (tmp_path / "venv").symlink_to(tmp_path / "real")

    made = set_up(tmp_path / "venv", tmp_path / "none.lock")

    assert made.returncode == 1
    assert "is a link" in made.stderr
    assert (tmp_path / "real" / "kept").exists()


def test_help_fits_a_terminal_of_80_columns() -> None:
    lines = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(lines) > 20
    assert [line for line in lines if len(line) > 80] == []
    assert len({re.match(r"  (make \S+|./bridge) +", line).end() for line in lines}) == 1  # type: ignore[union-attr]
