"""Fixtures that the tests of the commands share."""

import functools
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import pytest

from simulator import __main__ as command
from simulator import simulator
from simulator.instance import OWN_INSTANCE, Instance
from simulator.salesforce import new_identity
from simulator.simulator import Simulator
from tests.simulator.samples import flow_event


@pytest.fixture(autouse=True, scope="session")
def orgs_keys_are_made_once() -> Iterator[None]:
    """A simulator has two orgs. Making the key of one takes a fifth of a second of CPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulator, "new_identity", functools.cache(new_identity))
        yield


@pytest.fixture(scope="module")
def one_simulator() -> Iterator[Simulator]:
    """One simulator for all commands of a module, empty at the beginning of each. Starting a
    simulator and its functions takes longer than most commands. Its functions live on, and Amazon
    Connect keeps its contacts: each test has contacts of its own.

    That a command starts a simulator, and ends it, is seen in test_other_instance.py and
    test_record_replay.py.
    """
    with Simulator() as simulator, pytest.MonkeyPatch.context() as patch:

        def emptied(*, instance: Instance = OWN_INSTANCE) -> AbstractContextManager[Simulator]:
            assert instance == OWN_INSTANCE
            simulator.reset()
            return nullcontext(simulator)

        patch.setattr(command, "Simulator", emptied)
        # On a busy machine the first request of a new environment may take so long that the flow
        # goes on without the ledger, as it should. The tests are not about that.
        simulator.invoke("ContactFlowFunction", flow_event("warm-up"))
        yield simulator
