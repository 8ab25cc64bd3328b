"""Reading and mapping of contact records are total: whatever AWS sends, a request or a refusal."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.property.strategies import ADDRESSES, ANY_JSON, ANY_TEXT
from tests.samples.contact_records import contact_record as record
from tests.samples.members import MISSING
from voicecall_bridge.contact import NotAContact
from voicecall_bridge.settings.contact_records import RecordRules
from voicecall_bridge.sources.contact_record import MEMBERS, ContactRecord, read
from voicecall_bridge.voice_call.update import PROPERTIES, CustomField, update_request

TIMES = (
    st.sampled_from(["2026-11-20T10:00:00Z", "2026-11-20", "1970-01-01T00:00:00Z", ""]) | ANY_JSON
)
RECORDINGS = ANY_JSON | st.lists(
    st.fixed_dictionaries(
        {},
        optional={"Location": st.just("b/a.wav"), "StartTimestamp": TIMES, "StopTimestamp": TIMES},
    )
    | ANY_JSON,
    max_size=3,
)
AGENT = ANY_JSON | st.fixed_dictionaries(
    {},
    optional={
        "Username": ANY_JSON,
        "ConnectedToAgentTimestamp": TIMES,
        "AgentInteractionDuration": st.integers(-1, 3) | ANY_JSON,
    },
)
SHAPES: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(sorted(MEMBERS), ANY_JSON),
    "Agent": AGENT,
    "Recording": ANY_JSON | st.fixed_dictionaries({"Location": st.just("b/a.wav") | ANY_JSON}),
    "Recordings": RECORDINGS,
    "CustomerEndpoint": ADDRESSES,
    "SystemEndpoint": ADDRESSES,
    "InitiationTimestamp": TIMES,
    "LastUpdateTimestamp": TIMES,
    "Attributes": ANY_JSON
    | st.dictionaries(st.sampled_from(["sfdc-A__c", "x"]) | ANY_TEXT, ANY_JSON),
}
FIELDS = (CustomField("Agent.Username", "A__c"), CustomField("Recordings.0.Location", "B__c"))


@st.composite
def contact_records(draw: st.DrawFn) -> dict[str, Any]:
    """A record with members as documented, missing, null, of another type, or unknown."""
    members = record()
    for name in draw(st.sets(st.sampled_from(sorted(SHAPES)), max_size=6)):
        members[name] = draw(SHAPES[name] | st.just(MISSING))
    unknown = draw(st.dictionaries(ANY_TEXT, ANY_JSON, max_size=2))
    return {k: v for k, v in {**unknown, **members}.items() if v is not MISSING}


def try_to_read(payload: object) -> ContactRecord | None:
    try:
        return read(payload)
    except NotAContact:
        return None


@given(ANY_JSON | contact_records())
def test_reading_and_mapping_never_fail(payload: Any) -> None:
    """Given any JSON, then it is refused or becomes a request of known properties without any
    null."""
    found = try_to_read(payload)
    if found is None:
        return
    RecordRules().skip(found)
    body = update_request(found, FIELDS).to_json()
    assert set(body) <= {row.name for row in PROPERTIES} | {"callAttributes"}
    assert None not in body.values()
    assert json.loads(json.dumps(body, allow_nan=False)) == body
    fields = json.loads(str(body.get("callAttributes", "{}")))
    json.dumps(fields, allow_nan=False)
    assert all(isinstance(value, str | int | float) for value in fields.values())


@given(contact_records())
def test_reading_says_the_same_twice(payload: dict[str, Any]) -> None:
    """A version depends on the payload alone, not on the time of its reading."""
    assert try_to_read(payload) == try_to_read(json.loads(json.dumps(payload)))
