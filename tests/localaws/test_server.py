"""The process of the local AWS: how it stops, and its limits."""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from stepline.aws.local_servers import read_health
from tests.ports import free_port
from tests.waiting import wait_for

_START_SECONDS = 30.0
_WAIT_SECONDS = 20.0
_STOP_SECONDS = 30.0
_TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    },
}

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


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen[bytes]
    port: int
    directory: Path

    def client(self, service: str, **credentials: str) -> Any:
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"} | credentials
        session: Any = boto3.Session(region_name="us-east-1", **keys)  # type: ignore[arg-type]
        config = Config(retries={"total_max_attempts": 1})
        return session.client(service, endpoint_url=f"http://127.0.0.1:{self.port}", config=config)

    def create_function(self, source: str, *, timeout_seconds: int = 60) -> str:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as target:
            target.writestr("function.py", source)
        role = self.client("iam").create_role(RoleName="test", AssumeRolePolicyDocument=json.dumps(_TRUST))
        self.client("lambda").create_function(
            FunctionName="f",
            Runtime="python3.13",
            Role=role["Role"]["Arn"],
            Handler="function.handler",
            Code={"ZipFile": archive.getvalue()},
            Timeout=timeout_seconds,
        )
        return "f"

    def invoke_in_background(self, name: str, started: Path) -> None:
        """Invoke the function, and return as soon as it runs."""

        def invoke() -> None:
            with contextlib.suppress(ClientError, BotoCoreError):
                self.client("lambda").invoke(FunctionName=name, Payload=f'{{"started": "{started}"}}')

        threading.Thread(target=invoke, daemon=True).start()
        wait_for(started.exists, seconds=_WAIT_SECONDS)

    def children(self) -> list[int]:
        """Return the ids of processes whose current directory is below the server's directory."""
        return [
            int(process.name)
            for process in Path("/proc").iterdir()
            if process.name.isdigit() and int(process.name) != self.process.pid and self._is_child(process)
        ]

    def _is_child(self, process: Path) -> bool:
        try:
            return str(self.directory) in str((process / "cwd").readlink())
        except OSError:
            return False


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running_server(tmp_path) as server:
        yield server


@contextlib.contextmanager
def running_server(tmp_path: Path, *options: str, **settings: Any) -> Iterator[Server]:
    """Start the local AWS, wait until it is healthy, and kill it at the end."""
    port = free_port()
    directory = tmp_path / "data"
    directory.mkdir()
    program = [sys.executable, "-m", "stepline.localaws"]
    command = [*program, "--port", str(port), "--directory", str(directory), *options]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    process = subprocess.Popen(command, env=environment, **settings)
    try:
        wait_for(lambda: read_health(port).get("pid") == process.pid, seconds=_START_SECONDS)
        yield Server(process, port, directory)
    finally:
        process.kill()
        process.wait()


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
