"""A function runs, fails and ends in the simulator as it does in Lambda."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from simulator.functions.lambda_process import LambdaProcess
from simulator.functions.runtime_api import MAX_PAYLOAD_BYTES
from simulator.sam.template import LambdaFunction

Start = Callable[..., LambdaProcess]
BOUND_SECONDS = 10.0

EVERY_ENDING = Path(__file__).with_name("every_ending.py").read_text(encoding="utf-8")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Make processes of a function with the given source; all are closed afterwards."""
    layer = tmp_path / "layer"
    layer.mkdir()
    (layer / "requests.py").write_text("", encoding="utf-8")
    with ExitStack() as processes:

        def started(source: str = EVERY_ENDING, timeout: int = 10, **kwargs: Any) -> LambdaProcess:
            code = tmp_path / "code"
            code.mkdir(exist_ok=True)
            (code / "app.py").write_text(source, encoding="utf-8")
            environment = {"OF_THE_TEMPLATE": "template", "OF_BOTH": "template"}
            function = LambdaFunction(
                "Flow", code, "app.handler", timeout, 256, "python3.13", environment
            )
            return processes.enter_context(LambdaProcess(function, [layer], **kwargs))

        yield started


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + BOUND_SECONDS
    while not condition():
        assert time.monotonic() < end, "the condition did not come true"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether `pid` runs; a zombie that has not been reaped yet does not."""
    status = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return bool(status) and not status.startswith("Z")


def test_first_invocation_is_cold_and_the_next_is_warm(start: Start) -> None:
    """Given a new process, when invoked twice, then the second one finds the first one's state."""
    process = start()

    first = process.invoke({"do": "echo", "name": "Zoë"})
    second = process.invoke({"do": "echo"})

    assert first.payload == {"event": {"do": "echo", "name": "Zoë"}, "count": 1}
    assert first.error is None
    assert not first.timed_out
    assert first.cold
    assert (first.init_ms or 0) > 0
    assert first.duration_ms > 0
    assert first.logs == ["init"]
    assert second.payload["count"] == 2
    assert not second.cold
    assert second.init_ms is None
    assert second.logs == []
    assert second.request_id != first.request_id


def test_context_has_what_lambda_has(start: Start) -> None:
    """Given a time-out of 10 s, when invoked, then the context names function, limit and time."""
    invocation = start().invoke({"do": "context"})

    left_ms = invocation.payload.pop("left_ms")
    assert 0 < left_ms <= 10_000
    assert invocation.payload == {
        "function_name": "Flow",
        "memory": "256",
        "arn": "arn:aws:lambda:us-east-1:123456789012:function:Flow",
        "request_id": invocation.request_id,
        "log_group": "/aws/lambda/Flow",
    }


def test_environment_is_lambdas_and_the_functions_alone(
    start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Given a developer's credentials and proxy, when invoked, then the function has neither."""
    for name in ("AWS_PROFILE", "AWS_SECRET_ACCESS_KEY", "HTTPS_PROXY", "SOME_TOKEN"):
        monkeypatch.setenv(name, "leak")
    process = start(environment={"OF_BOTH": "caller", "OF_THE_CALLER": "caller"})

    seen = process.invoke({"do": "environment"}).payload

    environment = seen["environment"]
    assert "leak" not in environment.values()
    assert environment["HOME"] != os.environ.get("HOME")
    assert environment["OF_THE_TEMPLATE"] == "template"
    assert (environment["OF_BOTH"], environment["OF_THE_CALLER"]) == ("caller", "caller")
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "Flow"
    assert environment["LAMBDA_TASK_ROOT"] == str(tmp_path / "code")
    assert "AWS_LAMBDA_LOG_FORMAT" not in environment
    assert seen["cwd"] == str((tmp_path / "code").resolve())
    assert not any(Path(folder).name == "local" for folder in seen["path"])


def test_layer_is_found_before_installed_packages(start: Start, tmp_path: Path) -> None:
    """Given a module in a layer, when the function imports it, then it is the layer's."""
    invocation = start().invoke({"do": "import", "module": "requests"})

    assert invocation.payload == str((tmp_path / "layer" / "requests.py").resolve())


def test_temporary_folder_is_private_and_goes_with_the_process(start: Start) -> None:
    """Given two processes, when they end, then their separate temporary folders are gone."""
    one, other = start(), start()

    folders = [
        p.invoke({"do": "environment"}).payload["environment"]["TMPDIR"] for p in (one, other)
    ]
    assert folders[0] != folders[1]
    assert all(Path(folder).is_dir() for folder in folders)

    one.close()
    other.close()
    assert not any(Path(folder).exists() for folder in folders)


def test_raised_error_is_reported_and_the_process_stays_warm(start: Start) -> None:
    """Given a handler that raises, when invoked, then its type, text and trace come back."""
    process = start()

    failed = process.invoke({"do": "raise"})
    after = process.invoke({"do": "echo"})

    assert failed.payload is None
    assert failed.error is not None
    assert failed.error["errorType"] == "KeyError"
    assert failed.error["errorMessage"] == "'contact'"
    assert "do_raise" in "".join(failed.error["stackTrace"])
    assert failed.logs[:2] == ["init", "about to raise"]
    assert "[ERROR] KeyError" in failed.logs[2]
    assert len(failed.logs) == 3, "the runtime writes a traceback as one line"
    assert not after.cold
    assert after.payload["count"] == 2


def test_answer_that_is_not_json_is_an_error(start: Start) -> None:
    """Given an answer that cannot be serialised, when invoked, then the runtime says so."""
    invocation = start().invoke({"do": "not_json"})

    assert invocation.error is not None
    assert invocation.error["errorType"] == "Runtime.MarshalError"


def test_log_lines_belong_to_their_invocation(start: Start) -> None:
    """Given more output than a pipe holds, when invoked again and again, then no line strays."""
    process = start()
    process.invoke({"do": "echo"})

    for word in ("a" * 200, "b", "c" * 2000):
        logs = process.invoke({"do": "log", "word": word, "lines": 500}).logs
        expected = [f"{word} {number}" for number in range(500)]
        assert logs == [*expected, "last on stderr", "no newline"]


def test_time_out_kills_the_process(start: Start, tmp_path: Path) -> None:
    """Given a handler over its time-out, when invoked, then it is killed and the next is cold."""
    process = start(timeout=1)
    marker = tmp_path / "pid"

    late = process.invoke({"do": "sleep", "file": str(marker)})
    after = process.invoke({"do": "echo"})

    assert late.timed_out
    assert late.payload is None
    assert late.error == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {late.request_id} Error: Task timed out after 1.00 seconds",
    }
    assert late.logs == ["init", "going to sleep"]
    assert not alive(int(marker.read_text()))
    assert after.cold
    assert after.payload["count"] == 1


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (3, "Runtime exited with error: exit status 3"),
        (0, "Runtime exited without providing a reason"),
    ],
)
def test_crash_in_an_invocation_is_an_exit_error(start: Start, status: int, reason: str) -> None:
    """Given a warm handler that ends its process, when invoked, then it is Runtime.ExitError."""
    process = start()
    process.invoke({"do": "echo"})

    crashed = process.invoke({"do": "exit", "status": status})
    after = process.invoke({"do": "echo"})

    assert crashed.error == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {crashed.request_id} Error: {reason}",
    }
    assert crashed.logs == ["about to exit"]
    assert not crashed.timed_out
    assert after.cold
    assert after.error is None


def test_process_that_dies_between_invocations_is_replaced(start: Start) -> None:
    """Given a process that ended after its answer, when invoked, then a new one answers."""
    process = start()
    process.invoke({"do": "echo"})
    assert process.pid is not None

    os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: process.pid is None)

    after = process.invoke({"do": "echo"})

    assert after.error is None
    assert after.cold


@pytest.mark.parametrize(
    ("source", "error_type", "message"),
    [
        ("raise RuntimeError('no settings')", "RuntimeError", "no settings"),
        ("import not_there", "Runtime.ImportModuleError", "not_there"),
        ("def handler(: pass", "Runtime.UserCodeSyntaxError", "app.py"),
        ("nothing = 1", "Runtime.HandlerNotFound", "handler"),
        ("import os; os._exit(5)", "Runtime.ExitError", "exit status 5"),
    ],
)
def test_failing_init_is_an_error_and_not_a_hang(
    start: Start, source: str, error_type: str, message: str
) -> None:
    """Given a module that cannot be loaded, when invoked twice, then each says why, cold."""
    process = start(f"print('loading')\n{source}" if "(:" not in source else source)

    for _ in range(2):
        invocation = process.invoke({"do": "echo"})
        assert invocation.cold
        assert invocation.init_ms is None
        assert invocation.error is not None
        assert invocation.error["errorType"] == error_type
        assert message in invocation.error["errorMessage"]
        assert "(:" in source or invocation.logs[0] == "loading"


def test_init_over_its_limit_is_killed(start: Start) -> None:
    """Given a module that never finishes loading, when invoked, then it times out."""
    process = start("import time\nprint('loading')\ntime.sleep(600)", init_limit=3.0)

    invocation = process.invoke({})

    assert invocation.timed_out
    assert invocation.error is not None
    assert invocation.error["errorType"] == "Sandbox.Timedout"
    assert invocation.logs == ["loading"]
    assert process.pid is None


def test_payloads_up_to_lambdas_limit_pass(start: Start) -> None:
    """Given an event and an answer of 6 MB, when invoked, then both arrive whole."""
    process = start()
    text = "x" * (6 * 1024 * 1024 - 100)

    assert process.invoke({"do": "echo", "text": text}).payload["event"]["text"] == text


def test_payloads_over_lambdas_limit_are_refused(start: Start) -> None:
    """Given one byte too many, when invoked, then event and answer are refused as Lambda does."""
    process = start()

    too_large = process.invoke({"do": "big", "size": MAX_PAYLOAD_BYTES})
    with pytest.raises(ValueError, match=str(MAX_PAYLOAD_BYTES)):
        process.invoke("x" * MAX_PAYLOAD_BYTES)

    assert too_large.error is not None
    assert too_large.error["errorType"] == "Function.ResponseSizeTooLarge"
    assert process.invoke({"do": "echo"}).error is None


@pytest.mark.parametrize("event", [object(), float("nan")])
def test_event_that_is_not_json_is_refused(start: Start, event: object) -> None:
    """Given an event that JSON cannot say, when invoked, then nothing is started."""
    process = start()

    with pytest.raises((TypeError, ValueError)):
        process.invoke(event)

    assert process.pid is None


def test_kill_in_the_middle_of_an_invocation(start: Start, tmp_path: Path) -> None:
    """Given a running invocation, when killed, then it ends at once and the next one is cold."""
    process = start(timeout=60)
    marker = tmp_path / "pid"
    invocations: list[Any] = []
    event = {"do": "sleep", "file": str(marker)}
    caller = threading.Thread(target=lambda: invocations.append(process.invoke(event)))
    caller.start()
    wait_until(lambda: marker.exists() and marker.read_text())

    process.kill()
    caller.join(BOUND_SECONDS)

    assert not caller.is_alive()
    assert invocations[0].error["errorType"] == "Runtime.ExitError"
    assert "signal: killed" in invocations[0].error["errorMessage"]
    assert invocations[0].logs == ["init", "going to sleep"]
    assert process.invoke({"do": "echo"}).cold


def test_kill_between_invocations_makes_the_next_one_cold(start: Start) -> None:
    """Given an idle process, when killed, then the next invocation starts a new one."""
    process = start()
    process.kill()
    process.invoke({"do": "echo"})
    first = process.pid

    process.kill()

    assert process.pid is None
    assert process.invoke({"do": "echo"}).cold
    assert process.pid != first


def test_nothing_is_left_after_close(start: Start) -> None:
    """Given a handler that started a process, when closed, then both are gone."""
    process = start()
    grandchild = process.invoke({"do": "spawn"}).payload
    child = process.pid
    assert child is not None
    assert alive(child) and alive(grandchild)  # noqa: PT018 - one precondition

    process.close()

    assert not alive(child)
    wait_until(lambda: not alive(grandchild))
    with pytest.raises(RuntimeError, match="closed"):
        process.invoke({"do": "echo"})


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_child_dies_with_a_parent_that_could_not_close(
    start: Start, tmp_path: Path, ending: signal.Signals
) -> None:
    """Given a parent in the middle of an invocation, when it is killed, then so is the child."""
    start()  # writes the function
    marker = tmp_path / "pid"
    event = {"do": "sleep", "file": str(marker)}
    parent_source = f"""
        from pathlib import Path
        from simulator.functions.lambda_process import LambdaProcess
        from simulator.sam.template import LambdaFunction
        code = Path({str(tmp_path / "code")!r})
        function = LambdaFunction("Flow", code, "app.handler", 600, 128, "python3.13")
        LambdaProcess(function, [Path({str(tmp_path / "layer")!r})]).invoke({json.dumps(event)})
    """
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", dedent(parent_source)]
    # A killed parent cannot remove its child's temporary folder.
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, cwd=root, env=environment) as parent:
        wait_until(lambda: marker.exists() and marker.read_text())
        child = int(marker.read_text())
        assert alive(child)

        parent.send_signal(ending)
        parent.wait(BOUND_SECONDS)

    wait_until(lambda: not alive(child))


def test_interpreter_that_is_not_there_is_an_os_error(start: Start) -> None:
    """Given a wrong interpreter, when invoked, then an error is raised and nothing is left."""
    process = start(python="/no/such/python")

    with pytest.raises(OSError, match="no/such/python"):
        process.invoke({})
