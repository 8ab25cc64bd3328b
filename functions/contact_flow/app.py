"""Called by a contact flow's Lambda block; answers a flat map of strings."""

import gc
import time
from typing import Any

gc.disable()  # nothing that is made from here on can be collected, only looked at again and again
from voicecall_bridge.composition import contact_flow  # noqa: E402

contact_flow.prepare_flow()
gc.freeze()
gc.enable()


def handler(event: object, context: Any) -> dict[str, str]:
    """One invocation: see voicecall_bridge.flow.methods for what a flow can ask."""
    began = time.monotonic()  # before the service is made: the caller waits for that too
    seconds_left = context.get_remaining_time_in_millis() / 1000
    return contact_flow.flow_service().answer(event, seconds_left, began)
