"""The settings of `post_call_analysis`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from voicecall_bridge.settings.shared import (
    INSTANCE_SETTING,
    DeadLetterSettings,
    EnvironmentReader,
    ItemFault,
    SalesforceSettings,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")


class PostCallFiles(StrEnum):
    """Which of Contact Lens' files are read, where it writes a call's twice."""

    ORIGINAL = "original"
    REDACTED = "redacted"


@dataclass(frozen=True, slots=True)
class PostCallAnalysisSettings:
    """Checked settings.

    Attributes:
        salesforce: how Salesforce is reached.
        ledger_table: name of the DynamoDB table.
        dead_letters: where dead letters go.
        instance_arn: the instance of the calls: a file does not name it.
        files: see PostCallFiles.
        summary_field: field of the VoiceCall for the summary; empty: none.
        item_faults: items of lists that are wrong.
    """

    salesforce: SalesforceSettings
    ledger_table: str
    dead_letters: DeadLetterSettings
    instance_arn: str
    files: PostCallFiles = PostCallFiles.ORIGINAL
    summary_field: str = ""
    item_faults: tuple[ItemFault, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> PostCallAnalysisSettings:
        """Reads and checks all settings.

        Raises:
            SettingsError: naming every variable that is missing or faulty.
        """
        reader = EnvironmentReader(environment)
        settings = cls(
            SalesforceSettings.read(reader),
            reader.required("LEDGER_TABLE"),
            DeadLetterSettings.read(reader),
            reader.text(INSTANCE_SETTING),
            reader.choice("POST_CALL_FILES", PostCallFiles.ORIGINAL),
            reader.text("POST_CALL_SUMMARY_FIELD"),
            tuple(reader.item_faults),
        )
        if settings.summary_field and not _FIELD.fullmatch(settings.summary_field):
            reader.faults.append("POST_CALL_SUMMARY_FIELD must be the API name of a field")
        reader.check()
        return settings
