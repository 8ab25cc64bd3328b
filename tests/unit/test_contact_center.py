"""The contact center's secret: it is read whole, each fault is named, and no error holds a
value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.samples.members import MISSING
from tests.unit.samples import BASE_URL, CALL_CENTER, KEY_NAME, ORG_ID, key_pair, secret
from voicecall_bridge.contact_centers.secret import (
    InvalidSecret,
    is_on_loopback,
    parse_secret,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_whole_secret() -> None:
    center = parse_secret(secret())
    assert (center.org_id, center.api_name, center.base_url) == (ORG_ID, CALL_CENTER, BASE_URL)
    assert center.private_key == key_pair()[0].strip()


def test_values_may_have_blanks_around_them() -> None:
    center = parse_secret(
        secret(SALESFORCE_ORG_ID=f" {ORG_ID}\n", CALL_CENTER_API_NAME=f"{CALL_CENTER} ")
    )
    assert center.org_id == ORG_ID
    assert center.api_name == CALL_CENTER


def test_the_key_kept_apart_wins() -> None:
    """Given a Systems Manager parameter with the key (implementation guide, until Winter '26)."""
    assert parse_secret(secret(), "key text").private_key == "key text"
    assert parse_secret(secret(**{KEY_NAME: MISSING}), "key text").private_key == "key text"


def test_the_key_never_shows() -> None:
    assert "PRIVATE" not in repr(parse_secret(secret()))


@pytest.mark.parametrize("org_id", ["00D000000000001", "00D000000000001AAA", "00DabcDEF123456"])
def test_org_ids(org_id: str) -> None:
    assert parse_secret(secret(SALESFORCE_ORG_ID=org_id)).org_id == org_id


@pytest.mark.parametrize(
    "org_id", [MISSING, None, "", 5, "00D", "001000000000001", "00D00000000000", "00D" + "0" * 14]
)
def test_a_faulty_org_id(org_id: object) -> None:
    with pytest.raises(InvalidSecret, match="SALESFORCE_ORG_ID"):
        parse_secret(secret(SALESFORCE_ORG_ID=org_id))


@pytest.mark.parametrize("name", [MISSING, None, "", "  ", 5])
def test_no_contact_center_name(name: object) -> None:
    """Then the error describes the key's name, which is made from the contact center's name."""
    with pytest.raises(InvalidSecret) as caught:
        parse_secret(secret(CALL_CENTER_API_NAME=name))
    assert "CALL_CENTER_API_NAME: missing" in str(caught.value)
    assert "<CALL_CENTER_API_NAME>-scrt-jwt-auth-private-key: missing" in str(caught.value)


@pytest.mark.parametrize("key", [MISSING, None, "", 5, {}])
def test_no_key(key: object) -> None:
    with pytest.raises(InvalidSecret, match=f"{KEY_NAME}: missing"):
        parse_secret(secret(**{KEY_NAME: key}))


def test_all_faults_together_and_no_value() -> None:
    with pytest.raises(InvalidSecret) as caught:
        parse_secret(json.dumps({"SALESFORCE_ORG_ID": "hush", "SCRT_ENDPOINT_BASE": "hush"}))
    text = str(caught.value)
    for name in (
        "SALESFORCE_ORG_ID",
        "CALL_CENTER_API_NAME",
        "SCRT_ENDPOINT_BASE",
        "scrt-jwt-auth-private-key",
    ):
        assert name in text
    assert "hush" not in text
    assert text == "; ".join(caught.value.faults)
    assert len(caught.value.faults) == 4


@pytest.mark.parametrize(
    "pasted",
    [
        pytest.param(lambda: key_pair()[0], id="the key"),
        pytest.param(lambda: "".join(key_pair()[0].split("-----")[2].split()), id="its base64"),
        pytest.param(lambda: '{"SALESFORCE_ORG_ID": "hush"}', id="the secret"),
    ],
)
def test_what_was_pasted_into_the_name_does_not_show(pasted: Callable[[], str]) -> None:
    """Given a value in the place of the contact center's name, from which the key's name is made,
    then the error only describes that name: errors go into the log and to the flow."""
    with pytest.raises(InvalidSecret) as caught:
        parse_secret(secret(CALL_CENTER_API_NAME=pasted()))
    assert caught.value.faults == ("<CALL_CENTER_API_NAME>-scrt-jwt-auth-private-key: missing",)


@pytest.mark.parametrize("text", ["", "hush", "{", "\ud800"], ids=ascii)
def test_a_secret_that_is_not_json(text: str) -> None:
    with pytest.raises(InvalidSecret, match="not JSON") as caught:
        parse_secret(text)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("text", ["[]", "null", '"hush"', "5"])
def test_a_secret_that_is_no_object(text: str) -> None:
    with pytest.raises(InvalidSecret, match="not a JSON object"):
        parse_secret(text)


@pytest.mark.parametrize(
    ("address", "base"),
    [
        ("https://a.my.salesforce-scrt.com", "https://a.my.salesforce-scrt.com/telephony/v1"),
        ("https://a.my.salesforce-scrt.com/", "https://a.my.salesforce-scrt.com/telephony/v1"),
        ("https://a.example/telephony/v1/", "https://a.example/telephony/v1"),
        ("https://a.example:8443/telephony/v1", "https://a.example:8443/telephony/v1"),
        ("https://a.example/gateway/v1", "https://a.example/gateway/v1"),
        ("https://10.0.0.1", "https://10.0.0.1/telephony/v1"),
        ("https://scrt.localhost.example", "https://scrt.localhost.example/telephony/v1"),
    ],
)
def test_addresses(address: str, base: str) -> None:
    assert parse_secret(secret(SCRT_ENDPOINT_BASE=address)).base_url == base


@pytest.mark.parametrize(
    ("address", "base"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/telephony/v1"),
        ("http://127.9.9.9", "http://127.9.9.9/telephony/v1"),
        ("http://[::1]:8080", "http://[::1]:8080/telephony/v1"),
        ("http://localhost:8080/x", "http://localhost:8080/x"),
        ("https://127.0.0.1:8443", "https://127.0.0.1:8443/telephony/v1"),
    ],
)
def test_addresses_of_the_simulator_alone(address: str, base: str) -> None:
    text = secret(SCRT_ENDPOINT_BASE=address)
    assert parse_secret(text, on_loopback=True).base_url == base
    with pytest.raises(InvalidSecret, match="SCRT_ENDPOINT_BASE: a loopback or link-local address"):
        parse_secret(text)


@pytest.mark.parametrize("on_loopback", [False, True])
@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",  # a function's own credentials
        "[fe80::1]",
        "[::ffff:169.254.169.254]",
        "0.0.0.0",
        "[::]",
        "127.1",
        "2130706433",
        "0x7f000001",
        "169.254.43518",
        "a.localhost",
    ],
)
def test_addresses_that_only_this_machine_reaches(host: str, on_loopback: bool) -> None:
    with pytest.raises(InvalidSecret, match="SCRT_ENDPOINT_BASE") as caught:
        parse_secret(secret(SCRT_ENDPOINT_BASE=f"https://{host}"), on_loopback=on_loopback)
    assert host not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "on_loopback"),
    [
        ("http://127.0.0.1:4566", True),
        ("http://localhost:4566", True),
        ("https://dynamodb.eu-central-1.amazonaws.com", False),
        ("", False),
        ("https://[", False),
    ],
)
def test_what_is_on_this_machine(address: str, on_loopback: bool) -> None:
    assert is_on_loopback(address) is on_loopback


@pytest.mark.parametrize(
    "address",
    [
        MISSING,
        None,
        5,
        "",
        "a.my.salesforce-scrt.com",
        "ftp://a.example",
        "https://",
        "https:///telephony/v1",
        "http://a.example",
        "http://10.0.0.1",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "https://user:word@a.example",
        "https://user@a.example",
        "https://:word@a.example",
        "https://a.example/telephony/v1?x=1",
        "https://a.example?x=1",
        "https://a.example/telephony/v1#part",
        "https://a.example:port",
        "https://a.example:99999",
        "https://[::1",
        "https://[::1/telephony/v1",
        "https://[nonsense]/telephony/v1",
    ],
    ids=repr,
)
def test_addresses_a_token_must_not_go_to(address: object) -> None:
    with pytest.raises(InvalidSecret, match="SCRT_ENDPOINT_BASE") as caught:
        parse_secret(secret(SCRT_ENDPOINT_BASE=address))
    assert "a.example" not in str(caught.value)
