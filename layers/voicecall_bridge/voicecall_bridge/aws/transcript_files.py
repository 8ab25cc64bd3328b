"""The files around transcripts in S3: lines that came too late, and Contact Lens' own files."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from voicecall_bridge.aws.dead_letters import fault_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

LATE_PREFIX = "transcripts-too-late/"
_GONE = frozenset({"NoSuchKey", "NoSuchVersion", "NoSuchBucket", "404"})


class StorageUnavailable(Exception):
    """The bucket does not answer now, or refuses; the text is the fault's name only."""


class FileGone(Exception):
    """The file does not exist, or no longer does."""


class FileTooLarge(Exception):
    """The file is larger than the function takes."""


@dataclass(eq=False, repr=False, slots=True)
class LateRecords:
    """Keeps records with lines that came too late to be shown.

    Attributes:
        storage: gives the S3 client when it is needed.
        bucket: the bucket's name.
        now: the present time.
    """

    storage: Callable[[], Any]
    bucket: str
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def keep(self, reason: str, records: Sequence[Mapping[str, object]]) -> None:
        """Keeps the records of a batch in one file.

        Raises:
            StorageUnavailable: they are not kept.
        """
        body = json.dumps({"reason": reason, "records": list(records)}, default=str).encode()
        try:
            key = f"{LATE_PREFIX}{self.now():%Y/%m/%d}/{uuid.uuid4()}.json"
            self.storage().put_object(Bucket=self.bucket, Key=key, Body=body)
        except (BotoCoreError, ClientError) as error:
            raise StorageUnavailable(fault_of(error)) from None


@dataclass(eq=False, repr=False, slots=True)
class AnalysisFiles:
    """Reads Contact Lens' files.

    Attributes:
        storage: gives the S3 client when it is needed.
    """

    storage: Callable[[], Any]

    def read(self, bucket: str, key: str, most_bytes: int) -> bytes:
        """A file's contents.

        Raises:
            FileGone, FileTooLarge, StorageUnavailable: it cannot be read.
        """
        try:
            answer = self.storage().get_object(Bucket=bucket, Key=key)
            if answer["ContentLength"] > most_bytes:
                answer["Body"].close()
                raise FileTooLarge
            return bytes(answer["Body"].read())
        except (BotoCoreError, ClientError) as error:
            if fault_of(error) in _GONE:
                raise FileGone from None
            raise StorageUnavailable(fault_of(error)) from None
