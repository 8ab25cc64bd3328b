"""Whatever a function does with its batches, no record is lost and no key is out of order.

Rules, AWS Lambda Developer Guide: at least once; ordered per partition key.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.pollers.kinesis_poller import BatchResult, KinesisPoller, Outcome
from tests.simulator.stream_simulator import (
    Aws,
    Clock,
    Function,
    HandlerError,
    aws_on_moto,
    data_of,
    every,
    failures,
    mapping,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with aws_on_moto() as aws:
        yield aws


@dataclass(frozen=True)
class Script:
    """The effect of a record on its batch, invocation by invocation, and "ok" for ever after."""

    moods: dict[str, list[str]]

    def play(self, event: Mapping[str, Any]) -> Any:
        numbers = []
        for record in event["Records"]:
            moods = self.moods.get(data_of(record), [])
            mood = moods.pop(0) if moods else "ok"
            if mood == "raise":
                raise HandlerError(data_of(record))
            if mood == "malformed":
                return failures("")
            if mood == "fail":
                numbers.append(record["kinesis"]["sequenceNumber"])
        return failures(*reversed(numbers))


MAPPINGS = st.fixed_dictionaries(
    {
        "batch_size": st.integers(1, 6),
        "parallelization": st.integers(1, 4),
        "bisect": st.booleans(),
        "max_retries": st.integers(0, 3),
        "report_item_failures": st.booleans(),
        "batching_window": st.sampled_from([0, 5]),
    }
)
KEYS = st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), min_size=1, max_size=14)
MOODS = st.lists(
    st.lists(st.sampled_from(["ok", "fail", "fail", "raise", "malformed"]), max_size=6),
    max_size=14,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(keys=KEYS, moods=MOODS, chosen=MAPPINGS, shards=st.integers(1, 2), twice=st.integers(0, 2))
def test_every_record_is_done_or_given_up_in_order(
    aws: Aws,
    keys: list[str],
    moods: list[list[str]],
    chosen: dict[str, Any],
    shards: int,
    twice: int,
) -> None:
    """Given any records, any handler and bounded retries, when the stream is drained, then polling
    ends, each record is done or given up, and each key's records begin in their order.
    """
    stream, clock = aws.stream(shards), Clock()
    datas = [f"{key}/{place}" for place, key in enumerate(keys)]
    aws.put(stream, *zip(keys, datas, strict=True))
    function = Function(Script(dict(zip(datas, moods, strict=False))).play)
    poller = KinesisPoller(
        aws.kinesis, mapping(stream, **chosen), function, clock=clock, sleep=clock.sleep
    )
    poller.deliver_twice(twice)

    results = poller.drain()

    assert poller.pending() == 0
    ended = [data for result in results for data in every(result.records)[: result.done]]
    assert sorted(set(ended)) == sorted(datas)
    once_delivered = {data for batch in function.batches for data in batch}
    assert once_delivered == set(datas)
    for key in set(keys):
        expected = [data for data in datas if data.startswith(f"{key}/")]
        assert first_times(ended, key) == expected
        assert first_times([d for batch in function.batches for d in batch], key) == expected
    assert_nothing_passes_a_failure(results)


def first_times(datas: list[str], key: str) -> list[str]:
    return list(dict.fromkeys(data for data in datas if data.startswith(f"{key}/")))


def assert_nothing_passes_a_failure(results: list[BatchResult]) -> None:
    """In each lane, a failed record is the next one to be delivered."""
    lanes: dict[tuple[str, int], list[BatchResult]] = {}
    for result in results:
        lanes.setdefault((result.shard_id, result.lane), []).append(result)
    for lane in lanes.values():
        for result, following in itertools.pairwise(lane):
            if result.outcome in (Outcome.FAILED, Outcome.PARTIAL):
                assert following.records[0] == result.records[result.done]
