"""The wait for a signal misses none, whichever thread takes it and whenever it comes."""

import signal
import subprocess
import sys

import pytest

from simulator.simulator import ROOT

# The kernel delivers a signal to the thread it was sent to. The main thread's wait is not
# interrupted, as when the signal came just before the wait.
_SENT_TO_ANOTHER_THREAD = """
import signal, sys, threading
from simulator.ending import wait_for_ending

def raising(*_):
    raise KeyboardInterrupt

ending = signal.Signals(int(sys.argv[1]))
signal.signal(ending, raising)
signal.signal(signal.SIGUSR1, lambda *_: None)
go = threading.Event()

def send():
    go.wait()
    signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
    signal.pthread_kill(threading.get_ident(), ending)

thread = threading.Thread(target=send)
thread.start()
before = signal.set_wakeup_fd(-1)
try:
    go.set()
    wait_for_ending()
except KeyboardInterrupt:
    print("ended", signal.set_wakeup_fd(-1) == before)
thread.join()
"""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_signal_that_another_thread_takes(ending: signal.Signals) -> None:
    """Given a wait and a signal that does not break it, then it ends all the same, and leaves the
    interpreter as it was; a signal with a handler that does nothing does not end the wait."""
    command = [sys.executable, "-c", _SENT_TO_ANOTHER_THREAD, str(int(ending))]
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    )

    assert ended.stdout == "ended True\n"
