"""What Amazon Connect says of a contact, counted: DescribeContact allows few requests a second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voicecall_bridge.aws.contact_directory import ContactDirectory
    from voicecall_bridge.contact import ContactKey
    from voicecall_bridge.deadline import Deadline
    from voicecall_bridge.observability import Observer
    from voicecall_bridge.sources.described_contact import DescribedContact


@dataclass(frozen=True, slots=True)
class CountedDirectory:
    """Describes contacts.

    Attributes:
        directory: Amazon Connect.
        observer: counts.
    """

    directory: ContactDirectory
    observer: Observer

    def describe(
        self, key: ContactKey, deadline: Deadline, *, waits: bool = True
    ) -> DescribedContact:
        """What Connect knows of the contact.

        Raises:
            DirectoryThrottled: Connect throttles, and `waits` is False.
            DirectoryUnavailable, NoSuchContact: it does not say.
        """
        self.observer.count("DescribeContact")
        return self.directory.describe(key.instance_id, key.contact_id, deadline, waits=waits)
