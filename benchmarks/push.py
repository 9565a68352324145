"""Measures the time from `git push` to the deployed stack on the local AWS."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from tests.end_to_end.local_aws import LocalAws
from tests.ports import free_port

_PROJECT = Path(__file__).parents[1]
_RUNS = 5


def measure() -> dict[str, float]:
    """Return seconds by step. The later pushes change nothing, to leave out CloudFormation's work."""
    with _environment() as environment, tempfile.TemporaryDirectory() as name:
        port = free_port()
        begin = time.perf_counter()
        _stepline(environment, "up", "--detach", "--port", str(port))
        started = time.perf_counter() - begin
        try:
            local_aws = LocalAws(port=port, environment=environment, project=_PROJECT)
            folder = Path(shutil.copytree(_PROJECT / "app", Path(name) / "app"))
            first, *following = [_seconds_to_success(local_aws, folder) for _ in range(1 + _RUNS)]
        finally:
            _stepline(environment, "down", "--port", str(port))
    return {
        "stepline up": started,
        "first push, creates the stack": first,
        "later push, changes nothing": median(following),
    }


def _seconds_to_success(local_aws: LocalAws, folder: Path) -> float:
    begin = time.perf_counter()
    outcome = local_aws.deploy(folder)
    if outcome.status != "Succeeded":
        raise RuntimeError(outcome.error)
    return time.perf_counter() - begin


@contextmanager
def _environment() -> Iterator[dict[str, str]]:
    """Return an environment in which the user's local AWS is not found."""
    with tempfile.TemporaryDirectory() as home:
        yield os.environ | {"XDG_RUNTIME_DIR": home, "HOME": home}


def _stepline(environment: dict[str, str], *arguments: str) -> None:
    command = [sys.executable, "-m", "stepline", *arguments]
    subprocess.run(command, check=True, cwd=_PROJECT, env=environment, stdout=subprocess.DEVNULL)
