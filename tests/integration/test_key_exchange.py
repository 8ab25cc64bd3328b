"""The contact center's key is exchanged while calls go on: the steps of docs/runbook.md."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from simulator.salesforce import new_identity
from tests.integration.canaries import key_lines, leaks
from tests.integration.event_simulator import EventsSimulator, center, event, events, servers
from tests.integration.events import inbound

if TYPE_CHECKING:
    from simulator.salesforce import ContactCenterIdentity

__all__ = ["center", "events", "servers"]


@pytest.fixture(scope="module")
def other_key() -> ContactCenterIdentity:
    """The same contact center with another key pair."""
    return new_identity(org_id="00D000000000001", call_center_api_name="SupportCenter")


def put_secret(events: EventsSimulator, identity: ContactCenterIdentity) -> None:
    client = events.servers.aws.client("secretsmanager")
    try:
        client.put_secret_value(
            SecretId=events.servers.aws.secret_arn,
            SecretString=json.dumps(identity.secret(events.salesforce.base_url)),
        )
    finally:
        client.close()


def test_no_call_is_lost_while_the_key_is_exchanged(
    events: EventsSimulator, other_key: ContactCenterIdentity
) -> None:
    """Given the secret first and the certificate after it; when calls come before, between and
    after; then each has one VoiceCall, and none had to wait for a deployment."""
    assert events.flow(inbound("before"))["status"] == "created"
    put_secret(events, other_key)
    # An environment that runs goes on with the old key.
    assert events.flow(inbound("between"))["status"] == "created"
    # One that starts now has the new one, which Salesforce does not know yet.
    events.configure()
    refused = events.flow(inbound("between, cold"))
    assert (refused["status"], refused["errorCode"]) == ("failed", "401")
    events.know("between, no flow")
    events.publish(event("QUEUED", "between, cold"), event("QUEUED", "between, no flow"))

    exchanged: list[float] = []

    def exchange(ahead: float) -> None:
        if not exchanged:
            exchanged.append(ahead)
            events.salesforce.exchange_certificate(other_key)

    events.clock.on_sleep = exchange  # the events were refused, and wait to be delivered again
    events.poll()
    assert exchanged
    assert events.flow(inbound("after"))["status"] == "created"
    calls = [call.vendor_call_key for call in events.salesforce.voice_calls()]
    assert sorted(calls) == ["after", "before", "between", "between, cold", "between, no flow"]
    assert events.dead_letters() == []
    assert events.ends() == {("delivered", ""): 2}
    events.check_tally()
    assert leaks(events.logged.text, key_lines(other_key.private_key_pem)) == []


def test_an_environment_that_runs_needs_one_request_more(
    events: EventsSimulator, other_key: ContactCenterIdentity
) -> None:
    """Given an environment with the old key, then after the exchange it is refused once."""
    events.flow(inbound("before"))
    put_secret(events, other_key)
    events.salesforce.exchange_certificate(other_key)
    for contact_id in ("first", "second"):
        assert events.flow(inbound(contact_id))["status"] == "created"
    attempts = [line["attempts"] for line in events.lines("contact_flow")]
    assert attempts == [1, 2, 1]


def test_a_certificate_before_its_secret_refuses_all_tokens_until_it_follows(
    events: EventsSimulator, other_key: ContactCenterIdentity
) -> None:
    """The runbook has the secret first for this reason. Refused calls are not lost either."""
    events.flow(inbound("before"))
    events.salesforce.exchange_certificate(other_key)
    assert events.flow(inbound("refused"))["errorCode"] == "401"
    put_secret(events, other_key)
    events.publish(event("QUEUED", "refused"))
    events.poll()
    assert sorted(call.vendor_call_key for call in events.salesforce.voice_calls()) == [
        "before",
        "refused",
    ]
