"""How inputs ended, kept while an input of their call has not ended.

When the last input of a call has ended, the call's promises are checked and the call is forgotten:
a long soak takes no more memory than a short one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.soak.aws import Aws
    from tests.soak.calls import Call, Input
    from tests.soak.salesforce import Salesforce

_NEVER_SENT = ("dead_lettered", "given up", "OTHER_CONTACT_CENTER")
"""Ends of a record's version after which Salesforce need not have it."""


@dataclass(slots=True)
class _Open:
    """A call with inputs that have not ended.

    Attributes:
        call: the call.
        inputs: how many they are.
        newest: LastUpdateTimestamp of the newest record of each contact.
        ends: how records ended, by contact.
    """

    call: Call
    inputs: int
    newest: dict[str, int] = field(default_factory=dict)
    ends: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


class Books:
    """The open calls, and the tally of all.

    Attributes:
        ends: how inputs ended, by disposition and reason.
        second_calls: VoiceCalls beyond the first of a contact.
        answered: invocations by a flow that were answered; `flow_lines`: lines of flows.
    """

    def __init__(self, aws: Aws, salesforce: Salesforce) -> None:
        self.ends: Counter[str] = Counter()
        self.second_calls = 0
        self.answered = self.flow_lines = 0
        self._open: dict[str, _Open] = {}
        self._chain_of: dict[str, str] = {}
        self._copies: dict[str, tuple[Input, int]] = {}
        self._logged: set[str] = set()
        self._aws, self._salesforce = aws, salesforce
        aws.on_park = aws.lines.on_park = self.copied

    def begin(self, call: Call) -> None:
        """A call, before its first input."""
        chain = call.contacts[0]["ContactId"]
        opened = self._open[chain] = _Open(call, len(call.inputs))
        for contact in call.contacts:
            self._chain_of[contact["ContactId"]] = chain
            if call.unlisted:
                self._salesforce.unlisted.add(contact["ContactId"])
        for one in call.inputs:
            if one.kind == "record":
                stamp = int(one.body["Attributes"]["sfdc-Stamp"])
                opened.newest[one.contact_id] = max(opened.newest.get(one.contact_id, 0), stamp)

    def arrived(self, record_id: str, one: Input) -> None:
        """An input is put into its stream."""
        self._copies[record_id] = one, 1
        if one.kind == "line":
            self._salesforce.transcripts.arrived(record_id, one.contact_id, one.body)

    def copied(self, record_id: str) -> None:
        """A copy of the record is put into a queue."""
        one, copies = self._copies[record_id]
        self._copies[record_id] = one, copies + 1

    def gone(self, record_id: str) -> bool:
        """The record left its stream or its queue. Returns whether it has ended, or another copy is
        left."""
        one, copies = self._copies[record_id]
        ended = record_id in self._logged
        if copies > 1:
            self._copies[record_id] = one, copies - 1
            return True
        del self._copies[record_id]
        self._logged.discard(record_id)
        self.ended(one.chain)
        return ended

    def is_accounted_for(self, record_id: str) -> bool:
        """Whether the record, which lies in its stream, has ended or lies in a queue."""
        return record_id in self._logged or self._copies[record_id][1] > 1

    def given_up(self, contact_id: str) -> None:
        """Lambda has given a record up."""
        self.ends["given up by Lambda"] += 1
        self._record_ended(contact_id, "given up")

    def note(self, line: dict[str, Any]) -> None:
        """Notes a line of the log that says how an input ended."""
        if line["source"] == "contact_flow":
            self.flow_lines += 1
        else:
            self._logged.add(line["inputId"])
        end = f"{line['disposition']} {line['reason']}".strip()
        self.ends[end] += 1
        if line["source"] == "contact_lens":
            one, _ = self._copies[line["inputId"]]
            self._salesforce.transcripts.ended(line, one.body)
        if line["source"] == "contact_records":
            self._record_ended(line["ContactId"], end)

    def _record_ended(self, contact_id: str, end: str) -> None:
        if chain := self._chain_of.get(contact_id):
            self._open[chain].ends[contact_id].add(end)

    def ended(self, chain: str) -> None:
        """An input of the chain has ended; with the last one, the call is checked and forgotten."""
        opened = self._open[chain]
        opened.inputs -= 1
        if opened.inputs:
            return
        for contact_id, stamp in opened.newest.items():
            stored = self._salesforce.stored.get(contact_id)
            stands = stored is not None and stored.stamp == stamp
            ends = opened.ends[contact_id]
            excused = any(word in end for end in ends for word in _NEVER_SENT)
            broken = f"{contact_id}: the newest version is not in Salesforce"
            self._salesforce.require(stands or excused, broken)
        for contact in opened.call.contacts:
            contact_id = contact["ContactId"]
            self.second_calls += max(0, self._salesforce.forget(contact_id) - 1)
            self._aws.forget(contact_id)
            del self._chain_of[contact_id]
        del self._open[chain]

    def close(self) -> None:
        """The end: everything has ended, and each answer to a flow has its line."""
        self._salesforce.require(not self._open, f"calls that did not end: {len(self._open)}")
        self._salesforce.require(
            self.flow_lines >= self.answered, "a flow's invocation that ended without its line"
        )
