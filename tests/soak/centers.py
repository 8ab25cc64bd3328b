"""The stack's two contact centers, and one that it does not list."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from simulator.salesforce.identity import ContactCenterIdentity

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT = "center"
SECOND_NAME = "sales/second"
SECOND_ARN = f"arn:aws:secretsmanager:us-west-2:111122223333:secret:{SECOND_NAME}-AbCdEf"
UNLISTED = "sales/elsewhere"
"""Its secret exists: code that trusted a contact's name for it would read it."""
LISTED = frozenset((DEFAULT, SECOND_ARN))
NAMES = (DEFAULT, SECOND_NAME, SECOND_ARN)
"""Listed contact centers that a contact may name."""
_API_NAMES = {DEFAULT: "Center", SECOND_ARN: "Second", UNLISTED: "Elsewhere"}
# The signature is not checked here, and a longer key would take a tenth of the soak's time.
_KEY_BITS = 1024


ORGS = {f"{name.lower()}.my.salesforce-scrt.com": name for name in _API_NAMES.values()}
"""Host -> API name of its contact center."""


def secrets() -> Mapping[str, str]:
    """Name or ARN -> the secret's text."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    found = {}
    for number, (secret, name) in enumerate(_API_NAMES.items()):
        identity = ContactCenterIdentity(f"00D00000000000{number}", name, pem, "")
        address = f"https://{name.lower()}.my.salesforce-scrt.com/telephony/v1"
        found[secret] = json.dumps(identity.secret(address))
    return found
