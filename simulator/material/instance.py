"""Which Amazon Connect instance events come from."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from simulator.instance import Instance
from simulator.material.recognition import Event

__all__ = ["instance_of", "instances_in"]


def instances_in(events: Iterable[Event]) -> list[Instance]:
    """The instances that events name, the most frequent one first."""
    found = Counter(instance for event in events if (instance := instance_of(event)))
    return [instance for instance, _ in found.most_common()]


def instance_of(event: Event) -> Instance | None:
    """The instance that an event names; None where it names none by its ARN."""
    payload = event.payload if isinstance(event.payload, dict) else {}
    for value in (
        _member(payload, "Details", "ContactData", "InstanceARN"),
        _member(payload, "detail", "instanceArn"),
        _member(payload, "InstanceARN"),
        *_list(payload.get("resources")),
    ):
        if instance := Instance.in_arn(value):
            return instance
    return None


def _member(value: Any, *names: str) -> Any:
    """A member by its path, whatever the case of its names."""
    for name in names:
        members = value if isinstance(value, dict) else {}
        value = next((item for key, item in members.items() if key.lower() == name.lower()), None)
    return value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
