"""What a release uploads: `sam package` takes it as it is, into a bucket of the simulator's AWS."""

import os
import subprocess
from pathlib import Path
from typing import Any

import boto3
import yaml

from simulator.aws.moto_server import MotoServer
from tests.artefact.artefact import SAM, Artefact
from tests.template.conftest import CloudFormationLoader
from tools import package

BUCKET = "releases"
CREDENTIALS = {"aws_access_key_id": "laptop", "aws_secret_access_key": "laptop"}
REGION = "us-west-2"


def test_sam_uploads_the_archives_unchanged(artefact: Artefact, tmp_path: Path) -> None:
    """Given the package, when sam uploads it, then the bucket holds its files byte for byte, and
    the template names them; licence and readme for the application repository among them."""
    target = tmp_path / "package"
    package.package(built=artefact.built, target=target)
    with MotoServer() as aws:
        bucket = boto3.client("s3", endpoint_url=aws.endpoint, region_name=REGION, **CREDENTIALS)
        place = {"LocationConstraint": REGION}
        bucket.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
        packaged = upload(target, aws.endpoint)
        listed = bucket.list_objects_v2(Bucket=BUCKET)["Contents"]
        bodies = {
            f"s3://{BUCKET}/{each['Key']}": bucket.get_object(Bucket=BUCKET, Key=each["Key"])[
                "Body"
            ].read()
            for each in listed
        }
        bucket.close()
    monitoring = bodies.pop(uploaded_template(packaged))
    alarms = yaml.load(monitoring, CloudFormationLoader)["Resources"]
    assert "WithoutVoiceCallAlarm" in alarms
    apart = {"template.yaml", "application.yaml", "SHA256SUMS"}
    files = [path for path in target.iterdir() if path.is_file() and path.name not in apart]
    for path in files:
        name = path.name.split("-")[0]
        if path.suffix == ".zip":
            properties = packaged["Resources"][name]["Properties"]
            uri = properties.get("CodeUri") or properties["ContentUri"]
        else:
            key = {"LICENSE": "LicenseUrl", "README.md": "ReadmeUrl"}[path.name]
            uri = packaged["Metadata"]["AWS::ServerlessRepo::Application"][key]
        assert bodies.pop(uri) == path.read_bytes()
    assert not bodies


def uploaded_template(packaged: dict[str, Any]) -> str:
    """The address of the nested stack's template, as the bodies have it."""
    url = packaged["Resources"]["MonitoringStack"]["Properties"]["TemplateURL"]
    assert url.startswith("http"), "an address, not a path of this machine"
    return f"s3://{BUCKET}/{url.rpartition('/')[2]}"


def upload(folder: Path, endpoint: str) -> dict[str, Any]:
    """`sam package` with the folder's template; answers the template that it writes."""
    written = folder.parent / "packaged.yaml"
    command: list[str | Path] = [
        SAM / "sam",
        "package",
        "--template-file",
        folder / "template.yaml",
    ]
    command += ["--s3-bucket", BUCKET, "--output-template-file", written, "--no-progressbar"]
    done = subprocess.run(
        command,
        cwd=folder,
        env={
            **os.environ,
            **{name.upper(): value for name, value in CREDENTIALS.items()},
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_DEFAULT_REGION": REGION,
            "SAM_CLI_TELEMETRY": "0",
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    template = yaml.load(written.read_text(encoding="utf-8"), CloudFormationLoader)
    assert isinstance(template, dict)
    return template
