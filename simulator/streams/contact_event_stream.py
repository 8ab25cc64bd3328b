"""The way of contact events and records on the laptop: event bus, streams, pollers, functions.

    put       an event, as Amazon Connect publishes it: through the template's rules
    put_raw   a record straight into a stream: contact records, and what no rule would let through
    poll      what Lambda's pollers do until every record is done or given up

Pauses between retries are jumped over when `compressed`: the poller's clock runs ahead, so that ten
minutes of an outage are replayed in a moment. Functions live in real time all the same.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from threading import Lock
from typing import Any, Final

from simulator.aws.cloud import LaptopAws
from simulator.aws.event_bus import Delivery, EventBus
from simulator.aws.event_rules import read_rules
from simulator.functions.lambda_process import Invocation
from simulator.sam.template import TemplateError
from simulator.streams.event_source_mapping import read_mappings
from simulator.streams.poller import BatchResult, Poller

FED: Final[Mapping[str, str]] = {
    "contact_event": "ContactEventsFunction",
    "contact_record": "ContactRecordsFunction",
}
"""What comes through a stream -> the function of the template that the stream feeds."""

_LONGEST_SECONDS: Final = 7 * 24 * 3600.0
"""Beyond a stream's longest retention nothing is left to wait for (poller's clock)."""

Invoke = Callable[[str, Any, Mapping[str, str]], Invocation]


class ContactEventStream:
    """Bus and pollers of the template of `aws`; `invoke(function, event, settings)` runs one."""

    def __init__(
        self,
        aws: LaptopAws,
        invoke: Invoke,
        resources: ExitStack,
        *,
        compressed: bool,
        settings: Mapping[str, str],
    ) -> None:
        """Begin to read the streams, with the rules of a stack with `settings`.

        Raises TemplateError for rules or mappings of no use.
        """
        clients = {service: aws.client(service) for service in ("kinesis", "sqs", "s3")}
        for client in clients.values():
            resources.callback(client.close)
        self._kinesis = clients["kinesis"]
        self._invoke = invoke
        self._compressed = compressed
        self._ahead = 0.0
        self._simulator_settings = settings
        self._settings: Mapping[str, str] = {}
        self._one_at_a_time = Lock()
        self._mappings = read_mappings(aws.template)
        self._aws = aws
        self._sqs = clients["sqs"]
        self._buses: dict[frozenset[tuple[str, str]], EventBus] = {}
        self._bus_with({})
        self._pollers = [
            Poller(
                self._kinesis,
                mapping,
                self._caller(mapping.function),
                s3=clients["s3"],
                sqs=clients["sqs"],
                clock=self._clock,
                sleep=self._sleep,
            )
            for mapping in self._mappings
        ]

    @property
    def streams(self) -> str:
        """Names of the streams that are read."""
        return ", ".join(mapping.stream for mapping in self._mappings)

    def put(
        self, event: Mapping[str, Any], settings: Mapping[str, str] | None = None
    ) -> list[Delivery]:
        """Publish an event; empty when no rule takes it.

        The rules are those of a stack with `settings`: which events they let through depends on
        CREATE_FROM_EVENTS. Raises ValueError for no envelope, TemplateError for no usable rule.
        """
        return self._bus_with(settings or {}).put(event)

    def put_raw(self, source: str, partition_key: str, data: str) -> str:
        """Put a record into the stream of `source` (see FED); its input id.

        Raises TemplateError when the template has no such stream.
        """
        found = [each.stream for each in self._mappings if each.function == FED[source]]
        if not found:
            raise TemplateError(f"the template has no event source mapping to {FED[source]}")
        answer = self._kinesis.put_record(
            StreamName=found[0], PartitionKey=partition_key, Data=data.encode()
        )
        return input_id(answer["ShardId"], answer["SequenceNumber"])

    def deliver_twice(self) -> None:
        """Deliver the next successful batch of each mapping once more."""
        for poller in self._pollers:
            poller.deliver_twice()

    def poll(self, settings: Mapping[str, str] | None = None) -> list[BatchResult]:
        """Run the pollers until nothing is pending; `settings` instead of the functions' own."""
        with self._one_at_a_time:
            self._settings = settings or {}
            try:
                return [
                    result
                    for poller in self._pollers
                    for result in poller.drain(within=_LONGEST_SECONDS)
                ]
            finally:
                # Nothing is pending: what comes next would be too old on a clock that ran ahead.
                self._ahead = 0.0
                for poller in self._pollers:
                    poller.deliver_twice(0)  # a stream that had no batch is not owed one

    def poll_once(self) -> list[BatchResult]:
        """One turn of the pollers, for a simulator that is left running."""
        with self._one_at_a_time:
            self._settings = {}
            return [result for poller in self._pollers for result in poller.poll_once()]

    def _bus_with(self, settings: Mapping[str, str]) -> EventBus:
        settings = {**self._simulator_settings, **settings}
        known = frozenset(settings.items())
        if known not in self._buses:
            self._buses[known] = EventBus(
                read_rules(self._aws.template_with(settings)),
                self._kinesis,
                self._sqs,
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
        else:
            time.sleep(seconds)


def input_id(shard_id: str, sequence_number: str) -> str:
    """As Lambda names a record: its eventID."""
    return f"{shard_id}:{sequence_number}"
