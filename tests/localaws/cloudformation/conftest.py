"""A running local AWS for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.localaws.cloudformation.deployments import Deployment
from tests.localaws.running_server import Server, running_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("local-aws")) as running:
        yield running


@pytest.fixture
def deployment(server: Server) -> Deployment:
    return Deployment.on(server)
