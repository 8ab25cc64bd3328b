"""The table of calls: the path and form of each, and the setting that chooses between two forms."""

from urllib.parse import parse_qs, urlsplit

import pytest

from voicecall_bridge.telephony.operations import (
    CALLS,
    GUIDES,
    Operation,
    UnknownVariant,
    calls_with,
)

# Voice implementation guide, its REST API pages; the last five are Salesforce's own package's.
SCVL = {
    "create": "POST /voiceCalls",
    "update": "PATCH /voiceCalls/k",
    "omniFlow": "PATCH /voiceCalls/k/omniFlow",
    "clearRouting": "PATCH /voiceCalls/k/clearRouting",
    "reroute": "PATCH /voiceCalls/k/reroute",
    "routeVoiceCall": "PATCH /voiceCalls/route/k",
    "requestCallback": "POST /voiceCalls/k/requestCallback",
    "messages": "POST /voiceCalls/k/messages",
    "bulkMessages": "POST /voiceCalls/messages",
    "realtimeConversationEvents": "POST /voiceCalls/k/realtimeConversationEvents",
    "postConversationEvents": "POST /voiceCalls/k/postConversationEvents",
    "voicemailDrop": "GET /voiceCalls/k/voicemailDrop",
    "defaultOutboundPhoneNumber": "GET /voiceCalls/defaultOutboundPhoneNumber",
    "voicemailGreeting": "GET /voiceCalls/voicemailGreeting",
    "reserveRoutableNumber": "POST /voiceCalls/reserveRoutableNumber",
    "createVoiceCallContext": "POST /voiceCalls/createVoiceCallContext",
}
GUIDE = {
    "reroute": "POST /voiceCalls/k/reroute",
    "routeVoiceCall": "POST /voiceCalls/k/routeVoiceCall",
}


def forms(variants: str) -> dict[str, str]:
    calls = calls_with(variants)
    return {each.value: f"{calls[each].method} {calls[each].target('k')}" for each in Operation}


def test_the_default_is_what_salesforces_own_package_sends() -> None:
    assert forms("") == forms(" , ") == SCVL
    assert calls_with("") == CALLS


def test_every_call_says_why() -> None:
    assert all(call.why for call in (*CALLS.values(), *GUIDES.values()))


@pytest.mark.parametrize("name", sorted(GUIDE))
def test_one_call_in_the_guides_form(name: str) -> None:
    assert forms(f"{name}=guide") == SCVL | {name: GUIDE[name]}
    assert forms(f" {name} = guide , ") == SCVL | {name: GUIDE[name]}
    assert forms(f"{name}=scvl") == SCVL
    assert forms(f"{name}=guide,{name}=scvl") == SCVL, "the last one counts"


def test_all_calls_in_the_guides_form() -> None:
    assert forms("reroute=guide,routeVoiceCall=guide") == SCVL | GUIDE


@pytest.mark.parametrize(
    "variants",
    ["HUSH", "reroute", "reroute=HUSH", "reroute=", "=guide", "create=guide", "HUSH=guide"],
)
def test_an_unknown_variant_is_reported_and_not_quoted(variants: str) -> None:
    with pytest.raises(
        UnknownVariant, match="must be one of reroute=scvl, reroute=guide, routeVoiceCall=scvl"
    ) as e:
        calls_with(f"reroute=guide,{variants}")
    assert "HUSH" not in str(e.value)


def test_what_makes_something_each_time_must_not_be_repeated() -> None:
    """Source: Voice implementation guide, "Request a Callback": it answers the id of a record."""
    once = {name.value for name, call in CALLS.items() if not call.repeatable}
    assert once == {"requestCallback", "reserveRoutableNumber", "createVoiceCallContext"}
    assert once == {name.value for name, call in CALLS.items() if call.kept}


# The first is the path that SCVL can be led to.
@pytest.mark.parametrize("key", ["abc/../../admin?x=1", "a#b", "a b", "{key}", "%2e%2e", "Zürich"])
@pytest.mark.parametrize("operation", [each for each in Operation if each is not Operation.CREATE])
def test_a_key_keeps_its_place(operation: Operation, key: str) -> None:
    for calls in (calls_with(""), calls_with("reroute=guide,routeVoiceCall=guide")):
        path = calls[operation].target(key)
        assert path.count("/") == calls[operation].path.count("/")
        assert not {"?", "#", " ", "{"} & set(path)


# The values are invented.
@pytest.mark.parametrize(
    "value", ["arn:aws:connect:x:1:instance/a/agent/b", "+1 2&x=y#z", "Zürich"]
)
def test_the_request_of_a_get_is_its_query_string(value: str) -> None:
    call = CALLS[Operation.DEFAULT_OUTBOUND_NUMBER]
    address = urlsplit(call.target("k", {"externalRepId": value}))
    assert address.path == call.path
    assert parse_qs(address.query) == {"externalRepId": [value]}
    assert call.target("k", None) == call.target("k", {}) == call.path


def test_the_request_of_a_post_stays_out_of_its_path() -> None:
    assert "?" not in CALLS[Operation.REQUEST_CALLBACK].target("k", {"callbackNumber": "1"})
