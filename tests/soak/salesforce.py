"""Salesforce in this process, behind requests' adapter. It makes a second record for a second POST,
which the current guide leaves open, so that every repeat shows.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import requests
import urllib3

from tests.samples.members import INSTANCE_ID
from tests.soak.centers import ORGS
from tests.soak.chance import SALESFORCE_FAULTS
from tests.soak.transcripts import Transcripts

if TYPE_CHECKING:
    from tests.soak.aws import Aws
    from tests.soak.chance import Chance
    from tests.soak.clock import Clock

_LOST = frozenset(("cut before", "cut after", "hang", "hang after"))
LINES = "/voiceCalls/messages"
_UNDONE = frozenset(("429", "500", "503", "401", "cut before", "hang"))


@dataclass(slots=True)
class Stored:
    """What Salesforce has of a contact.

    Attributes:
        ids: the records; more than one is a second VoiceCall.
        orgs: which orgs have them, by the names of their contact centers.
        stamp: LastUpdateTimestamp, in seconds, of the contact record that was PATCHed last.
        posting: a POST is under way.
        given_up_at: when the sender of that POST stops waiting for its answer.
    """

    ids: list[str] = field(default_factory=list)
    orgs: set[str] = field(default_factory=set)
    stamp: int = 0
    posting: int = 0
    given_up_at: float = 0.0


class Salesforce:
    """Answers the adapter's `send`.

    Attributes:
        stored: by vendor call key.
        violations: promises that a request broke.
        sender: kind of input that the function at work handles.
        clearing: calls with routing that this invocation has cleared, as it was answered.
        cleared: those of invocations that ended with an answer of the ledger: they are remembered.
        unlisted: contacts of a contact center that the stack does not list.
        transcripts: the lines of calls.
    """

    def __init__(self, chance: Chance, clock: Clock, aws: Aws) -> None:
        self.stored: dict[str, Stored] = {}
        self.violations: list[str] = []
        self.sender = ""
        self.clearing: set[str] = set()
        self.cleared: set[str] = set()
        self.unlisted: set[str] = set()
        self._reached: dict[str, str] = {}
        self._chance, self._clock, self._aws = chance, clock, aws
        aws.require = self.require
        self.transcripts = Transcripts(chance, aws, self.require)
        self._given_up_at = 0.0
        self._number = 0

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """One request with every fault that may hit it."""
        _connect_timeout, patience = options["timeout"]
        chance = self._chance
        chance.kill("before salesforce")
        path = str(request.path_url).split("/telephony/v1", 1)[-1]
        org = ORGS[str(urlsplit(str(request.url)).hostname)]
        members = json.loads(request.body or b"{}")
        self._check_org(str(request.method), path, org, members)
        fault = chance.fault("salesforce", SALESFORCE_FAULTS)
        self._clock.sleep(0.02 + 0.3 * chance.random.random())
        status = 200
        answer: dict[str, Any] = {}
        if fault not in _UNDONE:
            # In one thread, a delivery in between takes this one's time, and nothing ends its wait.
            self._given_up_at = self._clock.now + patience
            status, answer = self._process(str(request.method), path, org, members)
        chance.kill("after salesforce")
        if fault.startswith("hang"):
            self._clock.sleep(patience)
            raise requests.ReadTimeout
        if fault in _LOST:
            raise requests.ConnectionError("cut")
        if fault.isdigit() or fault == "500 after":
            return _response(int(fault[:3]), {"errorCode": "x"})
        if fault == "not json":
            return _response(200, b"<html>")
        if status == 200 and path.endswith("/clearRouting"):
            self.clearing.add(_key(path))
        return _response(status, answer)

    def forget(self, contact_id: str) -> int:
        """Forgets a contact of which nothing more comes. Returns how many records it has."""
        self.cleared.discard(contact_id)
        self.unlisted.discard(contact_id)
        self._reached.pop(contact_id, None)
        self.transcripts.forget(contact_id)
        stored = self.stored.pop(contact_id, None)
        return len(stored.ids) if stored else 0

    def require(self, holds: bool, broken: str) -> None:
        """Notes a promise that does not hold."""
        if not holds:
            self.violations.append(broken)

    def _check_org(self, method: str, path: str, org: str, members: dict[str, Any]) -> None:
        """All requests that make or fill a contact's record go to one org, and to a listed one."""
        key = members["vendorCallKey"] if path == "/voiceCalls" else _key(path)
        named = members.get("callCenterApiName", org)
        self.require(named == org, f"{key}: a request that names another org's contact center")
        keys = {it["vendorCallKey"] for it in members["entries"]} if path == LINES else {key}
        listed = keys.isdisjoint(self.unlisted)
        self.require(listed, f"{key}: a contact of an unlisted contact center reached an org")
        fills = path == "/voiceCalls" or (method == "PATCH" and path.count("/") == 2)
        if fills and not self._alone:
            first = self._reached.setdefault(key, org)
            self._require(first == org, f"{key}: a second org for one contact")

    def _process(
        self, method: str, path: str, org: str, members: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        if method == "POST" and path == "/voiceCalls":
            return self._create(org, members)
        if path == LINES:
            return self.transcripts.take(
                members, lambda key: key in self.stored and org in self.stored[key].orgs
            )
        key = _key(path)
        if method == "PATCH" and path.count("/") == 2:
            return self._update(key, org, members)
        if key not in self.stored:
            return 404, {"message": "unknown"}
        if path.endswith("/clearRouting"):
            self._require(key not in self.cleared, f"{key}: cleared again after an answer")
        return 200, {"status": "Success"}

    def _create(self, org: str, members: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        key = members["vendorCallKey"]
        parent = members.get("parentVoiceCallId")
        if parent and org not in (at := self.stored.get(parent, Stored()).orgs):
            # Salesforce refuses a parent of another org, now and later.
            early = self.sender == "event" and not at
            self._require(not early, f"{key}: an event's child before its parent")
            return 400, {"message": "no such parent"}
        known = "voice_call_id" in self._item(key)
        self._require(not known, f"{key}: a POST although the ledger knows its VoiceCall")
        stored = self.stored.setdefault(key, Stored())
        waited_for = stored.posting and self._clock.now <= stored.given_up_at
        self._require(not waited_for, f"{key}: two POSTs at a time")
        if self._alone:
            self._chance.interrupt()  # another environment cannot know of this one
        else:
            stored.posting += 1
            stored.given_up_at = self._given_up_at
            self._chance.interrupt()
            stored.posting -= 1
        self._store(stored, org)
        return 200, {"voiceCallId": stored.ids[-1], "errors": []}

    def _update(self, key: str, org: str, members: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        stored = self.stored.setdefault(key, Stored())
        if org not in stored.orgs:
            self._store(stored, org)
        fields = json.loads(members.get("callAttributes", "{}"))
        if "Stamp" in fields:
            stamp = int(fields["Stamp"])
            known = float(self._item(key).get("record_version", {}).get("N", 0))
            newest = int(known / 1000) if known else 0
            self._require(
                stamp >= newest, f"{key}: a version behind a newer one that the ledger knows"
            )
            stored.stamp = stamp
        self._chance.interrupt()
        return 200, {"status": "pending"}

    def _store(self, stored: Stored, org: str) -> None:
        self._number += 1
        stored.ids.append(f"0LQ{self._number:012d}")
        stored.orgs.add(org)

    def _item(self, key: str) -> dict[str, Any]:
        return self._aws.table.items.get(f"{INSTANCE_ID}/{key}", {})

    @property
    def _alone(self) -> bool:
        """A flow goes on without its ledger, and others do not: docs/guarantees.md."""
        return self.sender == "flow" and "dynamodb" in self._aws.failed

    def _require(self, holds: bool, broken: str) -> None:
        self.require(holds or self._alone, broken)


def _key(path: str) -> str:
    return unquote(path.split("/")[2]) if path.count("/") > 1 else ""


def _response(status: int, content: dict[str, Any] | bytes) -> requests.Response:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    response = requests.Response()
    response.status_code = status
    response.raw = urllib3.HTTPResponse(body=io.BytesIO(body), status=status, preload_content=False)
    return response
