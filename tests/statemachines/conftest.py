from __future__ import annotations

from collections.abc import Iterator

import pytest

from statemachines.deploy import settings
from stepline.core import clients
from tests.statemachines.machine import ENVIRONMENT, Machine


def _forget_settings() -> None:
    settings.wait_settings.cache_clear()
    settings.stack_settings.cache_clear()
    settings.default_role_arn.cache_clear()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """A whole Deploy state machine; the handlers' clients talk to its fakes."""
    built = Machine()
    monkeypatch.setattr(clients, "cloudformation", lambda: built.clients["cloudformation"])
    monkeypatch.setattr(clients, "s3", lambda: built.clients["s3"])
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    _forget_settings()
    yield built
    _forget_settings()
