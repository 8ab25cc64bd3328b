"""A process of Lambda's runtime, with its Runtime API, its log and its temporary folder.

Logs are exact: standard output and error of the child are one file, and the runtime posts its
answer after the handler's last write, so the file's growth is the invocation's log. Lines of the
init belong to the invocation that caused it; lines that a thread writes after the answer belong to
the next one, as in CloudWatch.

No child outlives its LambdaProcess: it leads a process group, and holds the reading end of a pipe.
Only the parent has the writing end. When the parent closes it, or dies in any way, the child kills
its group.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from simulator.functions.runtime_api import RuntimeApi


class RuntimeProcess:
    """A runtime process with its Runtime API, its log and its temporary folder."""

    waits_in_snapshot = False

    def __init__(
        self, command: Sequence[str], handler: str, code_dir: Path, environment: Mapping[str, str]
    ) -> None:
        self.api = RuntimeApi()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by end()
        self._log_read = 0
        self._lines_at_end: list[str] | None = None
        self._scratch = tempfile.mkdtemp(prefix="lambda-")
        reading, self._lifeline = os.pipe()
        self.started_at = time.perf_counter()
        try:
            self._process = subprocess.Popen(
                [*command, str(reading), handler],
                cwd=code_dir,
                # HOME and TMPDIR: the developer's ~/.aws must not be found, and the
                # temporary folder of a new execution environment is empty.
                env={
                    "HOME": self._scratch,
                    "TMPDIR": self._scratch,
                    **environment,
                    "AWS_LAMBDA_RUNTIME_API": self.api.address,
                },
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                pass_fds=(reading,),
                start_new_session=True,
            )
        except BaseException:
            self._release()
            raise
        finally:
            os.close(reading)
        self._has_ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def runs(self) -> bool:
        return not self._has_ended.is_set()

    def restore(self) -> None:
        self.waits_in_snapshot = False
        self.started_at = time.perf_counter()
        self.api.restore()

    @property
    def how_it_ended(self) -> str:
        """In Lambda's words. Waits for the end."""
        status = self._process.wait()
        if status < 0:
            name = signal.strsignal(-status) or str(-status)
            return f"Runtime exited with error: signal: {name.lower()}"
        if status == 0:
            return "Runtime exited without providing a reason"
        return f"Runtime exited with error: exit status {status}"

    def kill(self) -> None:
        if self.runs:
            self._kill_group()
        self._watcher.join()

    def end(self) -> None:
        """Kill what still runs and give everything back; the unread log stays readable."""
        self.kill()
        self._lines_at_end = self.new_lines()
        self._release()

    def new_lines(self) -> list[str]:
        """The lines that were logged since the last call."""
        if self._lines_at_end is not None:
            lines, self._lines_at_end = self._lines_at_end, []
            return lines
        # pread: the file's position belongs to the child, which writes through the same opening.
        size = os.fstat(self._log.fileno()).st_size
        written = os.pread(self._log.fileno(), size - self._log_read, self._log_read)
        self._log_read += len(written)
        # Not splitlines: the runtime keeps a traceback in one line by carriage returns.
        lines = written.decode("utf-8", "replace").split("\n")
        return [line for line in lines if line]

    def _watch(self) -> None:
        self._process.wait()
        # Processes that the handler left running end with its sandbox, as in Lambda.
        self._kill_group()
        self._has_ended.set()
        self.api.runtime_exited()

    def _kill_group(self) -> None:
        # No process is left in the group: ESRCH, or on macOS EPERM while the leader is a zombie.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _release(self) -> None:
        os.close(self._lifeline)
        self._log.close()
        self.api.close()
        shutil.rmtree(self._scratch, ignore_errors=True)
