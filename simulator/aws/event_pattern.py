"""EventBridge's event patterns: which events a rule sees.

As in Amazon EventBridge User Guide, "Amazon EventBridge event patterns" and "Comparison operators
for use in event patterns":

    a pattern's fields must all match, keys and texts are compared case-sensitively
    a leaf is a list of values and operators, one of which must match
    an event's array matches when one of its elements does
    `exists` looks at leaves alone: an object or an empty array is not a leaf

Operators: prefix, suffix, equals-ignore-case, wildcard, anything-but, numeric, exists, $or. Other
operators are refused, those that EventBridge knows (cidr) included.

PatternError: the pattern is none; says where and why.
"""

import itertools
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

__all__ = ["EventPattern", "PatternError"]

_Matcher = Callable[[Any], bool]

_ABSENT: Final = object()
"""Stands for the value of a field that the event does not have."""

_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMERIC_LIMIT: Final = 5.0e9
"""Numeric matching works from -5.0e9 to 5.0e9 ("Numeric matching")."""


class PatternError(ValueError):
    """EventBridge would refuse this pattern, or the simulator does not know the operator."""


class EventPattern:
    """A pattern, checked once and matched against any number of events."""

    def __init__(self, pattern: object) -> None:
        """Check `pattern`, the parsed JSON of a rule's EventPattern. Raises PatternError."""
        self._matches = _fields(pattern, "the pattern")
        self._written = pattern

    @property
    def written(self) -> Mapping[str, Any]:
        """The pattern as the rule has it."""
        return self._written if isinstance(self._written, dict) else {}

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Whether a rule with this pattern sees `event`."""
        return self._matches(event)


def _fields(pattern: object, where: str) -> _Matcher:
    if not isinstance(pattern, dict) or not pattern:
        raise PatternError(f"{where}: an object with at least one field is needed, not {pattern!r}")
    matchers = [
        _alternatives(node, where) if key == "$or" else _field(key, node, f"{where}: {key}")
        for key, node in pattern.items()
    ]

    def match(value: Any) -> bool:
        # A field below a missing field, or below a value that is not an object, is missing.
        return any(all(matcher(item) for matcher in matchers) for item in _objects(value) or [{}])

    return match


def _alternatives(node: object, where: str) -> _Matcher:
    if not isinstance(node, list) or len(node) < 2:
        raise PatternError(f"{where}: $or needs a list of two patterns or more, not {node!r}")
    patterns = [_fields(item, f"{where}: $or") for item in node]
    return lambda value: any(matches(value) for matches in patterns)


def _field(key: object, node: object, where: str) -> _Matcher:
    matches = _leaf(node, where) if isinstance(node, list) else _fields(node, where)
    return lambda value: matches(value.get(key, _ABSENT))


def _leaf(node: list[Any], where: str) -> _Matcher:
    if not node:
        raise PatternError(f"{where}: the list of values is empty")
    matchers = [
        _operator(item, where) if isinstance(item, dict) else _exact(item, where) for item in node
    ]

    def match(value: Any) -> bool:
        leaves = list(_leaves(value)) or [_ABSENT]
        return any(matcher(leaf) for matcher in matchers for leaf in leaves)

    return match


def _objects(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [found for item in value for found in _objects(item)]
    return [value] if isinstance(value, dict) else []


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif not isinstance(value, dict) and value is not _ABSENT:
        yield value


def _exact(wanted: object, where: str) -> _Matcher:
    if not isinstance(wanted, str | int | float | bool | None):
        raise PatternError(f"{where}: {wanted!r} is neither a value nor an operator")
    # 300 and 300.0 are not equal, nor are 1 and true: EventBridge compares what was written.
    return lambda value: type(value) is type(wanted) and value == wanted


def _operator(node: dict[str, Any], where: str) -> _Matcher:
    if len(node) != 1:
        raise PatternError(f"{where}: one operator is needed, not {node!r}")
    ((name, argument),) = node.items()
    if name not in _OPERATORS:
        known = ", ".join(sorted(_OPERATORS))
        raise PatternError(f"{where}: unknown operator {name!r} (known here: {known})")
    return _OPERATORS[name](argument, f"{where}: {name}")


def _text(argument: object, where: str) -> str:
    if not isinstance(argument, str) or not argument:
        raise PatternError(f"{where}: a text is needed, not {argument!r}")
    return argument


def _on_text(test: Callable[[str], bool]) -> _Matcher:
    return lambda value: isinstance(value, str) and test(value)


def _any_case(wanted: str) -> str:
    """A regular expression for what EventBridge's engine takes for the same text.

    Each character of the pattern stands for its lower and its upper form, in full: "ß" takes "SS",
    the Kelvin sign takes "k", and neither "S" nor "K" takes them in turn.
    """
    return "".join(
        "(?:" + "|".join(sorted({re.escape(char.lower()), re.escape(char.upper())})) + ")"
        for char in wanted
    )


def _affix(argument: object, where: str, before: str, behind: str) -> _Matcher:
    if isinstance(argument, dict):
        if list(argument) != ["equals-ignore-case"]:
            raise PatternError(f"{where}: a text or equals-ignore-case is needed, not {argument!r}")
        wanted = _any_case(_text(argument["equals-ignore-case"], where))
    else:
        wanted = re.escape(_text(argument, where))
    expression = re.compile(before + wanted + behind, re.DOTALL)
    return _on_text(lambda value: expression.fullmatch(value) is not None)


def _prefix(argument: object, where: str) -> _Matcher:
    return _affix(argument, where, "", ".*")


def _suffix(argument: object, where: str) -> _Matcher:
    return _affix(argument, where, ".*", "")


def _equals_ignore_case(argument: object, where: str) -> _Matcher:
    expression = re.compile(_any_case(_text(argument, where)))
    return _on_text(lambda value: expression.fullmatch(value) is not None)


def _wildcard(argument: object, where: str) -> _Matcher:
    wanted = _text(argument, where)
    parts = re.findall(r"\\[*\\]|[\s\S]", wanted)
    if "\\" in parts:
        raise PatternError(rf"{where}: a backslash escapes * or \ alone, in {wanted!r}")
    if any(pair == ("*", "*") for pair in itertools.pairwise(parts)):
        raise PatternError(f"{where}: two wildcards in a row, in {wanted!r}")
    pattern = "".join(".*" if part == "*" else re.escape(part[-1]) for part in parts)
    expression = re.compile(pattern, re.DOTALL)
    return _on_text(lambda value: expression.fullmatch(value) is not None)


def _anything_but(argument: object, where: str) -> _Matcher:
    if isinstance(argument, dict):
        excluded = _excluded_by_operator(argument, where)
    else:
        values = argument if isinstance(argument, list) else [argument]
        kinds = {str if isinstance(item, str) else float for item in values}
        if len(kinds) != 1 or not all(_is_text_or_number(item) for item in values):
            raise PatternError(f"{where}: texts or numbers are needed, not {argument!r}")
        excluded = [_exact(item, where) for item in values]
    # A missing field has no value to compare.
    return lambda value: value is not _ABSENT and not any(matches(value) for matches in excluded)


def _excluded_by_operator(argument: dict[str, Any], where: str) -> list[_Matcher]:
    allowed = ("prefix", "suffix", "equals-ignore-case", "wildcard")
    if len(argument) != 1 or next(iter(argument)) not in allowed:
        raise PatternError(f"{where}: one of {', '.join(allowed)} is needed, not {argument!r}")
    ((name, texts),) = argument.items()
    if texts == []:
        raise PatternError(f"{where}: {name}: the list is empty")
    many = texts if isinstance(texts, list) else [texts]
    return [_OPERATORS[name](text, f"{where}: {name}") for text in many]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text_or_number(value: object) -> bool:
    return isinstance(value, str) or _is_number(value)


def _numeric(argument: object, where: str) -> _Matcher:
    if not isinstance(argument, list) or len(argument) not in (2, 4):
        raise PatternError(f"{where}: one or two comparisons are needed, not {argument!r}")
    comparisons = list(zip(argument[::2], argument[1::2], strict=True))
    for sign, limit in comparisons:
        if not isinstance(sign, str) or sign not in _COMPARISONS:
            raise PatternError(f"{where}: {sign!r} is not one of {' '.join(_COMPARISONS)}")
        if not _is_number(limit) or abs(limit) > _NUMERIC_LIMIT:
            raise PatternError(f"{where}: a number from -5.0e9 to 5.0e9 is needed, not {limit!r}")
    return lambda value: (
        _is_number(value)
        and abs(value) <= _NUMERIC_LIMIT
        and all(_COMPARISONS[sign](value, limit) for sign, limit in comparisons)
    )


def _exists(argument: object, where: str) -> _Matcher:
    if not isinstance(argument, bool):
        raise PatternError(f"{where}: true or false is needed, not {argument!r}")
    return lambda value: (value is not _ABSENT) is argument


_OPERATORS: Final[Mapping[str, Callable[[object, str], _Matcher]]] = {
    "anything-but": _anything_but,
    "equals-ignore-case": _equals_ignore_case,
    "exists": _exists,
    "numeric": _numeric,
    "prefix": _prefix,
    "suffix": _suffix,
    "wildcard": _wildcard,
}
