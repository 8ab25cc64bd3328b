"""A deployed function under a profiler that counts CPU, for `make profile`.

An event {"profile": "start"} begins, {"profile": "stop"} ends and answers what was found; every
other event goes to the deployed handler. With PROFILE_START in the environment it begins before the
deployed module is imported.

Time is that of the process, so what only waits costs nothing. A built-in's time counts for the
function that called it. Since Python 3.12 one profiler sees all threads; it tells them apart by
nothing, so only work that is done by one thread at a time comes out right.
"""

import cProfile
import importlib
import os
import time
from collections import Counter
from typing import Any

profiler = cProfile.Profile(time.process_time)
if os.environ.get("PROFILE_START"):
    profiler.enable()
deployed = importlib.import_module("app").handler


def handler(event: Any, context: object) -> Any:
    """Begin, end, or do what the deployed function does."""
    match event:
        case {"profile": "start"}:
            profiler.enable()
            return {}
        case {"profile": "stop"}:
            profiler.disable()
            return {"functions": _found()}
        case _:
            return deployed(event, context)


def _found() -> list[tuple[str, str, float]]:
    """File, function and CPU seconds, its built-ins' included, of every function."""
    seconds: Counter[tuple[str, str]] = Counter()
    for entry in profiler.getstats():
        if isinstance(entry.code, str):
            continue
        builtins = sum(
            called.inlinetime for called in entry.calls or () if isinstance(called.code, str)
        )
        place = (entry.code.co_filename, entry.code.co_qualname)
        seconds[place] += entry.inlinetime + builtins
    return [(*place, spent) for place, spent in seconds.most_common()]
