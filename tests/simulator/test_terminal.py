"""What a replay shows where there is no terminal, and that a terminal shows the same words."""

import contextlib
import io
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simulator.functions.lambda_process import Invocation
from simulator.replay.outcome import Outcome, Passage
from simulator.replay.tally import DeliveryLine, LedgerItem, Tally
from simulator.salesforce import ActionRecord, VoiceCallRecord
from simulator.samples.steps import Expectation, Input
from simulator.terminal import MOST_LINES, Terminal
from simulator.views import DeliveryView
from tests.simulator.outcomes import DEAD, ESCAPES, LINE, STREAMED, outcome, words


def record(key: str, parent: str | None = None, **fields: Any) -> VoiceCallRecord:
    return VoiceCallRecord(f"0LQ-{key}", key, parent, fields, 0.0, "POST", active=True)


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def plain(out: io.StringIO) -> Terminal:
    return Terminal(out=out)


@pytest.fixture
def deliveries(plain: Terminal) -> DeliveryView:
    return DeliveryView(plain)


def test_delivery_is_one_line(deliveries: DeliveryView, out: io.StringIO) -> None:
    """Given a delivery as expected, then its line says all of it, without control characters."""
    deliveries.delivered(outcome({"status": "created", "voiceCallId": "0LQ1"}))

    (line,) = out.getvalue().splitlines()
    assert words(line) == [
        *("ok", "contact_flow", "c-1", "createVoiceCall", "created", "0LQ1", "12", "ms"),
        *("delivered", "one.json"),
    ]
    assert line.isprintable()


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (
            outcome({"status": "deferred", "voiceCallId": "", "errorCode": "503"}, lines=(DEAD,)),
            "ok contact_flow c-2 createVoiceCall deferred 503 12 ms dead_lettered one.json",
        ),
        (
            outcome(error={"errorType": "FlowMistake"}, lines=(DEAD,)),
            "ok contact_flow c-2 createVoiceCall raises FlowMistake 12 ms dead_lettered (503)"
            " one.json",
        ),
        (
            outcome(error={"errorType": "Sandbox.Timedout"}, lines=()),
            "ok contact_flow - - raises Sandbox.Timedout 12 ms no delivery line one.json",
        ),
        (
            outcome({"status": "created", "voiceCallId": "0LQ1"}, expectation=None),
            "- contact_flow c-1 createVoiceCall created 0LQ1 12 ms delivered one.json",
        ),
    ],
)
def test_other_ends(
    deliveries: DeliveryView, out: io.StringIO, shown: Outcome, expected: str
) -> None:
    deliveries.delivered(shown)

    assert words(out.getvalue()) == words(expected)


@pytest.mark.parametrize(
    ("passage", "lines", "expected"),
    [
        (
            Passage(matched=True, deliveries=1),
            (STREAMED,),
            "ok contact_event c-3 QUEUED - 0LQ3 7 ms delivered one.json",
        ),
        (
            Passage(matched=True, deliveries=3),
            (STREAMED, STREAMED),
            "ok contact_event c-3 QUEUED - 0LQ3 7 ms delivered (3 deliveries) one.json",
        ),
        (
            Passage(matched=True, deliveries=1, redriven=True),
            (STREAMED,),
            "ok contact_event c-3 QUEUED - 0LQ3 7 ms redriven: delivered one.json",
        ),
        (Passage(matched=False), (), "ok contact_event - - - - 0 ms no rule takes it one.json"),
        (Passage(matched=True), (), "ok contact_event - - - - 0 ms no delivery line one.json"),
    ],
)
def test_contact_events(
    deliveries: DeliveryView,
    out: io.StringIO,
    passage: Passage,
    lines: tuple[DeliveryLine, ...],
    expected: str,
) -> None:
    """Given a contact event, then its line shows its way from the rule to its end."""
    delivered = Input("contact_event", {}, Expectation())
    deliveries.delivered(Outcome(Path("one.json"), delivered, None, lines, (), passage=passage))

    assert words(out.getvalue()) == words(expected)


def test_redrive(deliveries: DeliveryView, out: io.StringIO) -> None:
    answer = Invocation(
        {"found": 2, "redriven": 1}, None, [], 9.0, None, timed_out=False, request_id="", cold=True
    )
    deliveries.delivered(Outcome(Path("one.json"), Input("redrive", {}), answer, (), ()))

    assert "found 2, redriven 1" in out.getvalue()


def test_difference_stands_below_its_delivery(deliveries: DeliveryView, out: io.StringIO) -> None:
    deliveries.delivered(
        outcome({"status": "failed"}, differences=("answer.status: expected [x]",))
    )

    first, second = out.getvalue().splitlines()
    assert first.startswith("WRONG ")
    assert second == "      answer.status: expected [x]"


def test_long_lines_and_markup_stay_whole(plain: Terminal, out: io.StringIO) -> None:
    """A secret's ARN is not an emoji, brackets are not markup, and a file takes a line whole."""
    text = "arn:aws:secretsmanager:us-east-1:123456789012:secret:name [bold]" + "x" * 300

    plain.say(text)

    assert out.getvalue() == text + "\n"


def test_calls_as_a_tree(plain: Terminal, out: io.StringIO) -> None:
    """Given a chain, a second child and a call with an unknown parent, then each is below the call
    it was transferred from."""
    side = {"initiationMethod": "Transfer", "callSubtype": "PSTN", "from": "+1", "to": "+2"}
    plain.calls(
        [
            record("a"),
            record("b", "a", **side),
            record("c", "b"),
            record("d", "a"),
            record("e", "elsewhere"),
        ]
    )

    assert out.getvalue().splitlines() == [
        "",
        "Calls in Salesforce: 5",
        "a  0LQ-a",
        "├── b  0LQ-b  Transfer  PSTN  +1 to +2",
        "│   └── c  0LQ-c",
        "└── d  0LQ-d",
        "e  0LQ-e",
    ]


def test_calls_with_what_was_said(plain: Terminal, out: io.StringIO) -> None:
    """Given lines of a call and many of its transfer leg, with control characters in some, then
    each is shown below its call; of many lines, the first ones."""

    def said(key: str, sender: str, words: str) -> ActionRecord:
        body = {"senderType": sender, "content": words}
        return ActionRecord(key, "messages", body, {}, 0.0)

    lines = [said("a", "VIRTUAL_AGENT", "Hello\n\x1b[31m[b]"), said("a", "END_USER", "Hi")]
    lines += [said("b", "SUPERVISOR", f"line {number}") for number in range(MOST_LINES + 2)]
    other = ActionRecord("a", "clearRouting", {}, {}, 0.0)
    plain.calls([record("a"), record("b", "a")], [*lines, other])

    assert out.getvalue().splitlines()[2:] == [
        "a  0LQ-a",
        "│   agent: Hello  [31m[b]",
        "│   customer: Hi",
        "└── b  0LQ-b",
        *(f"        SUPERVISOR: line {number}" for number in range(MOST_LINES)),
        "        and 2 lines more",
    ]


def test_calls_where_there_are_no_box_characters() -> None:
    """Given an output that takes ASCII only, then the tree is drawn with it."""
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="ascii", write_through=True) as ascii_only:
        words = ActionRecord("c", "messages", {"senderType": "END_USER", "content": "Zoë"}, {}, 0)
        Terminal(out=ascii_only).calls([record("a"), record("b", "a"), record("c", "a")], [words])
        lines = raw.getvalue().decode().splitlines()

    assert lines[2:] == ["a  0LQ-a", "|-- b  0LQ-b", "`-- c  0LQ-c", "        customer: Zo?"]


def test_calls_of_two_orgs_stand_apart(plain: Terminal, out: io.StringIO) -> None:
    """Given the same key in two orgs, then each org has its own tree, so that a mistake is seen."""
    calls = [record("a"), record("b", "a"), record("a"), record("b", "a")]
    orgs = ["00D1", "00D1", "00D2", "00D2"]
    plain.calls([replace(call, org=org) for call, org in zip(calls, orgs, strict=True)])

    assert [words(line)[-2:] for line in out.getvalue().splitlines()[2:]] == [
        ["org", "00D1"],
        ["a", "0LQ-a"],
        ["b", "0LQ-b"],
        ["org", "00D2"],
        ["a", "0LQ-a"],
        ["b", "0LQ-b"],
    ]


def test_tally(plain: Terminal, out: io.StringIO) -> None:
    kept = [LedgerItem("c-2", "FAILED", has_request=True)]

    plain.tally(Tally([(LINE,), (DEAD,)], kept, []))

    assert [words(line) for line in out.getvalue().splitlines()] == [
        [],
        words("Tally"),
        words("2 in, counted where they were sent"),
        words("1 delivered"),
        words("0 superseded"),
        words("0 skipped"),
        words("1 dead_lettered"),
        words("1 503"),
        words("payloads of dead letters: 1 in the ledger"),
        words("2 in, 2 accounted for: the tally closes"),
    ]


def test_short_tally(plain: Terminal, out: io.StringIO) -> None:
    kept = [LedgerItem("c-2", "FAILED", has_request=True)]

    plain.tally(Tally([(LINE,), (DEAD,)], kept, []), whole=False)

    assert out.getvalue().splitlines() == [
        "2 in, 2 accounted for: the tally closes",
        "  1 delivered, 1 dead-lettered",
    ]


def test_tally_that_does_not_close(plain: Terminal, out: io.StringIO) -> None:
    plain.tally(Tally([(LINE,), ()], [], []))

    assert "input 2 of 2 has 0 delivery lines, not one" in out.getvalue()
    assert out.getvalue().endswith("2 in, 1 accounted for: the tally does not close\n")


def test_terminal_shows_the_same_words(
    plain: Terminal, deliveries: DeliveryView, out: io.StringIO
) -> None:
    """Given a terminal, then there are colours, and the line says the same."""
    screen = io.StringIO()
    shown = outcome({"status": "created", "voiceCallId": "0LQ1"})

    deliveries.delivered(shown)
    DeliveryView(Terminal(out=screen, terminal=True, width=200)).delivered(shown)

    assert "\x1b[" in screen.getvalue()
    assert words(ESCAPES.sub("", screen.getvalue())) == words(out.getvalue())


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (
            outcome({"status": "created", "voiceCallId": "0LQ1"}),
            ["ok    contact_flow    c-1           createVoiceCall    12 ms created, delivered"],
        ),
        (
            outcome(error={"errorType": "FlowMistake"}, lines=(DEAD,)),
            [
                "ok    contact_flow    c-2           createVoiceCall    12 ms",
                "      raises, dead_lettered (503)",
            ],
        ),
    ],
)
def test_delivery_fits_80_columns(shown: Outcome, expected: list[str]) -> None:
    """Given a narrow terminal, then no line is too long: a long end is on the next line."""
    screen = io.StringIO()

    DeliveryView(Terminal(out=screen, terminal=True, width=80)).delivered(shown)

    lines = [line.rstrip() for line in ESCAPES.sub("", screen.getvalue()).splitlines()]
    assert lines == expected


def test_a_reader_that_has_seen_enough_ends_it() -> None:
    """Given a closed pipe, then the exception goes on: Rich alone would exit with 1."""
    reads, writes = os.pipe()
    os.close(reads)
    out = os.fdopen(writes, "w", encoding="utf-8")
    with pytest.raises(BrokenPipeError):
        Terminal(out).say("anybody?")
    with contextlib.suppress(BrokenPipeError):
        out.close()


def test_a_terminal_breaks_between_words() -> None:
    """Given a terminal of 80 columns and a longer line, then words stay whole, and a file has the
    line as it is, as the terminal has a command that people copy."""
    text = f"      hint: {'word ' * 20}{'x' * 90} end"
    watched, copied, file = io.StringIO(), io.StringIO(), io.StringIO()
    Terminal(watched, terminal=True, width=80).say(text)
    Terminal(copied, terminal=True, width=80).say(text, whole=True)
    Terminal(file).say(text)
    shown = ESCAPES.sub("", watched.getvalue()).splitlines()
    assert file.getvalue() == f"{text}\n" == ESCAPES.sub("", copied.getvalue())
    assert [word for line in shown for word in line.split()] == text.split()
    assert all(len(line) <= 80 or "x" in line for line in shown)
    assert all(line.startswith("        ") for line in shown[1:])
