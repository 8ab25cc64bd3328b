"""Tokens follow "Generate a JWT" of the implementation guide."""

import re
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from tests.unit.samples import CALL_CENTER, ORG_ID, damaged_key, key_pair
from voicecall_bridge.telephony.auth import (
    LIFETIME_SECONDS,
    TokenSigner,
    UnusableKey,
    rsa_key,
)


def signer(private_key: str = "", audience: str = "") -> TokenSigner:
    return TokenSigner(
        org_id=ORG_ID,
        call_center_api_name=CALL_CENTER,
        private_key=private_key or key_pair()[0],
        audience=audience,
    )


def test_claims_and_signature() -> None:
    """Given the certificate of the CallCenter record, then it verifies the token."""
    before = int(time.time())
    token = signer().token()
    assert jwt.get_unverified_header(token)["alg"] == "RS256"
    claims = jwt.decode(token, key_pair()[1], algorithms=["RS256"])
    assert set(claims) == {"iss", "sub", "iat", "exp", "jti"}
    assert (claims["iss"], claims["sub"]) == (ORG_ID, CALL_CENTER)
    assert claims["exp"] - claims["iat"] == LIFETIME_SECONDS <= 180, "older guides: 3 minutes"
    assert claims["iat"] >= before


def test_another_key_does_not_verify() -> None:
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(signer().token(), key_pair(2049)[1], algorithms=["RS256"])


def test_every_token_carries_a_jti_of_its_own() -> None:
    """Salesforce refuses a jti that it has seen before."""
    one = signer()
    tokens = [jwt.decode(one.token(), options={"verify_signature": False}) for _ in range(20)]
    assert len({claims["jti"] for claims in tokens}) == 20


def test_time_is_the_clocks() -> None:
    private_key = key_pair()[0]
    clocked = TokenSigner(
        org_id=ORG_ID, call_center_api_name="x", private_key=private_key, now=lambda: 1000.9
    )
    claims = jwt.decode(clocked.token(), options={"verify_signature": False})
    assert (claims["iat"], claims["exp"]) == (1000, 1000 + LIFETIME_SECONDS)


@pytest.mark.parametrize("audience", ["", "https://scrt.salesforce.com"])
def test_audience_only_where_one_is_set(audience: str) -> None:
    claims = jwt.decode(signer(audience=audience).token(), options={"verify_signature": False})
    assert claims.get("aud", "") == audience
    assert ("aud" in claims) is bool(audience)


@pytest.mark.parametrize("bits", [1024, 2048, 4096])
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")  # PyJWT verifies
def test_each_documented_key_length(bits: int) -> None:
    private_key, public_key = key_pair(bits)
    token = signer(private_key).token()
    assert jwt.decode(token, public_key, algorithms=["RS256"])["iss"] == ORG_ID


def test_older_key_files() -> None:
    """Given a PKCS #1 file ("BEGIN RSA PRIVATE KEY"), as openssl wrote them before 3.0."""
    key = load_pem_private_key(key_pair()[0].encode(), None)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    assert signer(pem.decode()).token()


@pytest.mark.parametrize("change", [str.strip, lambda pem: f"\n {pem} \n"])
def test_blanks_around_the_key(change: object) -> None:
    assert callable(change)
    assert signer(change(key_pair()[0])).token()


def test_line_ends_pasted_as_two_characters() -> None:
    """Given a key pasted through a console, with each line end written as backslash and n."""
    assert signer(key_pair()[0].replace("\n", "\\n")).token()


def unusable_keys() -> dict[str, str]:
    private, public = key_pair()
    elliptic = ec.generate_private_key(ec.SECP256R1())
    rsa = load_pem_private_key(private.encode(), None)
    pkcs8 = (Encoding.PEM, PrivateFormat.PKCS8)
    return {
        "empty": "",
        "text": "HUSHHUSHHUSH",
        "public": public,
        "cut": private[: len(private) // 2],
        "inside lost": private.replace(private[100:300], ""),
        "half a surrogate pair": "\ud800",
        "elliptic": elliptic.private_bytes(*pkcs8, NoEncryption()).decode(),
        "passphrase": rsa.private_bytes(*pkcs8, BestAvailableEncryption(b"hush")).decode(),
    }


@pytest.mark.parametrize("kind", sorted(unusable_keys()))
def test_an_unusable_key_is_never_quoted(kind: str) -> None:
    text = unusable_keys()[kind]
    with pytest.raises(UnusableKey) as caught:
        TokenSigner(org_id=ORG_ID, call_center_api_name="x", private_key=text)
    shown = f"{caught.value!r}"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    parts = [text[start : start + 12] for start in range(27, max(28, len(text) - 12))]
    assert not any(part in shown for part in parts if part.strip())
    assert "HUSH" not in shown


def test_damaged_key_makes_good_tokens_or_is_refused() -> None:
    """Given a key file with one wrong byte anywhere, then the key is refused by a clear error, or
    every token verifies: OpenSSL may notice the fault and do without the damaged number."""
    refused = 0
    for position in range(0, 1200, 37):
        made = None
        try:
            made = signer(damaged_key(position)).token()
        except UnusableKey:
            refused += 1
        assert made is None or jwt.decode(made, key_pair()[1], algorithms=["RS256"]), position
    assert refused > 5


def test_damaged_modulus_is_said() -> None:
    with pytest.raises(UnusableKey, match="damaged"):
        signer(damaged_key(100))


@pytest.mark.parametrize("position", [100, 600, 800])
def test_full_check_is_there_for_who_asks(position: int) -> None:
    """Given a damaged modulus, prime or exponent, then the full check finds it. A start leaves that
    check out."""
    with pytest.raises(UnusableKey):
        rsa_key(damaged_key(position), checked=True)


def test_token_is_three_parts_without_padding() -> None:
    """RFC 7515: base64url without padding, header and claims as JSON without blanks."""
    header, claims, signature = signer().token().split(".")
    assert header == "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9"
    assert re.fullmatch(r"[A-Za-z0-9_-]+", claims + signature)
