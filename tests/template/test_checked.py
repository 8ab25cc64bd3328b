"""checkov gets what is deployed, and nothing is kept from it without a reason."""

import json
import re
from typing import Any

import pytest
import yaml

from tests.architecture.source_code import ROOT
from tests.template.policies import documents_in
from tools.expanded import deployed


@pytest.mark.parametrize("options", [False, True])
def test_no_condition_is_left_for_checkov_to_stumble_over(
    expanded: dict[str, Any], options: bool
) -> None:
    """It skips a policy with a condition in it, and says nothing."""
    checked = deployed(expanded, options=options)["Resources"]
    text = json.dumps(checked)
    assert "Fn::If" not in text
    assert "AWS::NoValue" not in text
    assert len(list(documents_in(checked))) >= 15


def test_every_option_is_looked_at_once_given_and_once_not(expanded: dict[str, Any]) -> None:
    by_default, with_options = (
        deployed(expanded, options=options)["Resources"] for options in (False, True)
    )
    optional = {name for name, each in expanded["Resources"].items() if "Condition" in each}
    assert set(with_options) == set(expanded["Resources"])
    # The stack's own stream is made unless there is another one; monitoring is on.
    monitoring = {
        name
        for name in optional
        if expanded["Resources"][name]["Condition"] in ("MakesMonitoring", "MakesAlarmTopic")
    }
    on = {"ContactRecordStream", "ContactLensStream", *monitoring}
    assert set(expanded["Resources"]) - set(by_default) == optional - on
    assert "VpcConfig" in with_options["ContactFlowFunction"]["Properties"]
    assert "VpcConfig" not in by_default["ContactFlowFunction"]["Properties"]
    rights = [str(each["VoiceCallPolicy"]["Properties"]) for each in (by_default, with_options)]
    assert ["ssm:GetParameter" in each for each in rights] == [False, True]


def test_what_checkov_is_not_to_look_at_has_its_reason_beside_it(
    resources: dict[str, Any],
) -> None:
    text = (ROOT / ".checkov.yaml").read_text(encoding="utf-8")
    skipped = yaml.safe_load(text)["skip-check"]
    reasons = re.findall(r"((?:^  # .{20,}\n)+)  - (CKV_AWS_\d+)$", text, re.MULTILINE)
    assert [check for _, check in reasons] == skipped
    for name, resource in resources.items():
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", []):
            assert re.fullmatch(r"CKV_AWS_\d+", skip["id"]), name
            assert len(skip["comment"]) > 40, name


def test_checkov_fetches_and_sends_nothing() -> None:
    config = yaml.safe_load((ROOT / ".checkov.yaml").read_text(encoding="utf-8"))
    assert config["skip-download"] is True
    assert config["skip-results-upload"] is True
    assert config["download-external-modules"] == "False"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "export CKV_SKIP_PACKAGE_UPDATE_CHECK := True" in makefile  # it would ask PyPI
