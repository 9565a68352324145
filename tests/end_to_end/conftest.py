"""One local AWS for all end-to-end tests, started and stopped as a user would do it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.local_aws import LocalAws
from tests.ports import free_port

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the commands run with: nothing of the user's own AWS, git or running local AWS."""
    home = tmp_path_factory.mktemp("home")
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "GIT_", "STEPLINE_"))
    }
    return kept | {"HOME": str(home), "XDG_RUNTIME_DIR": str(home), "TMPDIR": str(home), "NO_COLOR": "1"}


@pytest.fixture(scope="session")
def local_aws(environment: dict[str, str]) -> Iterator[LocalAws]:
    port = free_port()
    stepline(environment, "up", "--detach", "--port", str(port))
    try:
        yield LocalAws(port=port, environment=environment, project=PROJECT)
    finally:
        stepline(environment, "down", "--port", str(port))


def stepline(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stepline", *arguments]
    result = subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, f"{' '.join(command)}\n{result.stdout}\n{result.stderr}"
    return result


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """A copy of the sample application, to change and push."""
    return Path(shutil.copytree(PROJECT / "app", tmp_path / "app"))
