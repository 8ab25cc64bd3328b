"""Branches, answers and further flows that the user of a walk chooses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.flows.choices import branch_of, find_block, read_choices
from simulator.flows.files import read_flow
from simulator.samples.reading import EventError
from tests.flows.small_flows import block, bye, call, content, say, to_queue, written

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.flows.flow import Flow

FIRST, SECOND = "5a60ab1a-2fae-4845-bae5-34207115fda3", "5a60ab1a-0000-4845-bae5-34207115fda3"


@pytest.fixture
def flow(tmp_path: Path) -> Flow:
    hours = block(
        SECOND,
        "CheckHoursOfOperation",
        {},
        "in",
        {"NoMatchingError": "in"},
        {"True": "in", "False": "bye"},
    )
    made = content(say(FIRST, SECOND), hours, to_queue("in", "ask"), call("ask", "bye"), bye())
    made["Metadata"]["ActionMetadata"][SECOND]["Hours"] = {"text": "Office hours"}
    return read_flow(written(tmp_path, made))


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        (FIRST, FIRST),
        ("in", "in"),
        ("5a60ab1a-0", SECOND),
        ("MessageParticipant 5a60ab1a", FIRST),
        ("Office hours", SECOND),
        ("MessageParticipant", FIRST),
    ],
)
def test_a_block_is_found_by_what_people_see(flow: Flow, text: str, identifier: str) -> None:
    assert find_block(text, [flow])[1].identifier == identifier


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5a60ab1a", f"'5a60ab1a' is the name of 2 blocks: take one of {FIRST}, {SECOND}"),
        ("out", "there is no block 'out'; there are MessageParticipant 5a60ab1a, "),
    ],
)
def test_a_block_that_is_not_found_is_reported_with_those_that_are(
    flow: Flow, text: str, message: str
) -> None:
    with pytest.raises(EventError) as refused:
        find_block(text, [flow])
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("block_name", "text", "label"),
    [
        (SECOND, "False", "Equals False"),
        (SECOND, "equals true", "Equals True"),
        (SECOND, "error", "NoMatchingError"),
        ("in", "At capacity", "QueueAtCapacity"),
        (FIRST, "Success", "Next"),
    ],
)
def test_a_branch_is_found_by_what_people_see(
    flow: Flow, block_name: str, text: str, label: str
) -> None:
    assert branch_of(flow.actions[block_name], text) == label


def test_a_branch_that_is_not_there_is_reported_with_those_that_are(flow: Flow) -> None:
    with pytest.raises(EventError, match="in has no branch 'True'; it has Next, QueueAtCapacity"):
        branch_of(flow.actions["in"], "True")


def test_choices_are_kept_in_their_order(flow: Flow) -> None:
    choices = read_choices(
        ["Office hours=False", "Office hours=True"], ['ask={"status": "created"}'], flow, []
    )
    assert list(choices.takes.values()) == [("Equals False", "Equals True")]
    assert list(choices.answers.values()) == [{"status": "created"}]


def test_an_answer_is_an_object(flow: Flow) -> None:
    for wrong in ("ask=[]", "ask", "ask={"):
        with pytest.raises(EventError, match="--answer ask"):
            read_choices([], [wrong], flow, [])
