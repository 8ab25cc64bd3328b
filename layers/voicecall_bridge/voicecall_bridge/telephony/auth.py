"""Bearer tokens of the Telephony Integration API.

Source: Salesforce's Voice implementation guide, "Generate a JWT": RS256; `iss` the org's id, `sub`
the contact center's API name, `exp` within 24 hours (older guides: 3 minutes, and an `aud`); a
`jti` that was seen before is refused, so every attempt carries a token of its own.

cryptography directly, not a JWT library: a token is two JSON texts and their signature (RFC 7515,
"JWS Using the Compact Serialization"), and the bridge never reads one. Such a library loads a sixth
of a start's imports for algorithms that the API does not accept (docs/speed.md).
"""

from __future__ import annotations

import json
import time
import uuid
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING

from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LIFETIME_SECONDS = 120
"""Short enough for every edition of the guide."""
_PROBE = b"signed to see whether the key's parts belong together"


class UnusableKey(ValueError):
    """The private key cannot be read, is damaged or is not an RSA key. The text holds nothing of
    the key."""


class NotAnRsaKey(UnusableKey):
    """The private key is of another kind."""

    def __init__(self) -> None:
        super().__init__("the private key is not an RSA key; the API accepts RS256 only")


class TokenSigner:
    """Signs tokens for one contact center. Parses the key once: parsing costs far more."""

    def __init__(
        self,
        *,
        org_id: str,
        call_center_api_name: str,
        private_key: str,
        audience: str = "",
        now: Callable[[], float] = time.time,
    ) -> None:
        """Parses the PEM text of the private key.

        Raises:
            UnusableKey: the key cannot be used.
        """
        self._claims = {"iss": org_id, "sub": call_center_api_name}
        if audience:
            self._claims["aud"] = audience
        self._key = rsa_key(private_key)
        _require_whole(self._key)
        self._now = now

    def token(self) -> str:
        """A fresh token with an id of its own."""
        issued = int(self._now())
        times = {"iat": issued, "exp": issued + LIFETIME_SECONDS}
        claims = {**self._claims, **times, "jti": str(uuid.uuid4())}
        signed = b".".join((_HEADER, _encoded(claims)))
        signature = self._key.sign(signed, PKCS1v15(), SHA256())
        return b".".join((signed, _base64url(signature))).decode()


def rsa_key(pem: str, *, checked: bool = False) -> RSAPrivateKey:
    """The key of a PEM text without a passphrase.

    Args:
        pem: the text.
        checked: proves that the key's numbers are the primes that they should be. That takes 37 ms
            at each start, so `./bridge doctor` does it; a start signs once and verifies (0.4 ms).

    Raises:
        UnusableKey: it cannot be read, or is not an RSA key.
    """
    # Secrets pasted through a console or a shell often carry "\n" as two characters.
    text = pem.strip().replace("\\n", "\n")
    try:
        key = load_pem_private_key(
            text.encode(), password=None, unsafe_skip_rsa_key_validation=not checked
        )
    except (
        ValueError,
        TypeError,
        UnsupportedAlgorithm,
    ):  # "from None": the cause's text may quote the key
        raise UnusableKey("the private key is not a PEM text without a passphrase") from None
    if not isinstance(key, RSAPrivateKey):
        raise NotAnRsaKey
    return key


def _require_whole(key: RSAPrivateKey) -> None:
    # A damaged key would sign, and Salesforce would refuse every token without saying why.
    try:
        signature = key.sign(_PROBE, PKCS1v15(), SHA256())
        key.public_key().verify(signature, _PROBE, PKCS1v15(), SHA256())
    except (InvalidSignature, InternalError, ValueError):
        raise UnusableKey("the private key is damaged: it signs what it cannot verify") from None


def _encoded(members: Mapping[str, object]) -> bytes:
    return _base64url(json.dumps(members, separators=(",", ":")).encode())


def _base64url(octets: bytes) -> bytes:
    return urlsafe_b64encode(octets).rstrip(b"=")


_HEADER = _encoded({"alg": "RS256", "typ": "JWT"})
