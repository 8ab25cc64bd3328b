"""One template out of template.yaml and the stacks nested in it.

The Serverless Application Repository takes no nested CloudFormation stack, checkov does not look
into one, and tests want to see which queue an alarm watches. So the nested stack's resources are
put beside the others: what template.yaml passes as a parameter stands where the parameter was.

FlatTemplateError: the templates do not fit together; says where.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from simulator.sam.template import read_document

_STACK: Final = "AWS::CloudFormation::Stack"
_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")


class FlatTemplateError(Exception):
    """The templates do not fit together."""


def flat_template(path: Path) -> dict[str, Any]:
    """The template at `path` with its nested stacks' resources as its own, functions in their long
    form.

    Raises FlatTemplateError, simulator.sam.template.TemplateError, and OSError when a file cannot
    be read.
    """
    document = read_document(path)
    for name, resource in list(document["Resources"].items()):
        if resource["Type"] == _STACK:
            nested = read_document(path.parent / resource["Properties"]["TemplateURL"])
            del document["Resources"][name]
            document = _merged(document, name, resource, nested)
    whole = {key: part for key, part in document.items() if part}
    flat: dict[str, Any] = with_listed_attributes(whole)
    return flat


def _merged(
    document: dict[str, Any], stack: str, resource: dict[str, Any], nested: dict[str, Any]
) -> dict[str, Any]:
    passed = resource["Properties"].get("Parameters", {})
    values = dict(_values(stack, nested["Parameters"], passed))
    own = {section: _put_in(nested[section], values) for section in ("Resources", "Conditions")}
    conditions = own["Conditions"]
    if outer := resource.get("Condition"):
        for body in own["Resources"].values():
            if inner := body.get("Condition"):
                both = f"{outer}And{inner}"
                conditions[both] = {"Fn::And": [{"Condition": outer}, {"Condition": inner}]}
            body["Condition"] = f"{outer}And{inner}" if inner else outer
    outputs = {
        f"{stack}.Outputs.{name}": _put_in(output["Value"], values)
        for name, output in nested.get("Outputs", {}).items()
    }
    for section, added in (*own.items(), ("Mappings", nested.get("Mappings", {}))):
        there = document.setdefault(section, {})
        if twice := sorted(there.keys() & added.keys()):
            raise FlatTemplateError(f"{stack}: {section} has {', '.join(twice)} twice")
        document[section] = {**there, **added}
    document["Outputs"] = _read_outputs(document.get("Outputs", {}), outputs)
    return document


def _values(
    stack: str, parameters: dict[str, Any], passed: dict[str, Any]
) -> Iterator[tuple[str, Any]]:
    """The value of each parameter of the nested stack."""
    if unknown := sorted(passed.keys() - parameters.keys()):
        raise FlatTemplateError(f"{stack} takes no {', '.join(unknown)}")
    for name, parameter in parameters.items():
        if name not in passed and "Default" not in parameter:
            raise FlatTemplateError(f"{stack}: {name} is not passed")
        value = passed.get(name, parameter.get("Default"))
        if parameter["Type"] == "CommaDelimitedList":
            joined = value.get("Fn::Join") if isinstance(value, dict) else None
            value = joined[1] if joined else {"Fn::Split": [",", value]}
        yield name, value


def _put_in(node: Any, values: dict[str, Any]) -> Any:
    """`node` with each parameter exchanged for what stands for it."""
    if isinstance(node, list):
        return [_put_in(item, values) for item in node]
    if not isinstance(node, dict):
        return node
    if len(node) == 1:
        ((key, argument),) = node.items()
        if key == "Ref" and argument in values:
            return values[argument]
        if key == "Fn::Sub":
            return {key: _substituted(argument, values)}
    return {key: _put_in(value, values) for key, value in node.items()}


def _substituted(argument: Any, values: dict[str, Any]) -> Any:
    text, variables = (argument, {}) if isinstance(argument, str) else argument
    variables = {name: _put_in(value, values) for name, value in variables.items()}

    def put_in(found: re.Match[str]) -> str:
        name = found[1]
        if name in variables or name not in values:
            return found[0]
        if (reference := _reference(values[name])) is not None:
            return f"${{{reference}}}"
        variables[name] = values[name]
        return found[0]

    text = _VARIABLE.sub(put_in, text)
    return [text, variables] if variables else text


def _reference(value: Any) -> str | None:
    """A Ref or GetAtt as Fn::Sub writes it."""
    if not isinstance(value, dict):
        return None
    if "Ref" in value:
        return str(value["Ref"])
    attribute = value.get("Fn::GetAtt")
    return ".".join(attribute) if isinstance(attribute, list) else attribute


def _read_outputs(outputs: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """The outputs with those of the nested stack put in where they are read."""

    def read(node: Any) -> Any:
        if isinstance(node, dict) and list(node) == ["Fn::GetAtt"]:
            name = node["Fn::GetAtt"]
            name = name if isinstance(name, str) else ".".join(name)
            return values.get(name, node)
        return node

    return {name: {**output, "Value": read(output["Value"])} for name, output in outputs.items()}


def with_listed_attributes(node: Any) -> Any:
    """Fn::GetAtt with a list: the form that JSON and every tool takes."""
    if isinstance(node, list):
        return [with_listed_attributes(item) for item in node]
    if not isinstance(node, dict):
        return node
    if list(node) == ["Fn::GetAtt"] and isinstance(node["Fn::GetAtt"], str):
        return {"Fn::GetAtt": node["Fn::GetAtt"].split(".", 1)}
    return {key: with_listed_attributes(value) for key, value in node.items()}
