"""What the suites share: no network for the unit and property suites, and hypothesis's profiles."""

import functools
import os
from collections.abc import Iterator
from pathlib import Path

import botocore.session
import pytest
from hypothesis import HealthCheck, settings
from pytest_socket import disable_socket, enable_socket

TESTS = Path(__file__).parent
NETWORK_OFF = (TESTS / "unit", TESTS / "property")

# A time limit a sample would fail on a busy machine; an example found once is worth less than a
# run that anybody can repeat.
settings.register_profile("laptop", deadline=None, max_examples=60)
settings.register_profile(
    "ci",
    deadline=None,
    max_examples=60,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if os.environ.get("CI") else "laptop")


@pytest.fixture(autouse=True, scope="session")
def data_of_aws_is_read_once() -> Iterator[None]:
    """botocore reads each service's description anew for each session, and most tests make their
    own clients: it is five sixths of what that takes."""
    with pytest.MonkeyPatch.context() as patch:
        once = functools.cache(botocore.session.create_loader)
        patch.setattr(botocore.session, "create_loader", once)
        yield


@pytest.fixture(autouse=True)
def network_is_off(request: pytest.FixtureRequest) -> Iterator[None]:
    """Opening a socket fails a unit or property test; the other suites use loopback."""
    if not any(request.path.is_relative_to(folder) for folder in NETWORK_OFF):
        yield
        return
    disable_socket()
    yield
    enable_socket()
