"""After a restore from a snapshot: connections are opened anew, and secret and tokens read anew."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from simulator.salesforce import SalesforceSimulator, new_identity
from tests.contract.servers import LOOPBACK, Relay
from tests.integration.events import inbound
from tests.integration.simulator import load_handler
from voicecall_bridge.composition import contact_flow

if TYPE_CHECKING:
    from tests.integration.simulator import Simulator


def test_connections_secret_and_tokens_are_new(simulator: Simulator) -> None:
    """Given an environment with open connections and a secret it has read; when it is restored and
    the key has been rotated meanwhile; then the next call takes new connections and the new key at
    its first request, and the call after it is warm."""
    identity = new_identity(
        org_id=simulator.salesforce.identity.org_id,
        call_center_api_name=simulator.salesforce.identity.call_center_api_name,
    )
    with (
        Relay(simulator.aws.port) as aws,
        Relay(urlsplit(simulator.salesforce.base_url).port or 0) as old,
        SalesforceSimulator(identity) as rotated,
        Relay(urlsplit(rotated.base_url).port or 0) as new,
    ):
        simulator.set(AWS_ENDPOINT_URL=f"http://{LOOPBACK}:{aws.port}")
        simulator.aws.put_secret(simulator.salesforce.identity.secret(api(old)))
        for name in ("contact-1", "contact-2"):
            assert simulator.deliver(inbound(name))["status"] == "created"
        opened = aws.accepted
        assert old.accepted == 1

        simulator.aws.put_secret(identity.secret(api(new)))
        contact_flow.renew_flow()
        for name in ("contact-3", "contact-4"):
            assert simulator.deliver(inbound(name))["status"] == "created"

        assert (old.accepted, new.accepted) == (1, 1)
        assert aws.accepted == 2 * opened
        assert len(rotated.voice_calls()) == 2
        contact_flow.flow_service.cache_clear()
    assert [line["attempts"] for line in simulator.deliveries()] == [1, 1, 1, 1]


def api(relay: Relay) -> str:
    return f"http://{LOOPBACK}:{relay.port}/telephony/v1"


def test_copies_of_a_snapshot_draw_differently() -> None:
    """Given one state of the random numbers; when two copies go on from it; then they differ."""
    snapshot = random.getstate()
    drawn = []
    for _ in range(2):
        random.setstate(snapshot)
        contact_flow.renew_flow()
        drawn.append(random.random())
    assert drawn[0] != drawn[1]


@pytest.mark.parametrize("start", ["on-demand", ""])
def test_on_demand_prepares_nothing(start: str, simulator: Simulator) -> None:
    """Given an on-demand start, while a caller waits; then nothing is built before it is needed."""
    simulator.set(AWS_LAMBDA_INITIALIZATION_TYPE=start)
    contact_flow.prepare_flow()
    assert contact_flow.flow_service.cache_info().currsize == 0


@pytest.mark.parametrize("start", ["snap-start", "provisioned-concurrency"])
def test_nothing_is_asked_in_preparing(
    start: str, monkeypatch: pytest.MonkeyPatch, simulator: Simulator
) -> None:
    """Given no credentials yet and an AWS that counts; when prepared; then no request was sent, and
    the hook exists only where there is a snapshot."""
    registered: list[object] = []
    monkeypatch.setattr("snapshot_restore_py._after_restore_registry", registered)
    with Relay(simulator.aws.port) as aws:
        simulator.set(
            AWS_LAMBDA_INITIALIZATION_TYPE=start,
            AWS_ENDPOINT_URL=f"http://{LOOPBACK}:{aws.port}",
            AWS_CONTAINER_CREDENTIALS_FULL_URI=f"http://{LOOPBACK}:{aws.port}/credentials",
            AWS_ACCESS_KEY_ID=None,
            AWS_SECRET_ACCESS_KEY=None,
        )
        contact_flow.prepare_flow()
        assert aws.accepted == 0
    assert contact_flow.flow_service.cache_info().currsize == 1
    assert len(registered) == (start == "snap-start")


def test_the_function_prepares_itself(simulator: Simulator) -> None:
    """Given provisioned concurrency; when the function's module is imported; then it is ready."""
    simulator.set(AWS_LAMBDA_INITIALIZATION_TYPE="provisioned-concurrency")
    load_handler()
    assert contact_flow.flow_service.cache_info().currsize == 1


def test_settings_that_cannot_be_used_do_not_keep_a_version_from_being_published(
    simulator: Simulator,
) -> None:
    """Given a missing setting; when prepared; then each call is answered with that error."""
    simulator.set(AWS_LAMBDA_INITIALIZATION_TYPE="provisioned-concurrency", LEDGER_TABLE=None)
    contact_flow.prepare_flow()
    assert simulator.deliver(inbound())["errorCode"] == "SETTINGS"


def test_what_was_prepared_and_not_used_is_kept(simulator: Simulator) -> None:
    """Given a prepared bridge in the snapshot; when restored with the same settings, then the next
    call uses it; with other settings, or with a fault that each environment reports, a new one is
    made.
    """
    simulator.set(AWS_LAMBDA_INITIALIZATION_TYPE="provisioned-concurrency")
    contact_flow.prepare_flow()
    prepared, settings = contact_flow.flow_service(), contact_flow._settings()
    contact_flow.renew_flow(settings)
    assert contact_flow.flow_service() is prepared
    assert simulator.deliver(inbound())["status"] == "created"

    simulator.set(LEDGER_TABLE="another")
    contact_flow.renew_flow(settings)
    assert contact_flow.flow_service() is not prepared


def test_prepared_clients_use_the_credentials_of_after_the_restore(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given no credentials before the snapshot; when there are some after it, then they sign."""
    monkeypatch.setattr("snapshot_restore_py._after_restore_registry", [])
    simulator.set(
        AWS_LAMBDA_INITIALIZATION_TYPE="snap-start",
        AWS_ACCESS_KEY_ID=None,
        AWS_SECRET_ACCESS_KEY=None,
        AWS_EC2_METADATA_DISABLED="true",
    )
    contact_flow.prepare_flow()
    simulator.set(AWS_ACCESS_KEY_ID="later", AWS_SECRET_ACCESS_KEY="later")
    contact_flow.renew_flow(contact_flow._settings())
    assert simulator.deliver(inbound())["status"] == "created"
