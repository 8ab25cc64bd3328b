"""An event that no rule takes: which fields differ from the nearest rule, with both values."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.aws.event_mismatch import mismatches, nearest_rule
from simulator.aws.event_pattern import EventPattern
from simulator.aws.event_rules import Rule, read_rules
from tests.simulator.samples import queued_event
from tests.template.deployment import INSTANCE, deployed

PATTERN = {
    "source": ["aws.connect"],
    "detail": {
        "channel": [{"equals-ignore-case": "VOICE"}],
        "initialContactId": [{"exists": False}],
        "$or": [
            {"eventType": ["QUEUED", "DISCONNECTED"]},
            {"eventType": ["CONTACT_DATA_UPDATED"], "updatedProperties": [{"prefix": "Routing"}]},
        ],
    },
}


def event(**detail: Any) -> dict[str, Any]:
    inner = {"channel": "voice", "eventType": "QUEUED", **detail}
    return {"source": "aws.connect", "detail": inner}


def said(found: dict[str, Any]) -> list[str]:
    return [str(it) for it in mismatches(PATTERN, found)]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (event(), []),
        (event(channel="CHAT"), ["detail.channel is CHAT, and the rule takes VOICE in any case"]),
        (
            event(eventType="COMPLETED"),
            ["detail.eventType is COMPLETED, and the rule takes QUEUED or DISCONNECTED"],
        ),
        (
            event(initialContactId="c-1"),
            ["detail.initialContactId is c-1, and the rule takes no value"],
        ),
        (
            event(eventType="CONTACT_DATA_UPDATED", updatedProperties=["Tags"]),
            ["detail.eventType is CONTACT_DATA_UPDATED, and the rule takes QUEUED or DISCONNECTED"],
        ),
        ({**event(), "source": "x"}, ["source is x, and the rule takes aws.connect"]),
        (
            {"detail": {"channel": "VOICE", "eventType": "QUEUED"}},
            ["source is missing, and the rule takes aws.connect"],
        ),
        ({"source": "aws.connect", "detail": 7}, None),
    ],
)
def test_fields_that_differ(found: dict[str, Any], expected: list[str] | None) -> None:
    shown = said(found)

    assert expected is None or shown == expected
    assert bool(shown) != EventPattern(PATTERN).matches(found)


def test_nearest_rule_is_named() -> None:
    near = Rule("near", EventPattern({"a": [1], "b": [1]}), ())
    far = Rule("far", EventPattern({"a": [2], "b": [2]}), ())

    found = nearest_rule([far, near], {"a": 1, "b": 3})

    assert found is not None
    assert (found[0], [str(it) for it in found[1]]) == ("near", ["b is 3, and the rule takes 1"])
    assert nearest_rule([], {}) is None


def test_a_rule_for_events_of_another_shape_is_far() -> None:
    """Given a rule that needs a member to be absent, then one with two other values is nearer."""
    odd = Rule("odd", EventPattern({"a": [{"exists": False}]}), ())
    usual = Rule("usual", EventPattern({"a": [1], "b": [2]}), ())

    found = nearest_rule([odd, usual], {"a": 3, "b": 3})

    assert found is not None
    assert found[0] == "usual"


def test_every_event_is_explained_by_the_bridges_rules() -> None:
    """Given an event of another instance, then the instance is what differs."""
    rules = read_rules(deployed())
    other = INSTANCE.replace("0f0e0d0c", "aaaaaaaa")

    found = nearest_rule(rules, queued_event("c-1", instanceArn=other))

    assert found is not None
    assert [(it.path, it.found, it.wanted) for it in found[1]] == [
        ("detail.instanceArn", other, INSTANCE)
    ]
