"""Connect is called by botocore's real client; its answers are scripted."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError, NoRegionError, ReadTimeoutError

from tests.samples.members import CONTACT_ID, CUSTOMER, INSTANCE_ID
from tests.unit import aws
from tests.unit.doubles import Clock
from voicecall_bridge.aws.contact_directory import (
    ContactDirectory,
    DirectoryThrottled,
    DirectoryUnavailable,
    NoSuchContact,
)
from voicecall_bridge.contact import ContactKey


class Body:
    """The body as botocore's HTTP session has it."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def stream(self) -> Iterable[bytes]:
        return [self.content]


class Scene:
    """A directory with scripted answers: (status, error, body)."""

    def __init__(self, *answers: tuple[int, str, Any]) -> None:
        self.answers = list(answers)
        self.urls: list[str] = []
        self.clock = Clock()
        client = aws.new_client("connect")
        client.meta.events.register("before-send.connect.DescribeContact", self.answer)
        self.throttled = 0
        self.directory = ContactDirectory(
            lambda: client, self.clock.sleep, lambda _least, most: most, self.count
        )

    def count(self, name: str) -> None:
        self.throttled += name == "DescribeContactThrottled"

    def answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        self.urls.append(request.url)
        status, error, body = self.answers.pop(0)
        headers = {"x-amzn-errortype": error} if error else {}
        return AWSResponse(request.url, status, headers, Body(json.dumps(body).encode()))

    def describe(self, seconds: float = 3.0, instance_id: str = INSTANCE_ID) -> Any:
        return self.directory.describe(
            ContactKey(instance_id, CONTACT_ID), self.clock.deadline(seconds)
        )


FOUND = (
    200,
    "",
    {
        "Contact": {
            "Id": CONTACT_ID,
            "InitiationTimestamp": 1_772_000_000.5,
            "CustomerEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": CUSTOMER},
            "DisconnectTimestamp": 1_772_000_100,
        }
    },
)
THROTTLED = (429, "ThrottlingException", {"Message": "HUSH"})
FAILS = (500, "InternalServiceException", {"Message": "HUSH"})


def test_a_contact_is_described() -> None:
    scene = Scene(FOUND)
    found = scene.describe()
    assert found.ended
    assert found.contact.customer_address == CUSTOMER
    assert found.contact.initiated_at == datetime.fromtimestamp(1_772_000_000.5, UTC)
    assert (found.contact.instance_id, found.contact.contact_id) == (INSTANCE_ID, CONTACT_ID)
    assert scene.urls[0].endswith(f"/contacts/{INSTANCE_ID}/{CONTACT_ID}")


@pytest.mark.parametrize("fault", [THROTTLED, FAILS, (503, "", {})])
def test_being_throttled_passes(fault: tuple[int, str, Any]) -> None:
    scene = Scene(fault, fault, FOUND)
    assert scene.describe().contact.contact_id == CONTACT_ID
    assert scene.clock.slept == [0.5, 0.5]
    assert scene.throttled == (2 if fault == THROTTLED else 0)


def test_a_question_that_does_not_wait() -> None:
    """Given Connect throttles the request, then it ends at once. Any other fault is retried as
    usual."""
    scene = Scene(FAILS, THROTTLED)
    key = ContactKey(INSTANCE_ID, CONTACT_ID)
    with pytest.raises(DirectoryThrottled):
        scene.directory.describe(key, scene.clock.deadline(3.0), waits=False)
    assert scene.clock.slept == [0.5]
    assert scene.throttled == 1


def test_a_throttle_that_does_not_pass_in_time() -> None:
    """Then the error names the throttling, and no pause is begun that does not fit into the time
    left."""
    scene = Scene(*[THROTTLED] * 10)
    with pytest.raises(DirectoryUnavailable) as caught:
        scene.describe(seconds=1.4)
    assert str(caught.value) == "ThrottlingException"
    assert sum(scene.clock.slept) < 1.4
    assert len(scene.urls) == 3


def test_nothing_is_asked_twice_without_time() -> None:
    scene = Scene(THROTTLED)
    with pytest.raises(DirectoryUnavailable):
        scene.describe(seconds=0.0)
    assert scene.clock.slept == []


@pytest.mark.parametrize(
    "name",
    ["ResourceNotFoundException", "InvalidRequestException", "InvalidParameterException"],
)
def test_a_contact_connect_does_not_know(name: str) -> None:
    scene = Scene((404 if name.startswith("Resource") else 400, name, {"Message": "HUSH"}))
    with pytest.raises(NoSuchContact) as caught:
        scene.describe()
    assert str(caught.value) == name


def test_without_an_instance_connect_is_not_asked() -> None:
    """Given an event without instanceArn, then the failure is permanent and does not block its
    shard."""
    scene = Scene()
    with pytest.raises(NoSuchContact):
        scene.describe(instance_id="")
    assert scene.urls == []


def test_missing_permission_may_be_mended() -> None:
    with pytest.raises(DirectoryUnavailable, match="AccessDeniedException"):
        Scene(*[(403, "AccessDeniedException", {})] * 10).describe()


class Client:
    """A client that fails."""

    def __init__(self, fault: Exception) -> None:
        self.fault = fault

    def describe_contact(self, **_parameters: str) -> None:
        raise self.fault


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (ReadTimeoutError(endpoint_url="https://HUSH.example"), "ReadTimeoutError"),
        (ClientError({"Error": {}}, "DescribeContact"), ""),
    ],
)
def test_a_fault_is_reported_by_its_name_alone(fault: Exception, name: str) -> None:
    directory = ContactDirectory(lambda: Client(fault))
    with pytest.raises(DirectoryUnavailable) as caught:
        directory.describe(ContactKey(INSTANCE_ID, CONTACT_ID), Clock().deadline(0.0))
    assert str(caught.value) == name
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_client_that_cannot_be_made() -> None:
    def make() -> Any:
        raise NoRegionError

    with pytest.raises(DirectoryUnavailable, match="NoRegionError"):
        ContactDirectory(make).describe(ContactKey(INSTANCE_ID, CONTACT_ID), Clock().deadline(0.0))
