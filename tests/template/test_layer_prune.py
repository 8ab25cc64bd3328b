"""What build.py removes from the layer, and that nothing which is used goes with it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import botocore
import build
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
for service in services:
    for region in regions:
        client = Session().create_client(
            service, region, aws_access_key_id="id", aws_secret_access_key="key"
        )
        endpoints[f"{service} {region}"] = client.meta.endpoint_url
for service in others:
    try:
        Session().create_client(service, "us-east-1")
    except UnknownServiceError:
        unknown.append(service)
print(json.dumps([endpoints, unknown]))
"""


def probe(site: Path | None) -> Any:
    """What clients a fresh Python makes of the botocore in `site`, or of the installed one."""
    question = json.dumps([sorted(build.AWS_SERVICES), REGIONS, OTHERS if site else []])
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
    assert len(endpoints) == len(build.AWS_SERVICES) * len(REGIONS)
    # and the others are gone
    assert unknown == OTHERS
    folders = {each.name for each in (tmp_path / "botocore" / "data").iterdir() if each.is_dir()}
    assert folders == build.AWS_SERVICES
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
    data = botocore_data(tmp_path, set(build.AWS_SERVICES))
    build.prune(tmp_path)
    endpoints = json.loads((data / "endpoints.json").read_text())
    assert endpoints["version"] == 3
    assert [set(each["services"]) for each in endpoints["partitions"]] == [set(build.AWS_SERVICES)]
    assert endpoints["partitions"][0]["partition"] == "aws"
    assert (data / "partitions.json").exists()


def test_service_that_botocore_does_not_know_is_an_error(tmp_path: Path) -> None:
    """Given a slip in AWS_SERVICES, then the build stops instead of the first call."""
    botocore_data(tmp_path, set(build.AWS_SERVICES) - {"sqs"})
    with pytest.raises(build.BuildError, match="botocore knows no service sqs"):
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
