"""Announces files to the function that reads them, as EventBridge does."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(eq=False, repr=False, slots=True)
class Announcements:
    """The function's asynchronous invocations.

    Attributes:
        client: gives the Lambda client when it is needed.
        function: its name.
    """

    client: Callable[[], Any]
    function: str

    def announce(self, event: Mapping[str, object]) -> str:
        """Hands an event over; the fault's name, empty where Lambda has taken it."""
        try:
            self.client().invoke(
                FunctionName=self.function, InvocationType="Event", Payload=json.dumps(event)
            )
        except ClientError as error:
            return f"LAMBDA_{error.response['Error'].get('Code', '')}"
        except BotoCoreError as error:
            return f"LAMBDA_{type(error).__name__}"
        return ""
