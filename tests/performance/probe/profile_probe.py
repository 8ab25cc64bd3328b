"""A deployed function under a profiler that counts CPU, for `make profile`.

An event {"profile": "start"} begins, {"profile": "stop"} ends and answers what was found; every
other event goes to the deployed handler. With PROFILE_START in the environment it begins before the
deployed module is imported.

What only waits costs nothing. A built-in's time counts for the function that called it. Since
Python 3.12 one profiler sees all threads and cannot distinguish them, so only work that is done
by one thread at a time comes out right. Before, each thread has a profiler and a clock of its own.
"""

import cProfile
import importlib
import os
import sys
import threading
import time
from collections import defaultdict
from typing import Any

_SEES_ALL_THREADS = sys.version_info >= (3, 12)
_CLOCK = time.process_time if _SEES_ALL_THREADS else time.thread_time
profilers = [cProfile.Profile(_CLOCK)]


def _begin() -> None:
    for profiler in profilers:
        profiler.clear()
    profilers[0].enable()


def _begin_in_thread(*_: object) -> None:
    """Called for a new thread's first event: the profiler takes this function's place there."""
    profiler = cProfile.Profile(_CLOCK)
    profilers.append(profiler)
    profiler.enable()


if not _SEES_ALL_THREADS:
    threading.setprofile(_begin_in_thread)
if os.environ.get("PROFILE_START"):
    _begin()
deployed = importlib.import_module("app").handler


def handler(event: Any, context: object) -> Any:
    """Begin, end, or do what the deployed function does."""
    match event:
        case {"profile": "start"}:
            _begin()
            return {}
        case {"profile": "stop"}:
            profilers[0].disable()
            return {"functions": _found()}
        case _:
            return deployed(event, context)


def _found() -> list[tuple[str, str, float]]:
    """File, function and CPU seconds, its built-ins' included, of every function."""
    seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
    for entry in (entry for profiler in profilers for entry in profiler.getstats()):
        if isinstance(entry.code, str):
            continue
        builtins = sum(
            called.inlinetime for called in entry.calls or () if isinstance(called.code, str)
        )
        place = (entry.code.co_filename, entry.code.co_qualname)
        seconds[place] += entry.inlinetime + builtins
    largest = sorted(seconds.items(), key=lambda item: item[1], reverse=True)
    return [(*place, spent) for place, spent in largest]
