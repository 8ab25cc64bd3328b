"""The table of differences to Salesforce's own package: each row has a sample that shows it.

`make run` checks that each sample ends as it says. The tests here check that the samples exist and
show what the rows say.
"""

import json

import pytest

from simulator.samples.files import load_sample
from simulator.samples.steps import inputs_of
from simulator.simulator import ROOT
from tools.difference_rows import Difference
from tools.differences import PAGE, all_rows, of_method, page, plain
from voicecall_bridge.flow.methods import METHODS

ROWS = pytest.mark.parametrize("row", all_rows(), ids=lambda row: plain(row.case)[:40])


def expected(row: Difference) -> str:
    """The sample's expectations as one text."""
    path = ROOT / "events" / row.sample
    if path.suffix == ".json":
        return path.with_name(f"{path.stem}.expected.json").read_text(encoding="utf-8")
    steps = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    return json.dumps([step for step in steps if "comment" not in step])


@ROWS
def test_a_row_names_a_sample_that_shows_it(row: Difference) -> None:
    assert load_sample(ROOT / "events" / row.sample)
    assert row.shows in expected(row)


@ROWS
def test_a_row_about_a_method_is_shown_by_that_method(row: Difference) -> None:
    named = row.methods(METHODS)
    if not named:
        return
    sample = load_sample(ROOT / "events" / row.sample)
    events = [given.event for step in sample.steps for given in inputs_of(step)]
    called = {
        event.get("Details", {}).get("Parameters", {}).get("methodName")
        for event in events
        if isinstance(event, dict)
    }
    assert called & named


def test_no_two_rows_are_about_the_same() -> None:
    assert len({row.case for row in all_rows()}) == len(all_rows())
    assert all(row.before and row.now for row in all_rows())


def test_the_page_has_the_rows() -> None:
    """`make docs` writes it."""
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text
    assert all(row.case in text for row in all_rows())


def test_rows_of_a_method() -> None:
    assert any("isActiveCall" in row.case for row in of_method("updateVoiceCall", METHODS))
    assert of_method("rerouteFlowExecution", METHODS) == []
