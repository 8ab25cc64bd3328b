"""Inputs of any kind: JSON values, and flow events that are wrong in every way at once."""

import json
from typing import Any

from hypothesis import strategies as st

from tests.samples.flow_events import contact_data
from tests.samples.members import MISSING

# Lone surrogates too: JSON can hold them, and Lambda passes them on.
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ANY_TEXT
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)

ADDRESSES = ANY_JSON | st.fixed_dictionaries(
    {}, optional={"Address": ANY_JSON | st.sampled_from(["+12065550100", "anonymous", ""])}
)
ATTRIBUTES = ANY_JSON | st.dictionaries(
    st.sampled_from(["WebRTC_To", "WebRTC_From", "callOrigin", "sfdc-", "sfdc-A__c", "sfdc-ü", "x"])
    | ANY_TEXT,
    ANY_JSON,
    max_size=5,
)
METHODS_OF_CONNECT = ["INBOUND", "TRANSFER", "QUEUE_TRANSFER", "WEBRTC_API", "API", "NEW", "", None]
MEMBERS: dict[str, st.SearchStrategy[Any]] = {
    "ContactId": st.just("c1") | ANY_JSON,
    "PreviousContactId": st.sampled_from(["c0", "c1"]) | ANY_JSON,
    "InitialContactId": st.sampled_from(["c0", "c1"]) | ANY_JSON,
    "InitiationMethod": st.sampled_from(METHODS_OF_CONNECT) | ANY_JSON,
    "Channel": st.sampled_from(["VOICE", "Voice", "CHAT", "", None]) | ANY_JSON,
    "CustomerEndpoint": ADDRESSES,
    "SystemEndpoint": ADDRESSES,
    "Queue": ANY_JSON | st.fixed_dictionaries({"ARN": ANY_JSON}, optional={"Name": ANY_JSON}),
    "SegmentAttributes": ANY_JSON
    | st.fixed_dictionaries(
        {
            "connect:Subtype": ANY_JSON
            | st.fixed_dictionaries({"ValueString": st.just("connect:WebRTC") | ANY_JSON})
        }
    ),
    "Attributes": ATTRIBUTES,
    "InstanceARN": ANY_JSON,
    "Tags": ANY_JSON | st.fixed_dictionaries({"aws:connect:systemEndpoint": ANY_JSON}),
}


@st.composite
def flow_events(draw: st.DrawFn) -> dict[str, Any]:
    """An event with members as documented, missing, null, of another type, or unknown."""
    data = contact_data()
    for name in draw(st.sets(st.sampled_from(sorted(MEMBERS)))):
        data[name] = draw(MEMBERS[name] | st.just(MISSING))
    known = {name: value for name, value in data.items() if value is not MISSING}
    unknown = draw(st.dictionaries(ANY_TEXT, ANY_JSON, max_size=2))
    parameters = draw(
        ANY_JSON
        | st.fixed_dictionaries(
            {"methodName": st.sampled_from(["createVoiceCall", "createTransferVC"]) | ANY_JSON},
            optional={"contactId": ANY_JSON | st.just("c9")},
        )
    )
    return {
        "Name": draw(ANY_JSON),
        "Details": {"ContactData": unknown | known, "Parameters": parameters},
    }


MESSAGE = st.fixed_dictionaries(
    {"messageId": st.just("m") | ANY_JSON, "content": st.just("c") | ANY_JSON},
    optional={"startTime": ANY_JSON | st.just("1800000000000"), "senderType": ANY_JSON},
)
UPDATE = st.dictionaries(
    st.sampled_from(
        ["queue", "totalHoldDuration", "isActiveCall", "disconnectReason", "callAttributes"]
    )
    | ANY_TEXT,
    ANY_JSON | st.sampled_from(["7", "true", "{}", "+18005550199"]),
    max_size=4,
)


def method_parameters() -> st.SearchStrategy[dict[str, Any]]:
    """Parameters of any method, each as documented or anything at all."""
    values = MESSAGE | UPDATE | st.fixed_dictionaries({"dialedNumber": ANY_JSON})
    words = ANY_JSON | st.just("word")
    return st.fixed_dictionaries(
        {},
        optional={
            "contactId": ANY_JSON | st.just("c9"),
            "onFailure": st.sampled_from(["continue", "error", ""]) | ANY_JSON,
            "fieldValues": ANY_JSON | values | values.map(json.dumps) | ANY_TEXT,
            "flowInput-x": ANY_JSON,
            **dict.fromkeys(("flowDevName", "fallbackQueue", "transferTarget"), words),
            **dict.fromkeys(("routingTarget", "customerCallbackNumber", "dialedNumber"), words),
            **dict.fromkeys(("messageId", "content", "queue", "isActiveCall"), words),
        },
    )


def texts_of(value: object) -> set[str]:
    """Every string in a JSON value, names of members included."""
    if isinstance(value, str):
        return {value}
    if isinstance(value, list):
        return {text for item in value for text in texts_of(item)}
    if isinstance(value, dict):
        return {text for pair in value.items() for item in pair for text in texts_of(item)}
    return set()
