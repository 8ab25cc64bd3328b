"""The Connect simulator, through AWS's own client.

Rules: Amazon Connect API Reference, DescribeContact.
"""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

from simulator.aws.connect import ConnectSimulator
from tests.simulator.stream_simulator import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator

INSTANCE = "0f0e0d0c-1111-4222-8333-444455556666"
CONTACT = "c0000001-aaaa-4bbb-8ccc-000000000001"
SESSION = botocore.session.get_session()
SESSION.set_credentials("laptop", "laptop")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def connect(clock: Clock) -> Iterator[ConnectSimulator]:
    with ConnectSimulator(clock) as connect:
        yield connect


@pytest.fixture
def client(connect: ConnectSimulator) -> Iterator[Any]:
    client = client_of(connect)
    yield client
    client.close()


def client_of(connect: ConnectSimulator, read_timeout: float = 20) -> Any:
    config = Config(
        retries={"total_max_attempts": 1}, connect_timeout=20, read_timeout=read_timeout
    )
    return SESSION.create_client(
        "connect", region_name="us-east-1", endpoint_url=connect.url, config=config
    )


def refusal(client: Any, instance_id: str = INSTANCE, contact_id: str = CONTACT) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        client.describe_contact(InstanceId=instance_id, ContactId=contact_id)
    response = caught.value.response
    assert response["Error"]["Message"]
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_a_contact_is_described(connect: ConnectSimulator, client: Any) -> None:
    """Given a contact, when it is described, then the client parses its members and times."""
    began = datetime(2026, 11, 20, 10, 0, 0, 120_000, tzinfo=UTC)
    endpoint = {"Type": "TELEPHONE_NUMBER", "Address": "+12065550101"}
    connect.add_contact(
        INSTANCE,
        CONTACT,
        InitiationMethod="INBOUND",
        Channel="VOICE",
        InitiationTimestamp=began,
        CustomerEndpoint=endpoint,
        QueueInfo={"Id": "q-1", "EnqueueTimestamp": began},
        SegmentAttributes={"connect:Subtype": {"ValueString": "connect:Telephony"}},
        Tags={"aws:connect:instanceId": INSTANCE},
    )

    contact = client.describe_contact(InstanceId=INSTANCE, ContactId=CONTACT)["Contact"]

    assert contact == {
        "Id": CONTACT,
        "InitiationMethod": "INBOUND",
        "Channel": "VOICE",
        "InitiationTimestamp": began,
        "CustomerEndpoint": endpoint,
        "QueueInfo": {"Id": "q-1", "EnqueueTimestamp": began},
        "SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:Telephony"}},
        "Tags": {"aws:connect:instanceId": INSTANCE},
    }


def test_ids_reach_the_simulator_as_they_are(connect: ConnectSimulator, client: Any) -> None:
    """Given an id that a URL must encode, when it is described, then it is found."""
    connect.add_contact(INSTANCE, "a b/c?d", Channel="VOICE")

    answer = client.describe_contact(InstanceId=INSTANCE, ContactId="a b/c?d")

    assert answer["Contact"]["Id"] == "a b/c?d"


def test_a_contact_added_again_is_the_new_one(connect: ConnectSimulator, client: Any) -> None:
    """Given a contact that changes, when it is described, then it is the latest."""
    connect.add_contact(INSTANCE, CONTACT, Channel="VOICE")
    connect.add_contact(INSTANCE, CONTACT, Channel="CHAT")

    answer = client.describe_contact(InstanceId=INSTANCE, ContactId=CONTACT)

    assert answer["Contact"]["Channel"] == "CHAT"


@pytest.mark.parametrize(
    ("instance_id", "contact_id"), [(INSTANCE, "unknown"), ("unknown", CONTACT)]
)
def test_an_unknown_contact_is_not_found(
    connect: ConnectSimulator, client: Any, instance_id: str, contact_id: str
) -> None:
    """Given another instance's contact or none, then ResourceNotFoundException."""
    connect.add_contact(INSTANCE, CONTACT, Channel="VOICE")

    assert refusal(client, instance_id, contact_id) == (404, "ResourceNotFoundException")


def test_an_arn_is_no_instance_id(client: Any) -> None:
    """InstanceId must be the bare id, not the ARN."""
    arn = f"arn:aws:connect:us-east-1:123456789012:instance/{INSTANCE}"

    assert refusal(client, instance_id=arn) == (400, "InvalidRequestException")


def test_requests_are_throttled_by_rate_and_burst(
    connect: ConnectSimulator, client: Any, clock: Clock
) -> None:
    """15 at once, then 10 a second; beyond that ThrottlingException, 429."""
    connect.add_contact(INSTANCE, CONTACT, Channel="VOICE")

    def describe_on_and_on() -> None:
        while True:
            client.describe_contact(InstanceId=INSTANCE, ContactId=CONTACT)

    def answered_until_throttled() -> int:
        before = len(connect.journal)
        with pytest.raises(ClientError, match="ThrottlingException"):
            describe_on_and_on()
        return len(connect.journal) - before - 1

    counts = []
    for seconds in (0, 0.0625, 0.5625, 1, 60):
        clock.now += seconds
        counts.append(answered_until_throttled())

    # Parts of a request add up: 0.625 s are six requests.
    assert counts == [15, 0, 6, 10, 15]
    assert connect.journal[-1].status == 429


def test_what_is_not_signed_is_refused(connect: ConnectSimulator) -> None:
    """Given a request without Signature Version 4, then it is refused, and costs no quota."""
    connect.add_contact(INSTANCE, CONTACT, Channel="VOICE")
    url = f"{connect.url}/contacts/{INSTANCE}/{CONTACT}"

    for authorization in ("", "Bearer token", "AWS4-HMAC-SHA256 Credential=x"):
        request = urllib.request.Request(url, headers={"Authorization": authorization})
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=20)
        with caught.value as error:
            assert error.code == 403
            assert error.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"


def test_other_operations_are_not_served(connect: ConnectSimulator, client: Any) -> None:
    """Given another operation, when it is called, then the answer says what is served."""
    with pytest.raises(ClientError, match="only DescribeContact"):
        client.describe_instance(InstanceId=INSTANCE)


def test_a_500_is_answered_when_asked_for(connect: ConnectSimulator, client: Any) -> None:
    """Given two faults, when three requests come, then two are InternalServiceException."""
    connect.add_contact(INSTANCE, CONTACT, Channel="VOICE")
    connect.fail_next("500", times=2)

    assert [refusal(client) for _ in range(2)] == [(500, "InternalServiceException")] * 2
    assert client.describe_contact(InstanceId=INSTANCE, ContactId=CONTACT)["Contact"]


def test_throttling_when_asked_for(connect: ConnectSimulator, client: Any) -> None:
    """Given faults that are cleared after the first, then the second request is answered."""
    connect.add_contact(INSTANCE, CONTACT, Channel="VOICE")
    connect.fail_next("throttle", times=3)

    assert refusal(client) == (429, "ThrottlingException")
    connect.clear_faults()
    assert client.describe_contact(InstanceId=INSTANCE, ContactId=CONTACT)["Contact"]


def test_a_hanging_request_ends_with_the_simulator() -> None:
    """Given a fault, when a request hangs, then the client's time-out ends it, and others pass. The
    simulator waits for the hanging thread when it stops, so it must release that thread.
    """
    before = set(threading.enumerate())
    with ConnectSimulator() as connect:
        connect.add_contact(INSTANCE, CONTACT, Channel="VOICE")
        connect.fail_next("hang")
        impatient, patient = client_of(connect, read_timeout=0.05), client_of(connect)

        with pytest.raises(ReadTimeoutError):
            impatient.describe_contact(InstanceId=INSTANCE, ContactId=CONTACT)
        assert patient.describe_contact(InstanceId=INSTANCE, ContactId=CONTACT)["Contact"]
        impatient.close()
        patient.close()

    assert set(threading.enumerate()) <= before


def test_the_journal_has_every_request(
    connect: ConnectSimulator, client: Any, clock: Clock
) -> None:
    """Given an answered and a refused request, then the journal has both, in order."""
    connect.add_contact(INSTANCE, CONTACT, Channel="VOICE")
    began = clock.now
    client.describe_contact(InstanceId=INSTANCE, ContactId=CONTACT)
    clock.now += 1
    refusal(client, contact_id="unknown")

    first, second = connect.journal
    assert (first.at, first.instance_id, first.contact_id) == (began, INSTANCE, CONTACT)
    assert (first.status, first.error) == (200, "")
    assert (second.at, second.contact_id) == (began + 1, "unknown")
    assert (second.status, second.error) == (404, "ResourceNotFoundException")


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ({"Chanel": "VOICE"}, "Chanel"),
        ({"InitiationTimestamp": "yesterday-ish"}, "InitiationTimestamp"),
        ({"CustomerEndpoint": "+12065550101"}, "CustomerEndpoint"),
    ],
)
def test_a_contact_that_connect_could_not_answer_is_refused(
    connect: ConnectSimulator, members: dict[str, Any], complaint: str
) -> None:
    """Given a member that the API does not have, or of another type, then it is an error."""
    with pytest.raises(ValueError, match=f"not a Contact: .*{complaint}"):
        connect.add_contact(INSTANCE, CONTACT, **members)
