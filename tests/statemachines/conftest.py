from __future__ import annotations

import pytest

from stepline.core import clients
from tests.statemachines.machine import ENVIRONMENT, Machine


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A whole Deploy state machine; the handlers' clients talk to its fakes."""
    built = Machine()
    monkeypatch.setattr(clients, "cloudformation", lambda: built.clients["cloudformation"])
    monkeypatch.setattr(clients, "s3", lambda: built.clients["s3"])
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return built
