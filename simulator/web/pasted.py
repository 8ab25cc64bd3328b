"""Pasted material as events that can be sent. Pure."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.web.sending import kinds_of


class NotRecognised(ValueError):
    """The material is nothing that the console understands; the text says what it takes."""


@dataclass(frozen=True, slots=True)
class Pasted:
    """What was recognised.

    Attributes:
        form: what the material is.
        by_kind: flow, event or record -> the events.
    """

    form: str
    by_kind: Mapping[str, list[Any]]

    @property
    def counts(self) -> Mapping[str, int]:
        """How many events there are of each kind."""
        return {kind: len(events) for kind, events in self.by_kind.items()}


def recognised(material: bytes) -> Pasted:
    """The events in pasted material.

    Raises:
        NotRecognised: there is none.
    """
    text = material.decode("utf-8-sig", errors="replace").strip()
    form, values = _values(text)
    by_kind: dict[str, list[Any]] = defaultdict(list)
    for value in values:
        kind = kinds_of(value)
        if not kind:
            raise NotRecognised(
                "this is no flow's event, contact event or contact record, nor a list or lines of "
                "them"
            )
        by_kind[kind].append(value)
    if not by_kind:
        raise NotRecognised("nothing was pasted")
    return Pasted(form, dict(by_kind))


def _values(text: str) -> tuple[str, list[Any]]:
    try:
        value = json.loads(text)
    except ValueError:
        try:
            return "JSON lines", [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError as error:
            raise NotRecognised(f"this is not JSON: {error}") from None
    return ("a list", value) if isinstance(value, list) else ("one event", [value])
