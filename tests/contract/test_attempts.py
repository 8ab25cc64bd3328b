"""Further attempts: their tokens, their pauses, and a key that was rotated.

Sources: Voice implementation guide, "Generate a JWT" (a `jti` seen before is refused) and "Create
(voice resiliency: up to three retries); RFC 9110, 10.2.3 (Retry-After).
"""

from __future__ import annotations

from email.utils import formatdate
from time import time
from typing import TYPE_CHECKING

import pytest

from simulator.salesforce import Fault, new_identity
from tests.contract.telephony import Caller, Vault
from voicecall_bridge.telephony.errors import LimitExceeded, Unauthorized, Unavailable

if TYPE_CHECKING:
    from simulator.salesforce import ContactCenterIdentity, SalesforceSimulator


@pytest.fixture(scope="module")
def other_key(identity: ContactCenterIdentity) -> ContactCenterIdentity:
    """The same contact center with another key pair."""
    return new_identity(org_id=identity.org_id, call_center_api_name=identity.call_center_api_name)


def token_ids(salesforce: SalesforceSimulator) -> list[str]:
    return [exchange.headers["Authorization"]["jti"] for exchange in salesforce.journal()]


def test_every_attempt_carries_a_token_of_its_own(
    salesforce: SalesforceSimulator, caller: Caller
) -> None:
    """Given three failing answers; when a call is created; then four tokens were
    sent, once each."""
    salesforce.inject(Fault("status", status=503, times=3))
    assert caller.create().attempts == 4
    sent = token_ids(salesforce)
    assert len(sent) == len(set(sent)) == 4


def test_three_retries_at_most_with_growing_pauses(
    salesforce: SalesforceSimulator, caller: Caller
) -> None:
    """Given 503 for good; when a call is created; then it pauses three times, within the limits."""
    salesforce.inject(Fault("status", status=503, times=None))
    with pytest.raises(Unavailable):
        caller.create()
    assert caller.pauses == [0.2, 0.4, 0.8]
    assert len(salesforce.journal()) == 4


@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_is_waited_for_exactly(
    salesforce: SalesforceSimulator, caller: Caller, code: int
) -> None:
    """Given Retry-After: 7 and a minute's time; when a call is created; then it waits 7 seconds."""
    salesforce.inject(Fault("status", status=code, headers={"Retry-After": "7"}))
    assert caller.create().attempts == 2
    assert caller.pauses == [7.0]


def test_retry_after_may_be_a_date(salesforce: SalesforceSimulator, caller: Caller) -> None:
    """Given a date 9 seconds ahead, in whole seconds; when a call is created; then it waits until
    then."""
    date = formatdate(time() + 9, usegmt=True)
    salesforce.inject(Fault("status", status=429, headers={"Retry-After": date}))
    assert caller.create().attempts == 2
    [pause] = caller.pauses
    assert 0 < pause <= 9


@pytest.mark.parametrize("value", ["soon", "-3", "", "1.5"])
def test_a_retry_after_that_cannot_be_read_is_none(
    salesforce: SalesforceSimulator, caller: Caller, value: str
) -> None:
    """Given an invalid Retry-After; when a call is created; then the jitter decides as without the
    header."""
    salesforce.inject(Fault("status", status=429, headers={"Retry-After": value}))
    assert caller.create().attempts == 2
    assert caller.pauses == [0.2]


def test_a_retry_after_beyond_the_deadline_is_not_waited_for(
    salesforce: SalesforceSimulator, caller: Caller
) -> None:
    """Given Retry-After: 7 and five seconds' time; when a call is created; then it ends at once."""
    salesforce.inject(Fault("status", status=429, times=None, headers={"Retry-After": "7"}))
    with pytest.raises(LimitExceeded) as raised:
        caller.create(seconds=5)
    assert (raised.value.attempts, raised.value.retry_after) == (1, 7.0)
    assert caller.pauses == []


def test_no_attempt_without_time(salesforce: SalesforceSimulator, caller: Caller) -> None:
    """Given a deadline that has passed; when a call is created; then nothing is sent."""
    with pytest.raises(Unavailable) as raised:
        caller.create(seconds=0)
    assert (raised.value.code, raised.value.attempts) == ("DEADLINE", 0)
    assert salesforce.journal() == []


def test_a_rotated_key_is_read_again_and_signed_with(
    salesforce: SalesforceSimulator, other_key: ContactCenterIdentity
) -> None:
    """Given an old key in memory; when Salesforce answers 401; then the new one is read
    and used."""
    old = other_key.secret(salesforce.base_url)
    new = salesforce.identity.secret(salesforce.base_url)
    with Caller(Vault(old, new)) as caller:
        made = caller.create()
        again = caller.create(vendor_call_key="contact-2")
    assert (made.attempts, again.attempts) == (2, 1)
    assert caller.vault.reads == 2
    assert caller.pauses == []
    assert [exchange.status for exchange in salesforce.journal()] == [401, 200, 200]
    assert len(set(token_ids(salesforce))) == 3


def test_a_key_that_is_wrong_twice_is_unauthorized(
    salesforce: SalesforceSimulator, other_key: ContactCenterIdentity
) -> None:
    """Given the wrong key in the secret; when a call is created; then it is read again
    just once."""
    vault = Vault(other_key.secret(salesforce.base_url))
    with Caller(vault) as caller, pytest.raises(Unauthorized) as raised:
        caller.create()
    assert (raised.value.code, raised.value.attempts) == ("401", 2)
    assert caller.vault.reads == 2
    assert salesforce.voice_calls() == []


def test_a_401_after_a_transient_fault_still_renews_the_key(
    salesforce: SalesforceSimulator, caller: Caller
) -> None:
    """Given 503, then 401; when a call is created; then the third request succeeds."""
    salesforce.inject(Fault("status", status=503))
    salesforce.inject(Fault("status", status=401))
    assert caller.create().attempts == 3
    assert caller.vault.reads == 2


def test_a_wrong_clock_is_named(salesforce: SalesforceSimulator, caller: Caller) -> None:
    """Given a Date one hour ahead beside 401; when the error is read; then it names the clock."""
    salesforce.inject(Fault("wrong_clock", times=None, seconds=3600.0))
    with pytest.raises(Unauthorized, match=r"this clock is -3(599|600|601) s off Salesforce's"):
        caller.create()


def test_a_clock_that_agrees_is_not_named(salesforce: SalesforceSimulator, caller: Caller) -> None:
    """Given 401 with the right Date; when the error is read; then it does not mention the clock."""
    salesforce.inject(Fault("status", status=401, times=None))
    with pytest.raises(Unauthorized) as raised:
        caller.create()
    assert "clock" not in str(raised.value)
