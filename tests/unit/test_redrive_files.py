"""Contact Lens files that became dead letters are announced once more."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from tests.samples.members import CONTACT_ID
from tests.unit.redrive_scene import RUN, Scene
from tests.unit.test_contact_lens_source import KEY, created
from tests.unit.test_redrive import clients, scene
from voicecall_bridge.streams.redrive import GIVEN_UP, MARK, RUN_MARK

__all__ = ["clients", "scene"]  # fixtures

EVENT = created(KEY.format(contact=CONTACT_ID))


def given_up(scene: Scene, event: dict[str, Any]) -> None:
    """A message in the form of Lambda's failure destination."""
    record = {"version": "1.0", "requestContext": {}, "requestPayload": event}
    scene.sqs.send_message(QueueUrl=scene.url, MessageBody=json.dumps(record))


def test_a_file_that_lambda_gave_up(scene: Scene) -> None:
    given_up(scene, EVENT)
    assert scene.run(reason=GIVEN_UP).found == 1
    assert scene.functions.events == []
    tally = scene.run(dryRun=False, contactId=CONTACT_ID)
    assert (tally.redriven, scene.waiting()) == (1, 0)
    assert scene.functions.events == [{**EVENT, MARK: 1, RUN_MARK: RUN}]
    assert scene.kinesis.records == []


def test_a_file_that_the_function_kept(scene: Scene) -> None:
    scene.keep("400", EVENT)
    assert scene.run(dryRun=False).redriven == 1
    assert scene.functions.events == [{**EVENT, MARK: 1, RUN_MARK: RUN}]


def test_not_for_ever(scene: Scene) -> None:
    scene.keep("400", {**EVENT, MARK: 3})
    assert scene.run(dryRun=False).refused == {"REDRIVEN_TOO_OFTEN": 1}
    assert scene.functions.events == []


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (ClientError({"Error": {"Code": "TooManyRequests"}}, "Invoke"), "LAMBDA_TooManyRequests"),
        (EndpointConnectionError(endpoint_url="x"), "LAMBDA_EndpointConnectionError"),
    ],
)
def test_what_lambda_does_not_take_stays(scene: Scene, fault: Exception, why: str) -> None:
    scene.keep("400", EVENT)
    scene.functions.fault = fault
    assert scene.run(dryRun=False).refused == {why: 1}
    assert scene.waiting() == 1


def test_a_file_without_a_contact_belongs_to_none(scene: Scene) -> None:
    scene.keep("400", {"detail-type": "Object Created"})
    assert scene.run(contactId=CONTACT_ID).found == 0
