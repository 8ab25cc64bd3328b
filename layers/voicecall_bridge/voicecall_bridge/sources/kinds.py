"""Distinguishes the records that Amazon Connect can send into one Kinesis stream.

Source: Amazon Connect administrator guide: "Contact records data model", "Contact events", "Agent
event streams data model" and "Contact Lens real-time contact analysis segment streams data model".
AWS recommends a stream for each type of data. Sharing one is possible, so every function that is
fed by a stream looks here first and skips records of another function.
"""

from __future__ import annotations

from enum import StrEnum

from voicecall_bridge.sources.reading import in_lower_case, is_contact_id, members, text


class Kind(StrEnum):
    """The kinds of stream records.

    UNKNOWN: no member shows it. It may be an older or newer form of any kind, so the function that
    reads it decides.
    """

    CONTACT_EVENT = "CONTACT_EVENT"
    CONTACT_RECORD = "CONTACT_RECORD"
    CONTACT_LENS = "CONTACT_LENS"
    AGENT_EVENT = "AGENT_EVENT"
    UNKNOWN = "UNKNOWN"


def kind_of(payload: object) -> Kind:
    """The kind of a record's JSON, by the members that only this kind has."""
    record = members(payload)
    if "AWSContactTraceRecordFormatVersion" in record:
        return Kind.CONTACT_RECORD
    if "detail-type" in record:
        return Kind.CONTACT_EVENT
    if "EventType" in record:
        # Both have a version. Only an agent event has an id of its own and names an agent.
        return Kind.AGENT_EVENT if {"AgentARN", "EventId"} & record.keys() else Kind.CONTACT_LENS
    return Kind.UNKNOWN


def contact_of(payload: object) -> str:
    """The contact that a record is about, whatever its kind; empty where it names none."""
    record = members(payload)
    found = text(record.get("ContactId")) or text(members(record.get("detail")).get("contactId"))
    return in_lower_case(found) if is_contact_id(found) else ""
