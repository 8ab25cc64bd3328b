"""Contact records the tests start from, and a Salesforce that remembers its PATCHes. Every id and
number is invented."""

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.samples.contact_records import contact_record as record
from tests.samples.members import CONTACT_ID
from tests.samples.stream_records import stream_record
from voicecall_bridge.deadline import Deadline
from voicecall_bridge.sources.contact_record import ContactRecord, read
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.telephony.client import TelephonyClient
from voicecall_bridge.telephony.operations import Operation
from voicecall_bridge.voice_call.update import UpdateRequest

STREAM = "contact-records"


def version(number: int, **changes: object) -> dict[str, Any]:
    """Version `number` of a record, 0 to 59; one of its attributes holds the number."""
    return record(
        LastUpdateTimestamp=f"2026-11-20T10:06:{number:02d}Z",
        Attributes={"sfdc-Version__c": str(number)},
        **changes,
    )


def a_record(**changes: object) -> ContactRecord:
    """As the source reads it."""
    return read(record(**changes))


def kinesis_record(number: int, payload: object, key: str = "key") -> dict[str, Any]:
    """One record of a batch. Bytes and texts are passed as they are, all else as JSON."""
    return stream_record(payload, number, key=key, stream=STREAM)


def batch(payloads: Iterable[object], first: int = 1) -> dict[str, Any]:
    """The event that Lambda passes."""
    return {"Records": [kinesis_record(n, item) for n, item in enumerate(payloads, start=first)]}


class PatchedCalls(TelephonyClient):
    """Salesforce's client without a network: keeps the PATCHes in the order in which they arrived.

    `before` may raise or do anything else; what it lets through has arrived; `after` may raise, as
    when the answer is lost.
    """

    def __init__(
        self,
        before: Callable[[UpdateRequest], None] = lambda _: None,
        after: Callable[[UpdateRequest], None] = lambda _: None,
    ) -> None:
        self.before, self.after = before, after
        self.patched: list[UpdateRequest] = []
        self.deadlines: list[Deadline] = []
        self._patched_lock = threading.Lock()

    def perform(
        self,
        operation: Operation,
        vendor_call_key: str,
        deadline: Deadline,
        body: Mapping[str, object] | None = None,
    ) -> SalesforceResult:
        assert operation is Operation.UPDATE
        request = _request(vendor_call_key, body or {})
        self.deadlines.append(deadline)
        self.before(request)
        with self._patched_lock:
            self.patched.append(request)
        self.after(request)
        return SalesforceResult(attempts=1)

    def versions(self, contact_id: str = CONTACT_ID) -> list[int]:
        """The versions of a contact that arrived, in order (see `version`)."""
        return [
            int(str(request.call_attributes["Version__c"]))
            for request in self.patched
            if request.vendor_call_key == contact_id
        ]


def _request(key: str, body: Mapping[str, object]) -> UpdateRequest:
    properties = dict(body)
    fields = json.loads(str(properties.pop("callAttributes", "{}")))
    return UpdateRequest(key, properties, fields)


def bodies(client: PatchedCalls) -> list[Mapping[str, object]]:
    """The requests that arrived, as JSON."""
    return [request.to_json() for request in client.patched]


class Failing:
    """Raises an error at the first `times` calls."""

    def __init__(self, error: Exception, times: int) -> None:
        self.error, self.times = error, times

    def __call__(self) -> None:
        self.times -= 1
        if self.times >= 0:
            raise self.error
