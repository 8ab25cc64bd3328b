"""Asks Amazon Connect about a contact: the only use of its API.

DescribeContact allows 10 requests a second in a region (burst 15): it is asked only for what is
known from nowhere else, and being throttled is a fault that passes. A caller with another chance
does not wait: the waiting calls of a burst would hold up those behind them.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from voicecall_bridge.sources.described_contact import DescribedContact, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from voicecall_bridge.contact import ContactKey
    from voicecall_bridge.deadline import Deadline

_PAUSE_SECONDS = 0.5
# Source: Amazon Connect API reference, "DescribeContact", errors. All others pass or are mended.
_FINAL = frozenset(
    {"ResourceNotFoundException", "InvalidRequestException", "InvalidParameterException"}
)
_THROTTLED = frozenset({"ThrottlingException", "TooManyRequestsException"})


class DirectoryThrottled(Exception):
    """Connect has more questions than the account's quota allows; this one did not wait."""


class DirectoryUnavailable(Exception):
    """Connect did not answer in time. The text is the fault's name."""


class NoSuchContact(Exception):
    """Connect does not know the contact. The text is the fault's name."""


@dataclass(eq=False, repr=False, slots=True)
class ContactDirectory:
    """Describes contacts.

    Attributes:
        client: gives the Connect client when it is needed.
        sleep: waits for seconds.
        draw: random number generator of the pauses, uniform(a, b).
        count: adds 1 to a metric.
    """

    client: Callable[[], Any]
    sleep: Callable[[float], None] = time.sleep
    draw: Callable[[float, float], float] = random.uniform
    count: Callable[[str], None] = lambda _name: None

    def describe(
        self, key: ContactKey, deadline: Deadline, *, waits: bool = True
    ) -> DescribedContact:
        """The contact as Connect describes it.

        Args:
            key: the contact.
            deadline: for all of it.
            waits: asks again while Connect throttles.

        Raises:
            DirectoryThrottled: throttled, and not to wait.
            DirectoryUnavailable: throttled, failing or silent until the deadline.
            NoSuchContact: unknown or refused.
        """
        self.count("DescribeContact")
        if not key.instance_id:
            raise NoSuchContact("NoInstance")  # DescribeContact needs an instance
        while True:
            try:
                return self._ask(key)
            except ClientError as error:
                fault = self._passing(error, waits)
            except BotoCoreError as error:
                fault = type(error).__name__
            # All that were throttled together try again as well: spread them.
            pause = self.draw(0.0, _PAUSE_SECONDS)
            if not deadline.allows(pause):
                raise DirectoryUnavailable(fault)
            self.sleep(pause)

    def _ask(self, key: ContactKey) -> DescribedContact:
        answer = self.client().describe_contact(
            InstanceId=key.instance_id, ContactId=key.contact_id
        )
        return read(key.instance_id, key.contact_id, answer)

    def _passing(self, error: ClientError, waits: bool) -> str:
        """The name of a fault that is waited for; raises for every other one."""
        fault = str(error.response["Error"].get("Code", ""))
        if fault in _FINAL:
            raise NoSuchContact(fault) from None
        if fault in _THROTTLED:
            self.count("DescribeContactThrottled")
            if not waits:
                raise DirectoryThrottled from None
        return fault
