from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.statemachines.deploy.machine import Machine


@pytest.fixture
def machine() -> Iterator[Machine]:
    """A whole Deploy state machine, whose functions call its fakes."""
    with Machine().connected() as machine:
        yield machine
