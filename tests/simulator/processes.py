"""Open ports of this machine, its processes and their children."""

import os
import socket
import subprocess
from urllib.parse import urlsplit


def is_open(url: str) -> bool:
    parts = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((parts.hostname or "", parts.port or 0)) == 0


def runs(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def children_of(process_id: int) -> list[int]:
    table = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, check=True)
    rows = [line.split() for line in table.stdout.decode().splitlines()]
    return [int(child) for child, parent in rows if int(parent) == process_id]
