"""A local AWS for a load test: a process of its own, on its own port, in its own folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.load.calls import ACCESS_KEY, PATH
from stepline.deployment.stack import deploy
from stepline.processes import process_table

PROJECT = Path(__file__).parents[2]
STACK = "stepline"
REGION = "us-east-1"
_READY_SECONDS = 60.0
_END_SECONDS = 20.0
_POLL_SECONDS = 0.1
_CONFIG = Config(
    retries={"total_max_attempts": 1},  # a call that fails is a finding
    max_pool_connections=16,
    read_timeout=120,
    s3={"addressing_style": "path"},
)


@dataclass(frozen=True)
class LocalAws:
    """`outputs` are those of the stack of template.yaml."""

    process: subprocess.Popen[bytes]
    port: int
    directory: Path
    outputs: dict[str, str]

    @cached_property
    def _session(self) -> boto3.Session:
        return _session()

    def client(self, service: str) -> Any:
        session: Any = self._session
        return session.client(service, endpoint_url=_endpoint(self.port), config=_CONFIG)

    def calls(self) -> Counter[str]:
        """The calls so far: see `calls.PATH`."""
        with urllib.request.urlopen(_endpoint(self.port) + PATH) as answer:
            return Counter(json.loads(answer.read()))

    def log(self) -> str:
        return _log_file(self.directory).read_text(errors="replace")


@contextmanager
def deployed(
    port: int, *, parameters: dict[str, str] | None = None, open_files: int | None = None
) -> Iterator[LocalAws]:
    """Start it, deploy template.yaml to it, and end it with everything that it started.

    `parameters` are the template's. `open_files`: the limit of open files, which it cannot raise then.
    """
    with tempfile.TemporaryDirectory(prefix="stepline-load-") as name:
        directory = Path(name)
        process = _start(port, directory, open_files)
        try:
            _wait_until_ready(port, process, directory)
            yield LocalAws(process, port, directory, _deploy(port, parameters or {}))
        finally:
            _end(process, directory)


def _start(port: int, directory: Path, open_files: int | None) -> subprocess.Popen[bytes]:
    data = directory / "data"
    data.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    words = ["-m", "benchmarks.load.counted_local_aws", "--port", str(port), "--directory", str(data)]
    words += ["--region", REGION, "--until-input-closes"]  # it must not outlive us, however we end
    limit = ["sh", "-c", f'ulimit -n {open_files} && exec "$0" "$@"'] if open_files else []
    with _log_file(directory).open("wb") as log:
        return subprocess.Popen(
            [*limit, sys.executable, *words],
            cwd=PROJECT,
            env=kept | {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _deploy(port: int, parameters: dict[str, str]) -> dict[str, str]:
    return deploy(
        PROJECT / "template.yaml",
        stack_name=STACK,
        session=_session(),
        endpoint_url=_endpoint(port),
        parameters=parameters,
        report=lambda _text: None,
    )


def _wait_until_ready(port: int, process: subprocess.Popen[bytes], directory: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if _health(port).get("pid") == process.pid:
            return
        time.sleep(_POLL_SECONDS)
    raise RuntimeError(f"the local AWS is not ready: {_log_file(directory).read_text(errors='replace')}")


def _health(port: int) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(_endpoint(port) + "/_stepline/health") as answer:
            document: dict[str, Any] = json.loads(answer.read())
            return document
    except OSError:
        return {}


def _end(process: subprocess.Popen[bytes], directory: Path) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        for each in process_table.list_processes():
            if each.group == process.pid or str(directory) in each.command:
                os.kill(each.pid, signal.SIGKILL)
        process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _session() -> boto3.Session:
    return boto3.Session(aws_access_key_id=ACCESS_KEY, aws_secret_access_key="load", region_name=REGION)


def _endpoint(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _log_file(directory: Path) -> Path:
    return directory / "server.log"
