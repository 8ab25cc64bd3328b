"""Bearer tokens of the Telephony Integration API.

Source: Salesforce's Voice implementation guide, "Generate a JWT": RS256; `iss` the org's id, `sub`
the contact center's API name, `exp` within 24 hours (older guides: 3 minutes, and an `aud`); a
`jti` that was seen before is refused, so every attempt carries a token of its own.
"""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

if TYPE_CHECKING:
    from collections.abc import Callable

LIFETIME_SECONDS = 120
"""Short enough for every edition of the guide."""


class UnusableKey(ValueError):
    """The private key cannot be read or is no RSA key. The text holds nothing of the key."""


class TokenSigner:
    """Signs tokens for one contact center; parses the key once, which costs far more."""

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
            UnusableKey: the key cannot be read or is no RSA key.
        """
        self._claims = {"iss": org_id, "sub": call_center_api_name}
        if audience:
            self._claims["aud"] = audience
        self._key = rsa_key(private_key)
        self._now = now

    def token(self) -> str:
        """A fresh token, never the same twice."""
        issued = int(self._now())
        times = {"iat": issued, "exp": issued + LIFETIME_SECONDS}
        claims = {**self._claims, **times, "jti": str(uuid.uuid4())}
        return jwt.encode(claims, self._key, algorithm="RS256")


def rsa_key(pem: str) -> RSAPrivateKey:
    """The key of a PEM text without a passphrase.

    Raises:
        UnusableKey: it cannot be read or is no RSA key.
    """
    # Secrets pasted through a console or a shell often carry "\n" as two characters.
    text = pem.strip().replace("\\n", "\n")
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (
        ValueError,
        TypeError,
        UnsupportedAlgorithm,
    ):  # "from None": the cause's text may quote the key
        raise UnusableKey("the private key is not a PEM text without a passphrase") from None
    if not isinstance(key, RSAPrivateKey):
        raise UnusableKey("the private key is no RSA key; the API accepts RS256 only")
    return key
