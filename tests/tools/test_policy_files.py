"""parliament's input: every policy of the template, resolved; and its findings, with reasons."""

from pathlib import Path

import pytest

from tests.template.policies import documents_in, strings
from tools.expanded import deployed, expanded
from tools.first_deployment.removal import KEPT
from tools.policy_files import policies

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, object]]:
    document = deployed(expanded(ROOT / "template.yaml"), options=True)
    made = list(policies(document))
    assert len(made) == len(list(documents_in(document["Resources"])))
    return dict(made)


def test_every_policy_is_one_file(found: dict[str, dict[str, object]]) -> None:
    assert len(found) >= 19
    assert {name.split("/")[0] for name in found} == {"identity", "resource"}


def test_what_outlives_the_stack_is_removed_after_a_trial() -> None:
    resources = deployed(expanded(ROOT / "template.yaml"), options=True)["Resources"]
    stays = {
        name
        for name, each in resources.items()
        if each.get("DeletionPolicy") == "RetainExceptOnCreate"
    }
    assert stays == set(KEPT)


def test_no_reference_is_left(found: dict[str, dict[str, object]]) -> None:
    for name, policy in found.items():
        assert not any("${" in text or "arn:aws:other" in text for text in strings(policy)), name
        assert "Fn::" not in str(policy), name


def test_what_parliament_finds_has_its_reason() -> None:
    """Read as text: parliament has an environment of its own."""
    text = (ROOT / "tools" / "policy_check.py").read_text(encoding="utf-8")
    accepted = text.partition("ACCEPTED = {")[2].partition("\n}")[0]
    assert accepted.count('", "') == accepted.count("): (") == 3
