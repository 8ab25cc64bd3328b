"""template.yaml as data, its intrinsic functions in their long form."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.expanded import expanded as expand
from tools.flat_template import flat_template

ROOT = Path(__file__).resolve().parents[2]


class CloudFormationLoader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: !Ref, !GetAtt a.b, !Sub and the other functions."""


def long_form(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    """`!Sub x` as {"Fn::Sub": x} (AWS CloudFormation User Guide, intrinsic function reference)."""
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", maxsplit=1)
    return {tag if tag in {"Ref", "Condition"} else f"Fn::{tag}": value}


CloudFormationLoader.add_multi_constructor("!", long_form)


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    document = yaml.load(text, Loader=CloudFormationLoader)
    assert isinstance(document, dict)
    return document


@pytest.fixture(scope="session")
def flat() -> dict[str, Any]:
    """template.yaml and the stack nested in it as one template."""
    return flat_template(ROOT / "template.yaml")


@pytest.fixture(scope="session")
def resources(flat: dict[str, Any]) -> dict[str, Any]:
    """Every resource, those of the nested stack too."""
    found: dict[str, Any] = flat["Resources"]
    return found


@pytest.fixture(scope="session")
def expanded() -> dict[str, Any]:
    """The template as CloudFormation gets it from SAM."""
    return expand(ROOT / "template.yaml")


@pytest.fixture(scope="session")
def functions(template: dict[str, Any]) -> dict[str, Any]:
    """Logical id -> resource of each function, Globals merged in as SAM merges them."""
    shared = template["Globals"]["Function"]
    merged = {}
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            own = resource["Properties"]
            properties = {**shared, **own}
            properties["LoggingConfig"] = {**shared["LoggingConfig"], **own["LoggingConfig"]}
            variables = own.get("Environment", {}).get("Variables", {})
            properties["Environment"] = {
                "Variables": {**shared["Environment"]["Variables"], **variables}
            }
            merged[name] = {**resource, "Properties": properties}
    assert merged, "the template has no function"
    return merged
