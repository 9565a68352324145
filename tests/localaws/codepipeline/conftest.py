from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.localaws.codepipeline.fakes import World
from tests.localaws.codepipeline.remote import RemotePipeline
from tests.localaws.running_server import Server, running_server


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("local-aws")) as running:
        yield running


@pytest.fixture
def remote(server: Server) -> RemotePipeline:
    return RemotePipeline(server)
