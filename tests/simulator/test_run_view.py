"""A run shows one line a sample, the sample under way, and those that did not end as expected."""

import io
from dataclasses import replace
from pathlib import Path

import pytest

from simulator.replay.outcome import Outcome, Passage
from simulator.salesforce import Fault
from simulator.samples.steps import Expectation, Input, Sample, SetFaults
from simulator.terminal import Terminal
from simulator.views import DeliveryView, RunView, why_it_waits
from tests.simulator.outcomes import DEAD, ESCAPES, STREAMED, outcome, words


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def plain(out: io.StringIO) -> Terminal:
    return Terminal(out=out)


def sample(name: str = "calls/whole_life", **settings: str) -> Sample:
    return Sample(Path(f"events/{name}.json"), (), settings=settings)


def run(view: RunView, *outcomes: Outcome, right: bool = True, name: str = "a/one") -> None:
    """Show a sample with these outcomes."""
    ran = sample(name)
    view.began(ran)
    for each in outcomes:
        view.delivered(replace(each, path=ran.path))
    view.ended(ran, right=right)


def test_one_line_a_sample(plain: Terminal, out: io.StringIO) -> None:
    """Given two samples of which one is to fail and does, then each is one line, and the failure is
    called expected."""
    failed = outcome({"status": "deferred", "voiceCallId": "", "errorCode": "503"}, lines=(DEAD,))
    created = outcome({"status": "created", "voiceCallId": "0LQ1"})

    view = RunView(plain, 2)
    run(view, created, created, failed)
    run(view, outcome(error={"errorType": "FlowMistake"}, lines=(DEAD,)), name="b/two")

    first, second = out.getvalue().splitlines()
    assert words(first)[:-2] == words("ok a/one 2 created, deferred 503 as expected")
    assert words(second)[:-2] == words("ok b/two raises FlowMistake as expected")
    assert words(first)[-1] == "s"


def test_streamed_sample(plain: Terminal, out: io.StringIO) -> None:
    """Given an event that is given up and one that is delivered three times, then the line says
    both."""
    dead = replace(STREAMED, disposition="dead_lettered", reason="GIVEN_UP")
    ends = [
        Outcome(Path("x"), Input("contact_events", {}, Expectation()), None, (line,), ())
        for line in (dead, STREAMED)
    ]

    view = RunView(plain, 1)
    run(
        view,
        replace(ends[0], passage=Passage(matched=True, deliveries=65)),
        replace(ends[1], passage=Passage(matched=True, deliveries=3)),
    )

    assert "dead-lettered (65 deliveries) GIVEN_UP as expected" in out.getvalue()


def test_samples_that_did_not_end_as_expected(plain: Terminal, out: io.StringIO) -> None:
    """Given a sample that ended otherwise, then the last lines say what was expected and found, and
    how to see it again."""
    view = RunView(plain, 2)
    difference = "answer.status: expected 'created', found 'failed'"
    run(view, outcome({"status": "failed"}, differences=(difference,)), right=False)
    view.differ(Path("events/a/one.json"), "the requests", ["create: expected 1, found 2"])
    run(view, outcome({"status": "created"}), name="b/two")
    view.verdict()

    shown = out.getvalue().splitlines()
    assert shown[0].startswith("WRONG a/one")
    assert shown[3:-1] == [
        "WRONG events/a/one.json",
        f"      contact_flow c-1: {difference}",
        "      the requests: create: expected 1, found 2",
        "      again: ./bridge replay events/a/one.json",
    ]
    assert shown[-1].startswith("1 of 2 samples ended as their files say, in ")


@pytest.mark.parametrize("width", [60, 80, 81, 100, 120, 160, 200, 250])
def test_line_fits_the_terminal(width: int) -> None:
    """Given a terminal of any width, then no line of a run takes more columns than it has, and from
    80 to 200 all of them."""
    screen = io.StringIO()
    view = RunView(Terminal(out=screen, terminal=True, width=width), 2)
    many = [outcome({"status": f"status{number}" * 3}) for number in range(30)]
    run(view, *many, name="contact_events/" + "a_name_that_is_longer_than_others_" * 3)
    run(view, outcome({"status": "created"}))

    lines = ESCAPES.sub("", screen.getvalue()).splitlines()
    columns = max(80, min(width, 200))
    assert [len(line) for line in lines] == [columns] * 2
    assert all(line.endswith(" s") for line in lines)


def test_details_show_each_delivery(plain: Terminal, out: io.StringIO) -> None:
    view = RunView(plain, 1, DeliveryView(plain))
    run(view, outcome({"status": "created", "voiceCallId": "0LQ1"}))

    assert words(out.getvalue())[:4] == ["ok", "contact_flow", "c-1", "createVoiceCall"]
    assert len(out.getvalue().splitlines()) == 1


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fault("hang"), "Salesforce does not answer, on purpose"),
        (
            Fault("status", status=503),
            "Salesforce answers 503 on purpose, and the bridge tries again",
        ),
        (Fault("status", status=400), ""),
        (Fault("reset_after"), "Salesforce drops the connection on purpose, and the bridge tries"),
    ],
)
def test_why_a_sample_waits(fault: Fault, why: str) -> None:
    assert why_it_waits(SetFaults((fault,))).startswith(why)
    assert bool(why_it_waits(SetFaults((fault,)))) == bool(why)


def test_sample_that_is_under_way_is_shown() -> None:
    """Given a terminal, then the sample that runs is named, and why it waits; without a terminal it
    is not shown."""
    screen, log = io.StringIO(), io.StringIO()
    for out, terminal in ((screen, True), (log, False)):
        view = RunView(Terminal(out=out, terminal=terminal, width=120), 2)
        with view:
            view.began(sample("calls/salesforce_down"))
            view.step(sample("calls/salesforce_down"), SetFaults((Fault("hang"),)))
            view._bar.refresh()

    assert "calls/salesforce_down: Salesforce does not answer, on purpose" in screen.getvalue()
    assert log.getvalue() == ""
