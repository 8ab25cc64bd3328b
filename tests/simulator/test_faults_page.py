"""The page on faults says what the code does."""

import json
from dataclasses import asdict

from simulator.salesforce import Fault
from simulator.salesforce.faults import KINDS
from simulator.simulator import ROOT


def test_every_kind_and_member_is_described() -> None:
    """events/README.md lists the kinds as the code has them, and each member with its default."""
    text = (ROOT / "events" / "README.md").read_text(encoding="utf-8")
    for kind, meaning in KINDS.items():
        assert f"| `{kind}` | {meaning} |" in text
    defaults = asdict(Fault("hang"))
    assert defaults.pop("kind")
    for name, default in defaults.items():
        shown = json.dumps(int(default) if isinstance(default, float) else default)
        assert f"| `{name}` | `{shown}` |" in text
