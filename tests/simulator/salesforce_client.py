"""A client of the Salesforce simulator: valid tokens and bodies, which tests then make invalid."""

from __future__ import annotations

import functools
import socket
import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.salesforce import ContactCenterIdentity, SalesforceSimulator

# An answer takes this long only where the simulator holds it back on purpose.
PATIENCE = 20.0


def claims(identity: ContactCenterIdentity, now: float | None = None) -> dict[str, Any]:
    """The claims the API asks for (guide, "Generate a JWT")."""
    issued = int(time.time() if now is None else now)
    return {
        "iss": identity.org_id,
        "sub": identity.call_center_api_name,
        "iat": issued,
        "exp": issued + 120,
        "jti": str(uuid.uuid4()),
    }


def token(identity: ContactCenterIdentity, now: float | None = None) -> str:
    """A valid token."""
    return jwt.encode(claims(identity, now), signing_key(identity), algorithm="RS256")


@functools.cache
def signing_key(identity: ContactCenterIdentity) -> RSAPrivateKey:
    """The key, read once: reading and checking it takes a hundred times as long as signing."""
    key = load_pem_private_key(identity.private_key_pem.encode(), None)
    assert isinstance(key, RSAPrivateKey)
    return key


def headers(identity: ContactCenterIdentity, now: float | None = None) -> dict[str, str]:
    """The headers of a valid request, with a fresh token."""
    return {
        "Authorization": f"Bearer {token(identity, now)}",
        "Telephony-Provider-Name": "amazon-connect",
    }


def new_call(identity: ContactCenterIdentity, **changes: Any) -> dict[str, Any]:
    """The body of a create that is valid. The numbers are fictional."""
    body: dict[str, Any] = {
        "callCenterApiName": identity.call_center_api_name,
        "vendorCallKey": "contact-1",
        "to": "+18005550100",
        "from": "+12065550101",
        "initiationMethod": "Inbound",
        "startTime": "2026-10-20T10:00:00Z",
        "participants": [{"participantKey": "+12065550101", "type": "END_USER"}],
    }
    return {**body, **changes}


def send(
    salesforce: SalesforceSimulator,
    method: str,
    path: str,
    body: Any,
    *,
    now: float | None = None,
    timeout: float = PATIENCE,
) -> requests.Response:
    """Send one request with a fresh token, redirects not followed."""
    return requests.request(
        method,
        salesforce.base_url + path,
        json=body,
        headers=headers(salesforce.identity, now),
        timeout=timeout,
        allow_redirects=False,
    )


def create(
    salesforce: SalesforceSimulator,
    *,
    now: float | None = None,
    timeout: float = PATIENCE,
    **changes: Any,
) -> requests.Response:
    """Create a voice call."""
    body = new_call(salesforce.identity, **changes)
    return send(salesforce, "POST", "/voiceCalls", body, now=now, timeout=timeout)


def update(salesforce: SalesforceSimulator, name: str, body: Any) -> requests.Response:
    """Update a voice call by a name that needs no encoding."""
    return send(salesforce, "PATCH", f"/voiceCalls/{name}", body)


def exchange_raw(salesforce: SalesforceSimulator, message: bytes) -> bytes:
    """Send bytes as they are and read until the simulator closes."""
    address = urlsplit(salesforce.base_url)
    with socket.create_connection((address.hostname, address.port), PATIENCE) as connection:
        connection.sendall(message)
        return b"".join(iter(lambda: connection.recv(4096), b""))


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until another thread has made the condition true."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
