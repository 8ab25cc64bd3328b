"""Small samples for tests: an event of a contact flow and what is expected of it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.samples.contact_events import envelope
from tests.samples.flow_events import contact_data
from tests.samples.flow_events import flow_event as whole_flow_event
from tests.samples.members import INSTANCE_ARN, endpoint

NO_RETRY_QUEUE = {"RETRY_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/111122223333/not-there"}
"""Settings of a function that has nowhere to put what fails: it stays in its stream."""


def queued_event(contact_id: str, **changes: Any) -> dict[str, Any]:
    """A contact event of this moment, as the rules take it (guide, "Contact events")."""
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    detail = {
        "eventType": "QUEUED",
        "contactId": contact_id,
        "channel": "VOICE",
        "instanceArn": INSTANCE_ARN,
        "initiationMethod": "INBOUND",
        "initiationTimestamp": now,
        "tags": {"aws:connect:systemEndpoint": "+18005550123"},
    }
    return envelope({**detail, **changes}, name=f"event-of-{contact_id}", at=now)


def flow_event(contact_id: str, **changes: Any) -> dict[str, Any]:
    """A flow event; `changes` are members of ContactData, and `method`."""
    numbers = {
        "CustomerEndpoint": endpoint("+12065550123"),
        "SystemEndpoint": endpoint("+18005550123"),
    }
    parameters = {"methodName": changes.pop("method", "createVoiceCall")}
    return whole_flow_event(contact_data(contact_id, **(numbers | changes)), parameters)


def transfer_event(contact_id: str, parent: str) -> dict[str, Any]:
    """A transfer leg."""
    return flow_event(
        contact_id,
        method="createTransferVC",
        InitiationMethod="TRANSFER",
        InitialContactId=parent,
        PreviousContactId=parent,
    )


def created(contact_id: str, **changes: Any) -> dict[str, Any]:
    """The expected file of an event that creates a VoiceCall."""
    answer = {"status": "created", "voiceCallId": "*", "vendorCallKey": contact_id}
    expected = {
        "source": "invented",
        "answer": {**answer, "errors": "", "errorCode": "", "errorMessage": ""},
        "voiceCall": {"vendorCallKey": contact_id, "to": "+18005550123"},
        "disposition": "delivered",
        "reason": "",
    }
    return {**expected, **changes}


def write_json(path: Path, value: Any) -> Path:
    """The file, written, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def write_sample(folder: Path, name: str, event: Any, expected: Any) -> Path:
    """An event with its expected file beside it; the event's path."""
    write_json(folder / "contact_flow" / f"{name}.expected.json", expected)
    return write_json(folder / "contact_flow" / f"{name}.json", event)


def write_call(folder: Path, name: str, *lines: Any) -> Path:
    """A whole call; the file's path."""
    path = folder / "calls" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path
