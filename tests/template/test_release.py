"""A release: one version, what is uploaded, and how dev and prod differ."""

import hashlib
import os
import re
import shutil
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

import voicecall_bridge
from tests.template.conftest import ROOT, CloudFormationLoader
from tests.template.test_parameters import accepts
from tools import package

CODE = (
    "BridgeLayer",
    "ContactEventsFunction",
    "ContactFlowFunction",
    "ContactLensFunction",
    "ContactRecordsFunction",
    "PostCallAnalysisFunction",
    "RedriveFunction",
)
# semver.org, without what a release of this repository does not have (pre-release, build).
SEMANTIC = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
# Serverless Application Repository, "AWS SAM template metadata section properties".
NAME = re.compile(r"[a-zA-Z0-9-]{1,140}")
AUTHOR = re.compile(r"[a-z0-9]([a-z0-9]|-(?!-)){0,127}")
LABEL = re.compile(r"[a-zA-Z0-9+\-_:/@]{1,127}")


@pytest.fixture
def shown(template: dict[str, Any]) -> dict[str, Any]:
    metadata: dict[str, Any] = template["Metadata"]["AWS::ServerlessRepo::Application"]
    return metadata


def test_version_is_one(shown: dict[str, Any]) -> None:
    """Given the version in the package, then template and changelog have the same."""
    version = voicecall_bridge.__version__
    assert SEMANTIC.fullmatch(version)
    assert shown["SemanticVersion"] == version
    assert package.version() == version
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", changelog, re.MULTILINE)
    assert headings[0] == "Unreleased"
    released = [re.fullmatch(r"(\S+) - (\d{4}-\d\d-\d\d)", heading) for heading in headings[1:]]
    assert all(released), "a version and its day"
    versions = [tuple(map(int, each[1].split("."))) for each in released if each]
    assert versions == sorted(versions, reverse=True)
    assert ".".join(map(str, versions[0])) == version


def test_repository_gets_what_it_asks_for(shown: dict[str, Any]) -> None:
    assert NAME.fullmatch(shown["Name"])
    assert AUTHOR.fullmatch(shown["Author"])
    assert len(shown["Description"]) <= 256
    assert 0 < len(shown["Labels"]) <= 10
    assert all(LABEL.fullmatch(label) for label in shown["Labels"])
    assert shown["SpdxLicenseId"] == "Apache-2.0"
    for url in ("LicenseUrl", "ReadmeUrl"):
        assert (ROOT / shown[url]).is_file()


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """As `sam build` leaves it, small; files with rights and times of their own."""
    folder = tmp_path / "built"
    for name in CODE:
        (folder / name / "python").mkdir(parents=True)
        (folder / name / "python" / "b.py").write_text(name, encoding="utf-8")
        (folder / name / "app.py").write_text("handler = print\n", encoding="utf-8")
        (folder / name / "app.py").chmod(0o600)
    return folder


def test_package_holds_what_was_built(built: Path, tmp_path: Path) -> None:
    target = tmp_path / "package"
    package.package(built=built, target=target)
    template = yaml.load((target / "template.yaml").read_text("utf-8"), CloudFormationLoader)
    for name in CODE:
        properties = template["Resources"][name]["Properties"]
        file = target / (properties.get("CodeUri") or properties["ContentUri"])
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        assert file.name == f"{name}-{digest[:16]}.zip"
        with zipfile.ZipFile(file) as archive:
            assert archive.namelist() == ["app.py", "python/b.py"]
            assert archive.read("python/b.py") == name.encode()
            assert {each.external_attr >> 16 & 0o777 for each in archive.infolist()} == {0o644}
    sums = (target / "SHA256SUMS").read_text("ascii").splitlines()
    files = [path for path in target.rglob("*") if path.is_file()]
    assert len(sums) == len(files) - 1
    for line in sums:
        digest, name = line.split("  ")
        assert hashlib.sha256((target / name).read_bytes()).hexdigest() == digest


def test_only_the_code_differs_in_the_template(built: Path, tmp_path: Path) -> None:
    package.package(built=built, target=tmp_path / "package")
    before = (ROOT / "template.yaml").read_text("utf-8").splitlines()
    after = (tmp_path / "package" / "template.yaml").read_text("utf-8").splitlines()
    changed = [line.strip() for line, other in zip(before, after, strict=True) if line != other]
    assert len(changed) == len(CODE)
    assert all(line.startswith(("CodeUri: ", "ContentUri: ")) for line in changed)


def test_what_the_application_repository_gets_is_the_whole_system_in_one_template(
    built: Path, tmp_path: Path, flat: dict[str, Any]
) -> None:
    """It takes no nested CloudFormation stack: the alarms are beside the functions there."""
    target = tmp_path / "package"
    package.package(built=built, target=target)
    published = yaml.safe_load((target / "application.yaml").read_text("utf-8"))
    assert published["Resources"].keys() == flat["Resources"].keys()
    assert "AWS::CloudFormation::Stack" not in str(published)
    assert "MonitoringStack" not in str(published)
    assert published["Parameters"] == flat["Parameters"]
    for name in CODE:
        properties = published["Resources"][name]["Properties"]
        assert (target / (properties.get("CodeUri") or properties["ContentUri"])).is_file()


def test_same_files_give_the_same_package(built: Path, tmp_path: Path) -> None:
    """Given other times, rights and order of making, then not one byte differs."""
    first = package.package(built=built, target=tmp_path / "package")
    again = tmp_path / "again"
    for path in sorted(built.rglob("*"), reverse=True):
        if path.is_file():
            copied = again / path.relative_to(built)
            copied.parent.mkdir(parents=True, exist_ok=True)
            copied.write_bytes(path.read_bytes())
            os.utime(copied, (1, 1))
    assert package.package(built=again, target=tmp_path / "package") == first


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        (shutil.rmtree, "BridgeLayer, ContactEvents"),
        (lambda built: shutil.rmtree(built / "RedriveFunction"), "RedriveFunction not built"),
    ],
)
def test_half_a_build_is_no_package(built: Path, tmp_path: Path, broken: Any, error: str) -> None:
    broken(built)
    with pytest.raises(package.PackageError, match=error):
        package.package(built=built, target=tmp_path / "package")
    assert not (tmp_path / "package").exists()


def test_empty_function_is_no_package(built: Path, tmp_path: Path) -> None:
    shutil.rmtree(built / "RedriveFunction")
    (built / "RedriveFunction").mkdir()
    with pytest.raises(package.PackageError, match="RedriveFunction is empty"):
        package.package(built=built, target=tmp_path / "package")


def test_two_versions_are_no_package(built: Path, tmp_path: Path) -> None:
    """Given a template with another version than the package, then nothing is made."""
    root = tmp_path / "root"
    source = Path("layers", "voicecall_bridge", "voicecall_bridge", "__init__.py")
    (root / source).parent.mkdir(parents=True)
    (root / source).write_text('__version__ = "9.9.9"\n', encoding="utf-8")
    shutil.copy(ROOT / "template.yaml", root)
    with pytest.raises(package.PackageError, match=r"__version__ is 9\.9\.9"):
        package.package(root, built, tmp_path / "package")
    (root / source).write_text("", encoding="utf-8")
    with pytest.raises(package.PackageError, match="no __version__"):
        package.package(root, built, tmp_path / "package")


@pytest.fixture(scope="module")
def configuration() -> dict[str, Any]:
    return tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))


def overrides(configuration: dict[str, Any], environment: str) -> dict[str, str]:
    """The parameters that an environment sets; the account's own file comes last and wins."""
    *pairs, file = configuration[environment]["deploy"]["parameters"]["parameter_overrides"]
    assert file == f"file://parameters.{environment}.yaml"
    return dict(pair.split("=") for pair in pairs)


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_an_environment_sets_what_there_is(
    configuration: dict[str, Any], template: dict[str, Any], environment: str
) -> None:
    for name, value in overrides(configuration, environment).items():
        parameter = template["Parameters"][name]
        if "AllowedValues" in parameter:
            assert value in map(str, parameter["AllowedValues"]), name
        else:
            assert accepts(parameter, value), name


def test_dev_and_prod_differ_where_they_should(configuration: dict[str, Any]) -> None:
    dev, prod = (overrides(configuration, environment) for environment in ("dev", "prod"))
    assert set(dev) == set(prod)
    assert prod["ContactFlowStartup"] == "snapstart"
    assert prod["ContactFlowDeployment"].startswith("Linear")
    assert dev["ContactFlowDeployment"] == "AllAtOnce"
    names = {configuration[each]["global"]["parameters"]["stack_name"] for each in ("dev", "prod")}
    assert len(names) == 2
    assert configuration["prod"]["deploy"]["parameters"]["confirm_changeset"] is True


def test_an_accounts_own_parameters_stay_out_of_the_repository() -> None:
    assert "parameters.*.yaml" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
