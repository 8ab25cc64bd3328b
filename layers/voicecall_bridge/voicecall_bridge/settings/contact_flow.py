"""The settings of `contact_flow`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from voicecall_bridge.settings.sent_records import SentRecords
from voicecall_bridge.settings.shared import (
    INSTANCE_SETTING,
    EnvironmentReader,
    ItemFault,
    SalesforceSettings,
    SettingsError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_RESERVE_SECONDS = 1.5
_LEAST_SHARE = 0.6
_SHORTEST_LIMIT = 1.0
_LONGEST_LIMIT = 8.0


class FlowFailure(StrEnum):
    """The flow's result when its request fails: an answer that says so, or its Error branch."""

    CONTINUE = "continue"
    ERROR = "error"


class FlowSettingsError(SettingsError):
    """Settings of `contact_flow` that cannot be used. Flows still get an answer.

    Attributes:
        budget: seconds for an answer, by the time limit if that is sound, else by the shortest.
        failure: what the flow gets, as far as it can be read.
        dead_letter_queue_url: where events are kept meanwhile; empty: nowhere.
    """

    def __init__(
        self, text: str, budget: float, failure: FlowFailure, dead_letter_queue_url: str
    ) -> None:
        super().__init__(text)
        self.budget = budget
        self.failure = failure
        self.dead_letter_queue_url = dead_letter_queue_url


@dataclass(frozen=True, slots=True)
class ContactFlowSettings:
    """Checked settings.

    Attributes:
        salesforce: how Salesforce is reached.
        ledger_table: name of the DynamoDB table.
        dead_letter_queue_url: SQS queue of the dead letters. A flow's event always fits into it.
        time_limit_seconds: the limit set in the flow's Lambda block, 1 to 8.
        failure: see FlowFailure.
        instance_arn: the instance of contacts that do not name theirs; empty: not known.
        sent_records: which contacts will have a VoiceCall by their records.
        item_faults: items of lists that are wrong.
    """

    salesforce: SalesforceSettings
    ledger_table: str
    dead_letter_queue_url: str
    time_limit_seconds: float = _LONGEST_LIMIT
    failure: FlowFailure = FlowFailure.CONTINUE
    instance_arn: str = ""
    sent_records: SentRecords = field(default_factory=SentRecords)
    item_faults: tuple[ItemFault, ...] = ()

    @property
    def budget_seconds(self) -> float:
        """Seconds for an answer: the block's limit less what start-up and the way back take."""
        return _budget(self.time_limit_seconds)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ContactFlowSettings:
        """Reads and checks all settings.

        Raises:
            FlowSettingsError: naming every variable that is missing or faulty.
        """
        reader = EnvironmentReader(environment)
        salesforce = SalesforceSettings.read(reader)
        table = reader.required("LEDGER_TABLE")
        queue_url = reader.required("DEAD_LETTER_QUEUE_URL")
        failure = reader.choice("FLOW_FAILURE", FlowFailure.CONTINUE)
        limit = reader.seconds(
            "FLOW_TIME_LIMIT_SECONDS", _LONGEST_LIMIT, _SHORTEST_LIMIT, _LONGEST_LIMIT
        )
        instance_arn = reader.text(INSTANCE_SETTING)
        if reader.faults or limit is None:
            budget = _budget(limit or _SHORTEST_LIMIT)
            raise FlowSettingsError("; ".join(reader.faults), budget, failure, queue_url)
        return cls(
            salesforce,
            table,
            queue_url,
            limit,
            failure,
            instance_arn,
            SentRecords.read(reader),
            tuple(reader.item_faults),
        )


def _budget(limit: float) -> float:
    return max(limit - _RESERVE_SECONDS, limit * _LEAST_SHARE)
