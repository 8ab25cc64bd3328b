"""The lock files name everything that is deployed and tested, by version and hash."""

import re
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.architecture.source_code import LAYER, ROOT, imported, package_modules

REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?(?:==([^\s;]+))?$")
LOCKED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)\s*(?:;([^\\]*))?")

# Part of Lambda's managed runtime, so no layer has to carry it (Lambda developer guide, "Lambda
# SnapStart runtime hooks for Python").
OF_THE_RUNTIME = {"snapshot-restore-py"}

LAYER_FILES = (LAYER / "requirements.txt", LAYER / "requirements.lock")
PAIRS = [
    LAYER_FILES,
    *(
        (ROOT / "requirements" / f"{name}.txt", ROOT / "requirements" / f"{name}.lock")
        for name in ("dev", "sam", "checkov")
    ),
]


@dataclass
class Pin:
    """One entry of a lock file."""

    version: str
    marker: str
    hashes: int = 0


def normal(name: str) -> str:
    """The comparable form of a project's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def required(path: Path) -> dict[str, str | None]:
    """Name -> version, or None where the file leaves it to the lock."""
    found: dict[str, str | None] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.partition("#")[0].strip()
        if not text or text.startswith("-r "):
            continue
        match = REQUIREMENT.match(text)
        assert match, f"{path.name}: {line!r} is neither a name nor name==version"
        found[normal(match.group(1))] = match.group(2)
    return found


def locked(path: Path) -> dict[str, Pin]:
    """Name -> pin."""
    found: dict[str, Pin] = {}
    pin = None
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := LOCKED.match(line):
            pin = found[normal(match.group(1))] = Pin(
                match.group(2), (match.group(3) or "").strip()
            )
        if "--hash=sha256:" in line:
            assert pin is not None, f"{path.name}: a hash before the first name"
            pin.hashes += 1
    return found


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: str(pair[0].relative_to(ROOT)))
def test_lock_holds_every_requirement_at_its_version(pair: tuple[Path, Path]) -> None:
    pins = locked(pair[1])
    requirements = required(pair[0])
    assert requirements
    for name, version in requirements.items():
        assert name in pins, name
        assert version in {None, pins[name].version}, name


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: str(pair[1].relative_to(ROOT)))
def test_every_locked_package_has_a_hash(pair: tuple[Path, Path]) -> None:
    assert not [name for name, pin in locked(pair[1]).items() if not pin.hashes]


def test_layer_pins_all_that_is_required() -> None:
    assert None not in required(LAYER_FILES[0]).values()


def test_what_is_tested_is_what_is_deployed() -> None:
    """Given a package of the layer, then the tests ran with the same version of it."""
    tested = {name: pin.version for name, pin in locked(ROOT / "requirements" / "dev.lock").items()}
    deployed = {name: pin.version for name, pin in locked(LAYER_FILES[1]).items()}
    assert deployed.items() <= tested.items()


def test_layer_lock_does_not_ask_for_the_building_machine() -> None:
    """pip judges markers by the machine that builds, not by Lambda's Python and processor."""
    judged = re.compile(
        r"python_version|python_full_version|sys_platform|platform_(machine|system)"
    )
    assert not {
        name: pin.marker
        for name, pin in locked(LAYER_FILES[1]).items()
        if judged.search(pin.marker)
    }


def imported_projects() -> set[str]:
    """The projects that the package imports, without those of the runtime."""
    owners = packages_distributions()
    found = {
        normal(project)
        for path in package_modules().values()
        for name in imported(path)
        for project in owners.get(name.split(".")[0], [])
    }
    return found - OF_THE_RUNTIME


def test_layer_carries_only_what_is_imported() -> None:
    """Given a requirement of the layer, then the package imports it."""
    assert set(required(LAYER_FILES[0])) <= imported_projects()


def test_layer_carries_all_that_is_imported() -> None:
    assert imported_projects() <= set(locked(LAYER_FILES[1]))
