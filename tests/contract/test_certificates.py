"""Certificates are read once, before a snapshot where there is one, and checked as ever."""

from __future__ import annotations

import ssl
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import NoCredentialsError, SSLError

from tests.contract.servers import LOOPBACK, TlsServer, certificates_of, write_chain
from tests.contract.telephony import Caller, Vault
from tests.contract.test_connections import CREATED
from voicecall_bridge import tls
from voicecall_bridge.composition.aws import AwsClients
from voicecall_bridge.telephony.client import read_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from simulator.salesforce import SalesforceSimulator

NOTHING = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 2\r\n\r\n{}"
)
SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
ASKED = {"TableName": "t", "Key": {"k": {"S": "1"}}}


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    return write_chain(tmp_path / "chain.pem", LOOPBACK)


@pytest.fixture
def server(chain: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TlsServer]:
    """DynamoDB over TLS, as the environment names it; no credentials."""
    with TlsServer(chain, NOTHING) as running:
        for name in (*SECRETS, "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://{LOOPBACK}:{running.port}")
        yield running


def credentials(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


def files_read(context: ssl.SSLContext) -> Any:
    return context.load_verify_locations.cache_info()  # type: ignore[attr-defined]


def test_aws_certificates_are_read_once(
    server: TlsServer, chain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given two clients and connections that are closed; when each asks twice, then the file of
    certificates was read once, and both clients trust it."""
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(certificates_of(chain))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    credentials(monkeypatch, "KEY")
    clients = AwsClients(1)
    for seconds in (2.0, 3.0, 2.0, 3.0):
        with closing(clients.maker("dynamodb", seconds)()) as client:
            client.get_item(**ASKED)
    assert server.connections == 4
    read = files_read(clients._context)
    assert (read.misses, read.hits) == (1, 3)


def test_aws_certificate_of_an_unknown_authority_is_refused(
    server: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given the public certificates, read beforehand; then the server receives no byte."""
    credentials(monkeypatch, "KEY")
    clients = AwsClients(1)
    make = clients.maker("dynamodb", 2.0)
    clients.prepare()
    assert files_read(clients._context).misses == 1
    with closing(make()) as client, pytest.raises(SSLError):
        client.get_item(**ASKED)
    assert files_read(clients._context).misses == 1
    assert server.received == b""


def test_company_authority_for_aws_is_not_joined_by_the_public_ones(
    server: TlsServer, chain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given AWS_CA_BUNDLE; when prepared, then nothing else is trusted."""
    monkeypatch.setenv("AWS_CA_BUNDLE", str(chain))
    clients = AwsClients(1)
    clients.maker("dynamodb", 2.0)
    clients.prepare()
    assert files_read(clients._context).misses == 0


def test_credentials_are_those_of_the_first_request(
    server: TlsServer, chain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given clients that were made without credentials and have rehearsed, then a request is
    refused while there are none, and signed with those that are there later."""
    monkeypatch.setenv("AWS_CA_BUNDLE", str(chain))
    clients = AwsClients(1)
    make = clients.maker("dynamodb", 2.0)
    clients.prepare()
    with clients.rehearsal():
        assert "Item" not in make().get_item(**ASKED)
    with pytest.raises(NoCredentialsError):
        make().get_item(**ASKED)
    assert server.received == b""
    credentials(monkeypatch, "LATER")
    with closing(make()) as client:
        client.get_item(**ASKED)
    assert b"Credential=LATER/" in server.received


def test_salesforce_certificates_are_read_once(
    salesforce: SalesforceSimulator, chain: Path
) -> None:
    """Given connections that are closed; when three calls are created, then the file of
    certificates was read for the first one only."""
    with TlsServer(chain, CREATED) as server:
        base = f"https://{LOOPBACK}:{server.port}/telephony/v1"
        with Caller(Vault(salesforce.identity.secret(base))) as caller:
            session = caller.client.session
            session.verify = str(chain)
            for _ in range(3):
                assert caller.create().voice_call_id == "0LQ000000000001"
                session.close()
            context = session.get_adapter("https://").context  # type: ignore[attr-defined]
    assert server.connections == 3
    assert (files_read(context).misses, files_read(context).hits) == (1, 2)


def test_public_certificates_are_those_that_requests_reads(
    salesforce: SalesforceSimulator, chain: Path
) -> None:
    """Given a session that has read the certificates beforehand, when it connects, then it does not
    read them again."""
    with TlsServer(chain, CREATED) as server:
        base = f"https://{LOOPBACK}:{server.port}/telephony/v1"
        with Caller(Vault(salesforce.identity.secret(base))) as caller:
            read_certificates(caller.client.session)
            context = caller.client.session.get_adapter("https://").context  # type: ignore[attr-defined]
            with pytest.raises(Exception, match="no TLS connection"):
                caller.create()
    assert files_read(context).misses == 1
    assert files_read(context).hits >= 1


def test_random_numbers_are_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given two copies of a snapshot, then OpenSSL gets 64 bytes of the system's randomness in
    each."""
    given: list[bytes] = []
    monkeypatch.setattr(ssl, "RAND_add", lambda octets, entropy: given.append(octets))
    for _ in range(2):
        tls.renew_random_numbers()
    assert [len(octets) for octets in given] == [64, 64]
    assert given[0] != given[1]
