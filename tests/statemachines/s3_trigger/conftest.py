from __future__ import annotations

from collections.abc import Iterator

import pytest

from statemachines.s3_trigger import start_execution
from stepline.core import clients
from tests.fakes.clients import client_of
from tests.statemachines.s3_trigger.world import MACHINE, World


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The S3 trigger; the clients of its functions call its fakes."""
    world = World()
    monkeypatch.setattr(clients, "s3", lambda: client_of(world.s3))
    monkeypatch.setattr(clients, "stepfunctions", lambda: world.stepfunctions)
    monkeypatch.setenv("STATE_MACHINE_ARN", MACHINE)
    start_execution._is_express.cache_clear()
    yield world
    world.close()
    start_execution._is_express.cache_clear()
