"""`bridge doctor` reads the secret: it names mistakes and what to change, and shows no value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from doctor.findings import Verdict
from doctor.private_key import check_key
from doctor.secret import API_NAME, BASE, KEY, ORG, SECRET, read_secret
from simulator.salesforce import new_identity
from voicecall_bridge.contact_centers.secret import InvalidSecret, parse_secret

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    from doctor.findings import Finding

# Invented, as every value here.
CENTER = "AmazonConnect_West"
KEY_NAME = f"{CENTER}-scrt-jwt-auth-private-key"
ADDRESS = "https://acme.my.salesforce-scrt.com/telephony/v1"
IDENTITY = new_identity(org_id="00D5e0000000001EAA", call_center_api_name=CENTER)
PEM = IDENTITY.private_key_pem


def secret(**changes: Any) -> str:
    """A right secret with some of its members changed; None leaves one out."""
    members = {**IDENTITY.secret(ADDRESS), **changes}
    return json.dumps({name: value for name, value in members.items() if value is not None})


def found(findings: Iterable[Finding], check: str) -> Finding:
    """The worst finding of a check."""
    order = [Verdict.FAULT, Verdict.WARNING, Verdict.UNCHECKED, Verdict.OK]
    return min((it for it in findings if it.check == check), key=lambda it: order.index(it.verdict))


def faults(text: str) -> set[str]:
    return {it.check for it in read_secret(text).findings if it.verdict is Verdict.FAULT}


def pem(key: PrivateKeyTypes, passphrase: bytes = b"") -> str:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase)
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, encryption).decode()


def test_right_secret() -> None:
    """Given the secret that Salesforce provisions, then nothing is wrong and no value is shown."""
    reading = read_secret(secret())

    assert {it.verdict for it in reading.findings} == {Verdict.OK}
    assert reading.has(ORG, API_NAME, BASE, KEY)
    shown = str(reading.findings)
    assert KEY_NAME in shown
    for value in (IDENTITY.org_id, "acme", PEM, PEM.splitlines()[1]):
        assert value not in shown


@pytest.mark.parametrize(
    ("text", "said", "change"),
    [
        ("", "empty", "not as binary"),
        ("{", "not JSON (line 1)", "Salesforce made"),
        ('{\n"a" 1\n}', "not JSON (line 2)", "Salesforce made"),
        (f'{{"{KEY_NAME}": "{PEM}"}}', "broken over lines (line 1)", "line breaks as \\n"),
        ("{'a': 1}", "not JSON", "double quotation"),
        ("{“a”: 1}", "not JSON", "typographic"),
        ("\ufeff{}", "not JSON", "byte order mark"),
        (PEM, "not JSON", "a key alone"),
        (json.dumps(secret()), "one text", "quoted twice"),
        ("[]", "no object (list)", "four names"),
        ("null", "no object", "four names"),
        (json.dumps({"ARN": "a", "SecretString": secret()}), "AWS CLI", "--query SecretString"),
    ],
)
def test_text_that_is_no_secret(text: str, said: str, change: str) -> None:
    """Given a common mistake in a secret's place, then the finding says which one it is."""
    finding = found(read_secret(text).findings, SECRET)

    assert finding.verdict is Verdict.FAULT
    assert said in finding.text
    assert change in finding.change


@pytest.mark.parametrize(
    ("name", "check"), [(ORG, ORG), (BASE, BASE), (API_NAME, API_NAME), (KEY_NAME, KEY)]
)
@pytest.mark.parametrize(
    ("value", "said"), [(None, "missing"), ("  ", "empty"), (7, "not a text (int)")]
)
def test_name_without_a_value(name: str, check: str, value: Any, said: str) -> None:
    """Given a secret that lacks one of its four names, or its text, then the finding says so."""
    reading = read_secret(secret(**{name: value}))
    finding = found(reading.findings, check)

    assert finding.verdict is Verdict.FAULT
    assert said in finding.text
    assert finding.change
    assert not reading.has(check)


def test_key_of_another_contact_center() -> None:
    """Given a key under the name of another contact center, then that name is shown; the key
    itself can still be looked at."""
    other = "AmazonConnect_East-scrt-jwt-auth-private-key"
    reading = read_secret(secret(**{KEY_NAME: None, other: PEM}))
    finding = found(reading.findings, KEY)

    assert "another contact center's name" in finding.text
    assert other in finding.text
    assert API_NAME in finding.change
    assert not reading.has(KEY)
    assert reading.key == PEM


def test_key_without_a_contact_center() -> None:
    """Given a secret without the API name, then that is the fault, not the key's name."""
    findings = read_secret(secret(CALL_CENTER_API_NAME=None)).findings

    assert found(findings, API_NAME).verdict is Verdict.FAULT
    assert found(findings, KEY).verdict is Verdict.UNCHECKED
    assert KEY_NAME in found(findings, KEY).text


def test_name_that_is_nearly_right() -> None:
    """Given a misspelt name, then both spellings are shown, but no value in a name's place."""
    text = secret(SALESFORCE_ORG_ID=None, SALESFORCE_ORGID="00D5e0000000001EAA")

    assert "SALESFORCE_ORGID is not the name" in found(read_secret(text).findings, ORG).text

    pasted = f"{PEM}-scrt-jwt-auth-private-key"
    shown = str(read_secret(secret(**{KEY_NAME: None, pasted: "x"})).findings)
    assert PEM.splitlines()[1] not in shown


def test_key_in_a_secure_string() -> None:
    """Given a key that a SecureString holds, then the secret needs none. A key that could not be
    read is not a fault of the secret."""
    without = secret(**{KEY_NAME: None})

    assert found(read_secret(without, PEM).findings, KEY).verdict is Verdict.OK
    unread = read_secret(without, None)
    assert found(unread.findings, KEY).verdict is Verdict.UNCHECKED
    assert not unread.has(KEY)


@pytest.mark.parametrize(
    "org_id", ["005e00000000001AAA", "00d5e0000000001", "00D5e000000001", "00D5e0000000001EA"]
)
def test_org_id_of_a_wrong_shape(org_id: str) -> None:
    assert faults(secret(SALESFORCE_ORG_ID=org_id)) == {ORG}


def test_org_id_with_a_wrong_checksum() -> None:
    """Given 18 characters with last three that do not fit the case of the first 15."""
    finding = found(read_secret(secret(SALESFORCE_ORG_ID="00D5E0000000001EAA")).findings, ORG)

    assert finding.verdict is Verdict.WARNING
    assert "Company Information" in finding.change


def test_label_instead_of_an_api_name() -> None:
    label = "Amazon Connect"
    text = secret(
        CALL_CENTER_API_NAME=label, **{f"{label}-scrt-jwt-auth-private-key": PEM, KEY_NAME: None}
    )

    assert found(read_secret(text).findings, API_NAME).verdict is Verdict.WARNING
    assert not faults(text)


@pytest.mark.parametrize(
    ("address", "verdict", "said"),
    [
        (
            "https://acme.my.salesforce-scrt.com",
            Verdict.OK,
            "salesforce-scrt.com; the bridge adds /telephony/v1",
        ),
        ("https://acme--uat.sandbox.my.salesforce-scrt.com/telephony/v1/", Verdict.OK, "<...>"),
        ("https://acme.my.salesforce-scrt.com/telephony/v2", Verdict.FAULT, "path"),
        ("https://acme.my.salesforce-scrt.com/telephony/v1/voiceCalls", Verdict.FAULT, "path"),
        ("https://acme.my.salesforce.com/telephony/v1", Verdict.FAULT, "own host"),
        ("https://acme.lightning.force.com/telephony/v1", Verdict.FAULT, "pages"),
        ("https://gateway.example/telephony/v1", Verdict.WARNING, "not a host of Salesforce"),
        ("https://gateway.example/voice", Verdict.WARNING, "host"),
        ("http://acme.my.salesforce-scrt.com/telephony/v1", Verdict.FAULT, "http"),
        ("ftp://acme.my.salesforce-scrt.com", Verdict.FAULT, "neither"),
        ("acme.my.salesforce-scrt.com/telephony/v1", Verdict.FAULT, "https://"),
        ("https://me:pass@acme.my.salesforce-scrt.com", Verdict.FAULT, "user"),
        ("https://acme.my.salesforce-scrt.com?key=1", Verdict.FAULT, "behind the path"),
        ("https://acme.my.salesforce-scrt.com:many", Verdict.FAULT, "no address"),
        ("https://[acme", Verdict.FAULT, "no address"),
        ("https://169.254.169.254", Verdict.FAULT, "link-local"),
        ("http://127.0.0.1:8080/telephony/v1", Verdict.OK, "simulator"),
        ("http://127.0.0.1:8080", Verdict.OK, "this machine; the bridge adds /telephony/v1"),
        ("http://127.0.0.1:8080/telephony/v1/voiceCalls", Verdict.WARNING, "the path is not"),
    ],
)
def test_address(address: str, verdict: Verdict, said: str) -> None:
    """Given an address, then its shape is judged, and neither host nor password is shown."""
    finding = found(read_secret(secret(SCRT_ENDPOINT_BASE=address)).findings, BASE)

    assert finding.verdict is verdict
    assert said in finding.text
    assert "acme" not in f"{finding.text}{finding.change}"
    assert "pass@" not in finding.text
    assert bool(finding.change) is (verdict is not Verdict.OK)


# 512 bits, made for this test with `openssl genrsa 512`: nothing makes so short a key any more.
SHORT_KEY = """\
-----BEGIN PRIVATE KEY-----
MIIBVAIBADANBgkqhkiG9w0BAQEFAASCAT4wggE6AgEAAkEAyIbW0IiOWnKOCr4a
xUr+LGBGSjdkbi1lHtwBThwKIHFunsLopdbKB0XmbBuJfkm2t67lpouhTuyzYLoj
ItQcMQIDAQABAkEAhVKJPmqcYuxpHiFZATWkGnMEKNH9VvedlM/nmjwwS3KRD3cW
bleA57ju2O8aO7J1Z+HFgw7rx5cLce8PHTDDMQIhAPdGXStAD1e6w9wIMivGZK/A
u6801Tj/+Tgcl6JHghu1AiEAz5oy4n21ixXCCShC0KNtYNFjjM4CZHCEYx6E0BCO
ZA0CIH/q/6GzJvy8WjwGZWXt4QJmkvElRLSS/ur/J5ZEpdMNAiBnW/lbpITfc3zA
vGfPop5RZs6uit7MDO0MwGQVhzitfQIgfgxUS3oFIqUc0UncJ/byI2kmdyvITYNz
EXggOMbhKJc=
-----END PRIVATE KEY-----
"""


@pytest.mark.parametrize(
    ("key", "verdict", "said"),
    [
        (PEM, Verdict.OK, "RSA, 2048 bits"),
        (PEM.replace("\n", "\\n"), Verdict.WARNING, "two characters"),
        (PEM.replace("\n", " "), Verdict.OK, "2048"),
        (SHORT_KEY, Verdict.FAULT, "512 bits: shorter"),
        (pem(rsa.generate_private_key(65537, 1024)), Verdict.WARNING, "2048 is advised"),
        (pem(rsa.generate_private_key(65537, 1536)), Verdict.WARNING, "names 1024, 2048 and 4096"),
        (pem(ec.generate_private_key(ec.SECP256R1())), Verdict.FAULT, "not an RSA key"),
        (pem(ec.generate_private_key(ec.SECP256R1()), b"x"), Verdict.FAULT, "passphrase"),
        (IDENTITY.certificate_pem, Verdict.FAULT, "a certificate"),
        ("-----BEGIN PUBLIC KEY-----", Verdict.FAULT, "a public key"),
        (PEM[:300], Verdict.FAULT, "damaged"),
        ("kms:alias/key", Verdict.FAULT, "not PEM"),
    ],
    ids=lambda value: value if isinstance(value, str) and "\n" not in value else "",
)
def test_private_key(key: str, verdict: Verdict, said: str) -> None:
    """Given a common mistake in the key, then the finding names it without any of the key."""
    findings = list(check_key(key))
    worst = found(findings, findings[0].check)

    assert worst.verdict is verdict
    assert said in worst.text
    for line in key.replace("\\n", "\n").splitlines()[1:-1]:
        assert line not in str(findings)


VALUES = st.one_of(
    st.none(), st.integers(), st.text(max_size=30), st.sampled_from([ADDRESS, PEM, CENTER, "00D"])
)


@given(
    st.dictionaries(
        st.sampled_from([ORG, BASE, API_NAME, KEY_NAME, "other-scrt-jwt-auth-private-key"]), VALUES
    )
)
def test_it_judges_as_the_bridge_does(members: dict[str, Any]) -> None:
    """Given any secret, then the doctor finds it usable exactly if the bridge can use it. Only
    paths on Salesforce's hosts are judged more strictly by the doctor."""
    text = json.dumps(members)
    try:
        parse_secret(text)
    except InvalidSecret:
        usable = False
    else:
        usable = True

    assert read_secret(text).has(ORG, API_NAME, BASE, KEY) is usable


def test_an_address_that_only_the_simulator_may_have() -> None:
    """Given a stack's secret, then its functions refuse this machine."""
    text = secret(SCRT_ENDPOINT_BASE="http://127.0.0.1:8080")
    finding = found(read_secret(text, on_loopback=False).findings, BASE)
    assert finding.verdict is Verdict.FAULT
    assert "only the simulator may have" in finding.text
