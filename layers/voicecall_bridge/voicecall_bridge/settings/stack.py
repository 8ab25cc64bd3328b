"""Settings of every function but the flow's. Its module does without: a caller waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicecall_bridge.settings.shared import INSTANCE_SETTING, SalesforceSettings

if TYPE_CHECKING:
    from voicecall_bridge.settings.shared import EnvironmentReader, ItemFault


@dataclass(frozen=True, slots=True)
class DeadLetterSettings:
    """The queue and the bucket of dead letters.

    Attributes:
        queue_url: SQS queue.
        bucket: S3 bucket of payloads too large for the queue; empty: there are none.
    """

    queue_url: str
    bucket: str = ""

    @classmethod
    def read(cls, reader: EnvironmentReader) -> DeadLetterSettings:
        """Reads both settings. Faults are added to the reader's."""
        return cls(reader.required("DEAD_LETTER_QUEUE_URL"), reader.text("FAILURE_BUCKET"))


@dataclass(frozen=True, slots=True)
class StackSettings:
    """The settings of every function that is fed with events, records or files.

    Attributes:
        salesforce: how Salesforce is reached.
        ledger_table: name of the DynamoDB table.
        dead_letters: where dead letters go.
        item_faults: items of lists that are wrong, of the function's own lists too.
        instance_arn: the instance of inputs that name none; empty: not known.
    """

    salesforce: SalesforceSettings
    ledger_table: str
    dead_letters: DeadLetterSettings
    item_faults: tuple[ItemFault, ...] = ()
    instance_arn: str = ""

    @classmethod
    def read(cls, reader: EnvironmentReader) -> StackSettings:
        """Reads all settings; last, since it takes the reader's item faults.

        Raises:
            SettingsError: naming every variable that is missing or faulty, of those that were read
                before as well.
        """
        settings = cls(
            SalesforceSettings.read(reader),
            reader.required("LEDGER_TABLE"),
            DeadLetterSettings.read(reader),
            tuple(reader.item_faults),
            reader.text(INSTANCE_SETTING),
        )
        reader.check()
        return settings
