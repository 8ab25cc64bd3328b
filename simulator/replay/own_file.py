"""Reads a person's file for a replay: a sample, a whole call, or real material as it is copied."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from simulator.instance import OWN_INSTANCE, Instance
from simulator.material import Event, Material, NotUnderstood, read_material
from simulator.material.contacts import KnownContact, contacts_in
from simulator.material.instance import instances_in
from simulator.samples.call_steps import CARRIERS, STEP_NAMES, read_call
from simulator.samples.files import EXPECTED_SUFFIX, expected_of, in_order
from simulator.samples.reading import EventError
from simulator.samples.sources import source_named
from simulator.samples.steps import DescribedContact, Input, Sample, SetConnect, Step, inputs_of

__all__ = ["STANDARD_INPUT", "OwnFile", "read_data", "read_own_file"]

STANDARD_INPUT: Final = Path("-")
"""Instead of a file's name."""


@dataclass(frozen=True, slots=True)
class OwnFile:
    """The material to be replayed.

    Attributes:
        samples: in order; the last one is the file itself.
        instance: the Amazon Connect instance that the simulator is to be.
        said: what a person is to know beforehand, one line each.
    """

    samples: tuple[Sample, ...]
    instance: Instance = OWN_INSTANCE
    said: tuple[str, ...] = ()


def read_own_file(path: Path) -> OwnFile:
    """Read a file, or standard input where the path is `-`.

    Raises:
        EventError: it cannot be read, or is nothing that is understood.
    """
    data = read_data(path)
    if path != STANDARD_INPUT and (
        path.name.endswith(EXPECTED_SUFFIX) or expected_of(path).exists()
    ):
        return OwnFile(tuple(in_order([path])))
    if _is_call(data):
        return _adopted(read_call(path, data.decode("utf-8-sig")))
    try:
        material = read_material(data)
    except NotUnderstood as error:
        # An event of a sample folder may be odd on purpose.
        if source_named(path.parent.name) and _is_json(data):
            return OwnFile(tuple(in_order([path])))
        raise EventError(f"{_name(path)}: {error}") from error
    return _from_material(path, material)


def _adopted(call: Sample) -> OwnFile:
    """A call of another instance's events: the simulator becomes that instance."""
    inputs = [delivered for step in call.steps for delivered in inputs_of(step)]
    instances = instances_in(Event(it.source, it.event) for it in inputs)
    if not instances or OWN_INSTANCE in instances:
        return OwnFile((call,))
    instance = instances[0]
    steps = tuple(_moved(step, instance) for step in call.steps)
    return OwnFile((replace(call, steps=steps),), instance, (_replayed_as(instance),))


def _moved(step: Step, instance: Instance) -> Step:
    """The contacts of DescribeContact belong to the events' instance."""
    if not isinstance(step, SetConnect):
        return step
    contacts = [
        replace(it, instance_id=instance.id) if it.instance_id == OWN_INSTANCE.id else it
        for it in step.contacts
    ]
    return replace(step, contacts=tuple(contacts))


def _replayed_as(instance: Instance) -> str:
    return f"replayed as instance {instance.id} in {instance.region}, account {instance.account}"


def _from_material(path: Path, material: Material) -> OwnFile:
    said = [f"recognised: {material.summary()}"]
    instances = instances_in(material.events)
    instance = instances[0] if instances else OWN_INSTANCE
    if instance != OWN_INSTANCE:
        said.append(_replayed_as(instance))
    said += [f"another instance's events are in it as well: {it.arn}" for it in instances[1:]]
    said += [note for event in material.events for note in event.notes]
    contacts = _asked_for(material)
    said += [f"DescribeContact knows {_shown(contact)}" for contact in contacts]
    steps = (*_known(contacts, instance), *map(_input, material.events))
    return OwnFile((Sample(path, steps),), instance, tuple(said))


def _asked_for(material: Material) -> list[KnownContact]:
    """The contacts that DescribeContact can be asked for: those of contact events."""
    return [it for it in contacts_in(material.events) if "contact_events" in it.sources]


def _shown(contact: KnownContact) -> str:
    sources = " and ".join(sorted(contact.sources))
    lacks = "" if "CustomerEndpoint" in contact.members else ", without the caller's number"
    return f"of {contact.contact_id} what {sources} say{lacks}"


def _known(contacts: list[KnownContact], instance: Instance) -> Iterator[Step]:
    if contacts:
        described = [DescribedContact(instance.id, it.contact_id, it.members) for it in contacts]
        yield SetConnect(tuple(described))


def _input(event: Event) -> Input:
    return Input(event.source, event.payload, partition_key=event.partition_key)


def read_data(path: Path) -> bytes:
    """The content of a file, or of standard input. Raises EventError."""
    if path == STANDARD_INPUT:
        if sys.stdin.isatty():
            raise EventError("name a file, or pipe material in: ./bridge replay path")
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise EventError(f"{path}: there is no such file") from error
    except IsADirectoryError as error:
        raise EventError(f"{path}: this is a folder; name one file in it") from error
    except OSError as error:
        raise EventError(f"{path}: cannot be read: {error}") from error


def _is_call(data: bytes) -> bool:
    """Whether a line is a step that only a call has."""
    for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        try:
            value = json.loads(line)
        except ValueError:
            continue
        names = value.keys() if isinstance(value, dict) else set()
        if names & STEP_NAMES or ("source" in names and names & CARRIERS):
            return True
    return False


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except ValueError:
        return False
    return True


def _name(path: Path) -> str:
    return "standard input" if path == STANDARD_INPUT else str(path)
