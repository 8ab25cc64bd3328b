"""Lambda's asynchronous invocations, of EventBridge's targets and of operators who do not wait.

As in AWS Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous
invocation" and "Capturing records of Lambda asynchronous invocations": a function that fails is
tried twice more, one minute and two minutes later, unless EventInvokeConfig says otherwise. An
event that fails to the end, or gets too old, goes to the failure destination; without one it is
lost.
"""

import json
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Lock
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from simulator.pollers.batch import BatchResult, Invoked, Outcome
from simulator.pollers.properties import destination_of, number
from simulator.sam.intrinsics import place
from simulator.sam.template import Template

__all__ = ["AsynchronousInvocations", "InvokeSettings", "read_invoke_settings"]

_PAUSES: Final = (60.0, 120.0)
"""Seconds before the first and the second repetition."""


@dataclass(frozen=True, slots=True)
class InvokeSettings:
    """How a function is invoked asynchronously.

    Attributes:
        max_retries: repetitions after an error of the function.
        max_age: seconds after which an event is given up.
        on_failure: ARN of an S3 bucket or SQS queue; empty for none.
    """

    max_retries: int = 2
    max_age: int = 21_600
    on_failure: str = ""


@dataclass(slots=True)
class _Event:
    """`arrived` and `not_before` are epoch seconds."""

    function: str
    body: Any
    input_id: str
    arrived: float
    not_before: float
    invocations: int = 0

    @property
    def data(self) -> bytes:
        return json.dumps(self.body).encode()


def read_invoke_settings(template: Template) -> dict[str, InvokeSettings]:
    """EventInvokeConfig of every function, by logical id. Raises TemplateError."""
    found = {}
    for name in template.functions:
        with place(name, "EventInvokeConfig"):
            node = template.resources[name]["Properties"].get("EventInvokeConfig") or {}
            properties = template.resolve(node)
            found[name] = InvokeSettings(
                max_retries=number(properties, "MaximumRetryAttempts", 2, 0, 2),
                max_age=number(properties, "MaximumEventAgeInSeconds", 21_600, 60, 21_600),
                on_failure=destination_of(properties),
            )
    return found


class AsynchronousInvocations:
    """The queue that Lambda keeps of them; a poller as any other.

    Args:
        settings: of each function, by logical id.
        invoke: invokes a function, by its logical id; called from several threads.
        s3, sqs: botocore clients for the failure destinations.
        clock: epoch seconds.
    """

    def __init__(
        self,
        settings: Mapping[str, InvokeSettings],
        invoke: Callable[[str, Any], Invoked],
        *,
        s3: Any,
        sqs: Any,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Begin with nothing."""
        self._settings = settings
        self._invoke = invoke
        self._s3 = s3
        self._sqs = sqs
        self._clock = clock
        self._waiting: list[_Event] = []
        self._deliver_again = 0
        self._lock = Lock()

    @property
    def next_due(self) -> float | None:
        """When the next event is to be handed over, epoch seconds; None without events."""
        with self._lock:
            return min((event.not_before for event in self._waiting), default=None)

    def accept(self, function: str, body: Any) -> str:
        """Take an event for a function; its id."""
        now = self._clock()
        event = _Event(function, body, str(uuid.uuid4()), now, now)
        with self._lock:
            self._waiting.append(event)
        return event.input_id

    def poll_once(self) -> list[BatchResult]:
        """Hand over every event that is due, all side by side."""
        now = self._clock()
        with self._lock:
            due = [event for event in self._waiting if event.not_before <= now]
            self._waiting = [event for event in self._waiting if event.not_before > now]
        if not due:
            return []
        with ThreadPoolExecutor(max_workers=len(due)) as executor:
            running = [executor.submit(self._invoke, it.function, it.body) for it in due]
        return [
            result
            for event, future in zip(due, running, strict=True)
            for result in self._settle(event, future.result())
        ]

    def deliver_twice(self, batches: int = 1) -> None:
        """Deliver each of the next `batches` events that succeed once more."""
        self._deliver_again = batches

    def _settle(self, event: _Event, invoked: Invoked) -> list[BatchResult]:
        event.invocations += 1
        error = invoked.error
        if error is None:
            again = self._deliver_again > 0
            self._deliver_again -= again
            if again:
                self._wait(event, 0.0)
            return [self._result(event, Outcome.SUCCEEDED, "", invoked, 0.0 if again else None)]
        reason = f"{error.get('errorType', 'Error')}: {error.get('errorMessage', '')}"
        settings = self._settings.get(event.function, InvokeSettings())
        pause = _PAUSES[min(event.invocations, len(_PAUSES)) - 1]
        too_old = self._clock() + pause - event.arrived > settings.max_age
        if event.invocations <= settings.max_retries and not too_old:
            self._wait(event, pause)
            return [self._result(event, Outcome.FAILED, reason, invoked, pause)]
        condition = "EventAgeExceeded" if too_old else "RetriesExhausted"
        failed = self._result(event, Outcome.FAILED, reason, invoked, None)
        return [failed, self._give_up(event, f"{condition}: {reason}", invoked, settings)]

    def _wait(self, event: _Event, seconds: float) -> None:
        event.not_before = self._clock() + seconds
        with self._lock:
            self._waiting.append(event)

    def _give_up(
        self, event: _Event, reason: str, invoked: Invoked, settings: InvokeSettings
    ) -> BatchResult:
        destination = ""
        try:
            destination = self._send(event, reason, invoked, settings.on_failure)
        except (BotoCoreError, ClientError) as refusal:
            # Lambda drops it (metric DestinationDeliveryFailures).
            reason = f"{reason}; and the failure destination refused it: {refusal}"
        given_up = self._result(event, Outcome.DISCARDED, reason, invoked, None)
        return replace(given_up, destination=destination)

    def _send(self, event: _Event, reason: str, invoked: Invoked, arn: str) -> str:
        if not arn:
            return ""
        body = json.dumps(self._invocation_record(event, reason, invoked))
        name = arn.rsplit(":", 1)[-1]
        if ":sqs:" in arn:
            url = self._sqs.get_queue_url(QueueName=name)["QueueUrl"]
            self._sqs.send_message(QueueUrl=url, MessageBody=body)
            return arn
        when = datetime.fromtimestamp(self._clock(), UTC)
        key = (
            f"aws/lambda/async/{event.function}/{when:%Y/%m/%d}/"
            f"{when:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
        )
        self._s3.put_object(Bucket=name, Key=key, Body=body.encode())
        return f"s3://{name}/{key}"

    def _invocation_record(self, event: _Event, reason: str, invoked: Invoked) -> dict[str, Any]:
        now = datetime.fromtimestamp(self._clock(), UTC)
        return {
            "version": "1.0",
            "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "requestContext": {
                "requestId": event.input_id,
                "functionArn": f"arn:aws:lambda:us-east-1:123456789012:function:{event.function}",
                "condition": reason.partition(":")[0],
                "approximateInvokeCount": event.invocations,
            },
            "requestPayload": event.body,
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": "Unhandled",
            },
            "responsePayload": dict(invoked.error or {}),
        }

    def _result(
        self,
        event: _Event,
        outcome: Outcome,
        reason: str,
        invoked: Invoked,
        retry_in: float | None,
    ) -> BatchResult:
        return BatchResult(
            records=(event,),
            outcome=outcome,
            invocations=event.invocations,
            done=int(outcome is not Outcome.FAILED),
            reason=reason,
            retry_in=retry_in,
            invoked=invoked,
            feeds=event.function,
        )
