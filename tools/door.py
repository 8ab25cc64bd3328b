"""Runs a module as a command that ends as a shell expects it: `./bridge` is the way in.

    python -m tools.door <module> [arguments]

The exit status is the module's own. Two endings are not faults, and print nothing: Ctrl-C, also
while modules are still being read, and a reader that has closed the output.
"""

import os
import runpy
import signal
import sys
from collections.abc import Sequence
from typing import Final

INTERRUPTED: Final = 128 + signal.SIGINT
PIPE_CLOSED: Final = 128 + signal.SIGPIPE
"""A shell's status of a program that the signal ended."""


def run(module: str, arguments: Sequence[str]) -> int:
    """Run a module as `python -m` does; answers the exit status where it does not exit itself.

    Raises:
        SystemExit: the module ended itself.
    """
    sys.argv = [module, *arguments]
    try:
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Any output that is still buffered would fail as well.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], sys.argv[2:]))
