"""The settings of `post_call_analysis`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from voicecall_bridge.settings.shared import EnvironmentReader
from voicecall_bridge.settings.stack import StackSettings

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
        stack: see StackSettings; its instance is that of all calls, since a file names none.
        files: see PostCallFiles.
        summary_field: field of the VoiceCall for the summary; empty: none.
    """

    stack: StackSettings
    files: PostCallFiles = PostCallFiles.ORIGINAL
    summary_field: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> PostCallAnalysisSettings:
        """Reads and checks all settings.

        Raises:
            SettingsError: naming every variable that is missing or faulty.
        """
        reader = EnvironmentReader(environment)
        files = reader.choice("POST_CALL_FILES", PostCallFiles.ORIGINAL)
        summary_field = reader.text("POST_CALL_SUMMARY_FIELD")
        if summary_field and not _FIELD.fullmatch(summary_field):
            reader.faults.append("POST_CALL_SUMMARY_FIELD must be the API name of a field")
        return cls(StackSettings.read(reader), files, summary_field)
