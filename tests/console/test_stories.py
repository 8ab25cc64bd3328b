"""simulator.web.stories: the same seed makes the same calls, and fields can be overridden."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.web import facts
from simulator.web.stories import STORIES, Step, StoryError, read_overrides, steps_of

NOW = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
READERS = {"flow": facts.of_flow, "event": facts.of_event, "record": facts.of_record}


def facts_of(step: Step) -> Any:
    reader = READERS.get(step.kind)
    return reader(step.payload) if reader else None


@pytest.mark.parametrize("name", STORIES)
@given(seed=st.integers(0, 2**31))
def test_a_seed_makes_the_same_call(name: str, seed: int) -> None:
    """Given a seed, then the steps of two runs are the same, in the order of time, and each names
    its contact."""
    steps = steps_of(name, seed, {}, NOW)
    assert steps == steps_of(name, seed, {}, NOW)
    assert [step.after for step in steps] == sorted(step.after for step in steps)
    assert all(facts_of(step) for step in steps if step.kind in READERS)


@pytest.mark.parametrize("name", STORIES)
def test_a_field_is_overridden_everywhere(name: str) -> None:
    """Given a number, then flow and record of the first contact have it."""
    steps = steps_of(name, 1, {"CustomerEndpoint.Address": "+12065550177"}, NOW)
    first = next(facts_of(step).contact_id for step in steps if step.kind == "flow")
    seen = {
        facts_of(step).customer
        for step in steps
        if step.kind in ("flow", "record") and facts_of(step).contact_id == first
    }
    assert seen == {"+12065550177"}


def test_transfers_name_their_parent() -> None:
    steps = steps_of("conference", 1, {}, NOW)
    parents = {
        facts_of(step).contact_id: facts_of(step).previous for step in steps if facts_of(step)
    }
    (root,) = {previous for previous in parents.values() if previous}
    assert sorted(parents.values()) == ["", root, root]


@pytest.mark.parametrize(
    ("name", "overrides", "says"),
    [
        ("nothing", {}, "no story 'nothing'; there are inbound"),
        ("inbound", {"Channel.x": "1"}, "leads through Channel"),
        ("inbound", {"Attributes.a": "x" * 2_001}, "longer than 2000"),
    ],
)
def test_refusals_say_what_was_received(name: str, overrides: dict[str, str], says: str) -> None:
    with pytest.raises(StoryError, match=says):
        steps_of(name, 1, overrides, NOW)


def test_overrides_are_pairs() -> None:
    assert read_overrides(["A.b=c=d", " E = f"]) == {"A.b": "c=d", "E": " f"}
    with pytest.raises(StoryError, match="is not PATH=VALUE"):
        read_overrides(["A.b"])
