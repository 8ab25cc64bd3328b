"""The private key: readable, RSA, long enough. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from doctor.findings import Finding, fault, ok, warning
from voicecall_bridge.telephony.auth import NotAnRsaKey, UnusableKey, rsa_key

CHECK: Final = "key's content"

# Source: Salesforce's Voice implementation guide: 1024, 2048 or 4096 bits, 2048 advised.
_SIZES: Final = (1024, 2048, 4096)
_ADVISED: Final = 2048
_NEW_KEY: Final = "make an RSA key of 2048 bits, and its certificate in the contact center"
# Text in the key's place -> what it is.
_MISTAKEN: Final[Mapping[str, str]] = {
    "BEGIN CERTIFICATE": "a certificate, not the key that belongs to it",
    "BEGIN PUBLIC KEY": "a public key",
    "BEGIN RSA PUBLIC KEY": "a public key",
    "ENCRYPTED": "a key with a passphrase",
    "BEGIN OPENSSH": "a key in OpenSSH's own format",
    "BEGIN PGP": "a PGP key",
    "BEGIN": "PEM, but damaged or no key",
}
_PLACE: Final = "paste the contact center's private key: PEM, RSA, without a passphrase"


def check_key(pem: str) -> Iterator[Finding]:
    """One or two findings about the key."""
    try:
        key = rsa_key(pem, checked=True)
    except NotAnRsaKey:
        yield fault(CHECK, "not an RSA key; Salesforce accepts RS256 only", _NEW_KEY)
        return
    except UnusableKey:
        yield fault(CHECK, _mistaken(pem), _PLACE)
        return
    size = f"RSA, {key.key_size} bits"
    if key.key_size < min(_SIZES):
        yield fault(CHECK, f"{size}: shorter than Salesforce accepts", _NEW_KEY)
    elif key.key_size not in _SIZES:
        yield warning(CHECK, f"{size}: Salesforce names 1024, 2048 and 4096", _NEW_KEY)
    elif key.key_size < _ADVISED:
        yield warning(CHECK, f"{size}: accepted, {_ADVISED} is advised", _NEW_KEY)
    else:
        yield ok(CHECK, size)
    if re.search(r"\\n", pem):
        yield warning(
            CHECK,
            "its line breaks are the two characters \\ and n",
            "nothing for the bridge, which reads it; other readers of the secret may not",
        )


def _mistaken(pem: str) -> str:
    found = (what for sign, what in _MISTAKEN.items() if sign in pem)
    return next(found, "not PEM: no line -----BEGIN PRIVATE KEY-----")
