"""Fixtures: the local CodeCommit served by hypercorn on a free port, its boto3 client, and a git client.

One server serves all tests of a process; each test has a repository of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepline.localaws.clock import SystemClock
from stepline.localaws.codecommit import CodeCommit
from stepline.localaws.protocol import in_process_client
from tests.localaws.codecommit.git_client import GitClient, WorkingCopy
from tests.localaws.codecommit.served import Events, Repo, Served, serve

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    clock = SystemClock()
    with serve(tmp_path_factory.mktemp("codecommit"), clock) as served:
        yield served
    clock.close()


@pytest.fixture(scope="session")
def service(served: Served) -> CodeCommit:
    return served.service


@pytest.fixture(scope="session")
def client(service: CodeCommit) -> Any:
    return in_process_client(service)


@pytest.fixture
def repo(client: Any, served: Served) -> Repo:
    """A new, empty repository."""
    name = f"app-{next(_numbers)}"
    metadata = client.create_repository(repositoryName=name)["repositoryMetadata"]
    return Repo(name, metadata["repositoryId"], metadata["cloneUrlHttp"], served.events.of(name))


@pytest.fixture
def events(repo: Repo) -> Events:
    """The events of that repository."""
    return repo.events


@pytest.fixture
def git(tmp_path: Path) -> GitClient:
    home = tmp_path / "client"
    home.mkdir()
    return GitClient(home)


@pytest.fixture
def work(repo: Repo, git: GitClient) -> WorkingCopy:
    """An empty working copy of that repository, on the branch `main`."""
    return git.new("work", repo.url)
