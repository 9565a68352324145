"""One local AWS for all end-to-end tests, started and stopped as a user would do it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.local_aws import LocalAws, stepline
from tests.ports import free_port

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def local_aws(environment: dict[str, str]) -> Iterator[LocalAws]:
    port = free_port()
    stepline(environment, "up", "--detach", "--port", str(port))
    try:
        yield LocalAws(port=port, environment=environment, project=PROJECT)
    finally:
        stepline(environment, "down", "--port", str(port))


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """A copy of the sample application, to change and push."""
    return Path(shutil.copytree(PROJECT / "app", tmp_path / "app"))
