"""The two operations of DynamoDB that the ledger uses, written here, signed and sent by botocore.

A client of botocore looks each request up in its model of the service, its rules and its handlers.
A create waits for two requests, so that is spared (docs/speed.md).

Source: DynamoDB developer guide, "DynamoDB low-level API" and "Error handling with DynamoDB".
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NotConnected

if TYPE_CHECKING:
    from collections.abc import Callable

_VERSION = "DynamoDB_20120810"
_PAUSE_SECONDS = 0.05
_PASSING = frozenset({429, 500, 502, 503, 504})
"""Statuses that another attempt may not meet."""
_THROTTLED = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "ReplicatedWriteConflictException",
        "RequestLimitExceeded",
        "ThrottlingException",
    }
)
"""Codes of a 400 that another attempt may not meet."""


@dataclass(frozen=True, slots=True)
class DynamoDb:
    """Takes the members of an operation and answers with them, as a client of botocore does.

    Attributes:
        client: botocore's: its address, region, time-outs and connections are used.
        credentials: give what signs a request.
        attempts: how often a request is tried.
        sleep: waits for seconds between two attempts.
    """

    client: Any
    credentials: Any
    attempts: int
    sleep: Callable[[float], None] = time.sleep

    def get_item(self, **members: object) -> dict[str, Any]:
        """GetItem.

        Raises:
            ClientError: DynamoDB refuses.
            BotoCoreError: it does not answer, or there are no credentials.
            ValueError: its answer is not one, or its address is not an address.
        """
        return self._call("GetItem", members)

    def update_item(self, **members: object) -> dict[str, Any]:
        """UpdateItem. Raises as get_item does."""
        return self._call("UpdateItem", members)

    def _call(self, operation: str, members: dict[str, object]) -> dict[str, Any]:
        body = json.dumps(members).encode()
        tries = 1
        while True:
            try:
                return self._attempt(operation, body)
            except (ClientError, HTTPClientError, NotConnected) as error:
                if tries >= self.attempts or not _passes(error):
                    raise
            self.sleep(random.random() * _PAUSE_SECONDS * 2**tries)  # noqa: S311 - no secret
            tries += 1

    def _attempt(self, operation: str, body: bytes) -> dict[str, Any]:
        meta = self.client.meta
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "User-Agent": meta.config.user_agent,
            # botocore's signer would prepare the request once more to work it out.
            "X-Amz-Content-SHA256": sha256(body).hexdigest(),
            "X-Amz-Target": f"{_VERSION}.{operation}",
        }
        request = AWSRequest("POST", meta.endpoint_url, headers)
        frozen = self.credentials.get_frozen_credentials()
        SigV4Auth(frozen, "dynamodb", meta.region_name).add_auth(request)
        signed = dict(request.headers.items())
        # Nothing public leads to the connections.
        response = self.client._endpoint.http_session.send(
            AWSPreparedRequest("POST", meta.endpoint_url, signed, body, stream_output=False)
        )
        if response.status_code != 200:
            raise _refusal(response.status_code, response.content, operation)
        answer = json.loads(response.content)
        if not isinstance(answer, dict):
            raise ValueError("the answer is not an object")
        return answer


def _refusal(status: int, content: bytes, operation: str) -> ClientError:
    """A refusal as botocore's clients raise it; it holds the members that stand beside the code."""
    try:
        members = json.loads(content)
    except ValueError:
        members = None  # from something in between
    members = members if isinstance(members, dict) else {}
    code = str(members.get("__type", "")).rpartition("#")[2] or str(status)
    about = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError({**members, **about}, operation)


def _passes(error: Exception) -> bool:
    if not isinstance(error, ClientError):
        return True
    answer = error.response
    passing = answer["ResponseMetadata"]["HTTPStatusCode"] in _PASSING
    return passing or answer["Error"]["Code"] in _THROTTLED
