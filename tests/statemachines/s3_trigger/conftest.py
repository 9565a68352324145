from __future__ import annotations

from collections.abc import Iterator

import pytest

from statemachines.s3_trigger import start_execution
from stepline.core import clients
from tests.statemachines.s3_trigger.world import MACHINE, World


def _forget() -> None:
    start_execution._is_express.cache_clear()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The clients of the functions talk to its services."""
    built = World()
    monkeypatch.setattr(clients, "s3", lambda: built.s3_client)
    monkeypatch.setattr(clients, "stepfunctions", lambda: built.stepfunctions)
    monkeypatch.setenv("STATE_MACHINE_ARN", MACHINE)
    _forget()
    yield built
    built.close()
    _forget()
