from __future__ import annotations

from collections.abc import Iterator

import pytest

from statemachines.process import settings
from stepline.core import clients
from tests.statemachines.process.world import ENVIRONMENT, World


def _forget() -> None:
    for setting in (settings.data_bucket, settings.process_machine, settings.downstream_machine):
        setting.cache_clear()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The functions' clients talk to its services."""
    built = World()
    monkeypatch.setattr(clients, "client", built.client)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    _forget()
    yield built
    built.close()
    _forget()
