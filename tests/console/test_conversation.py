"""simulator.web.conversation: a call's lines and events, read from the requests to Salesforce."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from simulator.web.calls import Entry
from simulator.web.conversation import conversation
from tests.console.test_facts import JSON


def exchange(path: str, body: Any, status: int | None = 202, answer: Any = None) -> Entry:
    data = {"path": f"/telephony/v1/voiceCalls{path}", "body": body, "status": status}
    return Entry(1, 1.0, "exchange", ("c",), "", {**data, "answer": answer})


def bulk(*lines: str, call: str = "c", **changes: Any) -> Entry:
    """A request with lines of one call beside those of another one."""
    messages = [
        {
            "messageId": line,
            "content": f"words of {line}",
            "startTime": at,
            "senderType": "END_USER",
        }
        for at, line in enumerate(lines)
    ]
    other = {"vendorCallKey": "other", "messages": [{"messageId": "o", "content": "not here"}]}
    entries = [other, {"vendorCallKey": call, "messages": messages}]
    return exchange("/messages", {"entries": entries}, **changes)


def states(*entries: Entry) -> dict[str, str]:
    return {line["id"]: line["state"] for line in conversation(entries, "c")["lines"]}


def test_lines_of_a_call_without_those_of_others_once_each() -> None:
    """Given a request that failed and was sent again, then each line is there once, taken."""
    failed, again = bulk("a", "b", status=503), bulk("a", "b")
    assert states(failed) == {"a": "answered 503", "b": "answered 503"}
    assert states(failed, again) == states(failed, again, failed) == {"a": "taken", "b": "taken"}
    found = conversation([failed, again], "C")
    assert [line["text"] for line in found["lines"]] == ["words of a", "words of b"]


def test_a_call_that_was_not_taken_while_others_were() -> None:
    entry = {"vendorCallKey": "c", "status": 409, "message": "paused"}
    answer = {"errorResponse": {"errorResponseEntries": [entry]}}
    assert states(bulk("a", status=207, answer=answer)) == {"a": "paused"}
    entry["vendorCallKey"] = "other"
    assert states(bulk("a", status=207, answer=answer)) == {"a": "taken"}
    assert states(bulk("a", status=None)) == {"a": "no answer"}


def test_categories_and_sentiment() -> None:
    category = {"type": "IntelligenceSignal__Category", "value": "late", "startTime": 5}
    turns = [
        {"type": "x__Sentiment", "value": value, "participant": side, "startTime": at}
        for at, side, value in [
            (2, "CUSTOMER", "-1000"),
            (1, "CUSTOMER", "1000"),
            (3, "AGENT", "0"),
        ]
    ]
    score = {"type": "x__OverallSentimentScore", "value": "-2", "participant": "CUSTOMER"}
    after = exchange("/c/postConversationEvents", {"events": [*turns, score]})
    found = conversation(
        [
            exchange("/c/realtimeConversationEvents", {"events": [category]}, 503),
            exchange("/c/realtimeConversationEvents", {"events": [category]}),
            after,
            after,
            exchange("/c/postConversationEvents", {"events": [turns[2]]}, 500),
        ],
        "c",
    )
    assert found["categories"] == [{"name": "late", "at": 5, "state": "taken"}]
    assert found["sentiment"] == {
        "CUSTOMER": {"overall": "-2", "turns": ["positive", "negative"]},
        "AGENT": {"overall": "", "turns": ["neutral"]},
    }


@given(JSON, JSON, st.sampled_from(["/messages", "/c/messages", "/c/postConversationEvents"]))
def test_nothing_breaks_it(body: Any, answer: Any, path: str) -> None:
    """Given any request and answer, then there is a conversation."""
    assert set(conversation([exchange(path, body, 207, answer)], "c")) == {
        "lines",
        "categories",
        "sentiment",
    }
