"""The contact center's identity in Salesforce: its org, its API name, its key pair."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from simulator.salesforce.ids import long_id

_ORG_ID = re.compile(r"00D[A-Za-z0-9]{12}([A-Za-z0-9]{3})?")
_API_NAME = re.compile(r"[A-Za-z](_?[A-Za-z0-9])*")


@dataclass(frozen=True)
class ContactCenterIdentity:
    """A contact center as Salesforce provisions it.

    The private key is the contact center's (it goes into the secret); the certificate is what
    Salesforce keeps in the CallCenter record and checks signatures against. Both are PEM texts.
    """

    org_id: str
    call_center_api_name: str
    private_key_pem: str = field(repr=False)
    certificate_pem: str = field(repr=False)

    @property
    def issuers(self) -> frozenset[str]:
        """The org id in every form that a token's `iss` may have: 15 and 18 characters."""
        short = self.org_id[:15]
        return frozenset({self.org_id, short, long_id(short)})

    def secret(self, base_url: str) -> dict[str, str]:
        """The contact center's Secrets Manager secret, as Salesforce provisions it.

        Source: Voice implementation guide, "Configure the Secrets Manager secret".

        Args:
            base_url: the API's whole base, `/telephony/v1` included.
        """
        return {
            "SALESFORCE_ORG_ID": self.org_id,
            "SCRT_ENDPOINT_BASE": base_url,
            "CALL_CENTER_API_NAME": self.call_center_api_name,
            f"{self.call_center_api_name}-scrt-jwt-auth-private-key": self.private_key_pem,
        }


def new_identity(*, org_id: str, call_center_api_name: str) -> ContactCenterIdentity:
    """A contact center with a fresh RSA 2048 key pair and a self-signed certificate.

    Raises:
        ValueError: the org id is not 00D and 12 or 15 more letters or digits, or the API name is
            not a Salesforce API name (letters, digits, single underscores, a letter first).
    """
    if not _ORG_ID.fullmatch(org_id):
        raise ValueError("org_id must be 00D followed by 12 or 15 letters or digits")
    if not _API_NAME.fullmatch(call_center_api_name):
        raise ValueError("call_center_api_name must be a Salesforce API name")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ContactCenterIdentity(
        org_id=org_id,
        call_center_api_name=call_center_api_name,
        private_key_pem=key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode("ascii"),
        certificate_pem=_self_signed(key, call_center_api_name),
    )


def _self_signed(key: rsa.RSAPrivateKey, api_name: str) -> str:
    # X.509 allows a common name 64 characters (RFC 5280, ub-common-name).
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, api_name[:64])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")
