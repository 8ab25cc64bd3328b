"""Why a rule does not take an event: the fields that differ, with both values."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from simulator.aws.event_pattern import EventPattern
from simulator.aws.event_rules import Rule

__all__ = ["Mismatch", "mismatches", "nearest_rule"]

_MISSING: Final = "missing"
_NO_VALUE: Final = "no value"
_OF_THE_SHAPE: Final = 4


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One field.

    Attributes:
        path: its names with dots between.
        wanted: what the rule takes, in words.
        found: what the event has, in words.
    """

    path: str
    wanted: str
    found: str

    def __str__(self) -> str:
        return f"{self.path} is {self.found}, and the rule takes {self.wanted}"


def nearest_rule(
    rules: Sequence[Rule], event: Mapping[str, Any]
) -> tuple[str, list[Mismatch]] | None:
    """The rule that comes nearest to taking the event, and what differs; None without rules.

    A rule that wants a member not to be there, or another one to be there, is for events of another
    shape: each such difference counts as many.
    """
    found = [(rule.name, mismatches(rule.pattern.written, event)) for rule in rules]
    return min(found, key=lambda pair: sum(map(_distance, pair[1])), default=None)


def _distance(mismatch: Mismatch) -> int:
    is_of_the_shape = mismatch.wanted == _NO_VALUE or mismatch.found == _MISSING
    return _OF_THE_SHAPE if is_of_the_shape else 1


def mismatches(pattern: Mapping[str, Any], event: Any, path: str = "") -> list[Mismatch]:
    """The fields in which an event differs from a pattern; of alternatives, the nearest one's."""
    found: list[Mismatch] = []
    members = event if isinstance(event, Mapping) else {}
    for key, node in pattern.items():
        if key == "$or":
            ways = [mismatches(way, event, path) for way in node]
            found += next(way for way in ways if len(way) == min(map(len, ways)))
            continue
        name = f"{path}.{key}" if path else key
        if isinstance(node, Mapping):
            found += mismatches(node, members.get(key), name)
        elif not EventPattern({key: node}).matches(dict(members)):
            wanted = " or ".join(map(_wanted, node))
            found.append(Mismatch(name, wanted, _found(members, key)))
    return found


def _found(members: Mapping[str, Any], key: str) -> str:
    if key not in members:
        return _MISSING
    return _shown(members[key])


def _wanted(item: Any) -> str:
    if not isinstance(item, Mapping):
        return _shown(item)
    ((name, argument),) = item.items()
    if name == "exists":
        return "any value" if argument else _NO_VALUE
    if name == "equals-ignore-case":
        return f"{_shown(argument)} in any case"
    return f"{name} {_shown(argument)}"


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value)
