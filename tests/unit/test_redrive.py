"""Dead letters go back into their stream: which ones, how often, and what stays."""

import base64
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from moto import mock_aws

from tests.samples.lens_records import segments, utterance
from tests.samples.members import CONTACT_ID
from tests.unit import aws
from tests.unit.redrive_scene import MARKS, OTHER, RUN, Scene, record
from tests.unit.samples import contact_event, flow_event, stream_record
from voicecall_bridge.aws.dead_letters import (
    LETTER_BYTES,
    SET_ASIDE_PREFIX,
)
from voicecall_bridge.aws.given_up_batches import GivenUpBatches
from voicecall_bridge.streams.redrive import (
    GIVEN_UP,
    MARK,
    RUN_MARK,
    RedriveMistake,
    Request,
    Tally,
)


@pytest.fixture(scope="module")
def clients() -> Iterator[tuple[Any, Any]]:
    with mock_aws():
        yield aws.client("sqs"), aws.client("s3")


@pytest.fixture
def scene(clients: tuple[Any, Any]) -> Scene:
    return Scene(*clients)


def test_a_dry_run_moves_nothing(scene: Scene) -> None:
    """And a dry run is the default."""
    scene.keep("400", record(1), record(2))
    scene.keep("PARENT_MISSING", record(3))
    for _ in range(2):
        tally = Tally(found=3, redriven=3, by_reason=Counter({"400": 2, "PARENT_MISSING": 1}))
        assert asdict(scene.run()) == asdict(tally)
    assert scene.kinesis.records == []
    assert scene.waiting() == 3


def test_a_dead_letter_goes_back_as_it_came(scene: Scene) -> None:
    """Then the record goes into its own stream, under its own partition key, marked."""
    scene.keep("400", record(1))
    assert scene.run(dryRun=False).redriven == 1
    (put,) = scene.kinesis.records
    assert put["StreamARN"] == record()["eventSourceARN"]
    assert put["PartitionKey"] == "key-1"
    assert scene.kinesis.data() == [{**contact_event(), **MARKS}]
    assert scene.waiting() == 0


def test_a_dead_letter_that_was_too_large_for_the_queue(scene: Scene) -> None:
    event = contact_event(tags={"x": "y" * LETTER_BYTES})
    scene.keep("400", stream_record(event))
    assert len(scene.objects()) == 1
    assert scene.run(dryRun=False).redriven == 1
    assert scene.kinesis.data() == [{**event, **MARKS}]
    assert scene.objects() == []
    assert scene.waiting() == 0


@pytest.mark.parametrize("name", ["顧客" * 40_000, "x" * 200_000, "\\ud83d" * 40_000])
def test_a_record_as_large_as_its_stream_takes_fits_into_it_again(scene: Scene, name: str) -> None:
    """Source: Kinesis takes records up to a limit of bytes (API reference, "PutRecord"). A text in
    another alphabet must not grow when it goes back, but for the mark."""
    data = f'{{"detail-type":"x","detail":{{"name":"{name}"}}}}'.encode()
    scene.keep("400", stream_record(data))
    assert scene.run(dryRun=False).redriven == 1
    (put,) = scene.kinesis.records
    assert json.loads(put["Data"]) == {**json.loads(data), **MARKS}
    assert len(put["Data"]) <= len(data) + len(MARK) + len(RUN_MARK) + len(RUN) + 20


def test_a_payload_that_is_gone_does_not_block_the_others(scene: Scene) -> None:
    scene.keep("400", stream_record(contact_event(tags={"x": "y" * LETTER_BYTES})), record(2))
    for key in scene.objects():
        scene.s3.delete_object(Bucket=scene.bucket, Key=key)
    tally = scene.run(dryRun=False)
    assert (tally.redriven, tally.refused) == (1, Counter({"NO_STREAM": 1}))
    assert scene.waiting() == 0


def test_by_reason_and_by_contact(scene: Scene) -> None:
    scene.keep("400", record(1), record(2, OTHER))
    scene.keep("PARENT_MISSING", record(3))
    tally = scene.run(dryRun=False, reason="400", contactId=CONTACT_ID)
    assert (tally.found, tally.redriven) == (1, 1)
    assert scene.waiting() == 2
    assert scene.run(dryRun=False, contactId=OTHER).redriven == 1
    assert scene.run(dryRun=False, reason="PARENT_MISSING").redriven == 1
    assert [record["PartitionKey"] for record in scene.kinesis.records] == [
        "key-1",
        "key-2",
        "key-3",
    ]


@pytest.mark.parametrize(
    "event",
    [
        {"Detail": {"ContactId": CONTACT_ID}, "detail": {"ContactId": CONTACT_ID}},
        {"ContactId": CONTACT_ID},
        {"detail": {"contactID": CONTACT_ID}},
        {"ContactId": CONTACT_ID.upper()},
    ],
)
def test_a_contact_is_found_in_any_case(scene: Scene, event: dict[str, Any]) -> None:
    scene.keep("400", stream_record(event), record(2, OTHER))
    assert scene.run(contactId=CONTACT_ID).found == 1
    assert scene.run(contactId=CONTACT_ID.upper()).found == 1


def test_a_flows_dead_letter_is_found_by_either_contact(scene: Scene) -> None:
    """Given a block that names another contact than the flow's own, or parameters alone."""
    both = flow_event("updateVoiceCall", {"contactId": OTHER})
    scene.keep("400", both, {"Details": {"Parameters": {"ContactId": OTHER}}}, record(1))
    assert scene.run(contactId=OTHER).found == 2
    assert scene.run(contactId=CONTACT_ID).found == 2


@pytest.mark.parametrize(("times", "most", "back"), [(2, 3, 1), (3, 3, 0), (3, 4, 1), (1, 1, 0)])
def test_a_dead_letter_does_not_go_round_for_ever(
    scene: Scene, times: int, most: int, back: int
) -> None:
    scene.keep("400", record(times=times))
    tally = scene.run(dryRun=False, mostRedrives=most)
    assert (tally.found, tally.redriven) == (1, back)
    assert tally.refused == ({} if back else {"REDRIVEN_TOO_OFTEN": 1})
    assert scene.waiting() == 1 - back
    assert [data[MARK] for data in scene.kinesis.data()] == [times + 1] * back


@pytest.mark.parametrize("mark", ["3", None, [3]])
def test_a_mark_of_another_kind_counts_as_none(scene: Scene, mark: object) -> None:
    scene.keep("400", stream_record(contact_event() | {MARK: mark}))
    assert scene.run(dryRun=False).redriven == 1
    assert scene.kinesis.data()[0][MARK] == 1


@pytest.mark.parametrize("data", [b"not json", b"[1]", b'"text"', b"\xff"])
def test_a_record_that_is_not_json_is_set_aside(scene: Scene, data: bytes) -> None:
    """Given a dead letter that no redrive can use, then a dry run leaves it, and a run moves it
    into the bucket, whole."""
    letter = stream_record(data)
    scene.keep("NOT_A_CONTACT", letter)
    assert scene.run().set_aside == 0
    assert scene.waiting() == 1
    tally = scene.run(dryRun=False)
    assert (tally.refused, tally.set_aside) == ({"NOT_JSON": 1}, 1)
    assert scene.waiting() == 0
    (key,) = scene.objects()
    assert key.startswith(f"{SET_ASIDE_PREFIX}NOT_A_CONTACT/")
    stored = scene.s3.get_object(Bucket=scene.bucket, Key=key)["Body"].read()
    assert json.loads(stored)["payload"] == letter


def test_lines_are_not_said_once_more(scene: Scene) -> None:
    """Given a dead letter and a batch with lines, then the dead letter is set aside, and the batch
    stays in the bucket: a line would appear as if it was said now."""
    letter = stream_record(segments(utterance("u")))
    scene.keep("400", letter)
    tally = scene.run(dryRun=False)
    assert (tally.redriven, tally.refused, tally.set_aside) == (0, {"TOO_LATE": 1}, 1)
    assert (scene.waiting(), scene.kinesis.records) == (0, [])
    scene.put_batch(letter)
    assert scene.run(bucket=True, dryRun=False).refused == {"TOO_LATE": 1}
    assert (len(scene.objects()), scene.kinesis.records) == (2, [])


@pytest.mark.parametrize("payload", [flow_event(), None, "text", {}])
def test_what_came_from_no_stream_is_set_aside(scene: Scene, payload: object) -> None:
    """Given a flow's event, then it is set aside: the contact's events and record replace it."""
    scene.keep("400", payload)
    assert scene.run(dryRun=False).refused == {"NO_STREAM": 1}
    assert scene.waiting() == 0


def test_a_flows_event_is_found_by_its_contact(scene: Scene) -> None:
    scene.keep("400", flow_event())
    assert scene.run(contactId=CONTACT_ID).found == 1
    assert scene.run(contactId=OTHER).found == 0


@pytest.mark.parametrize("body", ["no json", "[1]"])
def test_what_is_not_a_dead_letter_is_set_aside(scene: Scene, body: str) -> None:
    scene.sqs.send_message(QueueUrl=scene.url, MessageBody=body)
    tally = scene.run(dryRun=False)
    assert tally.by_reason == {"NOT_A_LETTER": 1}
    assert tally.refused == {"NO_STREAM": 1}
    assert scene.waiting() == 0


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (ClientError({"Error": {"Code": "AccessDenied"}}, "PutRecord"), "KINESIS_AccessDenied"),
        (ReadTimeoutError(endpoint_url="https://x.example"), "KINESIS_ReadTimeoutError"),
    ],
)
def test_a_stream_that_takes_nothing(scene: Scene, fault: Exception, name: str) -> None:
    scene.keep("400", record(1), record(2))
    scene.kinesis.fault = fault
    tally = scene.run(dryRun=False)
    assert tally.refused == {name: 2}
    assert tally.redriven == 0
    assert scene.waiting() == 2


def test_a_crash_between_put_and_delete_keeps_the_dead_letter(scene: Scene) -> None:
    """Then the record goes back twice rather than never, and the ledger makes that harmless."""
    scene.keep("400", record(1))
    scene.kinesis.after = RuntimeError("the process ends here")
    with pytest.raises(RuntimeError):
        scene.run(dryRun=False)
    scene.kinesis.after = None
    assert scene.waiting() == 1
    assert scene.run(dryRun=False).redriven == 1
    assert [data[MARK] for data in scene.kinesis.data()] == [1, 1]


def test_time_that_runs_out_leaves_the_rest_in_sight(scene: Scene) -> None:
    """Given more dead letters than one run has time for, then the next run finds the rest at
    once."""
    scene.keep("400", *[record(number) for number in range(1, 13)])
    tally = scene.run(seconds=0.0, dryRun=False)
    assert not tally.finished
    assert tally.found == 0
    assert scene.waiting() == 12
    assert scene.run(dryRun=False).redriven == 12


def test_batches_that_lambda_gave_up(scene: Scene) -> None:
    scene.put_batch(record(1), record(2), key="a")
    scene.put_batch(record(3), key="b")
    tally = scene.run(bucket=True)
    assert (tally.found, tally.redriven, tally.by_reason) == (3, 3, {GIVEN_UP: 3})
    assert len(scene.objects()) == 2
    assert scene.run(bucket=True, dryRun=False).redriven == 3
    assert scene.objects() == []
    assert len(scene.kinesis.records) == 3


def test_of_a_batch_only_what_is_refused_stays(scene: Scene) -> None:
    """Then a record that went back does not go back a second time."""
    scene.put_batch(record(1), stream_record(b"poison", 2), record(3))
    tally = scene.run(bucket=True, dryRun=False)
    assert (tally.redriven, tally.refused) == (2, {"NOT_JSON": 1})
    tally = scene.run(bucket=True, dryRun=False)
    assert (tally.found, tally.redriven, tally.refused) == (1, 0, {"NOT_JSON": 1})
    assert [record["PartitionKey"] for record in scene.kinesis.records] == ["key-1", "key-3"]
    assert len(scene.objects()) == 1


def test_a_batch_of_which_nothing_goes_back_is_left_alone(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dry run, a refusal of all, and nothing that could be read."""
    monkeypatch.setattr(GivenUpBatches, "shrink", None)
    scene.put_batch(record(1), key="a")
    scene.put_batch(stream_record(b"poison"), key="b")
    scene.put_batch(key="c")
    scene.run(bucket=True)
    scene.run(bucket=True, dryRun=False, contactId=OTHER)
    assert len(scene.objects()) == 3
    assert scene.run(bucket=True, dryRun=False).redriven == 1
    assert len(scene.objects()) == 2


def test_a_contact_out_of_a_batch(scene: Scene) -> None:
    """Then the others stay in the batch as Lambda wrote it."""
    scene.put_batch(record(1), record(2, OTHER))
    (key,) = scene.objects()
    scene.run(bucket=True, contactId=OTHER)
    assert dict(scene.batches.all()) == {key: {"Records": [record(1), record(2, OTHER)]}}
    tally = scene.run(bucket=True, dryRun=False, contactId=OTHER)
    assert tally.found == 1
    assert dict(scene.batches.all()) == {key: {"Records": [record(1)]}}
    stored = scene.s3.get_object(Bucket=scene.bucket, Key=key)["Body"].read()
    assert json.loads(stored)["requestContext"] == {}
    assert scene.run(bucket=True, reason="400").found == 0


def test_time_that_runs_out_over_batches(scene: Scene) -> None:
    scene.put_batch(record(1))
    tally = scene.run(seconds=0.0, bucket=True, dryRun=False)
    assert not tally.finished
    assert len(scene.objects()) == 1


def test_dead_letters_and_batches_are_asked_for_one_at_a_time(scene: Scene) -> None:
    scene.put_batch(record(1))
    scene.keep("400", record(2))
    assert scene.run().found == 1
    assert scene.run(bucket=True).found == 1


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        "all",
        {"dryrun": False},
        {"dryRun": "false"},
        {"dryRun": None},
        {"from": "stream"},
        {"from": ["queue"]},
        {"mostRedrives": 0},
        {"mostRedrives": True},
        {"mostRedrives": "3"},
        {"mostRedrives": 1.5},
        {"contactId": 7},
        {"contactId": ""},
        {"contactId": None},
        {"reason": ["400"]},
        {"reason": " "},
        {"discard": True},
        {"discard": "yes", "reason": "400"},
    ],
    ids=repr,
)
def test_a_request_that_is_not_understood(event: object) -> None:
    """Then nothing is done, above all not everything when one contact was meant."""
    with pytest.raises(RedriveMistake):
        Request.read(event)


def test_a_request_that_is_understood() -> None:
    assert Request.read({}) == Request()
    asked = {
        "dryRun": False,
        "reason": " 400 ",
        "contactId": CONTACT_ID,
        "from": "bucket",
        "mostRedrives": 5,
    }
    assert Request.read(asked) == Request(False, "400", CONTACT_ID, True, 5)


def test_data_is_only_read_as_base64(scene: Scene) -> None:
    raw = record()
    raw["kinesis"]["data"] = base64.b64encode(b"{}").decode() + "*"
    scene.keep("400", raw)
    assert scene.run(dryRun=False).refused == {"NOT_JSON": 1}
