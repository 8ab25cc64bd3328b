"""The contact center on Salesforce's side: what its secret says. Pure.

Source: Salesforce's Voice implementation guide, "Configure the Secrets Manager secret": one secret
per contact center, a JSON object with SALESFORCE_ORG_ID, SCRT_ENDPOINT_BASE, CALL_CENTER_API_NAME
and `<CALL_CENTER_API_NAME>-scrt-jwt-auth-private-key`.
"""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_ORG_ID = re.compile(r"00D[0-9A-Za-z]{12}(?:[0-9A-Za-z]{3})?")
# What may stand in an error: where a key was pasted instead of a name, its text must not.
_SHOWABLE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,79}")
_BASE_PATH = "/telephony/v1"
KEY_SUFFIX = "-scrt-jwt-auth-private-key"
"""What follows the contact center's API name in the name of its private key."""


class InvalidSecret(ValueError):
    """The secret cannot be used. The text names its faulty keys, never a value.

    Attributes:
        faults: one text a faulty key, `NAME: what is wrong`; or one for the whole secret.
    """

    def __init__(self, *faults: str) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class ContactCenter:
    """One Salesforce contact center.

    Attributes:
        org_id: 15 or 18 characters, `00D…`.
        api_name: API name of the contact center.
        base_url: without a trailing slash, `/telephony/v1` included.
        private_key: PEM text of the RSA key.
    """

    org_id: str
    api_name: str
    base_url: str
    private_key: str = field(repr=False)


def contact_center(secret: str, private_key: str = "") -> ContactCenter:
    """Reads the secret.

    Args:
        secret: the secret's text.
        private_key: the key where it is kept apart (until Winter '26 as an SSM SecureString).

    Raises:
        InvalidSecret: naming every faulty key at once.
    """
    values = _values(secret)
    api_name = values.get("CALL_CENTER_API_NAME", "")
    key = values.get(f"{api_name}{KEY_SUFFIX}", "") if api_name else ""
    center = ContactCenter(
        org_id=values.get("SALESFORCE_ORG_ID", ""),
        api_name=api_name,
        base_url=_with_path(values.get("SCRT_ENDPOINT_BASE", "")),
        private_key=private_key or key,
    )
    faults = []
    if not _ORG_ID.fullmatch(center.org_id):
        faults.append("SALESFORCE_ORG_ID: not an org id of 15 or 18 characters that begins 00D")
    if not center.api_name:
        faults.append("CALL_CENTER_API_NAME: missing")
    if not _is_trusted(center.base_url):
        faults.append("SCRT_ENDPOINT_BASE: not an https address (http is for loopback only)")
    if not center.private_key:
        shown = api_name if _SHOWABLE.fullmatch(api_name) else "<CALL_CENTER_API_NAME>"
        faults.append(f"{shown}{KEY_SUFFIX}: missing")
    if faults:
        raise InvalidSecret(*faults)
    return center


def _values(secret: str) -> dict[str, str]:
    try:
        parsed = json.loads(secret)
    except ValueError:
        raise InvalidSecret("the secret is not JSON") from None
    if not isinstance(parsed, dict):
        raise InvalidSecret("the secret is not a JSON object")
    return {key: value.strip() for key, value in parsed.items() if isinstance(value, str)}


def _with_path(address: str) -> str:
    base = address.rstrip("/")
    try:
        complete = not base or bool(urlsplit(base).path)
    except ValueError:
        return base  # "https://[": no address at all, which is told with the other faults
    return base if complete else base + _BASE_PATH


def _is_trusted(address: str) -> bool:
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        _ = parts.port  # a port that is no number only shows when it is read
    except ValueError:
        return False
    if parts.username or parts.password or parts.query or parts.fragment:
        return False
    return (parts.scheme == "https" and bool(host)) or (
        parts.scheme == "http" and _is_loopback(host)
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
