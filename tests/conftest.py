"""What several folders of tests share."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from stepline.deployment.systems import list_systems
from tests.end_to_end.local_aws import LocalAws, stepline
from tests.ports import free_port

PROJECT = Path(__file__).parents[1]
_GARBAGE_THRESHOLDS = (10_000, 20, 100)
"""Python's own are 700, 10 and 10; but most objects are those of worlds and models, which are no garbage."""


def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are processors: a third of the time, tests wait for servers."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage during collection, exempt what was collected, and rarely collect it afterwards.

    It would take half of the time of the collection, and a third of that of the tests.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(*_GARBAGE_THRESHOLDS)
        gc.enable()


def system_names() -> list[str]:
    """As `--with` takes them."""
    return [system.name for system in list_systems(PROJECT)]


@pytest.fixture
def isolated_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Without the user's AWS settings, in UTC, and with a folder of its own for state files."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def git_without_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """git without the user's configuration and without what git sets for hooks."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the commands run with: nothing of the user's own AWS, git or running local AWS."""
    home = tmp_path_factory.mktemp("home")
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "GIT_", "STEPLINE_"))
    }
    return kept | {"HOME": str(home), "XDG_RUNTIME_DIR": str(home), "TMPDIR": str(home), "NO_COLOR": "1"}


@pytest.fixture(scope="session")
def systems(environment: dict[str, str]) -> Iterator[LocalAws]:
    """A local AWS with all systems, as `stepline up --with` deploys them.

    For tests of the group "systems" (`pytest.mark.xdist_group`), so that only one is started.
    """
    port = str(free_port())
    stepline(environment, "up", "--detach", "--port", port, "--with", ",".join(system_names()))
    try:
        yield LocalAws(port=int(port), environment=environment, project=PROJECT)
    finally:
        stepline(environment, "down", "--port", port)
