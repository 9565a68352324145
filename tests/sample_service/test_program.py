"""`python -m sample_service` as a process, with real sockets."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port
from tests.sample_service.fake_facade import API_KEY

PROJECT = Path(__file__).parents[2]
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith(("PROCESS_", "AWS_"))}


def _start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sample_service", *arguments],
        cwd=PROJECT,
        env=ENVIRONMENT | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def silent_process() -> Iterator[str]:
    """The address of an API that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/prod"


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as response:
        return json.load(response)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_stopped(silent_process: str, number: signal.Signals) -> None:
    port = free_port()
    process = _start("--port", str(port), PROCESS_URL=silent_process, PROCESS_API_KEY=API_KEY)
    assert process.stdout is not None
    assert process.stdout.readline() == f"Serving on http://127.0.0.1:{port} for {silent_process}\n"
    health = _get(f"http://127.0.0.1:{port}/health")
    assert health == {"status": "ok", "waiting": 0, "running": 0}
    process.send_signal(number)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output, errors) == (0, "", "")


def test_a_port_that_is_in_use_is_named(silent_process: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        process = _start("--port", str(port), PROCESS_URL=silent_process, PROCESS_API_KEY=API_KEY)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (
        1,
        f"sample_service: port {port} is in use: choose another with --port\n",
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 1, "sample_service: PROCESS_URL is not set"),
        (["--port", "0"], 2, "argument --port: must be a number from 1 to 65535"),
        (["--stack", "s"], 1, "sample_service: the stack s cannot be looked up"),
    ],
)
def test_a_mistake_gets_one_line(arguments: list[str], code: int, message: str) -> None:
    # No region and no credentials, and no file that has them.
    process = _start(*arguments, HOME="/nonexistent", AWS_EC2_METADATA_DISABLED="true")
    output, errors = process.communicate(timeout=30)
    assert process.returncode == code
    assert message in errors
    assert "Traceback" not in errors
    assert API_KEY not in output + errors
