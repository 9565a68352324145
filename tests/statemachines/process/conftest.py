from __future__ import annotations

from collections.abc import Iterator

import pytest

from stepline.core import clients
from tests.statemachines.process.world import ENVIRONMENT, World


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The functions' clients talk to its services."""
    built = World()
    monkeypatch.setattr(clients, "client", built.client)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    yield built
    built.close()
