"""Fakes of AWS and Salesforce that answer at once and count: the bench's counterparts.

They run in one process of their own, so that their work does not disturb the measuring one, and
are as lean as they can be: no web framework, no checks. They are NOT simulators (for those see
`simulator`): every voice call is created, every update is taken up, every contact is described at
once, and of DynamoDB there is what the ledger's own expressions need.

    with Fakes(secret) as fakes:
        fakes.aws_url, fakes.salesforce_url
        fakes.set_latency({"GetSecretValue": 0.010})    # seconds, by operation
        fakes.counts()                                   # requests by operation, connections

Operations: the AWS API's own names, "POST /voiceCalls", "POST /voiceCalls/messages" (lines of
transcripts), and "PATCH /voiceCalls" for every call. The parent speaks to the process by lines of
JSON over its standard input and output; the end of its input ends it.
"""

import asyncio
import contextlib
import json
import ssl
import subprocess
import sys
import weakref
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tests.performance.fake_table import key_of, transact_write_items, update_item

CREATE: Final = "POST /voiceCalls"
UPDATE: Final = "PATCH /voiceCalls"
LINES: Final = "POST /voiceCalls/messages"
DESCRIBE: Final = "DescribeContact"
SECRET: Final = "GetSecretValue"
LEDGER_WRITES: Final = ("UpdateItem", "PutItem", "TransactWriteItems")
LEDGER_OPERATIONS: Final = (*LEDGER_WRITES, "GetItem")
AWS: Final = "aws"
SALESFORCE: Final = "salesforce"
BASE_PATH: Final = "/telephony/v1"

# Shape: Amazon Connect API reference, "DescribeContact"; values invented.
_CONTACT: Final = json.dumps(
    {
        "Contact": {
            "Channel": "VOICE",
            "InitiationMethod": "INBOUND",
            "CustomerEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": "+12065550100"},
            "SystemEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": "+18005550199"},
        }
    }
).encode()

Reply = tuple[str, int, bytes]
"""Operation, status, body."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What has arrived since the process began: requests by operation, connections by server."""

    requests: Mapping[str, int]
    connections: Mapping[str, int]

    def since(self, earlier: "Counts") -> "Counts":
        """What has arrived after `earlier`."""
        return Counts(
            Counter(self.requests) - Counter(earlier.requests),
            Counter(self.connections) - Counter(earlier.connections),
        )


class Fakes:
    """The process of the fakes, as a context manager."""

    def __init__(self, secret: Mapping[str, str], certificate: Path | None = None) -> None:
        """Start the process.

        Args:
            secret: what Secrets Manager answers, in the shape Salesforce provisions it. Its
                SCRT_ENDPOINT_BASE is replaced by the address of the fake of Salesforce.
            certificate: chain and key of the servers; None serves plain HTTP.
        """
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.performance.fakes"],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        try:
            started = {"secret": dict(secret), "certificate": str(certificate or "")}
            ports = self._ask(started)
        except BaseException:
            self.close()
            raise
        scheme = "https" if certificate else "http"
        self.aws_url = f"{scheme}://127.0.0.1:{ports[AWS]}"
        self.salesforce_url = f"{scheme}://127.0.0.1:{ports[SALESFORCE]}{BASE_PATH}"

    def __enter__(self) -> Self:
        """Return the fakes, which serve already."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process."""
        self.close()

    def close(self) -> None:
        """End the process and wait for it."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._process.wait()

    def set_latency(self, seconds: Mapping[str, float]) -> None:
        """Answer each operation named only after so many seconds, all others at once."""
        self._ask({"latency": dict(seconds)})

    def close_connections(self) -> None:
        """Close every connection, as servers do that have waited long enough."""
        self._ask({"close": True})

    def counts(self) -> Counts:
        """What has arrived so far."""
        return Counts(**self._ask({}))

    def updates(self) -> list[tuple[str, int]]:
        """Vendor call key and Version__c of every PATCH with that field, in order of arrival."""
        return [(key, version) for key, version in self._ask({"updates": True})["updates"]]

    def _ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the fakes have no pipes")
        try:
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = b""
        if not line:
            raise RuntimeError("the fakes have ended (their message stands above)")
        answer: dict[str, Any] = json.loads(line)
        return answer


class _Connection(asyncio.Protocol):
    """HTTP/1.1 with Content-Length and keep-alive, which is all that the bridge's clients use."""

    def __init__(
        self, answer: Callable[[bytes, bytes], Reply], latency: Mapping[str, float], name: str
    ) -> None:
        self._answer = answer
        self._latency = latency
        self._content_type = b"application/x-amz-json-1.1" if name == AWS else b"application/json"
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, rest = self._received.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(_header(head, b"content-length") or 0)
        if len(rest) < length:
            return
        self._received = rest[length:]
        operation, status, body = self._answer(head, rest[:length])
        reply = b"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (
            status,
            HTTPStatus(status).phrase.encode(),
            self._content_type,
            len(body),
            body,
        )
        if latency := self._latency.get(operation):
            asyncio.get_running_loop().call_later(latency, self._send, reply)
        else:
            self._send(reply)

    def _send(self, reply: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(reply)


class _Servers:
    """Both servers, their counters and latencies."""

    def __init__(self, secret: Mapping[str, str], certificate: str) -> None:
        self.requests: Counter[str] = Counter()
        self.connections: Counter[str] = Counter()
        self.latency: dict[str, float] = {}
        self.updates: list[tuple[str, int]] = []
        self.open: weakref.WeakSet[_Connection] = weakref.WeakSet()
        self._items: dict[str, dict[str, Any]] = {}
        self._secret = dict(secret)
        self._tls: ssl.SSLContext | None = None
        if certificate:
            self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self._tls.load_cert_chain(certificate)

    async def start(self) -> dict[str, int]:
        ports = {
            SALESFORCE: await self._listen(SALESFORCE, self._salesforce),
            AWS: await self._listen(AWS, self._aws),
        }
        scheme = "https" if self._tls else "http"
        self._secret["SCRT_ENDPOINT_BASE"] = f"{scheme}://127.0.0.1:{ports[SALESFORCE]}{BASE_PATH}"
        return ports

    async def _listen(self, name: str, answer: Callable[[bytes, bytes], Reply]) -> int:
        def accept() -> _Connection:
            self.connections[name] += 1
            connection = _Connection(answer, self.latency, name)
            self.open.add(connection)
            return connection

        loop = asyncio.get_running_loop()
        server = await loop.create_server(accept, "127.0.0.1", 0, ssl=self._tls)
        port: int = server.sockets[0].getsockname()[1]
        return port

    def _aws(self, head: bytes, body: bytes) -> Reply:
        operation = _header(head, b"x-amz-target").rpartition(b".")[2].decode()
        if head.startswith(b"GET /contacts/"):
            operation = DESCRIBE
        self.requests[operation] += 1
        match operation:
            case "UpdateItem":
                status, answer = update_item(self._items, json.loads(body))
                return operation, status, json.dumps(answer).encode()
            case "TransactWriteItems":
                status, answer = transact_write_items(
                    self._items, json.loads(body)["TransactItems"]
                )
                return operation, status, json.dumps(answer).encode()
            case "GetItem":
                item = self._items.get(key_of(json.loads(body)))
                return operation, 200, json.dumps({"Item": item} if item else {}).encode()
            case "DescribeContact":
                return operation, 200, _CONTACT
            case "GetSecretValue":
                answer = {
                    "ARN": json.loads(body)["SecretId"],
                    "Name": "bench",
                    "VersionId": "00000000-0000-4000-8000-000000000000",
                    "VersionStages": ["AWSCURRENT"],
                    "SecretString": json.dumps(self._secret),
                }
                return operation, 200, json.dumps(answer).encode()
            case _:
                return operation, 400, b'{"__type": "UnknownOperationException"}'

    def _salesforce(self, head: bytes, body: bytes) -> Reply:
        operation = head.split(b" HTTP/", 1)[0].decode().replace(BASE_PATH, "")
        if operation.startswith(f"{UPDATE}/"):
            self._note(operation.removeprefix(f"{UPDATE}/"), body)
            operation = UPDATE
        self.requests[operation] += 1
        if operation == UPDATE:
            return operation, 200, b'{"status": "pending"}'
        if operation == LINES:
            return operation, 202, b"{}"
        if operation != CREATE:
            return operation, 404, b'{"message": "the fake only creates and updates"}'
        answer = {"voiceCallId": f"0LQ{self.requests[CREATE]:015d}", "errors": []}
        return operation, 200, json.dumps(answer).encode()

    def _note(self, key: str, body: bytes) -> None:
        attributes = json.loads(json.loads(body).get("callAttributes", "{}"))
        if "Version__c" in attributes:
            self.updates.append((key, int(attributes["Version__c"])))


def _header(head: bytes, name: bytes) -> bytes:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return b""


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    questions = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(questions), sys.stdin)
    servers: _Servers | None = None
    while line := await questions.readline():
        question = json.loads(line)
        answer: dict[str, Any]
        if servers is None:
            servers = _Servers(question["secret"], question["certificate"])
            answer = dict(await servers.start())
        elif "latency" in question:
            servers.latency.clear()
            servers.latency.update(question["latency"])
            answer = {}
        elif "close" in question:
            for connection in list(servers.open):
                connection.close()
            answer = {}
        elif "updates" in question:
            answer = {"updates": servers.updates}
        else:
            answer = {"requests": servers.requests, "connections": servers.connections}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_serve())
