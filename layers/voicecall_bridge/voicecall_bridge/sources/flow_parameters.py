"""The parameters of a flow's Lambda block, read when a method asks for them. Pure.

A block passes texts (STRING_MAP), or a JSON document, in which values may be anything; Salesforce's
own Lambdas invoke the function with the same shape (SCVL).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from voicecall_bridge.sources.reading import is_aware_moment, parsed_object, text, yes_or_no

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

FIELD_VALUES = "fieldValues"
FLOW_INPUT_PREFIX = "flowInput-"
"""Parameters with this prefix go to the Omni flow under the rest of their name (SCVL)."""
ADDRESSES = frozenset({"secretName", "accessSecretName"})
"""Members of fieldValues that choose the contact center (SCVL). They are not sent."""


_PHONE_NUMBER = re.compile(r"\+[1-9][0-9]{1,14}")


class Kind(StrEnum):
    """The kinds of a parameter's text; the value names the kind for the author of a flow."""

    TEXT = "a text"
    PHONE_NUMBER = "a number in E.164: +, then 2 to 15 digits, the first of them not 0"
    MOMENT = "a time in ISO 8601 with a time zone, such as 2026-12-01T15:00:00Z"
    TRUTH = "true or false"


class ParameterFault(ValueError):
    """A parameter is missing or cannot be used. The text names it and the cure, never a value."""


@dataclass(frozen=True, slots=True)
class FlowParameters:
    """The parameters of the block, unchanged."""

    given: Mapping[str, object] = field(default_factory=dict, repr=False)

    def optional(self, name: str) -> str:
        """The parameter's text, empty where the block passes none.

        Raises:
            ParameterFault: it is an object, a list, or a truth value.
        """
        return self._text(name, self.given.get(name))

    def truth(self, name: str) -> str:
        """As `optional`, of a parameter that a JSON document may give as a truth value."""
        value = self.given.get(name)
        return str(value).lower() if isinstance(value, bool) else self._text(name, value)

    def _text(self, name: str, value: object) -> str:
        if isinstance(value, float) and math.isfinite(value) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**20:
            return str(value)
        if value is None or isinstance(value, str):
            return text(value)
        raise ParameterFault(f"the Lambda block's parameter {name} must be a text")

    def required(self, name: str, meaning: str) -> str:
        """The parameter's text.

        Raises:
            ParameterFault: as in `optional`, and where it is missing or empty.
        """
        if value := self.optional(name):
            return value
        raise ParameterFault(
            f"the Lambda block's parameter {name} is missing or empty: add it, with {meaning}"
        )

    def checked(self, name: str, value: str, kind: Kind) -> object:
        """The value of the parameter `name`, wherever it was found, as Salesforce takes it.

        Raises:
            ParameterFault: it is not of that kind.
        """
        wrong = {
            Kind.TEXT: False,
            Kind.PHONE_NUMBER: not _PHONE_NUMBER.fullmatch(value),
            Kind.MOMENT: not is_aware_moment(value),
            Kind.TRUTH: yes_or_no(value) is None,
        }
        if wrong[kind]:
            raise ParameterFault(f"the Lambda block's parameter {name} must be {kind.value}")
        return yes_or_no(value) if kind is Kind.TRUTH else value

    def flow_inputs(self) -> dict[str, object]:
        """The inputs of the Omni flow, the prefix removed."""
        return {
            name.removeprefix(FLOW_INPUT_PREFIX): value
            for name, value in self.given.items()
            if name.startswith(FLOW_INPUT_PREFIX)
            and name != FLOW_INPUT_PREFIX
            and value is not None
        }

    def field_values(self, known: Collection[str]) -> dict[str, object]:
        """The members of `fieldValues`: an object, or the JSON text of one.

        Args:
            known: names that are taken from the parameters themselves where fieldValues lacks them,
                because a map of texts has no other place for them.

        Raises:
            ParameterFault: fieldValues is neither.
        """
        value = self.given.get(FIELD_VALUES)
        members: dict[str, object] | None = {}
        if value is not None and value != "":
            members = parsed_object(value)
        if members is None:
            raise ParameterFault(
                f"the Lambda block's parameter {FIELD_VALUES} is neither an object nor the JSON "
                "text of one: pass a JSON object, or its members as parameters of their own"
            )
        flat = {name: self.given[name] for name in known if self.given.get(name) not in (None, "")}
        return {name: value for name, value in {**flat, **members}.items() if name not in ADDRESSES}
