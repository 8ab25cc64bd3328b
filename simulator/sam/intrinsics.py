"""CloudFormation's intrinsic functions, resolved with the values that the simulator has.

As in AWS CloudFormation User Guide, "Intrinsic function reference", with two differences: what a
deployed resource would answer to Ref and GetAtt comes from the caller, and whatever cannot be
resolved is an error instead of a guess. Functions are expected in their long form; reading the
template changes the short form into it.

TemplateError: a node, or the values given for it, cannot be used; says where and why.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

NO_VALUE: Final = object()
"""The value of AWS::NoValue: the property or list item that holds it is left out."""

_SUBSTITUTION: Final = re.compile(r"\$\{(!?)([^}]*)\}")


class TemplateError(ValueError):
    """The template or the values given for it cannot be used."""


@contextmanager
def place(*names: str) -> Iterator[None]:
    """Let a TemplateError say in which places of the template it arose."""
    try:
        yield
    except TemplateError as error:
        raise TemplateError(": ".join([*names, str(error)])) from error


def text(value: object) -> str:
    """A scalar as CloudFormation writes it into a text. Raises TemplateError for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise TemplateError(f"a text is needed, not {value!r}")


class Resolver:
    """Resolves nodes of one template.

    Args:
        values: what references yield: "Name" for Ref, "LogicalId.Attribute" for GetAtt.
        conditions: the template's Conditions, as written.
    """

    def __init__(self, values: Mapping[str, object], conditions: Mapping[str, Any]) -> None:
        """Take both as they are; nothing is resolved before it is asked for."""
        self._values = values
        self._conditions = conditions
        self._evaluating: list[str] = []

    def resolve(self, node: Any) -> Any:
        """`node` with all functions in it resolved; NO_VALUE for AWS::NoValue itself.

        Raises TemplateError for what cannot be resolved.
        """
        if isinstance(node, list):
            return [value for value in map(self.resolve, node) if value is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((key, argument),) = node.items()
            if key in _FUNCTIONS:
                return _FUNCTIONS[key](self, argument)
            if isinstance(key, str) and key.startswith("Fn::"):
                raise TemplateError(f"{key} is not supported in the simulator")
        resolved = {key: self.resolve(value) for key, value in node.items()}
        return {key: value for key, value in resolved.items() if value is not NO_VALUE}

    def condition(self, name: str) -> bool:
        """Whether the condition `name` holds. Raises TemplateError."""
        if name not in self._conditions:
            raise TemplateError(f"the template has no condition {name}")
        if name in self._evaluating:
            raise TemplateError(f"the condition {name} depends on itself")
        self._evaluating.append(name)
        try:
            return self._truth(self._conditions[name])
        finally:
            self._evaluating.pop()

    def _ref(self, name: object) -> object:
        return NO_VALUE if name == "AWS::NoValue" else self._value(name, f"Ref {name}")

    def _get_att(self, argument: object) -> object:
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        logical_id, attribute = _items(parts, 2, "Fn::GetAtt: a logical id and an attribute")
        name = f"{logical_id}.{self.resolve(attribute)}"
        return self._value(name, f"GetAtt {name}")

    def _value(self, name: object, reference: str) -> object:
        if not isinstance(name, str) or name not in self._values:
            raise TemplateError(f"{reference} cannot be resolved: no value is given for {name!r}")
        return self._values[name]

    def _sub(self, argument: object) -> str:
        both = [argument, {}] if isinstance(argument, str) else argument
        pattern, variables = _items(both, 2, "Fn::Sub: a text, or a text and a map")
        if not isinstance(pattern, str) or not isinstance(variables, dict):
            raise TemplateError(f"Fn::Sub: a text, or a text and a map is needed, not {argument!r}")

        def replace(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return f"${{{name}}}"
            if name in variables:
                return text(self.resolve(variables[name]))
            return text(self._value(name, f"Sub ${{{name}}}"))

        return _SUBSTITUTION.sub(replace, pattern)

    def _if(self, argument: object) -> Any:
        name, met, unmet = _items(argument, 3, "Fn::If: a condition and two values")
        # Only the chosen branch is looked at: the other may name what does not exist.
        return self.resolve(met if self.condition(name) else unmet)

    def _join(self, argument: object) -> str:
        delimiter, parts = _items(argument, 2, "Fn::Join: a delimiter and a list")
        resolved = self.resolve(parts)
        if not isinstance(delimiter, str) or not isinstance(resolved, list):
            raise TemplateError(f"Fn::Join: a delimiter and a list is needed, not {argument!r}")
        return delimiter.join(map(text, resolved))

    def _split(self, argument: object) -> list[str]:
        delimiter, whole = _items(argument, 2, "Fn::Split: a delimiter and a text")
        resolved = self.resolve(whole)
        if not isinstance(delimiter, str) or not delimiter or not isinstance(resolved, str):
            raise TemplateError(f"Fn::Split: a delimiter and a text is needed, not {argument!r}")
        return resolved.split(delimiter)

    def _select(self, argument: object) -> Any:
        index, items = self.resolve(_items(argument, 2, "Fn::Select: an index and a list"))
        if not re.fullmatch("[0-9]+", str(index)) or not isinstance(items, list):
            raise TemplateError(f"Fn::Select: an index and a list is needed, not {argument!r}")
        if int(index) >= len(items):
            raise TemplateError(f"Fn::Select: there is no item {index} in a list of {len(items)}")
        return items[int(index)]

    def _truth(self, node: Any) -> bool:
        value = self.resolve(node)
        if not isinstance(value, bool):
            raise TemplateError(f"{node!r} is not a condition")
        return value

    def _truths(self, argument: object) -> list[bool]:
        if not isinstance(argument, list) or not argument:
            raise TemplateError(f"a list of conditions is needed, not {argument!r}")
        return [self._truth(node) for node in argument]

    def _equals(self, argument: object) -> bool:
        left, right = _items(argument, 2, "Fn::Equals: two values")
        return text(self.resolve(left)) == text(self.resolve(right))

    def _not(self, argument: object) -> bool:
        return not self._truth(*_items(argument, 1, "Fn::Not: one condition"))


_FUNCTIONS: Final[Mapping[str, Callable[[Resolver, Any], Any]]] = {
    "Ref": Resolver._ref,
    "Condition": Resolver.condition,
    "Fn::GetAtt": Resolver._get_att,
    "Fn::Sub": Resolver._sub,
    "Fn::If": Resolver._if,
    "Fn::Join": Resolver._join,
    "Fn::Split": Resolver._split,
    "Fn::Select": Resolver._select,
    "Fn::Equals": Resolver._equals,
    "Fn::Not": Resolver._not,
    "Fn::And": lambda resolver, nodes: all(resolver._truths(nodes)),
    "Fn::Or": lambda resolver, nodes: any(resolver._truths(nodes)),
}


def _items(value: object, count: int, needed: str) -> list[Any]:
    if not isinstance(value, list) or len(value) != count:
        raise TemplateError(f"{needed} is needed, not {value!r}")
    return value
