"""`make profile` names the functions that spend the CPU."""

import pytest

from tests.performance import profile
from tests.performance.event_stream import EVENTS_FUNCTION, contact_event
from tests.performance.fakes import CREATE, Fakes
from tests.performance.measure import secret
from tests.performance.profile import Profile, of_creates, of_imports, of_start, of_stream
from tests.performance.record_stream import RECORDS_FUNCTION, contact_record
from tests.performance.test_bench import TREE


def test_items_are_added_up_and_shared_out() -> None:
    """Given two functions of a module, over four creates, then the module has both."""
    found = [
        ("/opt/python/a/b.py", "f", 0.2),
        ("/opt/python/a/b.py", "g", 0.1),
        ("/x.py", "h", 0.1),
    ]
    shown = Profile("a create", 4, found)
    assert dict(shown.modules()) == pytest.approx({"a.b": 75.0, "/.x": 25.0})
    assert [name for name, _ in shown.modules()] == ["a.b", "/.x"]
    assert dict(shown.functions()[:1]) == pytest.approx({"a.b: f": 50.0})
    assert shown.total() == pytest.approx(100.0)


def test_every_kind_is_profiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a few of each kind, then the bridge's and botocore's functions are among the items."""
    for name, number in (("CREATES", 2), ("WARM_UP", 2), ("ITEMS", 3)):
        monkeypatch.setattr(profile, name, number)
    with Fakes(secret()) as fakes:
        profiles = [
            of_creates(TREE, fakes),
            of_start(TREE, fakes),
            of_stream(TREE, fakes, RECORDS_FUNCTION, contact_record, "a record"),
            of_stream(TREE, fakes, EVENTS_FUNCTION, contact_event, "an event"),
        ]
        imports = of_imports(TREE, fakes)
        created = fakes.counts().requests[CREATE]

    for each in profiles:
        packages = {name.partition("/")[0] for _, name, _ in each.found} | {
            part for file, _, _ in each.found for part in file.split("/")
        }
        assert {"voicecall_bridge", "botocore"} <= packages
    assert created == 2 + 2 + 1 + 2 + 3 + 1
    assert {"voicecall_bridge", "botocore", "the standard library"} <= {each[0] for each in imports}
