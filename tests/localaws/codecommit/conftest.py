"""A local CodeCommit, its boto3 client, and its git side served by hypercorn on a free port."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stepline.localaws.clock import SystemClock
from stepline.localaws.codecommit import CodeCommit
from stepline.localaws.protocol import in_process_client
from tests.localaws.codecommit.git_client import GitClient
from tests.localaws.codecommit.served import Events, Served, serve


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def served(tmp_path: Path, events: Events) -> Iterator[Served]:
    clock = SystemClock()
    with serve(tmp_path / "codecommit", clock, events) as served:
        yield served
    clock.close()


@pytest.fixture
def service(served: Served) -> CodeCommit:
    return served.service


@pytest.fixture
def client(service: CodeCommit) -> object:
    return in_process_client(service)


@pytest.fixture
def git(tmp_path: Path) -> GitClient:
    home = tmp_path / "client"
    home.mkdir()
    return GitClient(home)
