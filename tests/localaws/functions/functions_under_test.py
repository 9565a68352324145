"""Handlers that the tests deploy: never imported, but packed into a deployment package."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

count = 0


def echo(event: Any, _context: Any) -> Any:
    sys.stdout.write(f"event {json.dumps(event)}\n")
    sys.stderr.write("to stderr\n")
    return event


def counts(_event: Any, _context: Any) -> int:
    global count  # noqa: PLW0603 - a warm environment keeps it
    count += 1
    return count


def environment(_event: Any, context: Any) -> Any:
    return {
        "variables": dict(os.environ),
        "cwd": str(Path.cwd()),
        "stdin": sys.stdin.read(),
        "request_id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "remaining": context.get_remaining_time_in_millis(),
        "memory": context.memory_limit_in_mb,
    }


def fails(_event: Any, _context: Any) -> None:
    raise ValueError("this is wrong")


def sleeps(event: Any, _context: Any) -> None:
    """Write the process ids of itself and a child to a file, then sleep."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    new = Path(event["file"] + ".new")
    new.write_text(json.dumps([os.getpid(), child.pid]))
    new.rename(event["file"])
    time.sleep(600)


def exits(_event: Any, _context: Any) -> None:
    sys.stdout.write("about to exit\n")
    os._exit(3)


def large(event: Any, _context: Any) -> str:
    return "x" * int(event)


def waits_for_others(event: Any, _context: Any) -> int:
    """Wait until `processes` of them have created their file in the folder."""
    folder = Path(event["folder"])
    (folder / str(os.getpid())).touch()
    while len(list(folder.iterdir())) < event["processes"]:
        time.sleep(0.005)
    return os.getpid()
