"""Runs a function of the template as Lambda runs it: a process of its own under AWS's runtime.

A child process runs awslambdaric, AWS's Python runtime, against a Runtime API of its own. It sees
Lambda's environment and nothing of the developer's: no credentials, no profile, no proxy.
Time-outs, crashes and failing inits end as they do in Lambda (Lambda Developer Guide,
"Understanding the Lambda execution environment lifecycle"), and the next invocation starts cold.
"""

import json
import os
import sys
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from simulator.functions.runtime_api import MAX_PAYLOAD_BYTES, Answer, Event
from simulator.functions.runtime_process import RuntimeProcess
from simulator.sam.template import LambdaFunction

INIT_LIMIT_SECONDS: Final = 10.0
"""Seconds that Lambda gives the init of an on-demand function ("Init phase")."""

_REGION: Final = "us-east-1"
_ACCOUNT: Final = "123456789012"

# -c instead of a file: its folder would be on the function's sys.path. _thread is built in and
# costs the cold start nothing.
_BOOTSTRAP: Final = """
import _thread, os, sys
def die_with_parent(lifeline):
    os.read(lifeline, 1)
    os.kill(0, 9)
_thread.start_new_thread(die_with_parent, (int(sys.argv.pop(1)),))
from awslambdaric.__main__ import main
main(sys.argv)
"""


@dataclass(frozen=True, slots=True)
class Invocation:
    """The result of one invocation.

    Attributes:
        payload: the handler's answer; None when there is an error.
        error: errorType, errorMessage and, for an exception, stackTrace; None on success.
        logs: lines of standard output and error, in the order they were written.
        duration_ms: from handing over the event to the answer (or to the end); 0 when init failed.
        init_ms: from process start to the runtime's first question, of a cold invocation; with a
            snapshot from its restore.
    """

    payload: Any
    error: dict[str, Any] | None
    logs: list[str]
    duration_ms: float
    init_ms: float | None
    timed_out: bool
    request_id: str
    cold: bool


class LambdaProcess:
    """One execution environment of `function`, as a context manager.

    Args:
        function: the function.
        layers: folders that stand for /opt/python, first wins.
        environment: added to the function's own, and stronger than it.
        python: the interpreter; it needs awslambdaric, in its own packages or in a layer.
        snap_start: as a published version with SnapStart: a new process waits, where Lambda would
            take its snapshot, for the invocation that restores it.

    The process starts with the first invocation. Invocations run one at a time; `kill` may be
    called from another thread while one runs.
    """

    def __init__(
        self,
        function: LambdaFunction,
        layers: Sequence[Path],
        environment: Mapping[str, str] | None = None,
        python: str = sys.executable,
        init_limit: float = INIT_LIMIT_SECONDS,
        *,
        snap_start: bool = False,
    ) -> None:
        """Remember how to run `function`; `init_limit` in seconds."""
        self._function = function
        self._layers = tuple(layers)
        self._environment = {**function.environment, **(environment or {})}
        self._python = python
        self._init_limit = init_limit
        self._snap_start = snap_start
        self._one_at_a_time = threading.Lock()
        self._child: RuntimeProcess | None = None
        self._closed = False

    def __enter__(self) -> Self:
        """Return the process; nothing runs before the first invocation."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process."""
        self.close()

    @property
    def pid(self) -> int | None:
        """The running process, None when there is none."""
        return self._child.pid if self._child is not None and self._child.runs else None

    def close(self) -> None:
        """End the process and everything it started; waits for it."""
        self._closed = True
        self.kill()
        with self._one_at_a_time:
            self._discard()

    def kill(self) -> None:
        """SIGKILL, at any moment: what runs ends in Runtime.ExitError, the next one is cold."""
        if self._child is not None:
            self._child.kill()

    def publish(self) -> bool:
        """Start the process and wait for its snapshot, as publishing a version does.

        False when there was none: the invocation says why. Raises OSError as `invoke` does, and
        RuntimeError without `snap_start` or when a process is there.
        """
        with self._one_at_a_time:
            if not self._snap_start or self._child is not None or self._closed:
                raise RuntimeError("there is nothing to take a snapshot of")
            self._child = self._new_child()
            return self._child.api.wait_for_snapshot(self._init_limit)

    def invoke(self, event: Any) -> Invocation:
        """Run the handler with `event` (any JSON value) and wait for what becomes of it.

        Raises TypeError or ValueError for an event that is not JSON or larger than Lambda takes,
        RuntimeError after `close`, and OSError when the interpreter cannot be started.
        """
        body = json.dumps(event, allow_nan=False).encode()
        if len(body) > MAX_PAYLOAD_BYTES:
            raise ValueError(f"Lambda takes events of {MAX_PAYLOAD_BYTES} bytes, not {len(body)}")
        with self._one_at_a_time:
            if self._closed:
                raise RuntimeError("the process is closed")
            invocation = self._invoke_warm(body)
            return invocation if invocation is not None else self._invoke_cold(body)

    def _invoke_warm(self, body: bytes) -> Invocation | None:
        """The invocation by the process that is there; None when there is none (any more)."""
        child = self._child
        if child is None or child.waits_in_snapshot:
            return None
        event = self._event(body)
        if child.runs and (child.api.offer(event) or child.runs):
            return self._outcome(child, event, cold=False)
        self._discard()
        return None

    def _invoke_cold(self, body: bytes) -> Invocation:
        # Only one that waits in its snapshot is there already.
        child = self._child = self._child or self._new_child()
        if self._snap_start and child.api.wait_for_snapshot(self._init_limit):
            child.restore()
        event = self._event(body)
        if not child.api.wait_for_init(self._init_limit):
            return self._ended(child, event, 0.0, self._init_limit, cold=True)
        if child.api.init_error is not None:
            # The runtime ends by itself; the lines it says doing so belong here.
            self._discard()
            return self._invocation(
                child, event, Answer(None, child.api.init_error, 0.0), cold=True
            )
        child.api.offer(event)
        return self._outcome(child, event, cold=True)

    def _new_child(self) -> RuntimeProcess:
        child = RuntimeProcess(
            [self._python, "-s", "-c", _BOOTSTRAP],
            self._function.handler,
            self._function.code_dir,
            _lambda_environment(
                self._function, self._layers, self._environment, snap_start=self._snap_start
            ),
        )
        child.waits_in_snapshot = self._snap_start
        return child

    def _outcome(self, child: RuntimeProcess, event: Event, *, cold: bool) -> Invocation:
        began = time.perf_counter()
        answer = child.api.wait_for_answer()
        if answer is None:
            return self._ended(child, event, time.perf_counter() - began, event.timeout, cold=cold)
        return self._invocation(child, event, answer, cold=cold)

    def _ended(
        self, child: RuntimeProcess, event: Event, duration: float, limit: float, *, cold: bool
    ) -> Invocation:
        """No answer: the process has exited, or has not kept to `limit` seconds and is killed."""
        timed_out = child.runs
        self._discard()
        reason = f"Task timed out after {limit:.2f} seconds" if timed_out else child.how_it_ended
        error = {
            "errorType": "Sandbox.Timedout" if timed_out else "Runtime.ExitError",
            "errorMessage": f"RequestId: {event.request_id} Error: {reason}",
        }
        answer = Answer(None, error, duration)
        return self._invocation(child, event, answer, cold=cold, timed_out=timed_out)

    def _invocation(
        self,
        child: RuntimeProcess,
        event: Event,
        answer: Answer,
        *,
        cold: bool,
        timed_out: bool = False,
    ) -> Invocation:
        ready_at = child.api.ready_at
        return Invocation(
            payload=answer.payload,
            error=answer.error,
            logs=child.new_lines(),
            duration_ms=answer.duration * 1000,
            init_ms=(ready_at - child.started_at) * 1000 if cold and ready_at else None,
            timed_out=timed_out,
            request_id=event.request_id,
            cold=cold,
        )

    def _discard(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None

    def _event(self, body: bytes) -> Event:
        name = self._function.logical_id
        region = self._environment.get("AWS_REGION", _REGION)
        identity = uuid.uuid4().hex
        return Event(
            request_id=str(uuid.uuid4()),
            body=body,
            function_arn=f"arn:aws:lambda:{region}:{_ACCOUNT}:function:{name}",
            # Not sampled: there is no X-Ray daemon here.
            trace_id=f"Root=1-{int(time.time()):08x}-{identity[:24]};Parent={identity[:16]};Sampled=0",
            timeout=float(self._function.timeout),
        )


def _lambda_environment(
    function: LambdaFunction, layers: Sequence[Path], own: Mapping[str, str], *, snap_start: bool
) -> dict[str, str]:
    """Lambda's "Defined runtime environment variables", then the function's own."""
    return {
        "AWS_ACCESS_KEY_ID": "laptop",
        "AWS_SECRET_ACCESS_KEY": "laptop",
        "AWS_SESSION_TOKEN": "laptop",
        "AWS_REGION": _REGION,
        "AWS_DEFAULT_REGION": own.get("AWS_REGION", _REGION),
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": function.logical_id,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start" if snap_start else "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.logical_id}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"laptop/[$LATEST]{uuid.uuid4().hex}",
        "LAMBDA_TASK_ROOT": str(function.code_dir),
        "LANG": "C.UTF-8",
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": os.pathsep.join(str(layer.resolve()) for layer in layers),
        "TZ": ":UTC",
        "_HANDLER": function.handler,
        **own,
    }
