"""The use cases of contact events with one outcome for all of them."""

from typing import Any

from voicecall_bridge.contact import Contact
from voicecall_bridge.deadline import Deadline
from voicecall_bridge.telephony.answers import SalesforceResult
from voicecall_bridge.use_cases.routing import Routing
from voicecall_bridge.use_cases.safety_net import SafetyNet


class Scripted:
    """The use cases with one outcome for all of them."""

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome
        self.asked: list[tuple[str, str]] = []
        self.late: bool | None = None
        self.end_fault: Exception | None = None

    def of(self, what: str, contact: Contact, late: bool | None = None) -> SalesforceResult:
        self.asked.append((what, contact.contact_id))
        self.late = late
        if isinstance(self.outcome, Exception):
            raise self.outcome
        result: SalesforceResult = self.outcome
        return result


class ScriptedSafetyNet(SafetyNet):
    """Creates as the script says."""

    def __init__(self, script: Scripted) -> None:
        self.script = script

    def ensure(self, contact: Contact, late: bool, deadline: Deadline) -> SalesforceResult:
        return self.script.of("ensure", contact, late)

    def remember_end(self, contact: Contact) -> None:
        self.script.asked.append(("end", contact.contact_id))
        if self.script.end_fault:
            raise self.script.end_fault


class ScriptedRouting(Routing):
    """Clears and reroutes as the script says."""

    def __init__(self, script: Scripted) -> None:
        self.script = script

    def clear(self, contact: Contact, deadline: Deadline) -> SalesforceResult:
        return self.script.of("clear", contact)

    def reroute(self, contact: Contact, late: bool, deadline: Deadline) -> SalesforceResult:
        return self.script.of("reroute", contact, late)
