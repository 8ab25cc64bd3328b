"""The poller asks a stream for records only where there may be some."""

from typing import Any

from simulator.aws.stream_length import records_put
from simulator.pollers.kinesis_poller import KinesisPoller
from tests.simulator.stream_simulator import Clock, Function, aws_on_moto, mapping


class Reads:
    """A client of Kinesis that counts how often it is asked for records."""

    def __init__(self, real: Any) -> None:
        self.real, self.number = real, 0

    def __getattr__(self, operation: str) -> Any:
        return getattr(self.real, operation)

    def get_records(self, **request: Any) -> Any:
        self.number += 1
        return self.real.get_records(**request)


def test_a_stream_is_read_when_something_was_put_into_it() -> None:
    """Given a function that counts the stream's records, then the stream is read at the beginning
    and after each put, and no record is missed."""
    clock, function = Clock(), Function()
    with aws_on_moto() as aws:
        stream, reads = aws.stream(), Reads(aws.kinesis)
        poller = KinesisPoller(
            reads,
            mapping(stream),
            function,
            clock=clock,
            sleep=clock.sleep,
            records_put=records_put,
        )
        poller.poll_once()
        before = reads.number
        assert before > 0
        poller.poll_once()
        assert reads.number == before
        for number in range(2):
            aws.put(stream, ("c-1", f'{{"n": {number}}}'))
            poller.poll_once()
            poller.poll_once()
        assert [len(event["Records"]) for event in function.events] == [1, 1]
        assert poller.pending() == 0
