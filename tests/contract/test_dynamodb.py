"""DynamoDB's requests on the wire: their content, their signature, and their repeats.

Source: DynamoDB developer guide, "DynamoDB low-level API", "Error handling with DynamoDB"; IAM user
guide, "Create a signed AWS API request".
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError

from tests.contract.servers import AwsAnswers, Relay, refusal, refusing_server
from voicecall_bridge.ledger.dynamodb import DynamoDb

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.contract.aws import Aws

DONE = (200, b'{"Attributes": {"a": {"S": "1"}}}')
REGION = "eu-central-1"
SECRET_KEY = "canary/aws+secret/key/0123456789abcdefgh"
KEY = {"ledger_key": {"S": "instance/contact \u00fc \u96fb"}}
UPDATE = {
    "TableName": "ledger",
    "Key": KEY,
    "UpdateExpression": "SET a = :a",
    "ExpressionAttributeValues": {":a": {"N": "1"}},
    "ReturnValues": "NONE",
    "ConditionExpression": "attribute_not_exists(a)",
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}
READ = {"TableName": "ledger", "Key": KEY, "ConsistentRead": True}


class Scene:
    """DynamoDB with these answers, and the pauses between attempts."""

    def __init__(self, *answers: tuple[int, bytes], attempts: int = 1) -> None:
        self.server = AwsAnswers(*(answers or (DONE,)))
        self.attempts = attempts
        self.pauses: list[float] = []

    def __enter__(self) -> Scene:
        self.server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.dynamodb.client.close()
        self.server.__exit__(None, None, None)

    def at(self, url: str) -> DynamoDb:
        credentials = Credentials("AKIACANARYCANARY0001", SECRET_KEY, "session-token")
        return DynamoDb(plain_client(url), credentials, self.attempts, self.pauses.append)

    @property
    def dynamodb(self) -> DynamoDb:
        if not hasattr(self, "_made"):
            self._made = self.at(self.server.url)
        return self._made


def plain_client(url: str) -> Any:
    """botocore's own."""
    return botocore.session.get_session().create_client(
        "dynamodb",
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id="AKIACANARYCANARY0001",
        aws_secret_access_key=SECRET_KEY,
        aws_session_token="session-token",
        config=Config(
            connect_timeout=5,
            read_timeout=5,
            retries={"total_max_attempts": 1},
            user_agent="voicecall-bridge",
        ),
    )


@pytest.fixture
def scene() -> Iterator[Scene]:
    with Scene() as running:
        yield running


@pytest.mark.parametrize(("operation", "members"), [("update_item", UPDATE), ("get_item", READ)])
def test_a_request_is_the_one_of_botocores_client(
    scene: Scene, operation: str, members: dict[str, Any]
) -> None:
    assert getattr(scene.dynamodb, operation)(**members)["Attributes"] == {"a": {"S": "1"}}
    client = plain_client(scene.server.url)
    getattr(client, operation)(**members)
    client.close()
    (ours, body), (theirs, their_body) = scene.server.received
    assert json.loads(body) == json.loads(their_body) == members
    for name in ("X-Amz-Target", "Content-Type", "X-Amz-Security-Token", "Host"):
        assert ours[name] == theirs[name]
    assert ours["User-Agent"] == "voicecall-bridge"
    assert int(ours["Content-Length"]) == len(body)


def test_what_arrives_is_what_was_signed(scene: Scene) -> None:
    """Given the rules of the IAM user guide, applied to the request that the server received."""
    scene.dynamodb.update_item(**UPDATE)
    ((headers, body),) = scene.server.received
    assert headers["Authorization"] == signature(headers, body)


def signature(headers: Mapping[str, str], body: bytes) -> str:
    """The header Authorization of a request, from its other headers and its body."""
    sent = {name.lower(): value for name, value in headers.items()}
    authorization = sent["authorization"]
    names = authorization.partition("SignedHeaders=")[2].partition(",")[0]
    assert set(names.split(";")) >= {"content-type", "host", "x-amz-date", "x-amz-target"}
    canonical = "\n".join(
        ["POST", "/", ""]
        + [f"{name}:{sent[name]}" for name in names.split(";")]
        + ["", names, hashlib.sha256(body).hexdigest()]
    )
    moment = sent["x-amz-date"]
    scope = f"{moment[:8]}/{REGION}/dynamodb/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{SECRET_KEY}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}"
    signed = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return (
        f"AWS4-HMAC-SHA256 Credential=AKIACANARYCANARY0001/{scope}, "
        f"SignedHeaders={names}, Signature={signed}"
    )


PASSING = [
    (500, refusal("InternalServerError")),
    (503, b"<html>not available</html>"),
    (429, b""),
    (400, refusal("com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException")),
    (400, refusal("com.amazon.coral.availability#ThrottlingException")),
]


@pytest.mark.parametrize("fault", PASSING)
def test_a_transient_fault_is_tried_again(fault: tuple[int, bytes]) -> None:
    """Then it is sent again with pauses that may grow, and no more often than the setting
    allows."""
    with Scene(fault, fault, DONE, attempts=3) as scene:
        assert scene.dynamodb.update_item(**UPDATE)["Attributes"]
        assert scene.server.requests == 3
        first, second = scene.pauses
        assert 0 <= first <= 0.1
        assert 0 <= second <= 0.2
    with Scene(fault, attempts=3) as scene, pytest.raises(ClientError) as raised:
        scene.dynamodb.update_item(**UPDATE)
    assert scene.server.requests == 3
    assert "refused by the test" not in str(raised.value)


def test_where_a_caller_waits_nothing_is_tried_again() -> None:
    with Scene(PASSING[0]) as scene:
        with pytest.raises(ClientError, match="InternalServerError"):
            scene.dynamodb.get_item(**READ)
        assert (scene.server.requests, scene.pauses) == (1, [])


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ((400, refusal("x#ConditionalCheckFailedException")), "ConditionalCheckFailedException"),
        ((400, refusal("x#ResourceNotFoundException")), "ResourceNotFoundException"),
        ((403, b"[]"), "403"),
        ((302, b"elsewhere"), "302"),
    ],
)
def test_a_refusal_is_final(fault: tuple[int, bytes], code: str) -> None:
    with Scene(fault, attempts=3) as scene:
        with pytest.raises(ClientError) as raised:
            scene.dynamodb.update_item(**UPDATE)
        assert raised.value.response["Error"]["Code"] == code
        assert scene.server.requests == 1


@pytest.mark.parametrize("body", [b"[]", b"<html>", b"", b"\xff"])
def test_an_answer_that_is_none_is_no_success(body: bytes) -> None:
    with Scene((200, body), attempts=3) as scene:
        with pytest.raises(ValueError, match=r"object|Expecting value|decode"):
            scene.dynamodb.update_item(**UPDATE)
        assert scene.server.requests == 1


def test_no_connection_is_tried_again() -> None:
    with Scene(attempts=3) as scene, refusing_server() as port:
        alone = scene.at(f"http://127.0.0.1:{port}")
        with pytest.raises(BotoCoreError, match="Could not connect"):
            alone.get_item(**READ)
        alone.client.close()
        assert len(scene.pauses) == 2


def test_a_connection_that_breaks_is_tried_again(aws: Aws) -> None:
    with Relay(aws.port) as relay:
        dynamodb = aws.dynamodb(f"http://127.0.0.1:{relay.port}", attempts=3)
        relay.breaking = 2
        assert dynamodb.get_item(TableName="ledger", Key={"ledger_key": {"S": "1"}}) == {}
        assert relay.accepted == 3
        dynamodb.client.close()
