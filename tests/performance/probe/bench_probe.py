"""The contact flow function, with questions about its process answered beside its own events.

An event {"probe": true} answers the CPU seconds the process has used (user and system) and the
names of the modules it has loaded; {"empty": true} does nothing at all, which shows the share of
the runtime and of the measurement in an invocation; every other event goes to the deployed handler.
"""

import importlib
import sys
from typing import Any

deployed = importlib.import_module("app").handler


def handler(event: dict[str, Any], context: object) -> Any:
    """Answer a question of the bench, or do what the deployed function does."""
    if event.get("empty"):
        return {}
    if event.get("probe"):
        modules = sorted(sys.modules)
        import resource  # noqa: PLC0415 - not before the modules are counted

        used = resource.getrusage(resource.RUSAGE_SELF)
        return {"cpu_seconds": used.ru_utime + used.ru_stime, "modules": modules}
    return deployed(event, context)
