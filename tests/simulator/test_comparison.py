"""What is reported when a delivery ends otherwise than its file says."""

from typing import Any

import pytest

from simulator.functions.lambda_process import Invocation
from simulator.replay.comparison import (
    action_differences,
    call_differences,
    differences,
    line_differences,
    passage_differences,
)
from simulator.replay.outcome import Passage
from simulator.replay.tally import DeliveryLine
from simulator.salesforce import ActionRecord, VoiceCallRecord
from simulator.samples.steps import Expectation

LINE = DeliveryLine(
    "c-1", "contact_flow", "createVoiceCall", "delivered", "", "created", "0LQ1", "", 1, 5, ""
)
ANSWER = {"status": "created", "voiceCallId": "0LQ1", "errorCode": ""}


def invocation(payload: Any = None, error: dict[str, Any] | None = None) -> Invocation:
    return Invocation(payload, error, [], 1.0, None, timed_out=False, request_id="r", cold=False)


def record(key: str = "c-1", parent: str | None = None, **fields: Any) -> VoiceCallRecord:
    return VoiceCallRecord(f"0LQ-{key}", key, parent, fields, 0.0, "POST", active=True)


def found(
    expected: Expectation,
    payload: Any = None,
    error: dict[str, Any] | None = None,
    lines: tuple[DeliveryLine, ...] = (LINE,),
    before: tuple[VoiceCallRecord, ...] = (),
    after: tuple[VoiceCallRecord, ...] = (),
) -> list[str]:
    return differences(expected, invocation(payload, error), lines, before, after)


def test_as_expected() -> None:
    """Given an expectation of everything, when all of it holds, then there is no difference."""
    expected = Expectation(
        answer={**ANSWER, "voiceCallId": "*"},
        whole_answer=True,
        disposition="delivered",
        reason="",
        voice_call={"vendorCallKey": "c-1", "to": "+1", "queue": None},
    )
    stored = record(vendorCallKey="c-1", to="+1")

    assert found(expected, ANSWER, after=(stored,)) == []


@pytest.mark.parametrize(
    ("answer", "difference"),
    [
        ({**ANSWER, "status": "failed"}, "answer.status: expected 'created', found 'failed'"),
        ({**ANSWER, "voiceCallId": ""}, "answer.voiceCallId: expected any text, found ''"),
        ({**ANSWER, "more": "x"}, "answer.more: expected nothing, found 'x'"),
    ],
)
def test_other_answer(answer: dict[str, str], difference: str) -> None:
    expected = Expectation(answer={**ANSWER, "voiceCallId": "*"}, whole_answer=True)

    assert found(expected, answer) == [difference]


def test_missing_member_is_not_an_empty_one() -> None:
    expected = Expectation(answer=ANSWER, whole_answer=True)
    answer = {name: value for name, value in ANSWER.items() if name != "errorCode"}

    assert found(expected, answer) == ["answer.errorCode: expected '', found nothing"]


def test_part_of_an_answer() -> None:
    """Given an expectation of some members, then the others are not looked at."""
    assert found(Expectation(answer={"status": "created"}), ANSWER) == []


def test_no_map_as_answer() -> None:
    (difference,) = found(Expectation(answer=ANSWER), ["created"])

    assert difference.endswith("found ['created']")


def test_error_instead_of_an_answer() -> None:
    error = {"errorType": "FlowMistake", "errorMessage": "no methodName"}

    assert found(Expectation(answer=ANSWER), error=error) == [
        "error: expected nothing, found 'FlowMistake: no methodName'"
    ]


def test_answer_instead_of_an_error() -> None:
    assert found(Expectation(error="FlowMistake"), ANSWER) == [
        "error: expected 'FlowMistake', found nothing"
    ]


def test_other_end() -> None:
    expected = Expectation(disposition="skipped", reason="NOT_VOICE")

    assert found(expected) == [
        "disposition: expected 'skipped', found 'delivered'",
        "reason: expected 'NOT_VOICE', found ''",
    ]


@pytest.mark.parametrize("lines", [(), (LINE, LINE)])
def test_not_exactly_one_delivery_line(lines: tuple[DeliveryLine, ...]) -> None:
    assert found(Expectation(), lines=lines) == [
        f"delivery lines in the log: expected 1, found {len(lines)}"
    ]


def test_record_where_none_is_expected() -> None:
    """Given a record that was there before, then only the new one is reported."""
    old, new = record("c-0"), record("c-1")
    expected = Expectation(no_voice_call=True)

    assert found(expected, before=(old,), after=(old,)) == []
    assert found(expected, before=(old,), after=(old, new)) == [
        "new voice calls: expected [], found ['c-1']"
    ]


@pytest.mark.parametrize("records", [(), (record(), record())])
def test_not_exactly_one_record(records: tuple[VoiceCallRecord, ...]) -> None:
    expected = Expectation(voice_call={"vendorCallKey": "c-1"})

    assert found(expected, after=records) == [
        f"voice calls of c-1: expected 1, found {len(records)}"
    ]


def test_property_that_is_not_to_be_there() -> None:
    expected = Expectation(voice_call={"vendorCallKey": "c-1", "queue": None})
    stored = record(vendorCallKey="c-1", queue="arn")

    assert found(expected, after=(stored,)) == ["voiceCall.queue: expected nothing, found 'arn'"]


def test_calls_of_a_sample() -> None:
    """Given a parent and its transfer, then order, parents and properties are compared."""
    calls = [record("c-1"), record("c-2", parent="c-1", queue="arn")]
    right: list[dict[str, object]] = [
        {"vendorCallKey": "c-1", "parent": None},
        {"vendorCallKey": "c-2", "parent": "c-1", "queue": "arn"},
    ]
    stored = [record("c-1", vendorCallKey="c-1"), record("c-2", "c-1", vendorCallKey="c-2")]

    assert call_differences(right, stored) == ["call c-2.queue: expected 'arn', found nothing"]
    assert call_differences(right[::-1], calls) == [
        "calls: expected ['c-2', 'c-1'], found ['c-1', 'c-2']"
    ]


def action(**body: Any) -> ActionRecord:
    return ActionRecord("c-1", "omniFlow", body, {"queue": "q"}, 0.0)


OMNI = {"operation": "omniFlow", "vendorCallKey": "c-1"}


@pytest.mark.parametrize(
    ("expected", "done", "differences"),
    [
        (None, (action(),), []),
        ((), (), []),
        ((), (action(),), ["requests: expected [], found ['omniFlow']"]),
        ((OMNI,), (), ["requests: expected ['omniFlow'], found []"]),
        ((OMNI,), (action(dialedNumber="+1"),), []),
        (({**OMNI, "dialedNumber": "*"},), (action(dialedNumber="+1"),), []),
        (({**OMNI, "flowDevName": None},), (action(),), []),
        (
            ({**OMNI, "vendorCallKey": "c-2", "flowDevName": "f"},),
            (action(flowDevName="g"),),
            [
                "omniFlow.vendorCallKey: expected 'c-2', found 'c-1'",
                "omniFlow.flowDevName: expected 'f', found 'g'",
            ],
        ),
    ],
)
def test_requests(
    expected: tuple[dict[str, object], ...] | None,
    done: tuple[ActionRecord, ...],
    differences: list[str],
) -> None:
    assert list(action_differences(Expectation(requests=expected), done)) == differences


@pytest.mark.parametrize(
    ("expected", "matched", "differs"),
    [
        (Expectation(disposition="skipped", reason="NOT_VOICE"), False, True),
        (Expectation(disposition="skipped", matched=False), False, False),
        (Expectation(matched=True), False, True),
        (Expectation(matched=False), True, True),
        (Expectation(), False, False),
    ],
)
def test_an_end_is_not_expected_of_what_no_rule_takes(
    expected: Expectation, matched: bool, differs: bool
) -> None:
    """Given rules that let too little through, then a sample that says how it ends is not right."""
    found = passage_differences(expected, Passage(matched=matched), (), (), ())
    assert any("matched by a rule" in difference for difference in found) is differs


def _said(text: str, end: int) -> ActionRecord:
    return ActionRecord("c-1", "messages", {"content": text, "endTime": end}, {}, 0.0)


@pytest.mark.parametrize(
    ("found", "right"),
    [
        ([("one", 1), ("two", 2)], True),
        ([("two", 2), ("one", 1)], True),
        ([("one", 2), ("two", 1)], True),
        ([("two", 1), ("one", 2)], False),
        ([("one", 1)], False),
        ([("one", 1), ("two", 2), ("two", 2)], False),
    ],
)
def test_lines_are_in_the_order_of_their_coming_or_of_their_times(
    found: list[tuple[str, int]], right: bool
) -> None:
    actions = [_said(text, end) for text, end in found]
    assert (line_differences({"c-1": ["one", "two"]}, actions) == []) is right
