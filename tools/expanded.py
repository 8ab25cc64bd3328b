"""template.yaml as CloudFormation gets it: SAM's own resources turned into those of AWS.

    python -m tools.expanded template.yaml .build

checkov sees neither into SAM's resources, nor into a nested stack, nor, silently, into a policy
that has a condition in it. So it gets both templates as they are deployed, in one, twice: with
every parameter's default, and with every option.

    default.json    the template with every parameter's default
    options.json    the template with every option

cfn-lint makes the same transform by itself.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

from samtranslator.public.translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform

from simulator.sam.intrinsics import Resolver
from tools.flat_template import flat_template

REGION = "us-west-2"
ARTEFACT = "s3://built/artefact"
"""Stands where `sam package` writes the address of what was built."""


class NoPolicies(ManagedPolicyLoader):  # type: ignore[misc] # the package has no types
    """Knows no managed policy by name: the template names them by ARN."""

    def __init__(self) -> None:
        """Asks IAM for nothing."""

    def load(self) -> dict[str, str]:
        """No policy."""
        return {}


def expanded(path: Path) -> dict[str, Any]:
    """The template and the stack nested in it after the transform AWS::Serverless-2016-10-31.

    Raises samtranslator's InvalidDocumentException, naming each resource and what is wrong with it.
    """
    document = flat_template(path)
    for resource in document["Resources"].values():
        for name in ("CodeUri", "ContentUri"):
            if name in resource.get("Properties", {}):
                resource["Properties"][name] = ARTEFACT
    return transformed(document)


def transformed(document: dict[str, Any]) -> dict[str, Any]:
    """A template with SAM's resources turned into those of AWS; its code lies in S3.

    Raises samtranslator's InvalidDocumentException.
    """
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)  # the translator asks botocore for it
    result: dict[str, Any] = transform(document, {}, NoPolicies())
    return result


NO_VALUE = {"Ref": "AWS::NoValue"}
# A stream of one's own instead of the stack's: the stack's is the one to look at.
NOT_GIVEN = {"ContactRecordStreamArn", "ContactLensStreamArn"}


def deployed(document: dict[str, Any], *, options: bool) -> dict[str, Any]:
    """The expanded template without its conditions: what is deployed by default, or with all
    options. References stay as they are."""
    values = {}
    for name, parameter in document["Parameters"].items():
        given = parameter.get("Default", "given")
        if options and name not in NOT_GIVEN:
            given = "yes" if given == "no" else given or "given"
        values[name] = given
    conditions = Resolver(values, document["Conditions"])

    def chosen(node: Any) -> Any:
        if isinstance(node, dict):
            if list(node) == ["Fn::If"]:
                name, met, unmet = node["Fn::If"]
                return chosen(met if conditions.condition(name) else unmet)
            return {key: made for key, value in node.items() if (made := chosen(value)) != NO_VALUE}
        if isinstance(node, list):
            return [made for value in node if (made := chosen(value)) != NO_VALUE]
        return node

    resources = {
        name: chosen(resource)
        for name, resource in document["Resources"].items()
        if "Condition" not in resource or conditions.condition(resource["Condition"])
    }
    parameters = {
        name: {**parameter, "Default": values[name]}
        for name, parameter in document["Parameters"].items()
    }
    return {**document, "Parameters": parameters, "Resources": resources}


def main() -> None:
    """Writes the two files."""
    arguments = argparse.ArgumentParser(description=main.__doc__)
    arguments.add_argument("template", type=Path)
    arguments.add_argument("folder", type=Path)
    asked = arguments.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    whole = expanded(asked.template)
    for name in ("default", "options"):
        text = json.dumps(deployed(whole, options=name == "options"), indent=1)
        (asked.folder / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
