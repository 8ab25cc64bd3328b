"""A certificate authority of the bench, so that clients reach the fakes over TLS.

Kept in a folder, since layers are built that trust it. Its key signs for 127.0.0.1 alone.
"""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

YEARS = 10
ADDRESS = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Authority:
    """Files: the authority that a client trusts, and the chain and key that a server shows."""

    certificate: Path
    server: Path


def authority(folder: Path) -> Authority:
    """The authority in `folder`, made if it is not there."""
    made = Authority(folder / "authority.pem", folder / "server.pem")
    if not (made.certificate.exists() and made.server.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        _make(made)
    return made


def _make(made: Authority) -> None:
    signing = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench authority")])
    root = (
        _certificate(name, name, signing.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(signing.public_key()), critical=False
        )
        .add_extension(
            x509.NameConstraints([x509.IPAddress(ipaddress.ip_network(ADDRESS))], None),
            critical=True,
        )
        .sign(signing, hashes.SHA256())
    )
    # RSA, as the servers of AWS and Salesforce show it.
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    server = (
        _certificate(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ADDRESS)]), name, key.public_key()
        )
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(ADDRESS))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False
        )
        .sign(signing, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    made.server.write_bytes(private + server.public_bytes(pem) + root.public_bytes(pem))
    made.server.chmod(0o600)
    made.certificate.write_bytes(root.public_bytes(pem))


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * YEARS))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=not signs_certificates,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
