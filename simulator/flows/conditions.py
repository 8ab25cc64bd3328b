"""Whether the conditions of a block hold for its result."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from simulator.flows.flow import Action, Condition

_TEXT: Final[Mapping[str, Callable[[str, str], bool]]] = MappingProxyType(
    {
        "Equals": lambda value, operand: value == operand,
        "TextStartsWith": lambda value, operand: value.startswith(operand),
        "TextEndsWith": lambda value, operand: value.endswith(operand),
        "TextContains": lambda value, operand: operand in value,
    }
)
_NUMBER: Final[Mapping[str, Callable[[float, float], bool]]] = MappingProxyType(
    {
        "NumberGreaterThan": lambda value, operand: value > operand,
        "NumberGreaterOrEqualTo": lambda value, operand: value >= operand,
        "NumberLessThan": lambda value, operand: value < operand,
        "NumberLessOrEqualTo": lambda value, operand: value <= operand,
    }
)


def matching(action: Action, value: str, filled: Callable[[str], str] = str) -> str:
    """The label of the first condition that holds; empty where none does.

    `filled` replaces the paths in an operand.
    """
    return next((each.label for each in action.conditions if _holds(each, value, filled)), "")


def _holds(condition: Condition, value: str, filled: Callable[[str], str]) -> bool:
    """An operator that is not known here holds for nothing; `checks.doubts` names it."""
    operands = [filled(operand) for operand in condition.operands]
    if text := _TEXT.get(condition.operator):
        return any(text(value, operand) for operand in operands)
    number = _NUMBER.get(condition.operator)
    try:
        return number is not None and any(
            number(float(value), float(operand)) for operand in operands
        )
    except ValueError:  # one of them is not a number
        return False
