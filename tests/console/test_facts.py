"""simulator.web.facts: the contact of any input is found, or the answer is None."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.web import facts

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=12,
)


@given(JSON)
def test_nothing_breaks_it(value: Any) -> None:
    """Given any JSON value, then each reader answers a contact or None."""
    for read in (facts.of_flow, facts.of_event, facts.of_record, facts.of_payload):
        found = read(value)
        assert found is None or found.contact_id
    assert isinstance(list(facts.payloads(value)), list)
    assert isinstance(facts.keys_of_exchange("/telephony/v1/voiceCalls", value), tuple)


@pytest.mark.parametrize(
    ("path", "body", "keys"),
    [
        ("/telephony/v1/voiceCalls", {"vendorCallKey": "c-1"}, ("c-1",)),
        ("/telephony/v1/voiceCalls/c%2F1", {}, ("c/1",)),
        ("/telephony/v1/voiceCalls/c-1/omniFlow?x=1", None, ("c-1",)),
        ("/telephony/v1/voiceCalls/route/c-1", None, ("c-1",)),
        (
            "/telephony/v1/voiceCalls/messages",
            {"entries": [{"vendorCallKey": "a"}, {"vendorCallKey": "b"}]},
            ("a", "b"),
        ),
        ("/telephony/v1/voiceCalls/voicemailGreeting?toPhoneNumber=1", None, ()),
    ],
)
def test_keys_of_an_exchange(path: str, body: Any, keys: tuple[str, ...]) -> None:
    assert facts.keys_of_exchange(path, body) == keys


def test_payloads_of_a_batch() -> None:
    """Given a batch with a record that cannot be read, then the others are found."""
    record = {"ContactId": "c-1", "PreviousContactId": "c-0"}
    data = base64.b64encode(json.dumps(record).encode()).decode()
    event = {"Records": [{"kinesis": {"data": "!"}}, {"kinesis": {"data": data}}, {"body": "{}"}]}
    assert list(facts.payloads(event)) == [record, {}]
    found = facts.of_payload(record)
    assert found is not None
    assert (found.contact_id, found.previous) == ("c-1", "c-0")


def test_first_contact_has_no_parent() -> None:
    """Given a flow's event whose previous contact is the contact itself, then it has no parent."""
    data = {"ContactId": "c-1", "PreviousContactId": "c-1", "InstanceARN": "a/b/i-1"}
    found = facts.of_flow({"Details": {"ContactData": data}})
    assert found is not None
    assert (found.previous, found.instance_id) == ("", "i-1")
