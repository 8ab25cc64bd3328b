"""Waiting for the signal that ends a command, without a moment in which it could be missed."""

import signal
import socket


def wait_for_ending() -> None:
    """Wait until the handler of a signal raises; returns by that exception only. Main thread only.

    `signal.pause` and a lock miss a signal that another thread takes, or that arrives between the
    interpreter's last check and the wait: a note for the main thread does not wake it. A byte in a
    socket stays there until it is read.

    Raises:
        ValueError: not the main thread.
        BaseException: what the handler raises, KeyboardInterrupt and SystemExit here.
    """
    ours, interpreters = socket.socketpair()
    with ours, interpreters:
        interpreters.setblocking(False)
        before = signal.set_wakeup_fd(interpreters.fileno(), warn_on_full_buffer=False)
        try:
            # Handlers run after `recv`. One that does not raise does not end the wait.
            while ours.recv(1):
                pass
        finally:
            signal.set_wakeup_fd(before)
