"""EventBridge's event patterns.

Rules: Amazon EventBridge User Guide, "Amazon EventBridge event patterns" and "Comparison operators
for use in event patterns"; the filter of a Connect rule: administrator guide, "Contact events".
"""

from __future__ import annotations

from typing import Any

import pytest

from simulator.aws.event_pattern import EventPattern, PatternError
from tests.simulator.stream_simulator import contact_event

INSTANCE = "arn:aws:connect:us-east-1:123456789012:instance/0f0e0d0c-1111-4222-8333-444455556666"


@pytest.mark.parametrize(
    ("matcher", "matching", "other"),
    [
        ("VOICE", ["VOICE"], ["voice", "VOICE ", "", None, 1]),
        ("", [""], ["x", None]),
        (None, [None], ["null", "", 0, False]),
        (1, [1], ["1", True, 2, 1.0]),
        (True, [True], [1, "true", False]),
        ({"prefix": "TEL"}, ["TEL", "TELECOM_BUSY"], ["tel", "xTEL", 5, None]),
        ({"prefix": {"equals-ignore-case": "tel"}}, ["TELECOM", "telecom"], ["xtel"]),
        ({"suffix": ".png"}, ["a.png", ".png"], ["a.PNG", "a.png ", None]),
        ({"suffix": {"equals-ignore-case": ".png"}}, ["a.PNG"], ["png"]),
        ({"equals-ignore-case": "voice"}, ["VOICE", "Voice"], ["voices", None]),
        ({"wildcard": "dir/*/file.*"}, ["dir/a/b/file.txt", "dir//file."], ["dir/file.txt"]),
        ({"wildcard": "*"}, ["", "a\nb"], [None, 1]),
        ({"wildcard": r"a\*b"}, ["a*b"], ["axb", r"a\*b"]),
        ({"wildcard": r"a\\*"}, ["a\\", "a\\b"], ["a*", "ab"]),
        ({"wildcard": "a.c"}, ["a.c"], ["abc"]),
        ({"anything-but": "CHAT"}, ["VOICE", "chat", 1, None], ["CHAT"]),
        ({"anything-but": ["CHAT", "TASK"]}, ["VOICE"], ["CHAT", "TASK"]),
        ({"anything-but": 5}, [4, "5"], [5]),
        ({"anything-but": [5, 6]}, [4], [5, 6]),
        ({"anything-but": {"prefix": "us-"}}, ["eu-west-1", 1], ["us-east-1"]),
        ({"anything-but": {"prefix": ["us-", "eu-"]}}, ["ap-1"], ["us-1", "eu-1"]),
        ({"anything-but": {"suffix": ".png"}}, ["a.jpg"], ["a.png"]),
        ({"anything-but": {"equals-ignore-case": ["chat", "task"]}}, ["VOICE"], ["CHAT", "task"]),
        ({"anything-but": {"wildcard": "*/lib/*"}}, ["/a/b"], ["/a/lib/b"]),
        ({"numeric": ["=", 3]}, [3, 3.0], [2, "3", True, None]),
        ({"numeric": [">", 0, "<=", 5]}, [0.1, 5], [0, 5.1, -1]),
        ({"numeric": [">=", 0]}, [0, 5.0e9], [-0.1, 5.1e9]),
        ({"numeric": ["<", 0]}, [-1], [0]),
        ({"exists": True}, ["x", "", None, 0, ["x"]], [{"inner": 1}, []]),
        ({"exists": False}, [{"inner": 1}, []], ["x", "", None, 0]),
    ],
)
def test_an_operator_matches_what_the_guide_says(
    matcher: Any, matching: list[Any], other: list[Any]
) -> None:
    """Given one matcher, when values are matched, then exactly the documented ones match."""
    pattern = EventPattern({"field": [matcher]})

    assert [pattern.matches({"field": value}) for value in matching] == [True] * len(matching)
    assert [pattern.matches({"field": value}) for value in other] == [False] * len(other)


@pytest.mark.parametrize(
    ("matcher", "expected"),
    [
        ({"exists": False}, True),
        ({"exists": True}, False),
        (None, False),
        ({"anything-but": "x"}, False),
        ({"prefix": "x"}, False),
        ({"numeric": ["=", 0]}, False),
    ],
)
@pytest.mark.parametrize("event", [{}, {"detail": {}}, {"detail": "text"}, {"detail": None}])
def test_a_field_that_is_not_there_matches_exists_false_alone(
    matcher: Any, expected: bool, event: dict[str, Any]
) -> None:
    """Given an event without the field, or without its parent, when it is matched."""
    assert EventPattern({"detail": {"field": [matcher]}}).matches(event) is expected


def test_an_array_of_the_event_matches_when_one_element_does() -> None:
    """Guide, "Arrays in event patterns": the intersection must not be empty."""
    pattern = EventPattern({"detail": {"updatedProperties": ["RoutingCriteria.Step.Status"]}})

    assert pattern.matches({"detail": {"updatedProperties": ["x", "RoutingCriteria.Step.Status"]}})
    assert not pattern.matches({"detail": {"updatedProperties": ["x"]}})
    assert not pattern.matches({"detail": {"updatedProperties": []}})


def test_fields_within_an_array_of_objects_must_match_in_one_element() -> None:
    """Given objects in an array, when two fields are asked for, then one element has both."""
    pattern = EventPattern({"steps": {"status": ["EXPIRED"], "first": [True]}})

    assert pattern.matches({"steps": [{"status": "ACTIVE"}, {"status": "EXPIRED", "first": True}]})
    assert not pattern.matches({"steps": [{"status": "EXPIRED"}, {"first": True}]})


def test_keys_are_compared_case_sensitively() -> None:
    """Given another casing of a key, as Connect sometimes sends it, then nothing matches."""
    assert not EventPattern({"detail": {"contactId": ["c"]}}).matches(
        {"detail": {"ContactId": "c"}}
    )


def test_alternatives_join_the_fields_beside_them() -> None:
    """Guide, "Or": one of the alternatives and all other fields must match."""
    pattern = EventPattern(
        {"detail": {"channel": ["VOICE"], "$or": [{"a": [1]}, {"b": [{"prefix": "x"}], "c": [2]}]}}
    )

    assert pattern.matches({"detail": {"channel": "VOICE", "a": 1}})
    assert pattern.matches({"detail": {"channel": "VOICE", "b": "xy", "c": 2}})
    assert not pattern.matches({"detail": {"channel": "VOICE", "b": "xy"}})
    assert not pattern.matches({"detail": {"channel": "CHAT", "a": 1}})


@pytest.mark.parametrize(
    ("detail", "first", "later"),
    [
        ({}, True, False),
        ({"initialContactId": "c-0"}, False, True),
        ({"channel": "CHAT"}, False, False),
        ({"instanceArn": INSTANCE + "x"}, False, False),
        ({"eventType": "CONNECTED_TO_SYSTEM"}, False, False),
    ],
)
def test_the_two_rules_of_a_contact_chain_part_its_events(
    detail: dict[str, Any], first: bool, later: bool
) -> None:
    """Given the template's two rules of a chain, when an event comes, then one at most sees it."""
    common = {"channel": ["VOICE"], "instanceArn": [INSTANCE], "eventType": ["INITIATED", "QUEUED"]}
    rules = [
        EventPattern(
            {
                "source": ["aws.connect"],
                "detail-type": ["Amazon Connect Contact Event"],
                "detail": {**common, "initialContactId": [{"exists": exists}]},
            }
        )
        for exists in (False, True)
    ]
    event = contact_event(**{"instanceArn": INSTANCE, **detail})

    assert [rule.matches(event) for rule in rules] == [first, later]


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("text", "an object with at least one field"),
        ({}, "an object with at least one field"),
        ({"a": {}}, "the pattern: a: an object"),
        ({"a": "VOICE"}, "the pattern: a: an object"),
        ({"a": []}, "the pattern: a: the list of values is empty"),
        ({"a": [["x"]]}, "neither a value nor an operator"),
        ({"a": [{"cidr": "10.0.0.0/24"}]}, "unknown operator 'cidr'"),
        ({"a": [{"starts": "x"}]}, "unknown operator 'starts' .known here: anything-but"),
        ({"a": [{"prefix": "x", "suffix": "y"}]}, "one operator"),
        ({"a": [{}]}, "one operator"),
        ({"a": [{"prefix": 1}]}, "a: prefix: a text"),
        ({"a": [{"prefix": ""}]}, "a: prefix: a text"),
        ({"a": [{"prefix": {"suffix": "x"}}]}, "equals-ignore-case"),
        ({"a": [{"wildcard": "a**b"}]}, "two wildcards in a row"),
        ({"a": [{"wildcard": r"a\b"}]}, "a backslash escapes"),
        ({"a": [{"exists": "true"}]}, "true or false"),
        ({"a": [{"numeric": []}]}, "one or two comparisons"),
        ({"a": [{"numeric": [">", 1, "<"]}]}, "one or two comparisons"),
        ({"a": [{"numeric": ["!=", 1]}]}, "not one of = <"),
        ({"a": [{"numeric": [">", "1"]}]}, "a number from"),
        ({"a": [{"numeric": [">", True]}]}, "a number from"),
        ({"a": [{"numeric": [">", 6e9]}]}, "a number from"),
        ({"a": [{"anything-but": []}]}, "texts or numbers"),
        ({"a": [{"anything-but": ["x", 1]}]}, "texts or numbers"),
        ({"a": [{"anything-but": None}]}, "texts or numbers"),
        ({"a": [{"anything-but": {"numeric": ["=", 1]}}]}, "one of prefix"),
        ({"a": [{"anything-but": {"prefix": []}}]}, "prefix: the list is empty"),
        ({"$or": [{"a": [1]}]}, "two patterns or more"),
        ({"$or": [{"a": [1]}, {}]}, r"\$or: an object"),
    ],
)
def test_what_is_no_pattern_is_refused(pattern: object, complaint: str) -> None:
    """Given a pattern that EventBridge refuses, when it is read, then the error names the place."""
    with pytest.raises(PatternError, match=complaint):
        EventPattern(pattern)
