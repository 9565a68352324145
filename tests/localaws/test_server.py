"""The process of the local AWS: how it stops, and its limits."""

from __future__ import annotations

import resource
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.localaws.running_server import Server, running_server
from tests.waiting import wait_for

_WAIT_SECONDS = 20.0
_STOP_SECONDS = 30.0
_SLEEPING_FUNCTION = """
import pathlib, time

def handler(event, context):
    pathlib.Path(event["started"]).touch()
    time.sleep(60)
"""

_CALLING_FUNCTION = """
import pathlib, boto3

def handler(event, context):
    pathlib.Path(event["started"]).touch()
    while True:
        boto3.client("sts").get_caller_identity()
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running_server(tmp_path) as server:
        yield server


@pytest.mark.parametrize("source", [_SLEEPING_FUNCTION, _CALLING_FUNCTION], ids=["sleeping", "calling"])
def test_sigterm_stops_the_server_and_the_function_that_runs(
    server: Server, tmp_path: Path, source: str
) -> None:
    server.invoke_in_background(server.create_function(source), tmp_path / "started")
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(_STOP_SECONDS) == 0
    assert not server.children()
    assert not list(server.directory.rglob("function.py"))


def test_function_ends_after_the_server_was_killed(server: Server, tmp_path: Path) -> None:
    server.invoke_in_background(server.create_function(_SLEEPING_FUNCTION), tmp_path / "started")
    assert server.children()
    server.process.kill()
    server.process.wait()
    wait_for(lambda: not server.children(), seconds=_WAIT_SECONDS)


def test_server_stops_when_its_input_closes(tmp_path: Path) -> None:
    with running_server(tmp_path, "--until-input-closes", stdin=subprocess.PIPE) as server:
        assert server.process.stdin is not None
        server.process.stdin.close()
        assert server.process.wait(_STOP_SECONDS) == 0


def test_server_raises_its_limit_of_open_files(tmp_path: Path) -> None:
    """The default of macOS is 256; a running function needs four files, a connection one."""
    soft, hard = 256, resource.getrlimit(resource.RLIMIT_NOFILE)[1]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    with running_server(tmp_path, preexec_fn=limit) as server:
        limits = Path(f"/proc/{server.process.pid}/limits").read_text()
        soft_limit = next(
            line.split()[3] for line in limits.splitlines() if line.startswith("Max open files")
        )
        assert int(soft_limit) == min(hard, 65_536)
