"""The settings of `redrive`: it talks to queue, bucket and streams, and to nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicecall_bridge.settings.shared import DeadLetterSettings, EnvironmentReader

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class RedriveSettings:
    """Checked settings.

    Attributes:
        dead_letters: where dead letters are.
    """

    dead_letters: DeadLetterSettings

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> RedriveSettings:
        """Reads and checks all settings.

        Raises:
            SettingsError: naming every variable that is missing or faulty.
        """
        reader = EnvironmentReader(environment)
        settings = cls(DeadLetterSettings.read(reader))
        reader.check()
        return settings
