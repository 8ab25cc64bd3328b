"""The results of a sample since it began: requests, dead letters and setting faults."""

from collections import Counter
from collections.abc import Collection, Sequence
from urllib.parse import unquote, urlsplit

from simulator.replay.comparison import count_differences, line_differences
from simulator.salesforce import Exchange
from simulator.samples.operations import ACTIONS
from simulator.samples.steps import (
    ExpectDeadLetters,
    ExpectLines,
    ExpectRequests,
    ExpectSettingFaults,
    Sample,
)
from simulator.simulator import Simulator


class Evidence:
    """Begins with the sample; costs nothing where the sample does not ask for it."""

    def __init__(self, simulator: Simulator, sample: Sample) -> None:
        """Remember what was there before `sample`."""
        self._simulator = simulator
        steps = sample.steps
        counts = any(isinstance(step, ExpectRequests) for step in steps)
        looks = any(isinstance(step, ExpectDeadLetters) for step in steps)
        self._exchanges = len(simulator.salesforce.journal()) if counts else 0
        self._described = len(simulator.connect.journal) if counts else 0
        self._letters = self._reasons() if looks else Counter()
        self._setting_faults = len(simulator.setting_faults)

    def requests(self, contacts: Collection[str]) -> Counter[str]:
        """Requests about `contacts` since then, by operation (see ExpectRequests)."""
        counted: Counter[str] = Counter()
        for exchange in self._simulator.salesforce.journal()[self._exchanges :]:
            for operation in {it for it, contact in operations_of(exchange) if contact in contacts}:
                counted[operation] += 1
        for request in self._simulator.connect.journal[self._described :]:
            if request.contact_id in contacts:
                counted["throttled" if request.status == 429 else "describeContact"] += 1
        return counted

    def differences(
        self, step: ExpectDeadLetters | ExpectSettingFaults | ExpectLines
    ) -> tuple[str, list[str]]:
        """The thing that a step looks at, and how it differs from what the step expects."""
        if isinstance(step, ExpectLines):
            actions = self._simulator.salesforce.actions()
            return "the transcripts", line_differences(step.lines, actions)
        if isinstance(step, ExpectSettingFaults):
            faults = self._simulator.setting_faults[self._setting_faults :]
            reported = Counter({it.item for it in faults})
            wanted = Counter(set(step.items))
            return "the setting faults", count_differences("setting faults of", wanted, reported)
        came = self._reasons()
        came.subtract(self._letters)
        reasons = {reason: number for reason, number in came.items() if number}
        found = count_differences("dead letters of", Counter(step.reasons), reasons)
        return "the dead letters", found

    def _reasons(self) -> Counter[str]:
        return Counter(letter.reason for letter in self._simulator.dead_letters())


def operations_of(exchange: Exchange) -> list[tuple[str, str]]:
    """Operation and vendor call key of a request to Salesforce: one for each call it is about."""
    path = urlsplit(exchange.path).path.split("/")
    if path[-2:] != ["voiceCalls", "messages"]:
        return [_operation_of(exchange, path)]
    body = exchange.body if isinstance(exchange.body, dict) else {}
    entries = body.get("entries")
    keys = [it.get("vendorCallKey") for it in entries or [] if isinstance(it, dict)]
    return [("bulkMessages", str(key)) for key in keys]


def _operation_of(exchange: Exchange, path: Sequence[str]) -> tuple[str, str]:
    last = path[-1]
    if last == "voiceCalls":
        body = exchange.body if isinstance(exchange.body, dict) else {}
        return "create", str(body.get("vendorCallKey", ""))
    if last in ACTIONS:
        return last, unquote(path[-2])
    if path[-2] == "route":  # routeVoiceCall, as Salesforce's own package sends it
        return "routeVoiceCall", unquote(last)
    return "update", unquote(last)
