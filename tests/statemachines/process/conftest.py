from __future__ import annotations

from collections.abc import Iterator

import pytest

from stepline.core import clients
from tests.statemachines.process.world import World, environment


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The process; the clients of its functions call its fakes."""
    world = World()
    monkeypatch.setattr(clients, "client", world.client)
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    yield world
    world.close()
