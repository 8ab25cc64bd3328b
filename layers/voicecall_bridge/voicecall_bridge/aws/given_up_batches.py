"""Batches of a stream that Lambda gave up and put into the failure bucket."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voicecall_bridge.aws.dead_letters import DeadLetterLost, answering

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

BATCH_PREFIX = "aws/lambda/"
"""The folder in which Lambda puts them (Lambda developer guide, S3 failure destination)."""


@dataclass(slots=True)
class GivenUpBatches:
    """The batches. Every method raises DeadLetterLost if the bucket does not answer.

    Attributes:
        storage: gives the S3 client when it is needed.
        bucket: the bucket's name.
    """

    storage: Callable[[], Any]
    bucket: str

    def all(self) -> Iterator[tuple[str, object]]:
        """Key and event of every batch."""
        with answering():
            pages = self.storage().get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket, Prefix=BATCH_PREFIX):
                for found in page.get("Contents", []):
                    yield found["Key"], self._event(found["Key"])

    def remove(self, key: str) -> None:
        """Takes a batch out of the bucket."""
        with answering():
            self.storage().delete_object(Bucket=self.bucket, Key=key)

    def shrink(self, key: str, records: Sequence[Mapping[str, object]]) -> None:
        """Leaves only these of its records in a batch."""
        with answering():
            batch = {**self._stored(key), "payload": json.dumps({"Records": records})}
            body = json.dumps(batch).encode()
            self.storage().put_object(Bucket=self.bucket, Key=key, Body=body)

    def _event(self, key: str) -> object:
        try:
            batch = self._stored(key)
            text = batch.get("payload") if isinstance(batch, dict) else None
            return json.loads(text) if isinstance(text, str) else text
        except ValueError as error:
            raise DeadLetterLost(type(error).__name__) from None

    def _stored(self, key: str) -> Any:
        stored = self.storage().get_object(Bucket=self.bucket, Key=key)
        return json.loads(stored["Body"].read())
