"""A Step Functions service on a virtual clock, with functions in this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stepline.localaws.clock import SystemClock
from tests.localaws.stepfunctions.world import World


@pytest.fixture
def world() -> Iterator[World]:
    """Virtual time: nothing runs until the test moves the clock."""
    world = World()
    yield world
    world.close()


@pytest.fixture
def real_world() -> Iterator[World]:
    """Real time and real threads."""
    clock = SystemClock()
    world = World(clock)
    yield world
    world.close()
    clock.close()
