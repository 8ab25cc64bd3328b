"""What was sent for a contact and what became of it: the bridge's memory, in DynamoDB.

One item a contact, written before a request is sent and again when its outcome is known, so that
the flow, Connect's own retries and the contact's events agree on one VoiceCall. The create side of
an item goes CREATING -> CREATED | FAILED | UNKNOWN; CREATED is final. A worker holds CREATING with
a lease; a lease that has run out counts as UNKNOWN. Every write is conditional.
"""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TIME_TO_LIVE_SECONDS = 14 * 24 * 3600

_GRANTED = (
    "attribute_not_exists(create_status) OR create_status IN (:failed, :unknown)"
    " OR (create_status = :creating AND lease_until < :now)"
)
_BEGIN = (
    "SET create_status = :creating, lease_owner = :owner, lease_until = :until,"
    " create_request = if_not_exists(create_request, :request),"
    " vendor_call_key = :contact, expires_at = :expires"
    " ADD create_attempts :one"
)
_CREATED = (
    "SET create_status = :created, voice_call_id = :id, expires_at = :expires"
    " REMOVE lease_owner, lease_until, create_error"
)
_NOT_CREATED = (
    "SET create_status = :status, create_error = :error, expires_at = :expires"
    " REMOVE lease_owner, lease_until"
)


class CreateStatus(StrEnum):
    """How far the creation of a contact's VoiceCall has come."""

    CREATING = "CREATING"
    CREATED = "CREATED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


class LedgerUnavailable(Exception):
    """DynamoDB did not do it. What was asked may or may not have been written."""


@dataclass(frozen=True, slots=True)
class ContactKey:
    """A contact of an instance; two instances in one table do not meet."""

    instance_id: str
    contact_id: str

    def __str__(self) -> str:
        """The item's key."""
        return f"{self.instance_id}/{self.contact_id}"


@dataclass(frozen=True, slots=True)
class Created:
    """The contact's VoiceCall exists."""

    voice_call_id: str


@dataclass(frozen=True, slots=True)
class Busy:
    """Another worker is creating it, until `lease_until` (epoch seconds) at the latest."""

    lease_until: float


@dataclass(frozen=True, slots=True)
class Lease:
    """This worker may send.

    Attributes:
        key: the contact.
        owner: tells this lease from every other one.
        after_unknown: an earlier attempt may have made the record.
        earlier_request: what was to be sent at the first attempt; empty at that one itself.
    """

    key: ContactKey
    owner: str
    after_unknown: bool
    earlier_request: Mapping[str, object]


@dataclass(slots=True)
class Ledger:
    """The table.

    Attributes:
        client: makes the DynamoDB client when it is needed.
        table: the table's name.
        now: epoch seconds.
    """

    client: Callable[[], Any]
    table: str
    now: Callable[[], float] = time.time
    _made: Any = field(default=None, init=False, repr=False)

    def begin(
        self, key: ContactKey, request: Mapping[str, object], lease_seconds: float
    ) -> Lease | Created | Busy:
        """Remembers that `request` is about to be sent, unless there is no need to send it.

        Raises:
            LedgerUnavailable: DynamoDB did not answer in time, or refused.
        """
        now = self.now()
        owner = str(uuid.uuid4())
        try:
            answer = self._update(
                key,
                _BEGIN,
                _GRANTED,
                {
                    ":creating": _text(CreateStatus.CREATING),
                    ":failed": _text(CreateStatus.FAILED),
                    ":unknown": _text(CreateStatus.UNKNOWN),
                    ":owner": _text(owner),
                    ":now": _milliseconds(now),
                    ":until": _milliseconds(now + lease_seconds),
                    ":request": _text(json.dumps(request)),
                    ":contact": _text(key.contact_id),
                    ":expires": self._expiry(),
                    ":one": {"N": "1"},
                },
                returns="ALL_OLD",
            )
        except _ConditionFailed as refused:
            if _string(refused.item, "lease_owner") == owner:
                # Written by a first sending whose answer was lost; what stood before is not known.
                return Lease(key, owner, after_unknown=True, earlier_request=request)
            return _standing(refused.item)
        earlier = answer.get("Attributes", {})
        # CREATING here is a lease that ran out: whoever held it never told how it ended.
        unknown = (CreateStatus.UNKNOWN, CreateStatus.CREATING)
        after_unknown = _string(earlier, "create_status") in unknown
        return Lease(key, owner, after_unknown, _json(_string(earlier, "create_request")))

    def created(self, lease: Lease, voice_call_id: str) -> str:
        """Remembers the VoiceCall, whoever holds the lease by now; the first id that was
        remembered stands.

        Returns:
            The id that stands.

        Raises:
            LedgerUnavailable: DynamoDB did not answer in time, or refused.
        """
        try:
            self._update(
                lease.key,
                _CREATED,
                "attribute_not_exists(voice_call_id) OR voice_call_id = :id",
                {
                    ":created": _text(CreateStatus.CREATED),
                    ":id": _text(voice_call_id),
                    ":expires": self._expiry(),
                },
            )
        except _ConditionFailed as refused:
            return _string(refused.item, "voice_call_id") or voice_call_id
        return voice_call_id

    def not_created(self, lease: Lease, error_code: str, *, unknown: bool) -> None:
        """Remembers that the attempt ended without a VoiceCall, or without an answer.

        Raises:
            LedgerUnavailable: DynamoDB did not answer in time, or refused.
        """
        status = CreateStatus.UNKNOWN if unknown else CreateStatus.FAILED
        try:
            self._update(
                lease.key,
                _NOT_CREATED,
                "lease_owner = :owner",
                {
                    ":status": _text(status),
                    ":error": _text(error_code),
                    ":owner": _text(lease.owner),
                    ":expires": self._expiry(),
                },
            )
        except _ConditionFailed:
            return  # the lease ran out and another worker has the contact now: its word counts

    def standing(self, key: ContactKey) -> Created | Busy | None:
        """What the ledger knows right now; None: nobody is creating it, and it is not created.

        Raises:
            LedgerUnavailable: DynamoDB did not answer in time, or refused.
        """
        answer = self._call("get_item", Key={"ledger_key": _text(str(key))}, ConsistentRead=True)
        item = answer.get("Item", {})
        status = _string(item, "create_status")
        if status not in (CreateStatus.CREATED, CreateStatus.CREATING):
            return None
        standing = _standing(item)
        if isinstance(standing, Busy) and standing.lease_until < self.now():
            return None
        return standing

    def _update(
        self,
        key: ContactKey,
        update: str,
        condition: str,
        values: Mapping[str, Mapping[str, str]],
        returns: str = "NONE",
    ) -> Any:
        return self._call(
            "update_item",
            Key={"ledger_key": _text(str(key))},
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeValues=values,
            ReturnValues=returns,
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    def _call(self, operation: str, **parameters: Any) -> Any:
        try:
            if self._made is None:
                self._made = self.client()
            call = getattr(self._made, operation)
            try:
                return call(TableName=self.table, **parameters)
            except ConnectionClosedError:
                # A connection kept over a pause of the environment may be dead; a new one is not.
                return call(TableName=self.table, **parameters)
        except ClientError as error:
            if error.response["Error"].get("Code") == "ConditionalCheckFailedException":
                raise _ConditionFailed(error.response.get("Item", {})) from None
            raise LedgerUnavailable(error.response["Error"].get("Code", "")) from None
        except BotoCoreError as error:
            raise LedgerUnavailable(type(error).__name__) from None

    def _expiry(self) -> dict[str, str]:
        return {"N": str(int(self.now()) + TIME_TO_LIVE_SECONDS)}


class _ConditionFailed(Exception):
    def __init__(self, item: Mapping[str, Mapping[str, str]]) -> None:
        super().__init__("the condition of a write does not hold")
        self.item = item


def _standing(item: Mapping[str, Mapping[str, str]]) -> Created | Busy:
    if _string(item, "create_status") == CreateStatus.CREATED:
        return Created(_string(item, "voice_call_id"))
    return Busy(float(item.get("lease_until", {}).get("N", "0")) / 1000)


def _text(value: str) -> dict[str, str]:
    return {"S": str(value)}


def _milliseconds(seconds: float) -> dict[str, str]:
    return {"N": str(int(seconds * 1000))}


def _string(item: Mapping[str, Mapping[str, str]], name: str) -> str:
    return item.get(name, {}).get("S", "")


def _json(text: str) -> Mapping[str, object]:
    parsed = json.loads(text) if text else {}
    return parsed if isinstance(parsed, dict) else {}
