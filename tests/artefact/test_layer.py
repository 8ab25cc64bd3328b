"""What is in the built layer and functions, and that both processors get the same."""

import os
import platform
import re
import subprocess
from pathlib import Path

import pytest

from tests.architecture.test_requirements import locked, normal
from tests.artefact.artefact import DEPLOYED_VERSION, LAYER, SAM, Artefact
from tests.artefact.emulator import ROOT

MOST_MEGABYTES = 30.0
"""Of the layer, unpacked. Lambda takes 250 MB with everything; each start reads what it imports."""
FUNCTIONS = (
    "ContactFlowFunction",
    "ContactEventsFunction",
    "ContactRecordsFunction",
    "ContactLensFunction",
    "PostCallAnalysisFunction",
    "RedriveFunction",
)
# ELF header, e_machine (System V ABI).
MACHINES = {"arm64": 183, "x86_64": 62}


def distributions(site: Path) -> dict[str, str]:
    """Name -> version of every *.dist-info."""
    found = {}
    for folder in site.glob("*.dist-info"):
        name, version = folder.name.removesuffix(".dist-info").split("-")
        found[normal(name)] = version
    assert found
    return found


def test_both_processors_get_the_same_versions(artefact: Artefact) -> None:
    assert distributions(artefact.shipped) == distributions(artefact.other)


def test_layer_holds_the_locked_packages_and_no_other(artefact: Artefact) -> None:
    """Given the lock of the layer, then no test or development package came along with it."""
    pins = locked(LAYER / "requirements.lock")
    held = distributions(artefact.shipped)
    assert held == {name: pins[name].version for name in held}
    # Only compiling cffi's code needs it.
    assert set(pins) - set(held) == {"pycparser"}


def test_layer_holds_no_module_of_another_package(artefact: Artefact) -> None:
    """Given the packages for tests and development only, then none of their modules is there."""
    only_tested = set(locked(ROOT / "requirements" / "dev.lock")) - set(
        locked(LAYER / "requirements.lock")
    )
    assert {"pytest", "moto", "boto3"} <= only_tested
    modules = {normal(path.name.split(".")[0]) for path in artefact.shipped.iterdir()}
    assert not modules & only_tested
    assert not {"tests", "local", "build", "conftest"} & modules
    assert not [path for path in artefact.shipped.rglob("*") if path.name in {"tests", "bin"}]


def test_layer_is_small(artefact: Artefact) -> None:
    for site in (artefact.shipped, artefact.other):
        size = sum(file.stat().st_size for file in site.rglob("*") if file.is_file())
        assert 10 < size / 1e6 < MOST_MEGABYTES


@pytest.mark.parametrize("processor", ["arm64", "x86_64"])
def test_machine_code_is_of_its_processor(artefact: Artefact, processor: str) -> None:
    site = artefact.shipped if processor == "arm64" else artefact.other
    libraries = [path for path in site.rglob("*.so*") if path.is_file()]
    assert libraries
    for library in libraries:
        header = library.read_bytes()[:20]
        assert header[:4] == b"\x7fELF"
        assert int.from_bytes(header[18:20], "little") == MACHINES[processor], library


def test_functions_ran_with_what_is_shipped(artefact: Artefact) -> None:
    """Given the layer of this machine, then all but its machine code is the shipped layer's."""
    own = sources(artefact.layer)
    assert own == sources(artefact.shipped)
    assert (
        own["voicecall_bridge/composition/contact_flow.py"]
        == (LAYER / "voicecall_bridge" / "composition/contact_flow.py").read_bytes()
    )
    if artefact.version == DEPLOYED_VERSION:
        assert artefact.platform == {"aarch64": "arm64"}.get(platform.machine(), "x86_64")


def sources(site: Path) -> dict[str, bytes]:
    """Every Python source of a layer but those that a wheel writes for its processor alone."""
    return {
        str(path.relative_to(site)): path.read_bytes()
        for path in site.rglob("*.py")
        if path.is_relative_to(site / "voicecall_bridge") or path.is_relative_to(site / "botocore")
    }


def test_layer_is_compiled_where_the_deployed_python_is_at_hand(artefact: Artefact) -> None:
    """Given a Python 3.13 here, then every module of the shipped layer has its byte code."""
    tag = "cpython-" + DEPLOYED_VERSION.replace(".", "")
    modules = {path.relative_to(artefact.shipped) for path in artefact.shipped.rglob("*.py")}
    compiled = {
        (path.parent.parent / (path.name.split(".")[0] + ".py")).relative_to(artefact.shipped)
        for path in artefact.shipped.rglob(f"*.{tag}.pyc")
    }
    assert compiled == (modules if deployed_python_at_hand() else set())


def deployed_python_at_hand() -> bool:
    """Whether the building Python finds the deployed one; it may be that one itself."""
    found = subprocess.run(
        [SAM / "python", "-c", "import build; print(build.find_deployed_python() or '')"],
        env={**os.environ, "PYTHONPATH": str(LAYER)},
        check=True,
        capture_output=True,
        text=True,
    )
    return bool(found.stdout.strip())


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_holds_its_handler_and_nothing_else(artefact: Artefact, function: str) -> None:
    folder = artefact.built / function
    assert [path.name for path in folder.iterdir()] == ["app.py"]
    source = re.sub(r"(?<!^)([A-Z])", r"_\1", function.removesuffix("Function")).lower()
    assert (folder / "app.py").read_bytes() == (ROOT / "functions" / source / "app.py").read_bytes()


def test_every_function_was_built(artefact: Artefact) -> None:
    folders = {path.name for path in artefact.built.iterdir() if path.is_dir()}
    assert folders == {*FUNCTIONS, "BridgeLayer", "MonitoringStack"}
