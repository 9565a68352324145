"""`python -m statemachines.process.sample_service` as a process, with real sockets."""

from __future__ import annotations

import contextlib
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


class Program:
    """Starts it, and ends what a test has left running."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "statemachines.process.sample_service", *arguments],
            cwd=PROJECT,
            env=ENVIRONMENT | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    def serve(self, process_url: str) -> tuple[subprocess.Popen[str], int]:
        """Returns when it serves, with its port."""
        port = free_port()
        process = self.start("--port", str(port), PROCESS_URL=process_url, PROCESS_API_KEY=API_KEY)
        assert process.stdout is not None
        assert process.stdout.readline() == f"Serving on http://127.0.0.1:{port} for {process_url}\n"
        return process, port

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate()


@pytest.fixture
def program() -> Iterator[Program]:
    started = Program()
    yield started
    started.close()


@pytest.fixture
def silent_process() -> Iterator[str]:
    """The address of an API that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/prod"


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as response:
        return json.load(response)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_program_serves_until_a_signal(program: Program, silent_process: str, number: signal.Signals) -> None:
    process, port = program.serve(silent_process)
    assert _get(f"http://127.0.0.1:{port}/health") == {"status": "ok", "waiting": 0, "running": 0}
    process.send_signal(number)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output, errors) == (0, "", "")


def test_second_signal_ends_the_program_at_once(program: Program, silent_process: str) -> None:
    process, port = program.serve(silent_process)
    with socket.create_connection(("127.0.0.1", port)) as caller:
        caller.sendall(b"POST /p1 HTTP/1.1\r\nhost: s\r\ncontent-length: 2\r\n\r\n{}")
        while _get(f"http://127.0.0.1:{port}/health")["waiting"] == 0:
            pass
        process.send_signal(signal.SIGINT)
        while socket.socket().connect_ex(("127.0.0.1", port)) == 0:
            pass  # the first signal is not handled yet
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, "")


def test_connection_of_a_rejected_body_is_closed(program: Program, silent_process: str) -> None:
    process, port = program.serve(silent_process)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as caller:
        caller.sendall(b"POST /p1 HTTP/1.1\r\nhost: s\r\ncontent-length: 9000000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            caller.sendall(b" " * 8_000_000)
            assert caller.recv(12) == b"HTTP/1.1 413"
            while caller.recv(10_000):
                pass
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, output, errors) == (0, "", "")


def test_port_in_use_is_reported(program: Program, silent_process: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        process = program.start("--port", str(port), PROCESS_URL=silent_process, PROCESS_API_KEY=API_KEY)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert errors == f"sample_service: port {port} is in use: choose another with --port\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 1, "sample_service: PROCESS_URL is not set"),
        (["--port", "0"], 2, "argument --port: must be a number from 1 to 65535"),
        (["--stack", "s"], 1, "sample_service: the stack s cannot be read"),
    ],
)
def test_wrong_settings_are_reported_in_one_line(
    program: Program, arguments: list[str], code: int, message: str
) -> None:
    # No region and no credentials, and no file that has them.
    process = program.start(*arguments, HOME="/nonexistent", AWS_EC2_METADATA_DISABLED="true")
    _, errors = process.communicate(timeout=30)
    assert process.returncode == code
    assert message in errors
    assert "Traceback" not in errors
