"""The main stack on the emulator. LACKS names the parts that are left out.

StackFailure        a deployment did not succeed; names each resource and its reason
"""

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from simulator.sam.template import read_document
from tests.emulator.ministack import REGION, ROOT, Ministack
from tools.expanded import transformed
from tools.flat_template import with_listed_attributes

LACKS: Final[Mapping[str, str]] = {
    "AWS::CodeDeploy::Application": "the alias goes to a new version at once",
    "AWS::CodeDeploy::DeploymentGroup": "and no alarm brings it back",
}
"""Resource types that the emulator refuses, and what is not tried without them. Beside these:

- Amazon Connect is the simulator's (DescribeContact), and the stack neither associates the function
  nor attaches a stream.
- The nested stack is not deployed: saved queries and composite alarms are unknown there.
- The functions run on this machine's processor, in the emulator's Python, with the layer for both.
- A snapshot (SnapStart) is taken as a setting; nothing is frozen or restored.
- It asks for a right of its own for ChangeMessageVisibilityBatch, which AWS grants with
  ChangeMessageVisibility (SQS developer guide, "Amazon SQS API permissions").
- EventBridge takes no events of AWS's own sources: an event is put into the stream.
"""
STACK: Final = "bridge"
CODE_BUCKET: Final = "code"
_DEPLOY_SECONDS: Final = 120.0


class StackFailure(AssertionError):
    """CloudFormation rolled back, or refused."""


class EmulatedStack:
    """template.yaml, deployed with `parameters` besides its defaults.

    template    what CloudFormation gets
    """

    def __init__(self, aws: Ministack, code: Mapping[str, Path], connect: str) -> None:
        """Upload template and code; nothing is deployed yet.

        Args:
            aws: the emulator.
            code: the folder of each function and of the layer, by logical id.
            connect: the address of the simulated Amazon Connect.
        """
        self._cloudformation = aws.client("cloudformation")
        self._s3 = aws.client("s3")
        self._s3.create_bucket(
            Bucket=CODE_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        uris = {name: self._upload(code[name]) for name in code}
        self.template = self._template(uris, connect)
        self._s3.put_object(Bucket=CODE_BUCKET, Key="template", Body=json.dumps(self.template))
        self._url = f"{aws.endpoint}/{CODE_BUCKET}/template"
        self.parameters: dict[str, str] = {"Monitoring": "no"}

    def deploy(self, **parameters: str) -> None:
        """Create or update the stack; what is not named keeps its value. Raises StackFailure."""
        wanted = {**self.parameters, **parameters}
        made = "ContactCenterSecretArn" in self.parameters
        (self._cloudformation.update_stack if made else self._cloudformation.create_stack)(
            StackName=STACK,
            TemplateURL=self._url,
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value} for name, value in wanted.items()
            ],
            Capabilities=["CAPABILITY_IAM"],
        )
        status = self._settled()
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise StackFailure(f"{status}: {'; '.join(self._reasons())}")
        self.parameters = wanted

    def output(self, name: str) -> str:
        """The value of an output."""
        (stack,) = self._cloudformation.describe_stacks(StackName=STACK)["Stacks"]
        return next(str(o["OutputValue"]) for o in stack["Outputs"] if o["OutputKey"] == name)

    def physical_id(self, name: str) -> str:
        """The physical id of a resource."""
        detail = self._cloudformation.describe_stack_resource(
            StackName=STACK, LogicalResourceId=name
        )["StackResourceDetail"]
        return str(detail["PhysicalResourceId"])

    def _template(self, uris: Mapping[str, str], connect: str) -> dict[str, Any]:
        document = with_listed_attributes(read_document(ROOT / "template.yaml"))
        for name, uri in uris.items():
            properties = document["Resources"][name]["Properties"]
            properties["CodeUri" if "CodeUri" in properties else "ContentUri"] = uri
        document = transformed({key: part for key, part in document.items() if part})
        for name, resource in list(document["Resources"].items()):
            if resource["Type"] in LACKS:
                del document["Resources"][name]
            resource.pop("UpdatePolicy", None)  # of the alias: names the deployment group
            if resource["Type"] == "AWS::Lambda::Function":
                variables = resource["Properties"]["Environment"]["Variables"]
                variables["AWS_ENDPOINT_URL_CONNECT"] = connect
        text = json.dumps(document)
        visible = '"sqs:ChangeMessageVisibility"'
        assert visible in text, "nothing to help out with any more"
        whole: dict[str, Any] = json.loads(
            text.replace(visible, f'{visible}, "sqs:ChangeMessageVisibilityBatch"')
        )
        return whole

    def _upload(self, folder: Path) -> str:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as files:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    files.write(path, path.relative_to(folder).as_posix())
        body = archive.getvalue()
        key = hashlib.sha256(body).hexdigest()
        self._s3.put_object(Bucket=CODE_BUCKET, Key=key, Body=body)
        return f"s3://{CODE_BUCKET}/{key}"

    def _settled(self) -> str:
        end = time.monotonic() + _DEPLOY_SECONDS
        while time.monotonic() < end:
            (stack,) = self._cloudformation.describe_stacks(StackName=STACK)["Stacks"]
            status = str(stack["StackStatus"])
            if not status.endswith("IN_PROGRESS"):
                return status
            time.sleep(0.05)
        raise StackFailure("it does not end")

    def _reasons(self) -> list[str]:
        events = self._cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
        return [
            f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason', '')}"
            for each in events
            if each["ResourceStatus"].endswith("FAILED")
        ]
