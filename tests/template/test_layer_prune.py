"""What build.py removes from the layer, and that no used part is removed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import botocore
import build
import pruning
import pytest

# Where the services answer in each partition; one region of each.
REGIONS = ["us-east-1", "eu-central-1", "us-gov-west-1", "cn-north-1"]
OTHERS = ["ec2", "sns"]
"""Services that the bridge does not use."""

PROBE = """
import json, sys
from botocore.exceptions import UnknownServiceError
from botocore.session import Session
services, regions, others = json.loads(sys.argv[1])
endpoints, unknown = {}, []
session = Session()  # reads the endpoints once
for service in services:
    for region in regions:
        client = session.create_client(
            service, region, aws_access_key_id="id", aws_secret_access_key="key"
        )
        endpoints[f"{service} {region}"] = client.meta.endpoint_url
for service in others:
    try:
        session.create_client(service, "us-east-1")
    except UnknownServiceError:
        unknown.append(service)
print(json.dumps([endpoints, unknown]))
"""


def probe(site: Path | None) -> Any:
    """The clients that a new Python makes with the botocore in `site`, or the installed one."""
    question = json.dumps([sorted(pruning.AWS_OPERATIONS), REGIONS, OTHERS if site else []])
    installed = str(Path(botocore.__file__).parents[1])
    path = [str(site), installed] if site else [installed]
    done = subprocess.run(
        [sys.executable, "-c", PROBE, question],
        env={"PYTHONPATH": ":".join(path)},
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)


def test_pruned_botocore_makes_the_same_clients(tmp_path: Path) -> None:
    """Given botocore as installed, when pruned, then the bridge's clients reach the same places."""
    # Given
    shutil.copytree(
        Path(botocore.__file__).parent,
        tmp_path / "botocore",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    # When
    build.prune(tmp_path)
    # Then
    endpoints, unknown = probe(tmp_path)
    assert endpoints == probe(None)[0]
    assert len(endpoints) == len(pruning.AWS_OPERATIONS) * len(REGIONS)
    # and the others are gone
    assert unknown == OTHERS
    folders = {each.name for each in (tmp_path / "botocore" / "data").iterdir() if each.is_dir()}
    assert folders == pruning.AWS_OPERATIONS.keys()
    size = (tmp_path / "botocore" / "data" / "endpoints.json").stat().st_size
    assert size < 100_000  # 1.2 MB before


def botocore_data(site: Path, services: set[str]) -> Path:
    """A botocore in miniature with `services` and one service more."""
    data = site / "botocore" / "data"
    for service in services | {"sns"}:
        (data / service / "2012-01-01").mkdir(parents=True)
    (data / "partitions.json").write_text("{}")
    partition = {"partition": "aws", "services": {name: {} for name in [*services, "sns"]}}
    (data / "endpoints.json").write_text(json.dumps({"version": 3, "partitions": [partition]}))
    return data


def test_endpoints_keep_all_but_the_services(tmp_path: Path) -> None:
    data = botocore_data(tmp_path, set(pruning.AWS_OPERATIONS))
    pruning.prune_botocore(data)
    endpoints = json.loads((data / "endpoints.json").read_text())
    assert endpoints["version"] == 3
    assert [set(each["services"]) for each in endpoints["partitions"]] == [
        set(pruning.AWS_OPERATIONS)
    ]
    assert endpoints["partitions"][0]["partition"] == "aws"
    assert (data / "partitions.json").exists()


def test_service_that_botocore_does_not_know_is_an_error(tmp_path: Path) -> None:
    """Given a misspelt name in AWS_OPERATIONS, then the build fails instead of the first call."""
    data = botocore_data(tmp_path, set(pruning.AWS_OPERATIONS) - {"sqs"})
    with pytest.raises(pruning.PruningError, match="botocore knows no service sqs"):
        pruning.prune_botocore(data)


MODEL = {
    "metadata": {"apiVersion": "2020-01-01"},
    "documentation": "<p>long</p>",
    "operations": {
        "Get": {
            "input": {"shape": "GetInput"},
            "errors": [{"shape": "Gone"}],
            "documentation": "<p>long</p>",
        },
        "Put": {"input": {"shape": "PutInput"}},
    },
    "shapes": {
        "GetInput": {"type": "structure", "members": {"documentation": {"shape": "Names"}}},
        "Names": {"type": "list", "member": {"shape": "Name", "documentation": "one"}},
        "Name": {"type": "string"},
        "Gone": {"type": "structure", "members": {"Item": {"shape": "Names"}}},
        "PutInput": {"type": "structure", "members": {"Big": {"shape": "Blob"}}},
        "Blob": {"type": "blob"},
    },
}


def test_model_keeps_an_operation_with_all_its_shapes() -> None:
    """Given a model, then an operation's shapes stay, those of its errors and of members too, also
    where a member is named documentation; texts and all else go."""
    pruned = pruning.pruned_model(MODEL, {"Get"}, "x")
    assert list(pruned["operations"]) == ["Get"]
    assert list(pruned["shapes"]) == ["GetInput", "Names", "Name", "Gone"]
    assert pruned["shapes"]["GetInput"]["members"] == {"documentation": {"shape": "Names"}}
    assert "long" not in json.dumps(pruned)
    assert pruned["metadata"] == MODEL["metadata"]


def test_operation_that_a_service_does_not_have_is_an_error() -> None:
    with pytest.raises(pruning.PruningError, match="x has no Gett"):
        pruning.pruned_model(MODEL, {"Gett"}, "x")


def library(site: Path, *names: str) -> None:
    """Copies of installed libraries."""
    installed = Path(botocore.__file__).parents[1]
    for name in names:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(installed / name, site / name, ignore=ignored)


USE = """
import warnings; warnings.simplefilter("error")
import certifi, cryptography, requests, urllib3
from pathlib import Path
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_public_key
assert Path(certifi.where()).is_file() and "BEGIN CERTIFICATE" in certifi.contents()
context = urllib3.util.ssl_.create_urllib3_context()
context.load_verify_locations(certifi.where())
response = requests.Response()
response._content = bytes([255])
for use in (lambda: response.text, lambda: load_ssh_public_key(b"")):
    try:
        use()
    except RuntimeError as error:
        assert str(error).startswith("the layer has no"), error
    else:
        raise AssertionError(use)
import sys
assert not {"importlib.resources", "importlib.metadata", "cryptography.x509"} & sys.modules.keys()
print("used", *{Path(each.__file__).parents[1] for each in (certifi, cryptography, requests)})
"""


def test_libraries_work_without_what_is_replaced(tmp_path: Path) -> None:
    """Given the libraries, when pruned, then they load without a warning, trust the same
    certificates, and name a missing part when it is used."""
    library(tmp_path, "certifi", "charset_normalizer", "cryptography", "requests", "urllib3")
    build.prune(tmp_path)
    installed = str(Path(botocore.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-S", "-c", USE],
        env={"PYTHONPATH": f"{tmp_path}:{installed}"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["used", str(tmp_path)], done.stderr
    left = [path.name for path in (tmp_path / "charset_normalizer").glob("*.*")]
    assert left == ["__init__.py"]


def test_changed_library_stops_the_build(tmp_path: Path) -> None:
    """Given a library without the module that is to be replaced, then the build says so."""
    library(tmp_path, "certifi")
    (tmp_path / "certifi" / "core.py").rename(tmp_path / "certifi" / "moved.py")
    with pytest.raises(build.BuildError, match=r"certifi/core\.py is no longer there"):
        build.prune(tmp_path)


def test_library_without_what_is_to_go_stops_the_build(tmp_path: Path) -> None:
    library(tmp_path, "urllib3")
    (tmp_path / "urllib3" / "http2" / "connection.py").unlink()
    with pytest.raises(build.BuildError, match=r"nothing matches urllib3/http2/connection\.py"):
        build.prune(tmp_path)


def test_layer_without_botocore_is_pruned_too(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    build.prune(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "kept",
    [
        "x-1.0.dist-info/METADATA",
        "x-1.0.dist-info/LICENSE",
        "x-1.0.dist-info/LICENSE.txt",
        "x-1.0.dist-info/NOTICE",
        "x-1.0.dist-info/licenses/COPYING",
        "x-1.0.dist-info/sboms/x.cyclonedx.json",
        "x/py.typed",
        "x/cacert.pem",
        "x/testing.py",
    ],
)
def test_licences_and_data_stay(tmp_path: Path, kept: str) -> None:
    file = tmp_path / kept
    file.parent.mkdir(parents=True)
    file.write_text("keep")
    build.prune(tmp_path)
    assert file.read_text() == "keep"


@pytest.mark.parametrize(
    "removed",
    [
        "bin/tool",
        "x/stubs.pyi",
        "x/__pycache__/x.cpython-311.pyc",
        "x/tests/test_x.py",
        "x-1.0.dist-info/RECORD",
        "x-1.0.dist-info/INSTALLER",
        "x-1.0.dist-info/WHEEL",
    ],
)
def test_what_no_function_reads_goes(tmp_path: Path, removed: str) -> None:
    file = tmp_path / removed
    file.parent.mkdir(parents=True)
    file.write_text("")
    build.prune(tmp_path)
    assert not file.exists()
