"""The settings of `contact_lens`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from voicecall_bridge.settings.shared import EnvironmentReader
from voicecall_bridge.settings.stack import StackSettings
from voicecall_bridge.sources.contact_lens import LineSource
from voicecall_bridge.voice_call.transcript import Sender

if TYPE_CHECKING:
    from collections.abc import Mapping

SHORTEST_AGE, LONGEST_AGE = 5.0, 3600.0


class Switch(StrEnum):
    """Whether something is done."""

    YES = "yes"
    NO = "no"


@dataclass(frozen=True, slots=True)
class LensOptions:
    """The parts of Contact Lens' segments that are sent.

    Attributes:
        source: which segments become lines.
        others: the sender of lines of neither the agent nor the customer.
        max_age: seconds after which a line is no longer shown.
        categories: whether matched categories are sent.
    """

    source: LineSource = LineSource.UTTERANCE
    others: Sender = Sender.END_USER
    max_age: float = 120.0
    categories: bool = True


@dataclass(frozen=True, slots=True)
class ContactLensSettings:
    """Checked settings.

    Attributes:
        stack: see StackSettings; the bucket of its dead letters keeps lines that came too late.
        waiting_queue_url: SQS queue of records that have to wait.
        options: what is sent.
    """

    stack: StackSettings
    waiting_queue_url: str
    options: LensOptions = LensOptions()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ContactLensSettings:
        """Reads and checks all settings.

        Raises:
            SettingsError: naming every variable that is missing or faulty.
        """
        reader = EnvironmentReader(environment)
        default = LensOptions()
        max_age = reader.seconds(
            "TRANSCRIPT_MAX_AGE_SECONDS", default.max_age, SHORTEST_AGE, LONGEST_AGE
        )
        options = LensOptions(
            reader.choice("TRANSCRIPT_LINES", default.source),
            reader.choice("TRANSCRIPT_OTHER_PARTICIPANTS", default.others),
            default.max_age if max_age is None else max_age,
            reader.choice("CONTACT_LENS_CATEGORIES", Switch.YES) is Switch.YES,
        )
        waiting_queue = reader.required("WAITING_QUEUE_URL")
        return cls(StackSettings.read(reader), waiting_queue, options)
