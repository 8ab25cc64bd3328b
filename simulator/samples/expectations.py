"""The parts that both kinds of sample files have: expectations, faults, contacts, settings."""

from collections.abc import Mapping
from typing import Any, Final, get_args

from simulator.aws.connect_faults import ConnectFault
from simulator.instance import INSTANCE_ARN
from simulator.salesforce.faults import Fault
from simulator.samples.reading import (
    EventError,
    as_list,
    as_object,
    as_text_map,
    refuse_unknown,
    text_of,
    texts_of,
)
from simulator.samples.sources import ANSWERED
from simulator.samples.steps import DescribedContact, Expectation

FLOW_KEYS: Final = frozenset(("answer", "error", "voiceCall", "requests", "disposition", "reason"))
STREAM_KEYS: Final = frozenset(("voiceCall", "disposition", "reason", "matched", "deliveries"))
DISPOSITIONS: Final = ("delivered", "superseded", "skipped", "dead_lettered")


def expect_keys_of(source: str) -> frozenset[str]:
    """The members that can be expected of a delivery of `source`."""
    return FLOW_KEYS if source in ANSWERED else STREAM_KEYS


def expectation_of(
    value: Any, where: str, source: str, *, whole_answer: bool = False
) -> Expectation:
    """How a delivery of `source` is to end. Raises EventError, as everything here."""
    members = as_object(value, where)
    refuse_unknown(members, expect_keys_of(source), where)
    answer, voice_call = members.get("answer"), members.get("voiceCall")
    if voice_call is not None:
        text_of(as_object(voice_call, where), "vendorCallKey", where)
    if answer is not None:
        # A flow's answer is a map of texts; a redrive's has numbers.
        reads = as_object if source == "redrive" else as_text_map
        answer = reads(answer, f"{where}: answer")
    return Expectation(
        answer=answer,
        whole_answer=whole_answer,
        error=text_of(members, "error", where) if "error" in members else None,
        disposition=text_of(members, "disposition", where) if "disposition" in members else None,
        reason=text_of(members, "reason", where, empty=True) if "reason" in members else None,
        voice_call=voice_call,
        no_voice_call="voiceCall" in members and voice_call is None,
        requests=_requests_of(members, where),
        matched=_truth_of(members, "matched", where),
        deliveries=count_of(members, "deliveries", where) if "deliveries" in members else None,
    )


def ends_of(members: Mapping[str, Any], name: str, where: str) -> Mapping[str, int] | None:
    """The member `name`, a count for each disposition; None where it is left out."""
    if name not in members:
        return None
    ends = as_object(members[name], f"{where}: {name}")
    refuse_unknown(ends, DISPOSITIONS, f"{where}: {name}")
    return {disposition: count_of(ends, disposition, where) for disposition in ends}


def count_of(members: Mapping[str, Any], name: str, where: str) -> int:
    """The member `name`, a whole number from 0."""
    value = members.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise EventError(f"{where}: {name} must be a whole number from 0, not {value!r}")
    return value


def faults_of(value: Any, where: str) -> tuple[Fault, ...]:
    """Faults of Salesforce."""
    try:
        return tuple(Fault.from_json(as_object(fault, where)) for fault in as_list(value, where))
    except EventError:
        raise  # has its place already
    except ValueError as error:
        raise EventError(f"{where}: {error}") from error


def connect_faults_of(members: Mapping[str, Any], where: str) -> tuple[ConnectFault, ...]:
    """The member `faults`, how Amazon Connect's next answers fail."""
    known: tuple[ConnectFault, ...] = get_args(ConnectFault)
    faults = texts_of(members, "faults", where)
    found = tuple(fault for name in faults for fault in known if fault == name)
    if len(found) != len(faults):
        raise EventError(f"{where}: faults: each is one of {', '.join(known)}")
    return found


def contacts_of(value: Any, where: str) -> tuple[DescribedContact, ...]:
    """Contacts as DescribeContact answers them; of the sample events' instance unless stated."""
    return tuple(_contact(as_object(contact, where), where) for contact in as_list(value, where))


def settings_of(members: Mapping[str, Any], where: str) -> Mapping[str, str]:
    """The member `settings`."""
    return as_text_map(members.get("settings", {}), f"{where}: settings")


def _requests_of(members: Mapping[str, Any], where: str) -> tuple[Mapping[str, object], ...] | None:
    if "requests" not in members:
        return None
    items = as_list(members["requests"], f"{where}: requests")
    requests = [as_object(item, f"{where}: requests") for item in items]
    for request in requests:
        text_of(request, "operation", f"{where}: requests")
        if "vendorCallKey" in request:  # not every operation is about a voice call
            text_of(request, "vendorCallKey", f"{where}: requests")
    return tuple(requests)


def _contact(members: Mapping[str, Any], where: str) -> DescribedContact:
    rest = {name: item for name, item in members.items() if name not in ("Id", "InstanceId")}
    instance = members.get("InstanceId", INSTANCE_ARN.rpartition("/")[2])
    contact_id = text_of(members, "Id", where)
    return DescribedContact(
        text_of({"InstanceId": instance}, "InstanceId", where), contact_id, rest
    )


def _truth_of(members: Mapping[str, Any], name: str, where: str) -> bool | None:
    value = members.get(name)
    if value is not None and not isinstance(value, bool):
        raise EventError(f"{where}: {name} must be true or false")
    return value
