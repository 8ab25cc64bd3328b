"""The default event bus as the template's rules see it: streams, functions and queues are targets.

Deliveries are made as EventBridge makes them (Amazon EventBridge User Guide, "How EventBridge
retries delivering events", "Using dead-letter queues to process undelivered events"):

    a stream's record is the whole envelope, its partition key what PartitionKeyPath finds, else
    the event's id; a queue's message and a function's event are the whole envelope
    a passing fault is tried again with growing pauses until the target's RetryPolicy is used up
    an error that no retry can cure (no such stream, no permission, a record that Kinesis refuses)
    is not tried again
    an event that could not be delivered goes to the target's dead-letter queue; without one it is
    dropped

How EventBridge treats an event without the partition key's path is not documented; here it cannot
be delivered and no retry cures it. Unlike EventBridge, `put` returns when its deliveries are over.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from simulator.aws.event_rules import Rule, Target

__all__ = ["Delivery", "EventBus"]

_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 600.0

_THROTTLES: Final = frozenset(
    {"ProvisionedThroughputExceededException", "ThrottlingException", "KMSThrottlingException"}
)
_CODES: Final[Mapping[str, str]] = {
    "ResourceNotFoundException": "NO_RESOURCE",
    "AccessDeniedException": "NO_PERMISSIONS",
    "KMSAccessDeniedException": "NO_PERMISSIONS",
}
"""ERROR_CODE of the dead letter; other errors are named as Kinesis names them."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The result of one event at one target.

    Attributes:
        rule: its name.
        target: name of the stream, the function or the queue.
        partition_key: of a stream's record.
        input_id: the id under which the function is given it; empty where it was not delivered.
        outcome: "delivered", "dead_lettered" or "dropped".
        error: why it was not delivered, and why the queue did not take it; empty if it was.
        attempts: how often the target was asked.
    """

    rule: str
    target: str
    partition_key: str
    input_id: str
    outcome: str
    error: str
    attempts: int


@dataclass(frozen=True, slots=True)
class _Failure:
    code: str
    message: str
    attempts: int
    exhausted: str = ""


class EventBus:
    """Delivers events to the targets of `rules`.

    Args:
        rules: as `read_rules` reads them.
        kinesis, sqs: botocore clients. They should not retry: the rules say how often.
        invoke_later: invokes a function, by its name, asynchronously; answers the event's id.
        clock, sleep: seconds, and a wait in seconds.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        kinesis: Any,
        sqs: Any,
        *,
        invoke_later: Callable[[str, Any], str] | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Nothing is delivered yet."""
        self._rules = tuple(rules)
        self._kinesis = kinesis
        self._sqs = sqs
        self._invoke_later = invoke_later
        self._clock = clock
        self._sleep = sleep

    def put(self, event: Mapping[str, Any]) -> list[Delivery]:
        """Deliver `event`, a whole envelope, to every target of every rule that matches it.

        The list is empty if no rule matches. Raises ValueError if it is not an envelope.
        """
        if not all(isinstance(event.get(key), str) for key in ("id", "source", "detail-type")):
            raise ValueError("an event needs the texts id, source and detail-type")
        data = json.dumps(event, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        return [
            self._deliver(rule, target, event, data)
            for rule in self._rules
            if rule.pattern.matches(event)
            for target in rule.targets
        ]

    def _deliver(self, rule: Rule, target: Target, event: Mapping[str, Any], data: str) -> Delivery:
        key = _partition_key(target, event) if target.service == "kinesis" else ""
        if target.service == "kinesis" and not key:
            path = ".".join(("$", *target.key_path))
            message = f"the event has no text at {path}, the partition key"
            return self._give_up(rule, target, "", data, _Failure("INVALID_PARAMETER", message, 0))
        sent = self._send_until_taken(target, key, event, data)
        if isinstance(sent, _Failure):
            return self._give_up(rule, target, key, data, sent)
        input_id, attempts = sent
        return Delivery(rule.name, target.name, key, input_id, "delivered", "", attempts)

    def _send(self, target: Target, key: str, event: Mapping[str, Any], data: str) -> str:
        """The id under which the target's function is given the event."""
        if target.service == "lambda":
            if self._invoke_later is None:
                raise RuntimeError(f"{target.name} cannot be invoked here")
            return self._invoke_later(target.name, dict(event))
        if target.service == "sqs":
            url = self._sqs.get_queue_url(QueueName=target.name.rsplit(":", 1)[-1])["QueueUrl"]
            return str(self._sqs.send_message(QueueUrl=url, MessageBody=data)["MessageId"])
        answer = self._kinesis.put_record(
            StreamName=target.name, PartitionKey=key, Data=data.encode()
        )
        return f"{answer['ShardId']}:{answer['SequenceNumber']}"

    def _send_until_taken(
        self, target: Target, key: str, event: Mapping[str, Any], data: str
    ) -> tuple[str, int] | _Failure:
        began = self._clock()
        attempts = 0
        pause = _FIRST_PAUSE_SECONDS
        while True:
            attempts += 1
            try:
                input_id = self._send(target, key, event, data)
            except (BotoCoreError, ClientError) as error:
                code, message, passing = _judge(error)
            else:
                return input_id, attempts
            if not passing:
                return _Failure(code, message, attempts)
            if attempts > target.max_retries:
                return _Failure(code, message, attempts, "MaximumRetryAttempts")
            if self._clock() + pause - began >= target.max_age:
                return _Failure(code, message, attempts, "MaximumEventAgeInSeconds")
            self._sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _give_up(
        self, rule: Rule, target: Target, key: str, data: str, failure: _Failure
    ) -> Delivery:
        outcome, error = "dropped", f"{failure.code}: {failure.message}"
        if target.dead_letter:
            try:
                self._dead_letter(rule, target, data, failure)
            except (BotoCoreError, ClientError) as refusal:
                error = f"{error}; and the dead-letter queue refused it: {refusal}"
            else:
                outcome = "dead_lettered"
        return Delivery(rule.name, target.name, key, "", outcome, error, failure.attempts)

    def _dead_letter(self, rule: Rule, target: Target, data: str, failure: _Failure) -> None:
        """Send the event with the attributes of a dead letter ("Using dead-letter queues…")."""
        _, partition, _, region, account, _ = target.arn.split(":", 5)
        attributes = {
            "RULE_ARN": f"arn:{partition}:events:{region}:{account}:rule/{rule.name}",
            "TARGET_ARN": target.arn,
            "ERROR_CODE": failure.code,
            "ERROR_MESSAGE": failure.message,
            "RETRY_ATTEMPTS": str(max(failure.attempts - 1, 0)),
        }
        if failure.exhausted:
            attributes["EXHAUSTED_RETRY_CONDITION"] = failure.exhausted
        queue = self._sqs.get_queue_url(QueueName=target.dead_letter.rsplit(":", 1)[-1])
        self._sqs.send_message(
            QueueUrl=queue["QueueUrl"],
            MessageBody=data,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in attributes.items()
            },
        )


def _partition_key(target: Target, event: Mapping[str, Any]) -> str:
    found: Any = event
    for step in target.key_path or ("id",):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) else ""


def _judge(error: BotoCoreError | ClientError) -> tuple[str, str, bool]:
    """The error's code and message, and whether the fault can pass."""
    if not isinstance(error, ClientError):
        # Nothing was answered: the network, or a service that is down.
        return "SDK_CLIENT_ERROR", str(error), True
    code = error.response["Error"]["Code"]
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    message = error.response["Error"].get("Message") or code
    return _CODES.get(code, code), message, code in _THROTTLES or status >= 500
