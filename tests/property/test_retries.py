"""The retry queue under any order of deliveries, deaths, duplicates and faults."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.retry_world import ALL, World
from voicecall_bridge.streams.retries import LONGEST_PAUSE, MOST_SECONDS

CONTACTS = "abcdefgh"
RECORDS = st.lists(st.tuples(st.sampled_from(CONTACTS), st.integers(1, 4)), min_size=1, max_size=12)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("stream"), RECORDS, st.booleans()),
        st.tuples(st.just("poll"), st.integers(1, 10), st.booleans()),
        st.tuples(st.just("fail"), st.sets(st.sampled_from([*CONTACTS, ALL])), st.none()),
        st.tuples(st.just("wait"), st.integers(1, LONGEST_PAUSE), st.none()),
    ),
    max_size=25,
)


@given(steps=STEPS, environments=st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_every_record_ends_and_the_newest_version_stands(
    steps: list[Any], environments: int
) -> None:
    """Given batches, polls, workers that die, faults of one contact and of all, and time, in any
    order, when the faults have ended, then every input has ended without a dead letter. The newest
    version of each contact was sent last."""
    world = World(environments)
    newest: dict[str, int] = {}
    inputs: set[str] = set()
    began = world.clock.now
    for what, value, killed in steps:
        if what == "stream":
            for contact_id, number in value:
                newest[contact_id] = max(newest.get(contact_id, 0), number)
            event = world.batch(*value)
            inputs |= {record["eventID"] for record in event["Records"]}
            if killed:
                world.deliver(event)
                world.kill()
            assert world.deliver(event) == [], "no record stays in the stream"
        elif what == "poll":
            world.poll(value, killed=killed)
        elif what == "fail":
            world.failing = value
        else:
            world.clock.sleep(min(value, began + MOST_SECONDS / 2 - world.clock.now))
    world.failing = set()
    world.run(2 * LONGEST_PAUSE, step=60.0)
    assert world.retries.messages == {}
    assert world.letters() == []
    assert {line["inputId"] for line in world.lines()} == inputs
    assert {it: world.salesforce.versions(it)[-1] for it in newest} == newest
