"""A Lambda function that ends in every way one can end: `do` in the event says how."""

import importlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

print("init")
count = 0


def handler(event: dict[str, Any], context: Any) -> Any:
    """Do what the event says; counts the invocations of this process."""
    global count  # noqa: PLW0603 - what shows that a process is warm
    count += 1
    return globals()["do_" + event["do"]](event, context)


def do_echo(event: dict[str, Any], context: Any) -> Any:
    return {"event": event, "count": count}


def do_context(event: dict[str, Any], context: Any) -> Any:
    return {
        "function_name": context.function_name,
        "memory": context.memory_limit_in_mb,
        "arn": context.invoked_function_arn,
        "request_id": context.aws_request_id,
        "left_ms": context.get_remaining_time_in_millis(),
        "log_group": context.log_group_name,
    }


def do_environment(event: dict[str, Any], context: Any) -> Any:
    return {"environment": dict(os.environ), "cwd": str(Path.cwd()), "path": sys.path}


def do_import(event: dict[str, Any], context: Any) -> Any:
    return importlib.import_module(event["module"]).__file__


def do_log(event: dict[str, Any], context: Any) -> Any:
    for number in range(event["lines"]):
        print(event["word"], number)
    print("last on stderr", file=sys.stderr)
    sys.stdout.write("no newline")


def do_raise(event: dict[str, Any], context: Any) -> Any:
    print("about to raise")
    raise KeyError("contact")


def do_sleep(event: dict[str, Any], context: Any) -> Any:
    print("going to sleep")
    Path(event["file"]).write_text(str(os.getpid()), encoding="utf-8")
    time.sleep(600)


def do_exit(event: dict[str, Any], context: Any) -> Any:
    print("about to exit")
    os._exit(event["status"])


def do_not_json(event: dict[str, Any], context: Any) -> Any:
    return object()


def do_big(event: dict[str, Any], context: Any) -> Any:
    return "x" * event["size"]


def do_spawn(event: dict[str, Any], context: Any) -> Any:
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid
