"""The template as SAM hands it to CloudFormation: what the alias of the flow function becomes."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.artefact.artefact import SAM
from tests.artefact.emulator import ROOT

Expanded = dict[str, dict[str, Any]]
UPLOADED = re.compile(r"(CodeUri|ContentUri): (?:functions|layers)/(\w+)")
GIVEN = {"ConnectInstanceArn": "instance", "ContactCenterSecretArn": "secret"}
EXPAND = Path(__file__).with_name("expand.py")


def asked(other: str = "", **parameters: str) -> dict[str, Any]:
    """The template when uploaded, `other` under another name than before."""
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    uploaded = UPLOADED.sub(
        lambda found: f"{found[1]}: s3://bucket/{'other' if found[2] == other else found[2]}", text
    )
    return {"template": uploaded, "parameters": {**GIVEN, **parameters}}


VARIANTS = {
    "first": asked(),
    "same": asked(),
    "code": asked("contact_flow"),
    "layer": asked("voicecall_bridge"),
    "another function": asked("contact_events"),
    "setting": asked(FlowFailure="error"),
    "linear": asked(ContactFlowDeployment="Linear10PercentEvery1Minute"),
}


@pytest.fixture(scope="module")
def expanded() -> Expanded:
    """The resources of every variant."""
    done = subprocess.run(
        [SAM / "python", EXPAND],
        input=json.dumps(list(VARIANTS.values())),
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    templates = json.loads(done.stdout)
    return {name: template["Resources"] for name, template in zip(VARIANTS, templates, strict=True)}


def of_type(resources: dict[str, Any], kind: str) -> tuple[str, dict[str, Any]]:
    [found] = [(name, each) for name, each in resources.items() if each["Type"] == kind]
    return found


def version(resources: dict[str, Any]) -> str:
    return of_type(resources, "AWS::Lambda::Version")[0]


def test_new_code_and_a_new_layer_are_a_new_version(expanded: Expanded) -> None:
    """Given the same uploads, then the version is the same; given others, it is a new one.
    Otherwise flows would stay with the old code, since most of it is in the layer."""
    before = version(expanded["first"])
    assert version(expanded["same"]) == before
    assert version(expanded["code"]) != before
    assert version(expanded["layer"]) != before
    assert version(expanded["another function"]) == before


def test_settings_are_part_of_the_version(expanded: Expanded) -> None:
    """Given a parameter's new value, then SAM sees no new version (its issue 3820), but the number
    of the settings is in the version's description, which CloudFormation cannot change in place."""
    name, found = of_type(expanded["setting"], "AWS::Lambda::Version")
    assert found["Properties"]["Description"] == {
        "Fn::Sub": "settings ${ContactFlowSettings.VersionNumber}"
    }
    assert found["DeletionPolicy"] == "Delete"
    assert name == version(expanded["first"]), "SAM has mended it: the numbered settings can go"


def test_alias_shifts_under_the_alarm_of_the_new_version(expanded: Expanded) -> None:
    resources = expanded["linear"]
    alias_name, alias = of_type(resources, "AWS::Lambda::Alias")
    assert alias["Properties"]["FunctionVersion"] == {"Fn::GetAtt": [version(resources), "Version"]}
    update = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    group = resources[update["DeploymentGroupName"]["Ref"]]["Properties"]
    assert group["DeploymentConfigName"] == {
        "Fn::Sub": [
            "CodeDeployDefault.Lambda${ConfigName}",
            {"ConfigName": "Linear10PercentEvery1Minute"},
        ]
    }
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    [watched] = group["AlarmConfiguration"]["Alarms"]
    dimensions = resources[watched["Name"]["Ref"]]["Properties"]["Dimensions"]
    executed = next(each for each in dimensions if each["Name"] == "ExecutedVersion")
    assert executed["Value"] == {"Fn::GetAtt": [version(resources), "Version"]}
    assert resources["ContactFlowPermission"]["Properties"]["FunctionName"] == {"Ref": alias_name}
    # No role of SAM's, which could shift every alias of the account.
    assert "CodeDeployServiceRole" not in resources
