"""The load that others put on the machine beside the bench, and the bench's own CPU.

CPU is what the operating system has charged to a process, user and system, all threads, those that
ended too. Where there is no /proc, the share of others is not known and counts as none.
"""

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

BUSY_CORES: Final = 0.25
"""More than this of the machine's cores in use by others makes a comparison worthless."""
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PROC: Final = Path("/proc")


def cpu(pid: int) -> float:
    """CPU milliseconds that a process has used.

    Linux makes the clock's id from the process id (clock_getcpuclockid, per-process, scheduler's).
    """
    return time.clock_gettime((~pid << 3) | 2) * 1000


def largest_memory(pid: int) -> float:
    """Megabytes that a process had resident at most."""
    status = Path(_PROC, str(pid), "status").read_text(encoding="ascii")
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


@dataclass(frozen=True, slots=True)
class Moment:
    """The machine's clocks at a moment, in seconds: wall, all cores together, this bench's own."""

    wall: float
    all: float
    own: float

    def others_since(self, earlier: "Moment") -> float:
        """How many cores others used on average."""
        seconds = self.wall - earlier.wall
        used = (self.all - earlier.all) - (self.own - earlier.own)
        return max(0.0, used / seconds) if seconds > 0 else 0.0


def now() -> Moment:
    """This moment."""
    try:
        return Moment(time.monotonic(), _all_seconds(), _own_seconds(os.getpid()))
    except OSError:
        return Moment(time.monotonic(), 0.0, 0.0)


def _all_seconds() -> float:
    # proc(5), /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal.
    fields = Path(_PROC, "stat").read_text(encoding="ascii").splitlines()[0].split()[1:9]
    ticks = [int(field) for field in fields]
    return (sum(ticks) - ticks[3] - ticks[4]) / _TICKS


def _own_seconds(pid: int) -> float:
    """Of a process and all below it, ended ones included."""
    parents: dict[int, list[int]] = {}
    used: dict[int, int] = {}
    for folder in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # ended meanwhile
            fields = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            parents.setdefault(int(fields[1]), []).append(int(folder.name))
            used[int(folder.name)] = sum(int(field) for field in fields[11:15])
    ticks, waiting = 0, [pid]
    while waiting:
        each = waiting.pop()
        ticks += used.get(each, 0)
        waiting += parents.get(each, [])
    return ticks / _TICKS
