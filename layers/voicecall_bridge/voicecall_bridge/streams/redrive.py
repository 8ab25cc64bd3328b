"""Dead letters back into their stream, on demand.

A dead letter that keeps failing must not return for ever: the record's JSON carries how often it
was put back (contact events and contact records may have members that are not known), and beyond
the limit it stays where it is.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from voicecall_bridge.aws.dead_letters import DeadLetterLost
from voicecall_bridge.contact import NotAContact
from voicecall_bridge.sources import kinesis
from voicecall_bridge.sources.kinds import Kind, kind_of
from voicecall_bridge.sources.post_call_file import FILE_CREATED, read_event
from voicecall_bridge.sources.reading import members, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voicecall_bridge.aws.announcements import Announcements
    from voicecall_bridge.aws.dead_letters import DeadLetter, DeadLetterQueue
    from voicecall_bridge.aws.given_up_batches import GivenUpBatches
    from voicecall_bridge.deadline import Deadline

GIVEN_UP = "GIVEN_UP"
"""The reason of records in batches that Lambda gave up."""
MARK = "voiceCallBridgeRedrives"
"""Member of a record's JSON: how often it was put back into its stream."""


RUN_MARK = "voiceCallBridgeRedriveRun"
"""Member of a record's JSON: the run that put it back last. A dead letter that fails again during a
run carries the run's own mark, and that run leaves it alone."""
NEVER = frozenset({"NO_STREAM", "NOT_JSON", "TOO_LATE"})
"""Refusals of dead letters that no later run can bring back either."""
_MEMBERS = ("dryRun", "reason", "contactId", "from", "mostRedrives", "discard")


class RedriveMistake(ValueError):
    """The request cannot be understood; the text names the cure."""


@dataclass(frozen=True, slots=True)
class Request:
    """The request of a redrive.

    Attributes:
        dry_run: only count; the default.
        reason, contact_id: only dead letters with this reason, of this contact; empty: all.
        batches: the batches that Lambda gave up, in the bucket, instead of the queue.
        most_redrives: how often a dead letter may be put back altogether.
        discard: delete the dead letters instead of putting them back.
    """

    dry_run: bool = True
    reason: str = ""
    contact_id: str = ""
    batches: bool = False
    most_redrives: int = 3
    discard: bool = False

    @classmethod
    def read(cls, event: object) -> Request:
        """Reads an object with members of _MEMBERS; all are optional.

        Raises:
            RedriveMistake: naming the member and what it takes.
        """
        asked = members(event)
        if not isinstance(event, dict) or set(asked) - set(_MEMBERS):
            raise RedriveMistake(f"the event is an object with members of {sorted(_MEMBERS)}")
        most = asked.get("mostRedrives", 3)
        if not isinstance(most, int) or isinstance(most, bool) or most < 1:
            raise RedriveMistake("mostRedrives is a number from 1")
        if asked.get("from", "queue") not in ("queue", "bucket"):
            raise RedriveMistake("from is queue or bucket")
        request = cls(
            dry_run=_truth(asked, "dryRun", default=True),
            reason=_chosen(asked, "reason"),
            contact_id=_chosen(asked, "contactId"),
            batches=asked.get("from") == "bucket",
            most_redrives=most,
            discard=_truth(asked, "discard", default=False),
        )
        if request.discard and not (request.reason or request.contact_id):
            raise RedriveMistake("discard needs a reason or a contactId: it never deletes all")
        return request


@dataclass(slots=True)
class Tally:
    """The result of a redrive, in counts.

    Attributes:
        found: records that match the request.
        redriven: records that are back in their stream, or would be in a dry run.
        discarded: records that are deleted, or would be.
        set_aside: dead letters that no redrive can bring back, moved into the bucket.
        failed_again: dead letters that came back during this run; it leaves them alone.
        refused: why, and how many.
        by_reason: the reasons they were given up for, and how many.
        finished: false when the time ran out, or a fault stopped the run.
        fault: the name of that fault; empty: none.
    """

    found: int = 0
    redriven: int = 0
    discarded: int = 0
    set_aside: int = 0
    failed_again: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    by_reason: Counter[str] = field(default_factory=Counter)
    finished: bool = True
    fault: str = ""


@dataclass(eq=False, repr=False, slots=True)
class Redrive:
    """Puts records back, or discards them.

    Attributes:
        dead_letters: the queue.
        batches: batches that Lambda gave up, in the bucket.
        client: gives the Kinesis client when it is needed.
        files: announces files of Contact Lens once more.
        new_run: makes the mark of a run.
    """

    dead_letters: DeadLetterQueue
    batches: GivenUpBatches
    client: Callable[[], Any]
    files: Announcements
    new_run: Callable[[], str] = lambda: uuid.uuid4().hex[:8]

    def run(self, request: Request, deadline: Deadline) -> Tally:
        """Does the request, as far as the time goes; a fault ends the run and is in the tally."""
        tally, run = Tally(), self.new_run()
        try:
            if request.batches:
                self._batches(request, deadline, tally, run)
            else:
                self._letters(request, deadline, tally, run)
        except DeadLetterLost as error:
            tally.finished, tally.fault = False, str(error)
        return tally

    def _letters(self, request: Request, deadline: Deadline, tally: Tally, run: str) -> None:
        stay: list[str] = []  # receipts alone: tens of thousands of payloads fit no function
        try:
            with closing(self.dead_letters.letters()) as letters:
                for letter in letters:
                    stay.append(letter.receipt)
                    if not deadline.allows(0.0):
                        tally.finished = False
                        return
                    if self._letter(request, letter, tally, run):
                        stay.pop()
        finally:
            self.dead_letters.show_again(stay)

    def _letter(self, request: Request, letter: DeadLetter, tally: Tally, run: str) -> bool:
        """Whether the dead letter has left the queue."""
        record = members(letter.payload)
        if not _wanted(request, letter.reason, record):
            return False
        if _data(record).get(RUN_MARK) == run:
            tally.failed_again += 1
            return False
        why = self._done(request, letter.reason, record, tally, run)
        if request.dry_run or (why and why not in NEVER):
            return False
        if why:
            self.dead_letters.set_aside(letter)
            tally.set_aside += 1
        else:
            self.dead_letters.remove(letter)
        return True

    def _batches(self, request: Request, deadline: Deadline, tally: Tally, run: str) -> None:
        for key, batch in self.batches.all():
            if not deadline.allows(0.0):
                tally.finished = False
                return
            records = [record.raw for record in kinesis.read(batch)]
            left = [
                record
                for record in records
                if not _wanted(request, GIVEN_UP, record)
                or self._done(request, GIVEN_UP, record, tally, run)
                or request.dry_run
            ]
            if left and len(left) < len(records):
                self.batches.shrink(key, left)
            elif records and not left:
                self.batches.remove(key)

    def _done(
        self, request: Request, reason: str, record: Mapping[str, object], tally: Tally, run: str
    ) -> str:
        """Does it, or counts it in a dry run; why it was refused, empty where it was not."""
        tally.found += 1
        tally.by_reason[reason] += 1
        if request.discard:
            tally.discarded += 1
            return ""
        why = _refusal(request, record)
        if not why and not request.dry_run:
            puts = self._announce if _is_file(record) else self._put
            why = puts(record, run)
        if why:
            tally.refused[why] += 1
        else:
            tally.redriven += 1
        return why

    def _announce(self, record: Mapping[str, object], run: str) -> str:
        return self.files.announce({**record, MARK: _times(record) + 1, RUN_MARK: run})

    def _put(self, record: Mapping[str, object], run: str) -> str:
        data = _data(record)
        try:
            self.client().put_record(
                StreamARN=text(record.get("eventSourceARN")),
                PartitionKey=text(members(record.get("kinesis")).get("partitionKey")),
                Data=_written({**data, MARK: _times(data) + 1, RUN_MARK: run}),
            )
        except ClientError as error:
            return f"KINESIS_{error.response['Error'].get('Code', '')}"
        except BotoCoreError as error:
            return f"KINESIS_{type(error).__name__}"
        return ""


def _truth(asked: Mapping[str, object], name: str, *, default: bool) -> bool:
    value = asked.get(name, default)
    if isinstance(value, bool):
        return value
    raise RedriveMistake(f"{name} is true or false")


def _chosen(asked: Mapping[str, object], name: str) -> str:
    """The members that narrow the request; a slip here must not widen it to everything."""
    if name not in asked:
        return ""
    if chosen := text(asked[name]):
        return chosen
    raise RedriveMistake(f"{name} is a text, or left out for all")


def _refusal(request: Request, record: Mapping[str, object]) -> str:
    """Why the record is not put back; empty when it may be."""
    if not _is_file(record) and not text(record.get("eventSourceARN")):
        return "NO_STREAM"  # a flow's event: the contact's events and record take it up
    data = _data(record)
    if not data:
        return "NOT_JSON"
    if kind_of(data) is Kind.CONTACT_LENS:
        return "TOO_LATE"  # in its stream once more a line would look as if it was said now
    return "REDRIVEN_TOO_OFTEN" if _times(data) >= request.most_redrives else ""


def _written(data: Mapping[str, object]) -> bytes:
    # No longer than it was: a record may be as large as its stream takes.
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can write and UTF-8 cannot
        return json.dumps(data, separators=(",", ":")).encode()


def _times(data: Mapping[str, object]) -> int:
    times = data.get(MARK, 0)
    return times if isinstance(times, int) else 0


def _wanted(request: Request, reason: str, record: Mapping[str, object]) -> bool:
    if request.reason and request.reason != reason:
        return False
    return not request.contact_id or request.contact_id.lower() in _contact_ids(record)


def _is_file(record: Mapping[str, object]) -> bool:
    """Whether it is the announcement of a file."""
    return record.get("detail-type") == FILE_CREATED


def _contact_ids(record: Mapping[str, object]) -> set[str]:
    """In lower case: an operator may have copied it in another one."""
    if _is_file(record):
        try:
            return {read_event(record).contact_id.lower()}
        except NotAContact:
            return set()
    data, flow = _data(record), members(record.get("Details"))
    # A flow's event has no data, and may name another contact than its own.
    places = (data, data.get("detail"), flow.get("ContactData"), flow.get("Parameters"))
    return {
        text(item).lower()
        for place in places
        for key, item in members(place).items()
        if key.lower() == "contactid"
    }


def _data(record: Mapping[str, object]) -> Mapping[str, object]:
    """The record's JSON object; empty for everything else."""
    if _is_file(record):
        return record
    raw = members(record.get("kinesis")).get("data")
    try:
        return members(json.loads(base64.b64decode(text(raw), validate=True)))
    except (ValueError, RecursionError):
        return {}
