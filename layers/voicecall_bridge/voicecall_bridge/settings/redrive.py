"""The settings of `redrive`: it talks to queue, bucket, streams and one function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicecall_bridge.settings.shared import EnvironmentReader
from voicecall_bridge.settings.stack import DeadLetterSettings

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class RedriveSettings:
    """Checked settings.

    Attributes:
        dead_letters: where dead letters are.
        post_call_function: name of the function that reads files of Contact Lens.
    """

    dead_letters: DeadLetterSettings
    post_call_function: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> RedriveSettings:
        """Reads and checks all settings.

        Raises:
            SettingsError: naming every variable that is missing or faulty.
        """
        reader = EnvironmentReader(environment)
        settings = cls(DeadLetterSettings.read(reader), reader.text("POST_CALL_FUNCTION"))
        reader.check()
        return settings
