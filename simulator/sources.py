"""The sources of the template's functions, and the way of each input to its function.

A source is named by the folder of its function (functions/contact_events). The template says how
its inputs come: a rule of the event bus takes them, they are put into a stream or a queue, or a
caller invokes the function and waits for its answer. So a further stream needs nothing here.

Pauses between retries are jumped over when `compressed`: the pollers' clock runs ahead, so that ten
minutes of an outage are replayed in a moment. Functions live in real time all the same.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from typing import Any, Final

from simulator.aws.cloud import AwsSimulator
from simulator.aws.event_bus import Delivery, EventBus
from simulator.aws.event_mismatch import nearest_rule
from simulator.aws.event_rules import read_rules
from simulator.aws.queue_clock import let_records_age, let_time_pass, visible_in
from simulator.aws.stream_length import records_put
from simulator.functions.lambda_process import Invocation
from simulator.pollers.asynchronous import AsynchronousInvocations, read_invoke_settings
from simulator.pollers.batch import BatchResult, Poller, drain
from simulator.pollers.event_source_mapping import read_mappings
from simulator.pollers.kinesis_poller import KinesisPoller
from simulator.pollers.queue_mapping import read_queue_mappings
from simulator.pollers.sqs_poller import SqsPoller
from simulator.pollers.stream_record import input_id
from simulator.sam.template import Template, TemplateError

__all__ = ["Source", "Sources", "Way", "read_sources"]

_LONGEST_SECONDS: Final = 7 * 24 * 3600.0
"""Beyond a stream's longest retention nothing is left to wait for (the pollers' clock)."""

Invoke = Callable[[str, Any, Mapping[str, str]], Invocation]


class Way(StrEnum):
    """How the inputs of a source come to its function."""

    CALL = "call"
    BUS = "bus"
    STREAM = "stream"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True)
class Source:
    """One source.

    Attributes:
        name: the folder of its function.
        function: logical id of the function.
        way: how its inputs come.
        stream: name of the stream that feeds the function; empty where none does.
        queue: name of the queue that feeds it; empty where none does.
    """

    name: str
    function: str
    way: Way
    stream: str = ""
    queue: str = ""


def read_sources(template: Template) -> dict[str, Source]:
    """The sources of the template's functions, by name. Raises TemplateError."""
    streams = {it.function: it.stream for it in reversed(read_mappings(template))}
    queues = {it.function: it.queue for it in reversed(read_queue_mappings(template))}
    ruled = {target.name for rule in read_rules(template) for target in rule.targets}
    found = {}
    for logical_id, function in template.functions.items():
        stream, queue = streams.get(logical_id, ""), queues.get(logical_id, "")
        way = Way.STREAM if stream else Way.QUEUE if queue else Way.CALL
        if ruled & {logical_id, stream or queue}:
            way = Way.BUS
        name = function.code_dir.name
        found[name] = Source(name, logical_id, way, stream, queue)
    return found


class Sources:
    """Bus, streams, queues and pollers of the template of `aws`.

    Args:
        aws: the AWS in which the template is deployed.
        invoke: invokes a function, by its logical id, with an event and settings.
        resources: closes the clients.
        compressed: whether the pollers' pauses are jumped over.
        settings: environment of the functions instead of the template's.
    """

    def __init__(
        self,
        aws: AwsSimulator,
        invoke: Invoke,
        resources: ExitStack,
        *,
        compressed: bool,
        settings: Mapping[str, str],
    ) -> None:
        """Begin to read the streams. Raises TemplateError for rules or mappings of no use."""
        clients = {service: aws.client(service) for service in ("kinesis", "sqs", "s3")}
        for client in clients.values():
            resources.callback(client.close)
        self._kinesis, self._sqs, self._s3 = clients["kinesis"], clients["sqs"], clients["s3"]
        self._aws = aws
        self._invoke = invoke
        self._compressed = compressed
        self._ahead = 0.0
        self._simulator_settings = settings
        self._settings: Mapping[str, str] = {}
        self._one_at_a_time = Lock()
        self._sources = read_sources(aws.template)
        self._invocations = AsynchronousInvocations(
            read_invoke_settings(aws.template),
            lambda function, event: self._invoke(function, event, self._settings),
            s3=self._s3,
            sqs=self._sqs,
            clock=self._clock,
        )
        self._buses: dict[frozenset[tuple[str, str]], EventBus] = {}
        self._bus_with({})
        self._pollers = self._make_pollers()

    def __getitem__(self, name: str) -> Source:
        """The source of this name. Raises TemplateError for one that no function has."""
        if name not in self._sources:
            known = ", ".join(sorted(self._sources))
            raise TemplateError(f"the template has no source {name}; there are {known}")
        return self._sources[name]

    @property
    def streams(self) -> str:
        """Names of the streams and queues that are read."""
        read = [source.stream or source.queue for source in self._sources.values()]
        return ", ".join(name for name in read if name)

    @property
    def failure_queues(self) -> set[str]:
        """Names of the queues that get what rules, queues and Lambda could not deliver. The
        functions' own dead-letter queue is none of them."""
        template = self._aws.template
        arns = [target.dead_letter for rule in read_rules(template) for target in rule.targets]
        arns += [it.on_failure for it in read_invoke_settings(template).values()]
        for body in template.resources.values():
            policy = body["Properties"].get("RedrivePolicy")
            if body["Type"] == "AWS::SQS::Queue" and policy:
                arns.append(str(template.resolve(policy).get("deadLetterTargetArn", "")))
        names = {arn.rsplit(":", 1)[-1] for arn in arns if ":sqs:" in arn}
        return names - {self._dead_letter_queue}

    def kept_in(self, destination: str) -> str:
        """The place where a failure destination keeps an input, in the words of the tally."""
        if not destination:
            return "none"
        if destination.startswith("s3:"):
            return "bucket"
        own = destination.rsplit(":", 1)[-1] == self._dead_letter_queue
        return "queue" if own else "failure_queue"

    @property
    def _dead_letter_queue(self) -> str:
        functions = self._aws.template.functions.values()
        urls = [it.environment.get("DEAD_LETTER_QUEUE_URL", "") for it in functions]
        return next((url.rpartition("/")[2] for url in urls if url), "")

    def publish(
        self, event: Mapping[str, Any], settings: Mapping[str, str] | None = None
    ) -> list[Delivery]:
        """Publish an event on the bus; empty when no rule takes it.

        The rules are those of a stack with `settings`: which events they let through depends on
        CREATE_FROM_EVENTS. Raises ValueError for no envelope, TemplateError for no usable rule.
        """
        return self._bus_with(settings or {}).put(event)

    def why_unmatched(
        self, event: Mapping[str, Any], settings: Mapping[str, str] | None = None
    ) -> list[str]:
        """Why no rule takes an event: the fields in which it differs from the nearest rule."""
        known = {**self._simulator_settings, **(settings or {})}
        found = nearest_rule(read_rules(self._aws.template_with(known)), event)
        return [f"{found[0]}: {it}" for it in found[1]] if found else ["the template has no rules"]

    def put(self, name: str, partition_key: str, data: str) -> str:
        """Put an input into the stream or queue of its source, past the rules; its input id.

        Raises TemplateError where the source has neither.
        """
        source = self[name]
        if source.stream:
            answer = self._kinesis.put_record(
                StreamName=source.stream, PartitionKey=partition_key, Data=data.encode()
            )
            return input_id(answer["ShardId"], answer["SequenceNumber"])
        if source.queue:
            url = self._sqs.get_queue_url(QueueName=source.queue)["QueueUrl"]
            return str(self._sqs.send_message(QueueUrl=url, MessageBody=data)["MessageId"])
        raise TemplateError(f"no stream and no queue feeds {source.function}")

    def invoke_later(self, function: str, event: Any) -> str:
        """Invoke a function, by its logical id, asynchronously; the event's id."""
        return self._invocations.accept(function, event)

    def deliver_twice(self) -> None:
        """Deliver the next successful batch of each poller once more."""
        for poller in self._pollers:
            poller.deliver_twice()

    def poll(self, settings: Mapping[str, str] | None = None) -> list[BatchResult]:
        """Run the pollers until nothing is pending; `settings` instead of the functions' own."""
        with self._one_at_a_time:
            self._settings = settings or {}
            try:
                return drain(self._pollers, self._clock, self._sleep, _LONGEST_SECONDS)
            finally:
                # Nothing is pending: what comes next would be too old on a clock that ran ahead.
                self._ahead = 0.0
                for poller in self._pollers:
                    poller.deliver_twice(0)  # a poller that had no batch is not owed one

    def poll_once(self) -> list[BatchResult]:
        """Run each poller once, for a simulator that is left running."""
        with self._one_at_a_time:
            self._settings = {}
            return [result for poller in self._pollers for result in poller.poll_once()]

    def _make_pollers(self) -> list[Poller]:
        streams = [
            KinesisPoller(
                self._kinesis,
                mapping,
                self._caller(mapping.function),
                s3=self._s3,
                sqs=self._sqs,
                clock=self._clock,
                sleep=self._sleep,
                records_put=records_put,
            )
            for mapping in read_mappings(self._aws.template)
        ]
        queues = [
            SqsPoller(self._sqs, mapping, self._caller(mapping.function), visible_in, self._clock)
            for mapping in read_queue_mappings(self._aws.template)
        ]
        return [*streams, self._invocations, *queues]

    def _bus_with(self, settings: Mapping[str, str]) -> EventBus:
        settings = {**self._simulator_settings, **settings}
        known = frozenset(settings.items())
        if known not in self._buses:
            self._buses[known] = EventBus(
                read_rules(self._aws.template_with(settings)),
                self._kinesis,
                self._sqs,
                invoke_later=self.invoke_later,
                sleep=self._sleep,
            )
        return self._buses[known]

    def _caller(self, function: str) -> Callable[[dict[str, Any]], Invocation]:
        return lambda event: self._invoke(function, event, self._settings)

    def _clock(self) -> float:
        return time.time() + self._ahead

    def _sleep(self, seconds: float) -> None:
        if self._compressed:
            self._ahead += seconds
            let_time_pass(seconds)
            let_records_age(seconds)
        else:
            time.sleep(seconds)
