"""Reads a SAM template as the simulator needs it: which functions there are and how they run.

A replay must run what is deployed, so handlers, time-outs and environments come from template.yaml
and nowhere else.

TemplateError: the template, or the values given for it, cannot be used; says where and why.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import yaml

from simulator.sam.intrinsics import NO_VALUE, Resolver, TemplateError, place, text

__all__ = [
    "LambdaFunction",
    "Template",
    "TemplateError",
    "load_template",
    "parameter_names",
    "read_document",
    "resource_types",
]

# Lambda's own defaults (AWS SAM Developer Guide, AWS::Serverless::Function).
_DEFAULT_TIMEOUT_SECONDS: Final = 3
_DEFAULT_MEMORY_MB: Final = 128

_PSEUDO_PARAMETERS: Final[Mapping[str, object]] = {
    "AWS::AccountId": "123456789012",
    "AWS::NotificationARNs": [],
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/laptop/laptop",
    "AWS::StackName": "laptop",
    "AWS::URLSuffix": "amazonaws.com",
}


@dataclass(frozen=True, slots=True)
class LambdaFunction:
    """One function as template.yaml deploys it; `timeout` in seconds, `memory` in MB.

    `layers` are the ContentUri folders of its layers, which hold the sources of what is built.
    """

    logical_id: str
    code_dir: Path
    handler: str
    timeout: int
    memory: int
    runtime: str
    environment: Mapping[str, str] = field(default_factory=dict)
    layers: tuple[Path, ...] = ()


def load_template(path: Path, values: Mapping[str, object]) -> "Template":
    """Read the template at `path`.

    `values` says what references yield here: "Name" for a parameter (instead of its
    Default), for the Ref of a resource, or for a pseudo parameter ("AWS::Region"), and
    "LogicalId.Attribute" for GetAtt. A name that the template does not know is refused, because
    it is a slip that would otherwise leave a default in place unseen.

    Raises TemplateError, and OSError when the file cannot be read.
    """
    return Template(_shared_document(path), path.resolve().parent, values)


def resource_types(path: Path) -> Mapping[str, str]:
    """The Type of every resource, by logical id, before any reference has a value.

    Raises TemplateError, and OSError when the file cannot be read.
    """
    resources = _shared_document(path)["Resources"]
    return {
        name: str(body["Type"])
        for name, body in resources.items()
        if isinstance(body, dict) and "Type" in body
    }


def parameter_names(path: Path) -> frozenset[str]:
    """The names of the template's parameters.

    Raises TemplateError, and OSError when the file cannot be read.
    """
    return frozenset(_shared_document(path)["Parameters"])


def read_document(path: Path) -> dict[str, Any]:
    """A template as data, its intrinsic functions in their long form; nothing is resolved.

    Raises TemplateError, and OSError when the file cannot be read.
    """
    return _document(path, path.read_bytes())


def _shared_document(path: Path) -> Mapping[str, Any]:
    """As read_document, for those who only read: one start of the simulator asks six times."""
    return _last_document(path, path.read_bytes())


def _document(path: Path, content: bytes) -> dict[str, Any]:
    try:
        # _Loader is a SafeLoader.
        document = yaml.load(content.decode(), Loader=_Loader)  # noqa: S506
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TemplateError(f"{path}: not YAML: {error}") from error
    if not isinstance(document, dict):
        raise TemplateError(f"{path}: not a template")
    for section in ("Parameters", "Conditions", "Resources", "Globals"):
        if not isinstance(document.setdefault(section, {}), dict):
            raise TemplateError(f"{path}: {section} is not a map")
    if not document["Resources"]:
        raise TemplateError(f"{path}: not a template: it has no Resources")
    return document


_last_document = functools.lru_cache(maxsize=1)(_document)


class Template:
    """A template with its references resolved.

    Attributes:
        resources: the resources with a Condition that holds, as written, by logical id.
        functions: the functions among them, by logical id, with Globals merged in.
    """

    def __init__(
        self, document: Mapping[str, Any], root: Path, values: Mapping[str, object]
    ) -> None:
        """`root` is the folder CodeUri and ContentUri are relative to. Raises TemplateError."""
        self._document = document
        self._root = root
        _refuse_unknown(document, values)
        known = {**_PSEUDO_PARAMETERS, **dict(_defaults(document["Parameters"])), **values}
        self._resolver = Resolver(known, document["Conditions"])
        self.resources: Mapping[str, Any] = MappingProxyType(
            {name: body for name, body in document["Resources"].items() if self._exists(name, body)}
        )
        self.functions: Mapping[str, LambdaFunction] = MappingProxyType(
            {
                name: self._function(name, body)
                for name, body in self.resources.items()
                if body["Type"] == "AWS::Serverless::Function"
            }
        )

    def resolve(self, node: Any) -> Any:
        """`node` with every intrinsic function in it resolved; None for AWS::NoValue.

        Raises TemplateError for what cannot be resolved.
        """
        resolved = self._resolver.resolve(node)
        return None if resolved is NO_VALUE else resolved

    def refs(self, kind: str) -> list[str]:
        """The Ref of every resource of a type."""
        return [
            str(self.resolve({"Ref": logical_id}))
            for logical_id, body in self.resources.items()
            if body["Type"] == kind
        ]

    def setting(self, name: str) -> str:
        """A setting that functions share, such as the ledger's table; empty where none has it."""
        environments = (function.environment for function in self.functions.values())
        return next((it[name] for it in environments if name in it), "")

    def parameters_of(self, variables: Mapping[str, str]) -> dict[str, str]:
        """The parameters that Globals puts into these environment variables, with their values."""
        shared = self._document["Globals"].get("Function") or {}
        nodes = (shared.get("Environment") or {}).get("Variables") or {}
        found: dict[str, str] = {}
        for variable, value in variables.items():
            node = nodes.get(variable)
            parameter = node.get("Ref") if isinstance(node, dict) else None
            if parameter in self._document["Parameters"]:
                found[str(parameter)] = value
        return found

    def _exists(self, name: str, body: object) -> bool:
        with place(name):
            if not isinstance(body, dict) or not isinstance(body.get("Type"), str):
                raise TemplateError("a resource needs a Type")
            if not isinstance(body.setdefault("Properties", {}), dict):
                raise TemplateError("Properties is not a map")
            return "Condition" not in body or self._resolver.condition(body["Condition"])

    def _function(self, name: str, body: Mapping[str, Any]) -> LambdaFunction:
        shared = self._document["Globals"].get("Function") or {}
        own = body["Properties"]
        merged = {**shared, **own}
        return LambdaFunction(
            logical_id=name,
            code_dir=self._directory(name, "CodeUri", merged),
            handler=self._text(name, "Handler", merged),
            timeout=self._number(name, "Timeout", merged, _DEFAULT_TIMEOUT_SECONDS),
            memory=self._number(name, "MemorySize", merged, _DEFAULT_MEMORY_MB),
            runtime=self._text(name, "Runtime", merged),
            environment=MappingProxyType(self._environment(name, shared, own)),
            # SAM joins the lists of Globals and function instead of replacing one by the other.
            layers=self._layers(name, [*shared.get("Layers", []), *own.get("Layers", [])]),
        )

    def _text(self, name: str, key: str, properties: Mapping[str, Any]) -> str:
        with place(name, key):
            value = self.resolve(properties.get(key))
            if not isinstance(value, str) or not value:
                raise TemplateError(f"a text is needed, not {value!r}")
            return value

    def _number(self, name: str, key: str, properties: Mapping[str, Any], default: int) -> int:
        with place(name, key):
            value = self.resolve(properties.get(key))
            if value is None:
                return default
            if not re.fullmatch("[1-9][0-9]*", str(value)):
                raise TemplateError(f"a whole number above 0 is needed, not {value!r}")
            return int(value)

    def _directory(self, name: str, key: str, properties: Mapping[str, Any]) -> Path:
        uri = self._text(name, key, properties)
        if not (self._root / uri).is_dir():
            raise TemplateError(f"{name}: {key}: {uri!r} is not a folder beside the template")
        return self._root / uri

    def _environment(
        self, name: str, shared: Mapping[str, Any], own: Mapping[str, Any]
    ) -> dict[str, str]:
        environment: dict[str, str] = {}
        for properties in (shared, own):
            variables = (properties.get("Environment") or {}).get("Variables") or {}
            for variable, node in variables.items():
                with place(name, f"environment variable {variable}"):
                    if not isinstance(variable, str):
                        # YAML 1.1 reads YES, NO, ON and OFF as booleans.
                        raise TemplateError("the name is not a text (quote it)")
                    value = self._resolver.resolve(node)
                    if value is NO_VALUE:
                        environment.pop(variable, None)
                    else:
                        environment[variable] = text(value)
        return environment

    def _layers(self, name: str, layers: list[Any]) -> tuple[Path, ...]:
        directories: list[Path] = []
        for layer in layers:
            reference = layer.get("Ref") if isinstance(layer, dict) else None
            body = self.resources.get(reference, {}) if isinstance(reference, str) else {}
            if body.get("Type") != "AWS::Serverless::LayerVersion":
                raise TemplateError(f"{name}: Layers: {layer!r} is not a layer of this template")
            directories.append(self._directory(str(reference), "ContentUri", body["Properties"]))
        return tuple(directories)


def _refuse_unknown(document: Mapping[str, Any], values: Mapping[str, object]) -> None:
    known = {*_PSEUDO_PARAMETERS, *document["Parameters"]}
    # A prefix is enough: SAM adds resources of its own, such as <function>Role.
    resources = tuple(document["Resources"])
    unknown = sorted(key for key in values if key not in known and not key.startswith(resources))
    if unknown:
        raise TemplateError(f"the template does not know {', '.join(unknown)}")


def _defaults(parameters: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for name, parameter in parameters.items():
        if isinstance(parameter, dict) and "Default" in parameter:
            default = parameter["Default"]
            if str(parameter.get("Type")).startswith(("CommaDelimitedList", "List<")):
                yield name, [item.strip() for item in str(default).split(",")]
            else:
                yield name, default


if TYPE_CHECKING:
    _SafeLoader = yaml.SafeLoader
else:  # libyaml reads the template ten times as fast, where PyYAML comes with it
    _SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_SafeLoader):
    """YAML as CloudFormation reads it: short forms of the intrinsics, and dates are texts."""


_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _long_form(loader: _Loader, name: str, node: yaml.Node) -> dict[str, Any]:
    key = name if name in ("Ref", "Condition") else f"Fn::{name}"
    if isinstance(node, yaml.SequenceNode):
        return {key: loader.construct_sequence(node, deep=True)}
    if isinstance(node, yaml.ScalarNode):
        return {key: loader.construct_scalar(node)}
    raise TemplateError(f"!{name} needs a text or a list (line {node.start_mark.line + 1})")


_Loader.add_multi_constructor("!", _long_form)
