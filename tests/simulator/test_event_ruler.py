"""The simulator's matcher against the answers of AWS's own engine (event_ruler/README.md)."""

import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from simulator.aws.event_pattern import EventPattern
from simulator.sam.template import Template
from tests.template.deployment import deployed

TABLE: Final = Path(__file__).with_name("event_ruler")
ALWAYS: Final = ", CreateFromEvents always"
NOT_COVERED: Final[dict[str, str]] = {}
"""Rule -> what changed in it since the table was made, and which test covers that instead."""


def lines(name: str) -> Iterator[dict[str, Any]]:
    with lzma.open(TABLE / f"{name}.jsonl.xz", "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


@pytest.fixture(scope="module")
def rules() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((TABLE / "rules.json").read_text(encoding="utf-8"))
    return found


def test_the_rules_take_what_the_engine_takes(rules: dict[str, Any]) -> None:
    """Given 2,500 contact events, then each rule sees those that AWS's engine says it sees."""
    patterns = {name: EventPattern(rule) for name, rule in rules.items()}
    events = list(lines("contact-events"))
    assert len(events) == 2500
    for each in events:
        taken = {name for name, pattern in patterns.items() if pattern.matches(each["event"])}
        assert taken == set(each["taken_by"]), each["event"]


@pytest.mark.parametrize("unicode", [False, True])
def test_every_operator_matches_what_the_engine_matches(unicode: bool) -> None:
    """Given 900 patterns with 8 events each, letters beyond ASCII in some of them."""
    patterns = [each for each in lines("operators") if each["unicode"] is unicode]
    assert len(patterns) == (200 if unicode else 700)
    for each in patterns:
        pattern = EventPattern(each["pattern"])
        for answer in each["events"]:
            found = pattern.matches(answer["event"])
            assert found is answer["matches"], (each["pattern"], answer["event"])


def resolved(template: Template) -> dict[str, Any]:
    """The event pattern of each rule in the template."""
    return {
        name: template.resolve(body["Properties"]["EventPattern"])
        for name, body in template.resources.items()
        if body["Type"] == "AWS::Events::Rule"
    }


def test_the_table_covers_the_rules_of_the_template(rules: dict[str, Any]) -> None:
    """Given a rule that is changed or new, then the table does not cover it: write what it no
    longer covers into NOT_COVERED, and cover that with a test."""
    usual = resolved(deployed())
    always = resolved(deployed(CreateFromEvents="always"))
    now = usual | {name + ALWAYS: each for name, each in always.items() if each != usual[name]}
    differing = {name for name in now.keys() | rules.keys() if now.get(name) != rules.get(name)}
    assert differing == NOT_COVERED.keys()


@pytest.mark.parametrize(
    ("pattern", "value", "matches"),
    [
        ("ß", "SS", True),
        ("ss", "ß", False),
        ("\N{KELVIN SIGN}", "k", True),
        ("k", "\N{KELVIN SIGN}", False),
        ("K", "\N{KELVIN SIGN}", False),
        ("é", "É", True),
    ],
)
def test_case_beyond_ascii_is_the_patterns(pattern: str, value: str, matches: bool) -> None:
    """The engine takes the upper and lower forms of the pattern's letters, not the event's."""
    rule = EventPattern({"detail": {"a": [{"equals-ignore-case": pattern}]}})
    assert rule.matches({"detail": {"a": value}}) is matches
