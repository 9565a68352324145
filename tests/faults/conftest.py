"""What the tests of the simulator share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.exploration import Explorer
from tests.faults.network import ENVIRONMENT


@pytest.fixture(scope="module")
def explorer() -> Iterator[Explorer]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        yield Explorer()
