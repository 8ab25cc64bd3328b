"""The contact center on Salesforce's side, read from its secret. Pure.

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
# A name that an error may show. A key that was pasted in place of the name must not appear.
_SHOWABLE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,79}")
_BASE_PATH = "/telephony/v1"
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
NOT_HTTPS = "not an https address"
LOCAL = "a loopback or link-local address, which only the simulator may have"
KEY_SUFFIX = "-scrt-jwt-auth-private-key"
"""The end of the private key's name, after the contact center's API name."""


class InvalidSecret(ValueError):
    """The secret cannot be used. The text names its faulty keys, never a value.

    Attributes:
        faults: one text a faulty key, `NAME: what is wrong`; or one for the whole secret.
    """

    def __init__(self, *faults: str) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class ContactCenterSecret:
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

    @property
    def domain(self) -> str:
        """Scheme and host of the base URL."""
        address = urlsplit(self.base_url)
        return f"{address.scheme}://{address.netloc}"


def parse_secret(
    secret: str, private_key: str = "", *, on_loopback: bool = False
) -> ContactCenterSecret:
    """Reads the secret.

    Args:
        secret: the secret's text.
        private_key: the key where it is kept apart (until Winter '26 as an SSM SecureString).
        on_loopback: Salesforce may be on this machine, as the simulator's is.

    Raises:
        InvalidSecret: naming every faulty key at once.
    """
    values = _values(secret)
    api_name = values.get("CALL_CENTER_API_NAME", "")
    key = values.get(f"{api_name}{KEY_SUFFIX}", "") if api_name else ""
    center = ContactCenterSecret(
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
    if fault := wrong_with(center.base_url, on_loopback=on_loopback):
        faults.append(f"SCRT_ENDPOINT_BASE: {fault}")
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
        return base  # "https://[": not an address, reported with the other faults
    return base if complete else base + _BASE_PATH


def wrong_with(address: str, *, on_loopback: bool) -> str:
    """Why a token must not be sent to an address: NOT_HTTPS or LOCAL; empty if it may be."""
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").rstrip(".")
        _ = parts.port  # reading it raises ValueError if the port is not a number
    except ValueError:
        return NOT_HTTPS
    if parts.username or parts.password or parts.query or parts.fragment:
        return NOT_HTTPS
    if parts.scheme == "https" and host:
        allowed = on_loopback and _is_loopback(host)
        return LOCAL if _is_local(host) and not allowed else ""
    if parts.scheme == "http" and _is_loopback(host):
        return "" if on_loopback else LOCAL
    return NOT_HTTPS


def is_on_loopback(address: str) -> bool:
    """Whether an address is on this machine, as those of the simulator are."""
    try:
        return _is_loopback(urlsplit(address).hostname or "")
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_local(host: str) -> bool:
    """Whether only this machine reaches the host: a token must not go to the endpoint for a
    function's own credentials, or to another process."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        # Resolvers read 127.1, 2130706433 and 0x7f000001 as addresses. Host names never end so.
        return host.endswith("localhost") or bool(_NUMBER.fullmatch(host.rpartition(".")[2]))
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return found.is_loopback or found.is_link_local or found.is_unspecified
