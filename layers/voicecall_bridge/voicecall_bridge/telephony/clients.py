"""One client of Salesforce for each contact center."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from voicecall_bridge.contact_centers.registry import ContactCenter, ContactCenterRegistry
    from voicecall_bridge.telephony.client import TelephonyClient


@dataclass(eq=False, repr=False, slots=True)
class TelephonyClients:
    """One client a contact center, made at its first use. Safe for many threads.

    Attributes:
        contact_centers: the contact centers.
        make: makes a client; it must not take long.
    """

    contact_centers: ContactCenterRegistry
    make: Callable[[ContactCenter], TelephonyClient]
    _made: dict[str, TelephonyClient] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def of(self, contact_center: ContactCenter) -> TelephonyClient:
        """The contact center's client."""
        made = self._made.get(contact_center.secret)
        if made is None:
            with self._lock:
                made = self._made.get(contact_center.secret) or self.make(contact_center)
                self._made[contact_center.secret] = made
        return made
