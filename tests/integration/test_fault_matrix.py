"""Every fault of Salesforce, with the ledger up, down and hanging: the cells of `fault_matrix`."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.servers import LOOPBACK, refusing_server, silent_server
from tests.integration.events import inbound
from tests.integration.fault_matrix import DOWN, FAULTS, HANGING, TIME_LIMIT, UP, Row
from voicecall_bridge.composition import contact_flow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.simulator import Simulator

pytestmark = pytest.mark.usefixtures("without_jitter")


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    """The addresses of a DynamoDB that is down, and of one that hangs."""
    with refusing_server() as refusing, silent_server() as silent:
        yield {"down": refusing, "hanging": silent}


@pytest.fixture(scope="module")
def environments() -> dict[str, Any]:
    """One execution environment for each state of the ledger, kept warm from cell to cell."""
    make = contact_flow.flow_service.__wrapped__
    return {state: lru_cache(maxsize=1)(make) for state in ("up", "down", "hanging")}


@pytest.fixture
def in_state(
    simulator: Simulator,
    ports: dict[str, int],
    environments: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str], Simulator]:
    """Puts the ledger into a state: up, down or hanging."""

    def put(state: str) -> Simulator:
        simulator.set(FLOW_TIME_LIMIT_SECONDS=str(TIME_LIMIT))
        if state in ports:
            simulator.set(AWS_ENDPOINT_URL_DYNAMODB=f"http://{LOOPBACK}:{ports[state]}")
        monkeypatch.setattr(contact_flow, "flow_service", environments[state])
        if environments[state].cache_info().currsize == 0:
            warm(simulator)
        return simulator

    return put


def warm(simulator: Simulator) -> None:
    """An environment that has read the secret and has all its clients, and no other state. The
    cells are about faults, not about start-up."""
    assert simulator.deliver(inbound("contact-warm"))["status"] == "created"
    without_number = inbound("contact-warm-2", SystemEndpoint=None, Tags=None)
    assert simulator.deliver(without_number)["errorCode"] == "MISSING_PROPERTY"
    assert len(simulator.aws.letters()) == 1
    simulator.salesforce.reset()


def deliver(simulator: Simulator, row: Row) -> tuple[str, dict[str, str]]:
    """Delivers a contact's event under the fault.

    A machine that is busy elsewhere can take longer to note the outcome than the fault leaves time
    for; then the answer is the watchdog's, which has rows of its own, and another contact is tried.

    Returns:
        Contact id and answer.
    """
    contact_id, answer = "", {}
    for number in range(1, 4):
        if fault := FAULTS[row.fault]:
            simulator.salesforce.clear_faults()
            simulator.salesforce.inject(fault)
        contact_id = f"contact-{number}"
        answer = simulator.deliver(inbound(contact_id))
        if answer["errorCode"] != "DEADLINE" or row.code == "DEADLINE":
            break
    return contact_id, answer


def check(simulator: Simulator, row: Row) -> None:
    """Given the fault; when an event is delivered; then answer and payload are as in the row."""
    contact_id, answer = deliver(simulator, row)
    line = simulator.deliveries()[-1]
    posts = simulator.posts(contact_id)
    stored = [
        call for call in simulator.salesforce.voice_calls() if call.vendor_call_key == contact_id
    ]
    item = simulator.item(contact_id)
    payloads = [letter["payload"] for letter in simulator.aws.letters()]
    event = inbound(contact_id)

    assert (answer["status"], answer["errorCode"]) == (row.status, row.code)
    assert row.posts[0] <= len(posts) <= row.posts[1]
    assert len(stored) == row.stored
    assert item.get("create_status", "") == row.item
    assert answer["vendorCallKey"] == contact_id
    assert answer["voiceCallId"] == (stored[0].voice_call_id if row.status == "created" else "")
    assert bool(answer["errorMessage"]) is (row.status != "created")
    if row.item:
        assert f'"vendorCallKey": "{contact_id}"' in item["create_request"]

    assert line["disposition"] == ("delivered" if row.status == "created" else "dead_lettered")
    assert (line["ContactId"], line["source"], line["method"]) == (
        contact_id,
        "contact_flow",
        "createVoiceCall",
    )
    assert (line["status"], line["errorCode"], line["reason"]) == (row.status, row.code, row.code)
    assert line["voiceCallId"] == answer["voiceCallId"]
    assert line["payloadKept"] == row.kept
    # An answer that came before its work had ended does not know how many requests were sent.
    assert line["attempts"] == (0 if row.code == "DEADLINE" else len(posts))
    assert [one for one in payloads if one == event] == ([event] if row.kept == "queue" else [])


@pytest.mark.parametrize("row", UP, ids=[row.fault for row in UP])
def test_with_the_ledger(in_state: Callable[[str], Simulator], row: Row) -> None:
    simulator = in_state("up")
    check(simulator, row)
    assert simulator.error_messages() == []


@pytest.mark.parametrize("row", DOWN, ids=[row.fault for row in DOWN])
def test_without_the_ledger(in_state: Callable[[str], Simulator], row: Row) -> None:
    simulator = in_state("down")
    check(simulator, row)
    assert set(simulator.error_messages()) == {"ledger fault"}


@pytest.mark.parametrize("row", HANGING, ids=[row.fault for row in HANGING])
def test_with_a_silent_ledger(in_state: Callable[[str], Simulator], row: Row) -> None:
    simulator = in_state("hanging")
    check(simulator, row)
    assert set(simulator.error_messages()) == {"ledger fault"}


def test_every_fault_has_its_three_cells() -> None:
    """Given the three tables; when compared; then each holds each fault once."""
    for table in (UP, DOWN, HANGING):
        assert [row.fault for row in table] == list(FAULTS)
